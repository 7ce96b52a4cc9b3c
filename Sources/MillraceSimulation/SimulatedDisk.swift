import Glibc
public import MillraceIO

/// A file system in memory whose faults a seed determines.
///
/// Every file has two images, what reads see and what would survive; a sync makes the second like the first.
/// ``crash()`` keeps, of the difference, what the ``FaultModel`` and the seed say. Names have the same two images, and
/// a directory is synced by itself (``syncDirectory(_:)``).
///
/// All of it behind one lock: any thread may use it, and one thread that does the same finds the same.
public final class SimulatedDisk: IOFileSystem, @unchecked Sendable {
  // Safe because everything mutable is inside `state`, and nodes are touched only with its lock.

  /// Bytes that survive or are lost together, and what direct I/O is aligned to.
  public let sectorSize: Int

  let state: Locked<State>

  struct State {
    var random: SimulationRandom
    var faults: FaultModel
    var counts = FaultCounts()
    let sectorSize: Int
    /// Sectors.
    var capacity: Int
    var usedSectors = 0
    /// Raised by a crash: files that were open before are dead.
    var epoch = 0
    var names = SimulatedNames()
    var power = SimulatedPower()
  }

  /// - Parameters:
  ///   - seed: determines which operations fail, and how.
  ///   - sectorSize: a power of two.
  ///   - capacity: bytes, in whole sectors; only bounds where ``FaultModel/isBounded`` says so.
  public init(seed: UInt64, sectorSize: Int = 4096, capacity: Int = .max, faults: FaultModel = .none) {
    requireUse(sectorSize > 0 && sectorSize & (sectorSize - 1) == 0, "a sector has a power of two of bytes")
    self.sectorSize = sectorSize
    state = Locked(
      State(
        random: SimulationRandom(seed: seed), faults: faults, sectorSize: sectorSize, capacity: capacity / sectorSize))
    super.init()
  }

  // MARK: Faults

  /// What may go wrong from now on.
  public var faults: FaultModel {
    get { state.withLock { $0.faults } }
    set { state.withLock { $0.faults = newValue } }
  }

  /// What has gone wrong so far.
  public var faultCounts: FaultCounts { state.withLock { $0.counts } }

  /// Bytes that fit, in whole sectors, where ``FaultModel/isBounded`` says that it matters.
  public var capacity: Int {
    get { state.withLock { $0.capacity } * sectorSize }
    set { state.withLock { $0.capacity = newValue / sectorSize } }
  }

  /// Whether a directory has to be made before something can be in it, as on a real file system. Otherwise it is there
  /// as soon as something is.
  public var requiresDirectories: Bool {
    get { state.withLock { $0.names.requiresDirectories } }
    set { state.withLock { $0.names.requiresDirectories = newValue } }
  }

  /// Bytes in use, in whole sectors.
  public var usedBytes: Int { state.withLock { $0.usedSectors } * sectorSize }

  /// Ends everything that the machine was doing. What was not synced is lost as the ``FaultModel`` says; every open
  /// file fails with EIO from now on and has to be opened again.
  public func crash() {
    state.withLock { state in
      let faults = state.faults
      var random = state.random.split()
      state.names.crash { faults.losesUnsyncedNames ? random.below($0 + 1) : $0 }
      // What is drawn is drawn in the order of the names, so that it does not depend on a hash.
      for file in state.names.files.filter({ $0.node.isUnsynced }).sorted(by: { $0.path < $1.path }) {
        file.node.crash(bySector: faults.tearsUnsyncedWrites) { !faults.losesUnsyncedWrites || random.oneIn(2) }
      }
      for file in state.names.files {
        file.node.forgetCached()
        file.node.openCount = 0
      }
      state.restart()
    }
  }

  /// Ends the process that uses the disk, and not the machine: every open file fails with EIO from now on, as after
  /// ``crash()``. But what was done stays in the system's cache as it is, unsynced: the next process finds it there,
  /// and a later crash may still lose it.
  public func endProcess() {
    state.withLock { state in
      for file in state.names.files { file.node.openCount = 0 }
      state.restart()
    }
  }

  /// Lets the power go off after so many more operations on files and names: from then on all of them fail with EIO
  /// and change nothing, until ``crash()`` brings the machine up again.
  ///
  /// With ``SimulatedEngine/crash()``, writes that were in flight in that moment may have their effect, or a part of
  /// it.
  public func powerOff(after operations: Int) { state.withLock { $0.power.remaining = operations } }

  /// Operations on files and names that there have been since the start or the last crash, to draw a moment from for
  /// ``powerOff(after:)``.
  public var operationCount: Int { state.withLock { $0.power.operationCount } }

  /// Whether the power has not gone off; see ``powerOff(after:)``.
  public var hasPower: Bool { state.withLock { !$0.power.isOff } }

  /// While `body` runs, what is written has its effect although the power is off, but nothing is durable by itself,
  /// however its file was opened: the effect of a write that nobody was told of may be a part of it.
  func whileLosingPower(_ body: () -> Void) {
    state.withLock { $0.power.isGoing = true }
    body()
    state.withLock { $0.power.isGoing = false }
  }

  // MARK: Names

  /// Opens a file; see ``DescriptorFile/open(_:name:_:blockSize:firstBlock:)``.
  public override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    try openFile(path, name: name, options, blockSize: blockSize, firstBlock: firstBlock)
  }

  /// Opens a file, as what it is.
  public func openFile(
    _ path: String, name: String? = nil, _ options: IOFileOptions, blockSize: Int = 8192, firstBlock: UInt64 = 0
  ) throws(IOError) -> SimulatedFile {
    let opened = state.withLock { state -> Result<(SimulatedNode, Int), SystemFailure> in
      guard state.power.allowsOperation() else { return .failure(SystemFailure(errno: EIO)) }
      return state.open(path, options).map { ($0, state.epoch) }
    }
    switch opened {
    case .success(let (node, epoch)):
      let alignment = DirectIOAlignment(memory: sectorSize, offset: sectorSize, source: .fileSystem)
      return SimulatedFile(
        disk: self, node: node, epoch: epoch, path: name ?? path, options: options,
        alignment: options.contains(.direct) ? alignment : .none, blockSize: blockSize, firstBlock: firstBlock)
    case .failure(let failure):
      throw IOError(.systemCall, errno: failure.errno, message: "could not open file \"\(name ?? path)\"")
    }
  }

  public override func exists(_ path: String) -> Bool {
    state.withLock { $0.names[path] != nil || $0.names.isDirectory(path) }
  }

  public override func kind(of path: String) -> IOFileKind? {
    state.withLock { $0.names[path] != nil ? .file : $0.names.isDirectory(path) ? .directory : nil }
  }

  public override func list(_ directory: String) throws(IOError) -> [String] {
    let names = state.withLock { $0.names.isDirectory(directory) ? $0.names.children(of: directory) : nil }
    guard let names else {
      throw IOError(.systemCall, errno: ENOENT, message: "could not open directory \"\(directory)\"")
    }
    return names.sorted()
  }

  public override func makeDirectory(_ path: String) throws(IOError) {
    try change("could not create directory \"\(path)\"") { $0.names.makeDirectory(path) }
  }

  public override func remove(_ path: String) throws(IOError) {
    try change("could not remove file \"\(path)\"") { state in
      switch state.names.unlink(path) {
      case .success(let node): state.releaseIfUnused(node)
      case .failure(let failure): return failure.errno
      }
      return nil
    }
  }

  public override func removeDirectory(_ path: String) throws(IOError) {
    try change("could not remove directory \"\(path)\"") { $0.names.removeDirectory(path) }
  }

  public override func rename(_ path: String, to newPath: String) throws(IOError) {
    try change("could not rename file \"\(path)\" to \"\(newPath)\"") { state in
      switch state.names.rename(path, to: newPath) {
      case .success(let replaced): if let replaced { state.releaseIfUnused(replaced) }
      case .failure(let failure): return failure.errno
      }
      return nil
    }
  }

  /// Makes what was done to the names in a directory survive, and, as in a journal, what was done to any name before.
  public override func syncDirectory(_ directory: String) throws(IOError) {
    let failure = state.withLock { state -> Int32? in
      guard state.power.allowsOperation() else { return EIO }
      guard state.random.oneIn(state.faults.syncErrors) else { return state.names.sync(directory) }
      state.counts.syncErrors += 1
      return EIO
    }
    if let failure {
      throw IOError(.systemCall, errno: failure, message: "could not fsync directory \"\(directory)\"")
    }
  }

  /// Changes names, unless the disk is read-only.
  private func change(_ message: @autoclosure () -> String, _ body: (inout State) -> Int32?) throws(IOError) {
    let failure = state.withLock { state -> Int32? in
      guard state.power.allowsOperation() else { return EIO }
      return state.faults.isReadOnly ? state.refuseChange() : body(&state)
    }
    if let failure { throw IOError(.systemCall, errno: failure, message: message()) }
  }

  // MARK: Looking and meddling

  /// What reads of a file would see if nothing failed; nil where there is none. For checks: no fault touches it.
  public func contents(of path: String) -> [UInt8]? {
    state.withLock { state in
      guard let node = state.names[path] else { return nil }
      return [UInt8](unsafeUninitializedCapacity: node.cached.length) { bytes, count in
        node.read(
          0, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[..<node.cached.length]))
        count = node.cached.length
      }
    }
  }

  /// The sectors of a file that cannot be read, in order.
  public func badSectors(of path: String) -> [Int] { state.withLock { $0.names[path]?.badSectors.sorted() ?? [] } }

  /// Makes a sector unreadable until it is overwritten, as long as ``FaultModel/badSectorsFail``.
  public func damageSector(_ number: Int, of path: String) {
    state.withLock { _ = $0.names[path]?.badSectors.insert(number) }
  }

  /// Inverts bits of a byte behind everybody's back, durably: what a disk does that lies.
  public func flipBits(_ mask: UInt8, at offset: Int, of path: String) {
    state.withLock { $0.names[path]?.flipBits(mask, at: offset) }
  }
}

/// An errno on its way out of the lock.
struct SystemFailure: Error {
  let errno: Int32
}

extension SimulatedDisk.State {
  /// What was open is open no more, and the power is on.
  fileprivate mutating func restart() {
    usedSectors = names.files.reduce(0) { $0 + $1.node.cached.sectors.count }
    epoch += 1
    power = SimulatedPower()
  }

  fileprivate mutating func open(_ path: String, _ options: IOFileOptions) -> Result<SimulatedNode, SystemFailure> {
    let changes = options.contains(.write) || options.contains(.truncate)
    if faults.isReadOnly, changes || options.contains(.create) && names[path] == nil {
      return .failure(SystemFailure(errno: refuseChange()))
    }
    if let node = names[path] {
      if options.contains(.create), options.contains(.exclusive) { return .failure(SystemFailure(errno: EEXIST)) }
      if options.contains(.truncate) { resize(node, to: 0) }
      node.openCount += 1
      return .success(node)
    }
    if names.isDirectory(path) { return .failure(SystemFailure(errno: EISDIR)) }
    guard options.contains(.create) else { return .failure(SystemFailure(errno: ENOENT)) }
    let node = SimulatedNode(sectorSize: sectorSize)
    if let failure = names.link(path, node) { return .failure(SystemFailure(errno: failure)) }
    node.openCount += 1
    return .success(node)
  }

  mutating func refuseChange() -> Int32 {
    counts.readOnly += 1
    return EROFS
  }

  mutating func resize(_ node: SimulatedNode, to length: Int) {
    let before = node.cached.sectors.count
    node.resize(to: length)
    usedSectors += node.cached.sectors.count - before
  }

  /// Frees a file that has neither a name nor a user.
  mutating func releaseIfUnused(_ node: SimulatedNode) {
    if !node.isLinked, node.openCount == 0 { usedSectors -= node.cached.sectors.count }
  }
}
