import MillraceIO
public import MillraceStorage

/// A cluster's replication slots, each with a directory below `pg_replslot` (src/backend/replication/slot.c).
public final class ReplicationSlots: Sendable {
  private let fileSystem: IOFileSystem
  private let directory: String
  private let max: Int
  private let state: Locked<State>
  private let released = OwnedEventCount()

  private struct State {
    var slots: [String: ReplicationSlot] = [:]
    /// Changed since they were written.
    var dirty: Set<String> = []
  }

  /// Reads the slots of a cluster. What a crash has left half made, or half dropped, is removed.
  /// - Throws: ``EngineError``: a slot that cannot be read. What it holds back would be lost without it.
  init(_ fileSystem: IOFileSystem, directory: String, max: Int) throws(EngineError) {
    (self.fileSystem, self.directory, self.max) = (fileSystem, directory, max)
    var slots: [String: ReplicationSlot] = [:]
    do throws(IOError) {
      for name in try fileSystem.exists(directory) ? fileSystem.list(directory) : [] {
        let path = "\(directory)/\(name)"
        if name.hasSuffix(".tmp") {
          try Self.remove(path, fileSystem)
          continue
        }
        let slot = try Self.read(path, fileSystem)
        if slot.persistency == .persistent { slots[slot.name] = slot } else { try Self.remove(path, fileSystem) }
      }
    } catch {
      throw EngineError(.corrupted, error.description)
    }
    guard slots.count <= max else {
      throw EngineError(
        .invalidSetting,
        "there are \(slots.count) replication slots; set \"max_replication_slots\" to at least that many")
    }
    state = Locked(State(slots: slots))
  }

  private static func read(_ path: String, _ fileSystem: IOFileSystem) throws(IOError) -> ReplicationSlot {
    let bytes = try fileSystem.readAll("\(path)/state")
    do throws(ReplicationSlotError) {
      return try ReplicationSlotFile.decode(bytes)
    } catch {
      throw IOError(.invalidConfiguration, message: "replication slot file \"\(path)/state\" \(error.message)")
    }
  }

  private static func remove(_ path: String, _ fileSystem: IOFileSystem) throws(IOError) {
    for name in try fileSystem.list(path) { try fileSystem.remove("\(path)/\(name)") }
    try fileSystem.removeDirectory(path)
  }

  /// In the order of their names.
  public var all: [ReplicationSlot] { state.withLock { $0.slots.values.sorted { $0.name < $1.name } } }

  public subscript(name: String) -> ReplicationSlot? { state.withLock { $0.slots[name] } }

  /// Whether a slot of that name could be made: where not, why.
  static func check(name: String) throws(ReplicationSlotError) {
    guard let problem = ReplicationSlot.problem(withName: name) else { return }
    throw ReplicationSlotError(
      .invalidName, problem,
      hint: "Replication slot names may only contain lower case letters, numbers, and the underscore character.")
  }

  // MARK: Making and dropping

  /// Makes a slot, durably where it is persistent.
  /// - Parameter restartPosition: from where the log is kept; invalid for not yet.
  public func create(
    _ name: String, _ persistency: ReplicationSlot.Persistency, restartPosition: LogSequenceNumber = .invalid,
    by processID: UInt32? = nil
  ) throws(ReplicationSlotError) {
    try Self.check(name: name)
    var slot = ReplicationSlot(name: name, persistency: persistency, restartPosition: restartPosition)
    slot.activeProcessID = processID
    try state.withLock { state throws(ReplicationSlotError) in
      guard state.slots[name] == nil else {
        throw ReplicationSlotError(.duplicate, "replication slot \"\(name)\" already exists")
      }
      guard state.slots.count < max else {
        throw ReplicationSlotError(
          .tooMany, "all replication slots are in use", hint: "Free one or increase \"max_replication_slots\".")
      }
      do throws(IOError) { try writeNew(slot) } catch { throw ReplicationSlotError(.io, error.description) }
      state.slots[name] = slot
    }
  }

  /// The directory comes with its file in it, by one renaming.
  private func writeNew(_ slot: ReplicationSlot) throws(IOError) {
    let temporary = "\(directory)/\(slot.name).tmp"
    if try fileSystem.exists(temporary) { try Self.remove(temporary, fileSystem) }
    try fileSystem.makeDirectory(temporary)
    try fileSystem.writeDurably("\(temporary)/state", ReplicationSlotFile.encode(slot))
    try fileSystem.syncDirectory(temporary)
    try fileSystem.rename(temporary, to: "\(directory)/\(slot.name)")
    try fileSystem.syncDirectory(directory)
  }

  /// Drops a slot.
  /// - Parameter waits: until nobody uses it any more.
  /// - Throws: ``ReplicationSlotError``: there is none, or it is in use.
  public func drop(_ name: String, waits: Bool = false, by processID: UInt32? = nil) throws(ReplicationSlotError) {
    while true {
      let ticket = released.event.prepare()
      let user = try state.withLock { state throws(ReplicationSlotError) -> UInt32? in
        guard let slot = state.slots[name] else { throw Self.undefined(name) }
        if let user = slot.activeProcessID, user != processID { return user }
        do throws(IOError) { try removeFiles(name) } catch { throw ReplicationSlotError(.io, error.description) }
        state.slots[name] = nil
        state.dirty.remove(name)
        return nil
      }
      guard let user else { return }
      guard waits else { throw Self.inUse(name, user) }
      released.event.sleep(ticket)
    }
  }

  /// Renamed first, so that a crash leaves it whole or marked for removal.
  private func removeFiles(_ name: String) throws(IOError) {
    let temporary = "\(directory)/\(name).tmp"
    try fileSystem.rename("\(directory)/\(name)", to: temporary)
    try fileSystem.syncDirectory(directory)
    try Self.remove(temporary, fileSystem)
  }

  private static func undefined(_ name: String) -> ReplicationSlotError {
    ReplicationSlotError(.undefined, "replication slot \"\(name)\" does not exist")
  }

  private static func inUse(_ name: String, _ user: UInt32) -> ReplicationSlotError {
    ReplicationSlotError(.inUse, "replication slot \"\(name)\" is active for PID \(user)")
  }

  // MARK: Using

  /// Takes a slot for a session.
  public func acquire(_ name: String, by processID: UInt32) throws(ReplicationSlotError) -> ReplicationSlot {
    try state.withLock { state throws(ReplicationSlotError) in
      guard var slot = state.slots[name] else { throw Self.undefined(name) }
      if let user = slot.activeProcessID, user != processID { throw Self.inUse(name, user) }
      guard !slot.isInvalidated else {
        throw ReplicationSlotError(
          .invalidated, "can no longer access replication slot \"\(name)\"",
          hint: "The slot held back more WAL than \"max_slot_wal_keep_size\"; drop it and begin anew.")
      }
      slot.activeProcessID = processID
      state.slots[name] = slot
      return slot
    }
  }

  /// Gives it back. A temporary slot stays until its session ends.
  public func release(_ name: String) {
    state.withLock { $0.slots[name]?.activeProcessID = nil }
    released.event.signalAll()
  }

  /// Who used it has log up to a position, durably: what comes before need not be kept. On disk with the next
  /// checkpoint, which suffices: an older position keeps more.
  public func advance(_ name: String, to position: LogSequenceNumber) {
    state.withLock { state in
      guard let slot = state.slots[name], slot.restartPosition < position else { return }
      state.slots[name]?.restartPosition = position
      state.dirty.insert(name)
    }
  }

  /// Drops the temporary slots of a session that has ended.
  public func dropTemporary(of processID: UInt32) {
    for slot in all where slot.persistency == .temporary && slot.activeProcessID == processID {
      try? drop(slot.name, by: processID)
    }
  }

  // MARK: Checkpoints

  /// Writes what has changed, and says from where on log is needed: PostgreSQL's CheckPointReplicationSlots,
  /// ReplicationSlotsComputeRequiredLSN and InvalidateObsoleteReplicationSlots.
  /// - Parameter oldest: a slot that needs log before it is given up; invalid for none.
  /// - Returns: the oldest position that a slot needs; nil where none needs any.
  func checkpoint(givingUpBefore oldest: LogSequenceNumber) throws(IOError) -> LogSequenceNumber? {
    try state.withLock { state throws(IOError) in
      for (name, slot) in state.slots
      where !slot.isInvalidated && slot.restartPosition != .invalid && slot.restartPosition < oldest {
        state.slots[name]?.isInvalidated = true
        state.dirty.insert(name)
      }
      for name in state.dirty.sorted() {
        guard let slot = state.slots[name] else { continue }
        try fileSystem.writeDurably("\(directory)/\(name)/state", ReplicationSlotFile.encode(slot))
        state.dirty.remove(name)
      }
      return state.slots.values.filter { !$0.isInvalidated && $0.restartPosition != .invalid }
        .map(\.restartPosition).min()
    }
  }
}
