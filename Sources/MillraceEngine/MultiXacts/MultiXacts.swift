import MillraceIO
import MillraceStorage
import MillraceWAL

/// Which transactions share a row, where a tuple has room for one number only: PostgreSQL's `pg_multixact`
/// (src/backend/access/transam/multixact.c).
///
/// A multixact's number leads to an entry of `offsets`, which says where in `members` its transactions begin; they end
/// where those of the next number begin. Of members, four have their statuses in four bytes before their numbers.
final class MultiXacts: Sendable {
  static let firstValid: UInt32 = 1
  private static let offsetsPerPage: UInt32 = 2048
  private static let membersPerGroup: UInt32 = 4
  private static let groupSize = 20
  static let membersPerPage: UInt32 = 1636

  private struct State {
    var next: UInt32 = 1
    var nextOffset: UInt32 = 0
    var oldest: UInt32 = 1
    var oldestDatabase: UInt32 = 1
    /// Where the members of the oldest begin; nil where that is not known yet.
    var oldestOffset: UInt32?
    /// What was asked for last.
    var cache: [UInt32: [MultiXactMember]] = [:]
  }

  private let offsets: SimpleLRU
  private let members: SimpleLRU
  private let state = Locked(State())
  /// By session: the oldest number that its transaction could become a member of, and the oldest that it may still look
  /// up; 0 for none. Under `state`.
  private let oldestMember: AtomicWords
  private let oldestVisible: AtomicWords

  /// - Parameter directory: `pg_multixact`.
  init(
    fileSystem: IOFileSystem, directory: String, isSynced: Bool, sessionsMax: Int = 4096
  ) throws(EngineError) {
    offsets = try SimpleLRU(
      fileSystem, directory: "\(directory)/offsets", name: "pg_multixact/offsets", what: "the multixact log",
      pageCount: 16, isSynced: isSynced)
    members = try SimpleLRU(
      fileSystem, directory: "\(directory)/members", name: "pg_multixact/members", what: "the multixact log",
      pageCount: 32, isSynced: isSynced)
    oldestMember = AtomicWords(count: sessionsMax)
    oldestVisible = AtomicWords(count: sessionsMax)
  }

  func setFlushLog(_ flush: @escaping (LogSequenceNumber, IOBackend) throws(EngineError) -> Void) {
    offsets.flushLog = flush
    members.flushLog = flush
  }

  func setToleratesMissing(_ tolerates: Bool) {
    offsets.setToleratesMissing(tolerates)
    members.setToleratesMissing(tolerates)
  }

  /// After recovery: where the numbers go on.
  func begin(next: UInt32, offset: UInt32, oldest: UInt32, oldestDatabase: UInt32 = 1) {
    state.withLock { state in
      (state.next, state.nextOffset) = (max(next, Self.firstValid), offset)
      (state.oldest, state.oldestDatabase) = (oldest, oldestDatabase)
    }
  }

  /// What checkpoints say.
  var position: (next: UInt32, nextOffset: UInt32, oldest: UInt32, oldestDatabase: UInt32) {
    state.withLock { ($0.next, $0.nextOffset, $0.oldest, $0.oldestDatabase) }
  }

  @discardableResult
  func checkpoint(_ backend: IOBackend) throws(EngineError) -> Int {
    try offsets.checkpoint(backend) + members.checkpoint(backend)
  }

  func close(_ backend: IOBackend) {
    offsets.close(backend)
    members.close(backend)
  }

  // MARK: Numbers

  static func precedes(_ left: UInt32, _ right: UInt32) -> Bool { Int32(bitPattern: left &- right) < 0 }

  private static func successor(_ multi: UInt32) -> UInt32 { multi == .max ? firstValid : multi + 1 }

  /// Announces that a session's transaction may become a member of multixacts from now on (MultiXactIdSetOldestMember).
  func announceMember(_ place: Int) {
    guard oldestMember.relaxed(place) == 0 else { return }
    state.withLock { oldestMember.store(place, UInt64($0.next)) }
  }

  /// Announces that a session's transaction may look at multixacts that it has come across.
  private func announceReader(_ place: Int) {
    guard oldestVisible.relaxed(place) == 0 else { return }
    state.withLock { oldestVisible.store(place, UInt64(oldestMember(in: $0, from: $0.next))) }
  }

  private func oldestMember(in state: State, from start: UInt32) -> UInt32 {
    var oldest = start
    for place in 0..<oldestMember.count {
      let known = UInt32(truncatingIfNeeded: oldestMember.load(place))
      if known != 0, Self.precedes(known, oldest) { oldest = known }
    }
    return oldest
  }

  /// A session's transaction has ended.
  func endTransaction(_ place: Int) {
    if oldestMember.relaxed(place) != 0 { oldestMember.store(place, 0) }
    if oldestVisible.relaxed(place) != 0 { oldestVisible.store(place, 0) }
  }

  /// No member of an older one runs, and nobody looks at an older one (GetOldestMultiXactId).
  func horizon() -> UInt32 {
    state.withLock { state in
      var oldest = oldestMember(in: state, from: state.next)
      for place in 0..<oldestVisible.count {
        let known = UInt32(truncatingIfNeeded: oldestVisible.load(place))
        if known != 0, Self.precedes(known, oldest) { oldest = known }
      }
      return oldest
    }
  }

  // MARK: Members

  /// Who shares a row by this number.
  /// - Parameter place: of the session that asks.
  /// - Throws: ``EngineError`` `.corrupted` where there is no such number (any more).
  func members(of multi: UInt32, _ place: Int, _ backend: IOBackend) throws(EngineError) -> [MultiXactMember] {
    announceReader(place)
    return try state.withLock { state throws(EngineError) in
      if let known = state.cache[multi] { return known }
      guard multi != 0, !Self.precedes(multi, state.oldest) else {
        throw EngineError(.corrupted, "MultiXactId \(multi) does no longer exist -- apparent wraparound")
      }
      guard Self.precedes(multi, state.next) else {
        throw EngineError(.corrupted, "MultiXactId \(multi) has not been created yet -- apparent wraparound")
      }
      let first = try offset(of: multi, backend)
      let next = Self.successor(multi)
      let end = next == state.next ? state.nextOffset : try offset(of: next, backend)
      let found = try read(first, end &- first, of: multi, backend)
      remember(multi, found, &state)
      return found
    }
  }

  private func remember(_ multi: UInt32, _ members: [MultiXactMember], _ state: inout State) {
    if state.cache.count >= 256 { state.cache.removeAll(keepingCapacity: true) }
    state.cache[multi] = members
  }

  private func offset(of multi: UInt32, _ backend: IOBackend) throws(EngineError) -> UInt32 {
    try offsets.withLock(backend) { section throws(EngineError) in
      try section.page(multi / Self.offsetsPerPage).bytes.load(
        fromByteOffset: Int(multi % Self.offsetsPerPage) * 4, as: UInt32.self)
    }
  }

  private func read(
    _ first: UInt32, _ count: UInt32, of multi: UInt32, _ backend: IOBackend
  ) throws(EngineError) -> [MultiXactMember] {
    guard count < 1 << 20 else { throw EngineError(.corrupted, "MultiXact \(multi) has an invalid length \(count)") }
    return try members.withLock(backend) { section throws(EngineError) in
      var found: [MultiXactMember] = []
      for index in 0..<count {
        let place = Self.place(of: first &+ index)
        let bytes = try section.page(place.page).bytes
        let xid = TransactionID(bytes.load(fromByteOffset: place.number, as: UInt32.self))
        // The place with the number 0 stays empty when the numbers wrap around.
        guard xid.isValid else { continue }
        guard let status = MultiXactStatus(rawValue: bytes[place.status]) else {
          throw EngineError(.corrupted, "MultiXact \(multi) has a member of status \(bytes[place.status])")
        }
        found.append(MultiXactMember(xid: xid, status: status))
      }
      return found
    }
  }

  private static func place(of offset: UInt32) -> (page: UInt32, status: Int, number: Int) {
    let onPage = offset % membersPerPage
    let group = Int(onPage / membersPerGroup) * groupSize
    let member = Int(onPage % membersPerGroup)
    return (offset / membersPerPage, group + member, group + Int(membersPerGroup) + member * 4)
  }

  // MARK: Making

  /// Makes a multixact of some transactions, durable with the next flush of the log (MultiXactIdCreateFromMembers).
  /// - Parameters:
  ///   - members: at most one of them updates.
  ///   - log: inserts the record that has been put together.
  func create(
    _ members: [MultiXactMember], _ builder: WALRecordBuilder, _ backend: IOBackend,
    log: () throws(EngineError) -> Void
  ) throws(EngineError) -> UInt32 {
    guard members.count(where: { $0.status.isUpdate }) <= 1 else {
      throw EngineError(.corrupted, "new multixact has more than one updating member")
    }
    return try state.withLock { state throws(EngineError) in
      let multi = state.next
      // Of a circle half is the past; PostgreSQL stops three million short.
      guard Int64(multi &- state.oldest) < Int64(Int32.max) - 3_000_000 else {
        throw EngineError(
          .exhausted,
          "no more MultiXactIds can be assigned: the oldest, \(state.oldest), is too far back; vacuum every table")
      }
      var first = state.nextOffset
      let pages = UInt32(members.count) + (first == 0 ? 1 : 0)
      // The place with the number 0 says that there is none.
      if multi % Self.offsetsPerPage == 0 || multi == Self.firstValid {
        try zero(offsets, multi / Self.offsetsPerPage, MultiXactRecordInfo.zeroOffsetPage, builder, backend, log)
      }
      for offset in (0..<pages).map({ first &+ $0 }) where offset % Self.membersPerPage == 0 {
        try zero(self.members, offset / Self.membersPerPage, MultiXactRecordInfo.zeroMemberPage, builder, backend, log)
      }
      if first == 0 { first = 1 }
      let record = MultiXactCreateRecord(multi: multi, offset: first, members: members)
      record.write(to: builder)
      try log()
      try write(record, backend)
      state.next = Self.successor(multi)
      state.nextOffset = first &+ UInt32(members.count)
      remember(multi, members, &state)
      return multi
    }
  }

  private func zero(
    _ pages: SimpleLRU, _ page: UInt32, _ info: UInt8, _ builder: WALRecordBuilder, _ backend: IOBackend,
    _ log: () throws(EngineError) -> Void
  ) throws(EngineError) {
    try pages.makePage(page, backend)
    builder.begin(.multiXact, info: info)
    builder.appendData(Int64(page))
    try log()
  }

  /// Enters what a record says.
  func write(_ record: MultiXactCreateRecord, _ backend: IOBackend) throws(EngineError) {
    try offsets.withLock(backend) { section throws(EngineError) in
      try section.page(record.multi / Self.offsetsPerPage, isChanged: true).bytes.storeBytes(
        of: record.offset, toByteOffset: Int(record.multi % Self.offsetsPerPage) * 4, as: UInt32.self)
    }
    try members.withLock(backend) { section throws(EngineError) in
      for (index, member) in record.members.enumerated() {
        let place = Self.place(of: record.offset &+ UInt32(index))
        let bytes = try section.page(place.page, isChanged: true).bytes
        bytes[place.status] = member.status.rawValue
        bytes.storeBytes(of: member.xid.rawValue, toByteOffset: place.number, as: UInt32.self)
      }
    }
  }

  func makePage(_ page: UInt32, ofMembers: Bool, _ backend: IOBackend) throws(EngineError) {
    try (ofMembers ? members : offsets).makePage(page, backend)
  }

  // MARK: Truncating

  /// Lets go of what no table holds any more (TruncateMultiXact).
  /// - Parameters:
  ///   - oldest: no table holds one before it.
  ///   - database: that holds it.
  func truncate(
    before oldest: UInt32, database: UInt32, _ builder: WALRecordBuilder, _ backend: IOBackend,
    log: () throws(EngineError) -> Void
  ) throws(EngineError) {
    let record = try state.withLock { state throws(EngineError) -> MultiXactTruncateRecord? in
      guard Self.precedes(state.oldest, oldest), !Self.precedes(state.next, oldest) else { return nil }
      let end = oldest == state.next ? state.nextOffset : try offset(of: oldest, backend)
      let first = Self.precedes(state.oldest, state.next) ? try offset(of: state.oldest, backend) : end
      let record = MultiXactTruncateRecord(
        oldestDatabase: database, multis: (state.oldest, oldest), members: (first, end))
      record.write(to: builder)
      try log()
      (state.oldest, state.oldestDatabase) = (oldest, database)
      state.cache.removeAll(keepingCapacity: true)
      return record
    }
    if let record { try remove(record, backend) }
  }

  /// Removes the files that a record names.
  func remove(_ record: MultiXactTruncateRecord, _ backend: IOBackend) throws(EngineError) {
    try members.removeSegments(before: record.endMember / Self.membersPerPage, Self.pagePrecedes, backend)
    try offsets.removeSegments(before: record.endMulti / Self.offsetsPerPage, Self.pagePrecedes, backend)
  }

  private static func pagePrecedes(_ left: UInt32, _ right: UInt32) -> Bool {
    Int32(bitPattern: left &- right) < 0
  }
}
