import MillraceStorage
import MillraceWAL

/// Describes a change of a B-tree as a log record, in PostgreSQL 18's formats (src/include/access/nbtxlog.h). Padding
/// between fields is written as zeros.
struct BTreeRecordWriter {
  let builder: WALRecordBuilder
  let locator: RelationLocator

  init(_ builder: WALRecordBuilder, _ locator: RelationLocator) { (self.builder, self.locator) = (builder, locator) }

  func begin(_ kind: BTreeRecordKind, xid: TransactionID? = nil) {
    builder.begin(.btree, info: kind.rawValue, xid: xid?.rawValue ?? 0)
  }

  // MARK: Pages

  func register(_ id: Int, _ page: borrowing PinnedBuffer, _ flags: RegisteredBufferFlags = .standard) {
    builder.registerBlock(id, locator, .main, page.block, page: page.bytes, flags: flags)
  }

  func register(
    _ id: Int, _ page: UnsafeRawPointer, _ block: BlockNumber, _ flags: RegisteredBufferFlags = .standard
  ) { builder.registerBlock(id, locator, .main, block, page: page, flags: flags) }

  /// Registers the metapage, which redo makes anew from what it says.
  func register(_ id: Int, _ page: borrowing PinnedBuffer, _ meta: BTreeMetaPage) { register(id, page.bytes, meta) }

  func register(_ id: Int, _ page: UnsafeRawPointer, _ meta: BTreeMetaPage) {
    builder.registerBlock(
      id, locator, .main, BTreeMetaPage.block, page: page, flags: [.standard, .willInitialize])
    builder.appendBlockData(id, BTreeMetaPage.version)
    builder.appendBlockData(id, meta.root.rawValue)
    builder.appendBlockData(id, meta.level)
    builder.appendBlockData(id, meta.fastRoot.rawValue)
    builder.appendBlockData(id, meta.fastLevel)
    builder.appendBlockData(id, meta.deletedPageCount)
    builder.appendBlockData(id, meta.allEqualImage ? 1 as UInt32 : 0)
  }

  // MARK: Main data

  /// `xl_btree_newroot`.
  func newRoot(_ block: BlockNumber, level: UInt32) {
    builder.appendData(block.rawValue)
    builder.appendData(level)
  }

  /// `xl_btree_split`.
  func split(level: UInt32, _ location: SplitLocation, number: Int, postingOffset: Int) {
    builder.appendData(level)
    builder.appendData(UInt16(location.firstRight))
    builder.appendData(UInt16(number))
    builder.appendData(UInt16(postingOffset))
  }

  /// `xl_btree_vacuum`, and what it says of block 0, which is registered.
  func vacuum(_ deletion: BTreeDeletion) {
    builder.appendData(UInt16(deletion.deleted.count))
    builder.appendData(UInt16(deletion.updated.count))
    append(deletion)
  }

  /// `xl_btree_delete`, and the same.
  func delete(_ deletion: BTreeDeletion, horizon: TransactionID) {
    builder.appendData(horizon.rawValue)
    builder.appendData(UInt16(deletion.deleted.count))
    builder.appendData(UInt16(deletion.updated.count))
    builder.appendData(0 as UInt8)
    append(deletion)
  }

  private func append(_ deletion: BTreeDeletion) {
    deletion.deleted.withUnsafeBytes { builder.appendBlockData(0, copying: $0) }
    for update in deletion.updated { builder.appendBlockData(0, update.number) }
    for update in deletion.updated {
      builder.appendBlockData(0, UInt16(update.positions.count))
      update.positions.withUnsafeBytes { builder.appendBlockData(0, copying: $0) }
    }
  }

  /// `xl_btree_mark_page_halfdead`.
  func markHalfDead(_ record: BTreeHalfDeadRecord) {
    builder.appendData(record.parentNumber)
    builder.appendData(0 as UInt16)
    builder.appendData(record.leaf.rawValue)
    builder.appendData(record.previous.rawValue)
    builder.appendData(record.next.rawValue)
    builder.appendData(record.topParent.rawValue)
  }

  /// `xl_btree_unlink_page`.
  func unlink(_ record: BTreeUnlinkRecord) {
    builder.appendData(record.previous.rawValue)
    builder.appendData(record.next.rawValue)
    builder.appendData(record.level)
    builder.appendData(0 as UInt32)
    builder.appendData(record.safeXID.rawValue)
    builder.appendData(record.leafPrevious.rawValue)
    builder.appendData(record.leafNext.rawValue)
    builder.appendData(record.leafTopParent.rawValue)
  }

  /// `xl_btree_reuse_page`.
  func reuse(_ block: BlockNumber, horizon: FullTransactionID) {
    builder.appendData(locator.tablespace)
    builder.appendData(locator.database)
    builder.appendData(locator.relNumber)
    builder.appendData(block.rawValue)
    builder.appendData(horizon.rawValue)
    builder.appendData(0 as UInt8)
  }
}
