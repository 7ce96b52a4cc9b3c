public import MillraceStorage

/// What a record changes. It says what the order must be in which redo does it.
public enum RedoScope: Sendable {
  /// Its blocks, each by itself: what it does to one depends neither on its other blocks nor on anything else.
  case blocks
  /// Its blocks, and pages of maps beside (``ResourceManager/redoMaps(_:_:)``).
  case blocksAndMaps
  /// No page of a relation and no relation's file: what is true of transactions, or of the cluster.
  case elsewhere
  /// Anything. What was logged before must have been done before it, and what was logged after must be done after it.
  case everything
}

/// Whoever writes records of a kind of its own, and can say what they mean and do it again (PostgreSQL's `RmgrData`,
/// src/include/access/xlog_internal.h). One object for each, in one ``ResourceManagerTable``.
///
/// Used by the thread that recovers.
open class ResourceManager {
  public let id: ResourceManagerID

  public init(_ id: ResourceManagerID) { self.id = id }

  /// The name of a kind of record; nil where there is no such kind. Pure.
  /// - Parameter info: `xl_info`, the log's own bits left out.
  open func identify(_ info: UInt8) -> String? { nil }

  /// What a record says, in the words of `pg_waldump`, without its kind and blocks. Pure.
  open func describe(_ record: WALRecord) -> String { "" }

  /// What a record changes. Pure.
  open func scope(of record: WALRecord) -> RedoScope { .everything }

  /// Does what a record says, unless that has been done: a page's LSN tells. May be called again for the same record,
  /// in another recovery. Where its scope is its blocks there is nothing to add: these are changed by
  /// ``redo(_:_:on:)``.
  /// - Throws: ``RecoveryError``.
  open func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    try redoMaps(record, context)
    // The way back: an old version's page before the new one's, which is found through it; children before parents.
    for block in record.blocks.reversed() {
      try context.redo(record, block.id, mode: block.willInitialize ? .zeroAndLock : .normal) {
        page, _ throws(RecoveryError) in try redo(record, block, on: page)
      }
    }
  }

  /// Does what a record whose scope is its blocks says to one of them, which has not got the change yet.
  /// - Parameters:
  ///   - page: locked exclusively. Where the record makes it anew, empty. Its LSN is set afterwards.
  /// - Throws: ``RecoveryError`` where the record does not fit the page.
  open func redo(_ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer)
    throws(RecoveryError)
  {
    fatalError("\(Self.self) does not say how its records are repeated")
  }

  /// Does what a record of scope `.blocksAndMaps` says of pages of maps that are not among its blocks.
  open func redoMaps(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {}

  /// Called before the first record of a recovery, and after the last (`rm_startup`, `rm_cleanup`).
  open func startUp(_ context: RedoContext) throws(RecoveryError) {}
  open func cleanUp(_ context: RedoContext) throws(RecoveryError) {}

  /// Makes two pages that differ only in what redo need not repeat equal: for `wal_consistency_checking`. LSN and
  /// checksum, and the hole of a standard page, are left out of the comparison already.
  open func mask(_ page: UnsafeMutableRawPointer, block: BlockNumber) {}

  /// The error of a kind of record that redo does not know.
  public func unknown(_ record: WALRecord) -> RecoveryError {
    RecoveryError(.unsupported, "\(id) redo: unknown op code \(record.info)")
  }
}

/// The resource managers that there are. Made once, at start: this floor's own and those that higher floors add.
public struct ResourceManagerTable {
  private var entries = [ResourceManager?](repeating: nil, count: 256)

  /// - Parameter added: beside XLOG and Storage, which every table has.
  public init(_ added: [ResourceManager] = []) {
    for manager in [XLOGResourceManager(), StorageResourceManager()] + added {
      precondition(entries[Int(manager.id.rawValue)] == nil, "two resource managers have the same number")
      entries[Int(manager.id.rawValue)] = manager
    }
  }

  public subscript(id: ResourceManagerID) -> ResourceManager? { entries[Int(id.rawValue)] }

  /// All there are, by rising numbers.
  public var all: [ResourceManager] { entries.compactMap { $0 } }

  /// What a record is, as `pg_waldump` and PostgreSQL's error contexts have it:
  /// `Heap/INSERT: off: 1, flags: 0x00; blkref #0: rel 1663/5/16384 blk 0`.
  public func describe(_ record: WALRecord) -> String {
    let manager = self[record.resourceManager]
    let info = record.header.info & WALRecordInfo.resourceManagerMask
    var text = "\(record.resourceManager)/"
    text += manager?.identify(info) ?? "UNKNOWN (\(String(info, radix: 16, uppercase: true)))"
    let description = manager?.describe(record) ?? ""
    if !description.isEmpty { text += ": " + description }
    for block in record.blocks {
      let locator = block.locator
      text += "; blkref #\(block.id): rel \(locator.tablespace)/\(locator.database)/\(locator.relNumber)"
      if block.fork != .main { text += " fork \(block.fork)" }
      text += " blk \(block.block)"
      if block.image != nil { text += block.appliesImage ? " FPW" : " FPW for WAL verification" }
    }
    return text
  }
}
