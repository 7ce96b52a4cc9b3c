import MillraceStorage
import MillraceWAL

/// Repeats on pages what records of B-trees say: the pages' part of PostgreSQL's src/backend/access/nbtree/nbtxlog.c.
///
/// Every function changes one page, which has not got the change yet. All throw where a record does not fit the page,
/// which only damage or a bug can bring about.
struct BTreeRedo {
  let record: WALRecord
  let kind: BTreeRecordKind

  /// Repeats what the record does to one of its blocks.
  /// - Parameters:
  ///   - id: the block's number in the record.
  ///   - page: as it was before; where the record initializes it, anything.
  func apply(block id: Int, on page: BTreePage) throws(EngineError) {
    switch (kind, id) {
    case (.insertLeaf, 0), (.insertUpper, 0), (.insertMeta, 0): try insert(on: page)
    case (.insertPosting, 0): try insertIntoPosting(on: page)
    case (.insertUpper, 1), (.insertMeta, 1), (.splitLeft, 3), (.splitRight, 3), (.newRoot, 1):
      page.flags.subtract(.incompleteSplit)
    case (.insertMeta, 2), (.newRoot, 2), (.unlinkPageMeta, 4), (.metaCleanup, 0): try restoreMeta(id, page)
    case (.splitLeft, 0), (.splitRight, 0): try splitLeft(page)
    case (.splitLeft, 1), (.splitRight, 1): try splitRight(page)
    case (.splitLeft, 2), (.splitRight, 2): page.previous = try block(1).block
    case (.deduplicate, 0): try deduplicate(page)
    case (.vacuum, 0), (.delete, 0): try delete(on: page)
    case (.newRoot, 0): try newRoot(page)
    case (.markPageHalfDead, 0):
      let halfDead = try BTreeHalfDeadRecord(record.mainData)
      try fillHalfDead(
        page, previous: halfDead.previous, next: halfDead.next, topParent: halfDead.topParent)
    case (.markPageHalfDead, 1):
      guard page.removeDownlink(Int(try BTreeHalfDeadRecord(record.mainData).parentNumber)) else { throw misfit() }
    case (.unlinkPage, _), (.unlinkPageMeta, _): try unlink(id, page)
    default: throw misfit()
    }
  }

  private func misfit() -> EngineError {
    EngineError(.corrupted, "the WAL record Btree/\(kind.name) at \(record.start) does not fit its page")
  }

  private func block(_ id: Int) throws(EngineError) -> WALBlockReference {
    guard let block = record.block(id) else { throw EngineError(.corrupted, "a WAL record lacks block \(id)") }
    return block
  }

  private func withScratch<Result>(
    _ body: (UnsafeMutableRawBufferPointer) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try withUnsafeTemporaryAllocation(byteCount: PageLayout.blockSize, alignment: 8) {
      scratch -> Swift.Result<Result, EngineError> in
      do throws(EngineError) { return .success(try body(scratch)) } catch { return .failure(error) }
    }.get()
  }

  /// Copies a tuple out of a record, where it need not be aligned.
  private func tuple(
    _ bytes: UnsafeRawBufferPointer, to memory: UnsafeMutableRawBufferPointer
  ) throws(EngineError) -> IndexTuple {
    guard bytes.count >= IndexTuple.headerSize, bytes.count <= memory.count, let base = memory.baseAddress else {
      throw misfit()
    }
    memory.copyMemory(from: bytes)
    let tuple = IndexTuple(base, limit: bytes.count)
    guard Int(tuple.info & IndexTuple.Info.sizeMask) <= bytes.count, tuple.size >= IndexTuple.headerSize else {
      throw misfit()
    }
    return tuple
  }

  /// Takes a tuple off the front of some data. Tuples follow each other at multiples of eight bytes.
  private func takeTuple(_ data: inout UnsafeRawBufferPointer) throws(EngineError) -> UnsafeRawBufferPointer {
    guard data.count >= IndexTuple.headerSize else { throw misfit() }
    let size = PageLayout.aligned(
      Int(data.loadUnaligned(fromByteOffset: 6, as: UInt16.self) & IndexTuple.Info.sizeMask))
    guard size >= IndexTuple.headerSize, size <= data.count else { throw misfit() }
    defer { data = UnsafeRawBufferPointer(rebasing: data[size...]) }
    return UnsafeRawBufferPointer(rebasing: data[..<size])
  }

  // MARK: Insertion

  private func number() throws(EngineError) -> Int {
    var fields = RecordFields(record.mainData)
    return Int(try fields.next(UInt16.self))
  }

  private func insert(on page: BTreePage) throws(EngineError) {
    guard page.insert(try block(0).data, at: try number()) else { throw misfit() }
  }

  private func insertIntoPosting(on page: BTreePage) throws(EngineError) {
    let number = try number() - 1
    var fields = RecordFields(try block(0).data)
    let offset = Int(try fields.next(UInt16.self))
    let bytes = fields.rest()
    guard number >= page.firstDataNumber, number <= page.itemCount else { throw misfit() }
    try withScratch { memory throws(EngineError) in
      try withScratch { other throws(EngineError) in
        let tuple = try tuple(bytes, to: memory)
        guard let list = BTreePage.swapPosting(page.item(number), tuple, at: offset, in: other),
          page.editor.replaceItem(number, with: list.bytes), page.insert(tuple, at: number + 1)
        else { throw misfit() }
      }
    }
  }

  private func restoreMeta(_ id: Int, _ page: BTreePage) throws(EngineError) {
    var fields = RecordFields(try block(id).data)
    try BTreeMetaPage(&fields).store(to: page)
  }

  private func newRoot(_ page: BTreePage) throws(EngineError) {
    var fields = RecordFields(record.mainData)
    _ = try fields.next(UInt32.self)
    let level = try fields.next(UInt32.self)
    page.initialize(level: level, flags: level == 0 ? [.leaf, .root] : .root)
    if level > 0, !page.restore(try block(0).data) { throw misfit() }
  }

  // MARK: Split

  private func splitRight(_ page: BTreePage) throws(EngineError) {
    let split = try BTreeSplitRecord(record.mainData)
    page.initialize(level: split.level, flags: split.level == 0 ? .leaf : [])
    page.previous = try block(0).block
    page.next = record.block(2)?.block ?? BTreePage.none
    guard page.restore(try block(1).data) else { throw misfit() }
  }

  private func splitLeft(_ page: BTreePage) throws(EngineError) {
    let split = try BTreeSplitRecord(record.mainData)
    var data = try block(0).data
    let right = try block(1).block
    try withUnsafeTemporaryAllocation(byteCount: 4 * PageLayout.blockSize, alignment: 8) {
      scratch -> Result<Void, EngineError> in
      do throws(EngineError) {
        return .success(try rebuildLeft(page, split, &data, right, scratch))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  private func rebuildLeft(
    _ page: BTreePage, _ split: BTreeSplitRecord, _ data: inout UnsafeRawBufferPointer, _ right: BlockNumber,
    _ scratch: UnsafeMutableRawBufferPointer
  ) throws(EngineError) {
    func part(_ number: Int) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(
        rebasing: scratch[number * PageLayout.blockSize..<(number + 1) * PageLayout.blockSize])
    }
    guard let memory = part(0).baseAddress else { preconditionFailure("a temporary page has no memory") }
    var new: IndexTuple?
    if kind == .splitLeft || split.postingOffset > 0 { new = try tuple(takeTuple(&data), to: part(1)) }
    let highKey = try tuple(takeTuple(&data), to: part(2))
    var half = BTreePage.LeftHalf(firstRight: Int(split.firstRight), highKey: highKey)
    if split.postingOffset > 0, let new {
      let place = Int(split.number) - 1
      guard place >= page.firstDataNumber, place <= page.itemCount,
        let list = BTreePage.swapPosting(page.item(place), new, at: Int(split.postingOffset), in: part(3))
      else { throw misfit() }
      (half.posting, half.postingNumber) = (list, place)
    }
    if kind == .splitLeft { (half.newItem, half.newNumber) = (new, Int(split.number)) }
    let left = BTreePage(memory)
    left.initialize(level: page.level, flags: page.isLeaf ? [.leaf, .incompleteSplit] : .incompleteSplit)
    (left.previous, left.next, left.editor.lsn) = (page.previous, right, page.editor.lsn)
    guard page.fillLeft(left, half) else { throw misfit() }
    page.replace(with: left)
  }

  // MARK: Deduplication and deletion

  private func deduplicate(_ page: BTreePage) throws(EngineError) {
    var main = RecordFields(record.mainData)
    var fields = RecordFields(try block(0).data)
    var intervals: [BTreePage.Interval] = []
    for _ in 0..<(try main.next(UInt16.self)) {
      intervals.append(
        BTreePage.Interval(first: try fields.next(UInt16.self), count: try fields.next(UInt16.self)))
    }
    try withScratch { memory throws(EngineError) in
      try withScratch { other throws(EngineError) in
        guard let base = memory.baseAddress else { preconditionFailure("a temporary page has no memory") }
        let new = BTreePage(base)
        page.prepareReplacement(new)
        guard page.fillDeduplicated(new, intervals, in: other) else { throw misfit() }
        page.replace(with: new)
      }
    }
  }

  private func delete(on page: BTreePage) throws(EngineError) {
    let deletion = try BTreeDeletionRecord(record.mainData, isVacuum: kind == .vacuum)
    let what = try BTreeDeletion(
      try block(0).data, deletedCount: deletion.deletedCount, updatedCount: deletion.updatedCount)
    try withScratch { memory throws(EngineError) in
      guard page.delete(what, in: memory) else { throw misfit() }
    }
    if kind == .vacuum { page.cycleID = 0 }
  }

  // MARK: Pages that go

  private func fillHalfDead(
    _ page: BTreePage, previous: BlockNumber, next: BlockNumber, topParent: BlockNumber
  ) throws(EngineError) {
    try withScratch { memory throws(EngineError) in
      guard page.fillHalfDead(previous: previous, next: next, topParent: topParent, in: memory) else {
        throw misfit()
      }
    }
  }

  private func unlink(_ id: Int, _ page: BTreePage) throws(EngineError) {
    let unlink = try BTreeUnlinkRecord(record.mainData)
    switch id {
    case 0:
      page.fillDeleted(
        level: unlink.level, isLeaf: unlink.level == 0, previous: unlink.previous, next: unlink.next,
        safeXID: unlink.safeXID)
    case 1: page.next = unlink.next
    case 2: page.previous = unlink.previous
    case 3:
      try fillHalfDead(
        page, previous: unlink.leafPrevious, next: unlink.leafNext, topParent: unlink.leafTopParent)
    default: throw misfit()
    }
  }
}
