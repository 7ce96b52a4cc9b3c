public import MillraceStorage
public import MillraceWAL

/// Repeats, names and describes the records of B-trees (PostgreSQL's nbtxlog.c, nbtdesc.c).
public final class BTreeResourceManager: ResourceManager {
  public init() { super.init(.btree) }

  public override func identify(_ info: UInt8) -> String? { BTreeRecordKind(rawValue: info)?.name }

  public override func describe(_ record: WALRecord) -> String {
    do throws(EngineError) {
      return try BTreeDescription(record).text
    } catch {
      return error.description
    }
  }

  /// What is for standbys alone, where somebody may still be reading the page, names no block.
  public override func scope(of record: WALRecord) -> RedoScope {
    BTreeRecordKind(rawValue: record.info) == nil ? .everything : .blocks
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    if BTreeRecordKind(rawValue: record.info) == nil { throw unknown(record) }
    try super.redo(record, context)
  }

  public override func redo(
    _ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer
  ) throws(RecoveryError) {
    guard let kind = BTreeRecordKind(rawValue: record.info) else { throw unknown(record) }
    do throws(EngineError) {
      try BTreeRedo(record: record, kind: kind).apply(block: block.id, on: BTreePage(page))
    } catch {
      throw RecoveryError(.corrupted, error.message)
    }
  }

  /// Hints, and what is not repeated because it matters only to what ran then (`btree_mask`).
  public override func mask(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    let view = BTreePage(page)
    view.editor.flags.subtract([.pageFull, .hasFreeLines, .allVisible])
    view.editor.pruneXID = .invalid
    if view.isLeaf { for number in 1..<view.itemCount + 1 where view.isDead(number) { view.setDead(number, false) } }
    view.flags.subtract([.hasGarbage, .splitEnd])
    view.cycleID = 0
  }
}

/// A B-tree's record in the words of PostgreSQL 18's `pg_waldump`.
struct BTreeDescription {
  let text: String

  init(_ record: WALRecord) throws(EngineError) {
    var fields = RecordFields(record.mainData)
    switch BTreeRecordKind(rawValue: record.info) {
    case .insertLeaf, .insertUpper, .insertMeta, .insertPosting:
      text = "off: \(try fields.next(UInt16.self))"
    case .splitLeft, .splitRight:
      let split = try BTreeSplitRecord(record.mainData)
      text =
        "level: \(split.level), firstrightoff: \(split.firstRight), newitemoff: \(split.number), "
        + "postingoff: \(split.postingOffset)"
    case .deduplicate:
      text = "nintervals: \(try fields.next(UInt16.self))"
    case .vacuum, .delete:
      text = try Self.deletion(record)
    case .markPageHalfDead:
      let page = try BTreeHalfDeadRecord(record.mainData)
      text = "topparent: \(page.topParent.rawValue), leaf: \(page.leaf), left: \(page.previous), right: \(page.next)"
    case .unlinkPage, .unlinkPageMeta:
      let page = try BTreeUnlinkRecord(record.mainData)
      text =
        "left: \(page.previous), right: \(page.next), level: \(page.level), "
        + "safexid: \(Self.full(page.safeXID)), leafleft: \(page.leafPrevious), leafright: \(page.leafNext), "
        + "leaftopparent: \(page.leafTopParent.rawValue)"
    case .newRoot:
      _ = try fields.next(UInt32.self)
      text = "level: \(try fields.next(UInt32.self))"
    case .reusePage:
      let locator = (
        try fields.next(UInt32.self), try fields.next(UInt32.self), try fields.next(UInt32.self)
      )
      _ = try fields.next(UInt32.self)
      let horizon = FullTransactionID(try fields.next(UInt64.self))
      let isCatalog = try fields.next(UInt8.self) != 0
      text =
        "rel: \(locator.0)/\(locator.1)/\(locator.2), snapshotConflictHorizon: \(Self.full(horizon)), "
        + "isCatalogRel: \(isCatalog ? "T" : "F")"
    case .metaCleanup:
      var meta = RecordFields(record.block(0)?.data ?? UnsafeRawBufferPointer(start: nil, count: 0))
      text = "last_cleanup_num_delpages: \(try BTreeMetaPage(&meta).deletedPageCount)"
    case nil:
      text = ""
    }
  }

  private static func full(_ xid: FullTransactionID) -> String { "\(xid.rawValue >> 32):\(xid.short)" }

  private static func deletion(_ record: WALRecord) throws(EngineError) -> String {
    let isVacuum = record.info == BTreeRecordKind.vacuum.rawValue
    let deletion = try BTreeDeletionRecord(record.mainData, isVacuum: isVacuum)
    var text = isVacuum ? "" : "snapshotConflictHorizon: \(deletion.horizon), "
    text += "ndeleted: \(deletion.deletedCount), nupdated: \(deletion.updatedCount)"
    if !isVacuum { text += ", isCatalogRel: \(deletion.isCatalog ? "T" : "F")" }
    guard let block = record.block(0), block.image == nil else { return text }
    let what = try BTreeDeletion(
      block.data, deletedCount: deletion.deletedCount, updatedCount: deletion.updatedCount)
    text += ", deleted: [" + what.deleted.map(String.init).joined(separator: ", ") + "]"
    text += ", updated: ["
    text += what.updated.map { update in
      "{ off: \(update.number), nptids: \(update.positions.count), ptids: ["
        + update.positions.map(String.init).joined(separator: ", ") + "] }"
    }.joined(separator: ", ")
    return text + "]"
  }
}
