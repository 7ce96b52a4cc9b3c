public import MillraceIO
public import MillraceStorage

/// How every transaction ended, two bits for each: PostgreSQL's `pg_xact` (src/backend/access/transam/clog.c).
///
/// Pages hold 32,768 transactions each. Before a page goes out, the log is flushed up to the commits on it that did not
/// wait for their record (`synchronous_commit=off`).
public final class CommitLog: Sendable {
  public static let transactionsPerPage: UInt32 = 32_768
  public static let pagesPerSegment = SimpleLRU.pagesPerSegment
  /// So many neighbours share what is known about flushing (CLOG_XACTS_PER_LSN_GROUP).
  private static let transactionsPerGroup: UInt32 = 32

  let pages: SimpleLRU

  /// - Parameters:
  ///   - directory: `pg_xact`.
  ///   - pageCount: pages kept in memory, at least 4.
  ///   - isSynced: whether checkpoints make it durable: `fsync`.
  public init(
    fileSystem: IOFileSystem, directory: String, pageCount: Int = 64, isSynced: Bool = true
  ) throws(EngineError) {
    pages = try SimpleLRU(
      fileSystem, directory: directory, name: "pg_xact", what: "the commit log", pageCount: pageCount,
      groupsPerPage: Int(Self.transactionsPerPage / Self.transactionsPerGroup), isSynced: isSynced)
  }

  // MARK: Asking and telling

  /// How a transaction ended.
  public func status(of xid: TransactionID, _ backend: IOBackend) throws(EngineError) -> TransactionStatus {
    guard xid.isNormal else { return xid.isValid ? .committed : .aborted }
    return try pages.withLock(backend) { section throws(EngineError) in
      let access = try section.page(Self.page(of: xid))
      let (byte, shift) = Self.place(of: xid)
      return TransactionStatus(rawValue: access.bytes[byte] >> shift & 3) ?? .inProgress
    }
  }

  /// Notes how a transaction ended, with those within it that end with it. Nobody sees some of them ended and others
  /// not.
  /// - Parameter position: the end of its commit record, where that may not be durable yet.
  public func set(
    _ xid: TransactionID, _ status: TransactionStatus, with nested: [TransactionID] = [],
    notDurableBefore position: LogSequenceNumber = .invalid, _ backend: IOBackend
  ) throws(EngineError) {
    try pages.withLock(backend) { section throws(EngineError) in
      for xid in nested { try Self.set(xid, status, position, section) }
      try Self.set(xid, status, position, section)
    }
  }

  private static func set(
    _ xid: TransactionID, _ status: TransactionStatus, _ position: LogSequenceNumber, _ section: SimpleLRU.Section
  ) throws(EngineError) {
    let access = try section.page(page(of: xid), isChanged: true)
    let (byte, shift) = place(of: xid)
    access.bytes[byte] = access.bytes[byte] & ~(3 << shift) | status.rawValue << shift
    let group = group(of: xid)
    access.positions[group] = max(access.positions[group], position.rawValue)
  }

  /// Up to where the log must be durable for a commit to be: at most a little too far. Invalid where it is.
  public func position(of xid: TransactionID, _ backend: IOBackend) throws(EngineError) -> LogSequenceNumber {
    try pages.withLock(backend) { section throws(EngineError) in
      LogSequenceNumber(try section.page(Self.page(of: xid)).positions[Self.group(of: xid)])
    }
  }

  /// Both in one look: whether a transaction has committed, and up to where the log must be durable for that.
  func commit(
    of xid: TransactionID, _ backend: IOBackend
  ) throws(EngineError) -> (hasCommitted: Bool, position: LogSequenceNumber) {
    guard xid.isNormal else { return (xid.isValid, .invalid) }
    return try pages.withLock(backend) { section throws(EngineError) in
      let access = try section.page(Self.page(of: xid))
      let (byte, shift) = Self.place(of: xid)
      return (
        access.bytes[byte] >> shift & 3 == TransactionStatus.committed.rawValue,
        LogSequenceNumber(access.positions[Self.group(of: xid)])
      )
    }
  }

  /// The page that a transaction is the first of, if it is of one: then there is none yet.
  public static func newPage(for xid: TransactionID) -> UInt32? {
    // The first of all pages begins with numbers that no transaction gets.
    xid.rawValue % transactionsPerPage == 0 || xid == .firstNormal ? page(of: xid) : nil
  }

  /// Makes an empty page (`ZeroCLOGPage`).
  public func makePage(_ page: UInt32, _ backend: IOBackend) throws(EngineError) {
    try pages.makePage(page, backend)
  }

  /// Forgets what is beyond the next transaction on its page: a crash may have left something there (`TrimCLOG`).
  public func trim(to next: TransactionID, _ backend: IOBackend) throws(EngineError) {
    guard next.rawValue % Self.transactionsPerPage != 0 else { return }
    try pages.withLock(backend) { section throws(EngineError) in
      let bytes = try section.page(Self.page(of: next), isChanged: true).bytes
      let (byte, shift) = Self.place(of: next)
      bytes[byte] &= (1 << shift) - 1
      for index in byte + 1..<bytes.count { bytes[index] = 0 }
    }
  }

  /// The first page that is still needed where no table holds a transaction before `oldest`.
  static func firstPage(neededFor oldest: TransactionID) -> UInt32 { page(of: oldest) }

  /// Removes the files whose transactions nobody asks for any more (`TruncateCLOG`).
  /// - Parameter oldest: no table holds a transaction before it.
  func truncate(before oldest: TransactionID, _ backend: IOBackend) throws(EngineError) {
    try pages.removeSegments(before: Self.page(of: oldest), Self.precedes, backend)
  }

  /// Pages come in the order of their transactions, compared well away from the numbers with a meaning of their own
  /// (`CLOGPagePrecedes`).
  private static func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
    let (first, second) = (
      TransactionID(left &* transactionsPerPage &+ 4), TransactionID(right &* transactionsPerPage &+ 4)
    )
    return first.precedes(second) && first.precedes(TransactionID(second.rawValue &+ transactionsPerPage - 1))
  }

  /// Makes the log durable up to a position. Set once, before the first commit.
  func setFlushLog(_ flush: @escaping (LogSequenceNumber, IOBackend) throws(EngineError) -> Void) {
    pages.flushLog = flush
  }

  /// Whether a page that is not there is taken for an empty one, as recovery must.
  public func setToleratesMissing(_ tolerates: Bool) { pages.setToleratesMissing(tolerates) }

  /// Writes what has changed, all together, and makes it durable. See ``SimpleLRU/checkpoint(_:)``.
  /// - Returns: how many pages were written.
  @discardableResult
  public func checkpoint(_ backend: IOBackend) throws(EngineError) -> Int { try pages.checkpoint(backend) }

  /// Closes the files. What was not written is lost: a checkpoint comes first.
  public func close(_ backend: IOBackend) { pages.close(backend) }

  // MARK: Places

  private static func page(of xid: TransactionID) -> UInt32 { xid.rawValue / transactionsPerPage }

  @inline(__always) private static func group(of xid: TransactionID) -> Int {
    Int(xid.rawValue % transactionsPerPage / transactionsPerGroup)
  }

  @inline(__always) private static func place(of xid: TransactionID) -> (byte: Int, shift: UInt8) {
    let index = xid.rawValue % transactionsPerPage
    return (Int(index / 4), UInt8(index % 4) * 2)
  }
}
