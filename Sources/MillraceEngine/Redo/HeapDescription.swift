import MillraceStorage
import MillraceWAL

/// A heap's record in the words of PostgreSQL 18's `pg_waldump` (src/backend/access/rmgrdesc/heapdesc.c).
struct HeapDescription {
  let text: String

  init(_ record: WALRecord) throws(EngineError) {
    let operation = record.info & HeapRecordInfo.operationMask
    switch (record.resourceManager, operation) {
    case (.heap, HeapRecordInfo.insert):
      let insert = try HeapInsertRecord(record.mainData)
      text = "off: \(insert.number), flags: \(Self.hexadecimal(insert.flags))"
    case (.heap, HeapRecordInfo.delete):
      let delete = try HeapDeleteRecord(record.mainData)
      text =
        "xmax: \(delete.xmax), off: \(delete.number), infobits: \(Self.infoBits(delete.infoBits)), "
        + "flags: \(Self.hexadecimal(delete.flags))"
    case (.heap, HeapRecordInfo.update), (.heap, HeapRecordInfo.hotUpdate):
      let update = try HeapUpdateRecord(record.mainData)
      text =
        "old_xmax: \(update.oldXmax), old_off: \(update.oldNumber), "
        + "old_infobits: \(Self.infoBits(update.oldInfoBits)), flags: \(Self.hexadecimal(update.flags)), "
        + "new_xmax: \(update.newXmax), new_off: \(update.newNumber)"
    case (.heap, HeapRecordInfo.lock), (.heap2, HeapRecordInfo.lockUpdated):
      let lock = try HeapLockRecord(record.mainData)
      text =
        "xmax: \(lock.xmax), off: \(lock.number), infobits: \(Self.infoBits(lock.infoBits)), "
        + "flags: \(Self.hexadecimal(lock.flags))"
    case (.heap, HeapRecordInfo.inPlace):
      var fields = RecordFields(record.mainData)
      text = "off: \(try HeapInPlaceRecord(&fields).number)" + (try Self.invalidations(&fields))
    case (.heap2, HeapRecordInfo.visible):
      var fields = RecordFields(record.mainData)
      let horizon = try fields.next(UInt32.self)
      text = "snapshotConflictHorizon: \(horizon), flags: \(Self.hexadecimal(try fields.next(UInt8.self)))"
    case (.heap2, HeapRecordInfo.multiInsert):
      text = try Self.multiInsert(record)
    case (.heap2, HeapRecordInfo.pruneOnAccess), (.heap2, HeapRecordInfo.pruneVacuumScan),
      (.heap2, HeapRecordInfo.pruneVacuumCleanup):
      text = try Self.prune(record)
    default:
      text = ""
    }
  }

  /// What is to be forgotten: `SharedInvalidationMessage` (src/include/storage/sinval.h).
  private static func invalidations(_ fields: inout RecordFields) throws(EngineError) -> String {
    _ = try fields.next(UInt32.self)
    let count = try fields.next(Int32.self)
    guard count > 0 else { return "" }
    var text = "; inval msgs:"
    for _ in 0..<count {
      let kind = Int8(bitPattern: UInt8(truncatingIfNeeded: try fields.next(UInt32.self)))
      let (database, object) = (try fields.next(UInt32.self), try fields.next(UInt32.self))
      _ = try fields.next(UInt32.self)
      let message =
        switch kind {
        case 0...: " catcache \(kind)"
        case -1: " catalog \(object)"
        case -2: " relcache \(object)"
        case -3: " smgr"
        case -4: " relmap db \(database)"
        case -5: " snapshot \(object)"
        default: " unrecognized id \(kind)"
        }
      text += message
    }
    return text
  }

  private static func multiInsert(_ record: WALRecord) throws(EngineError) -> String {
    var fields = RecordFields(record.mainData)
    let insert = try HeapMultiInsertRecord(&fields)
    let text = "ntuples: \(insert.count), flags: \(hexadecimal(insert.flags))"
    guard record.info & HeapRecordInfo.initializesPage == 0, record.block(0)?.image == nil else { return text }
    var numbers: [UInt16] = []
    for _ in 0..<insert.count { numbers.append(try fields.next(UInt16.self)) }
    return text + ", offsets: \(list(numbers))"
  }

  private static func prune(_ record: WALRecord) throws(EngineError) -> String {
    let isImaged = record.block(0)?.image != nil
    let prune = try HeapPruneRecord(record.mainData, blockData: isImaged ? nil : record.block(0)?.data)
    // Without the one PostgreSQL begins with the comma before the other.
    var text = prune.plan.conflictHorizon.isValid ? "snapshotConflictHorizon: \(prune.plan.conflictHorizon)" : ""
    text += ", isCatalogRel: F"
    guard !isImaged else { return text }
    text += ", nplans: \(prune.freezes.count), nredirected: \(prune.plan.redirected.count), "
    text += "ndead: \(prune.plan.dead.count), nunused: \(prune.plan.unused.count)"
    if !prune.plan.redirected.isEmpty {
      text += ", redirected: [" + prune.plan.redirected.map { "\($0.from)->\($0.to)" }.joined(separator: ", ") + "]"
    }
    if !prune.plan.dead.isEmpty { text += ", dead: \(list(prune.plan.dead))" }
    if !prune.plan.unused.isEmpty { text += ", unused: \(list(prune.plan.unused))" }
    return text
  }

  private static func list(_ numbers: [UInt16]) -> String {
    "[" + numbers.map(String.init).joined(separator: ", ") + "]"
  }

  private static func hexadecimal(_ flags: UInt8) -> String {
    let digits = String(flags, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 2 - digits.count) + digits
  }

  private static func infoBits(_ bits: XmaxInfoBits) -> String {
    let names: [(XmaxInfoBits, String)] = [
      (.isMulti, "IS_MULTI"), (.lockOnly, "LOCK_ONLY"), (.exclusiveLock, "EXCL_LOCK"),
      (.keyShareLock, "KEYSHR_LOCK"), (.keysUpdated, "KEYS_UPDATED"),
    ]
    return "[" + names.filter { bits.contains($0.0) }.map(\.1).joined(separator: ", ") + "]"
  }
}
