import MillraceIO
import MillraceStorage
import MillraceWAL

/// Changing the rows of a table.
extension Session {
  /// A table's free space map.
  public func freeSpaceMap(of relation: HeapRelation) -> FreeSpaceMap { FreeSpaceMap(relation, self) }

  func change(of relation: HeapRelation, by xid: TransactionID) -> HeapChange {
    HeapChange(builder: builder, locator: relation.locator, xid: xid)
  }

  // MARK: Insert

  /// Inserts a row.
  /// - Parameter row: formed by ``TupleWriter``; its header is filled in.
  /// - Returns: where it is.
  /// - Throws: ``EngineError``.
  @discardableResult
  public func insert(_ row: HeapTuple, into relation: HeapRelation) throws(EngineError) -> TupleIdentifier {
    let xid = try requireTransactionID()
    row.prepareForInsert(by: xid, command: transaction.command)
    var page = try pageWithRoom(for: row.bytes.count, in: relation)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    if heap.editor.flags.contains(.allVisible) { try clearVisibility(.all, heap.block, of: relation) }
    page.markDirty()
    guard let number = change(of: relation, by: xid).insert(row, on: heap) else {
      throw EngineError(.corrupted, "block \(page.block) of relation \(relation.locator) has less room than it says")
    }
    try log(&page, of: relation)
    statistics.countInserts(1, relation, level: transaction.nestings.count)
    return TupleIdentifier(heap.block, number)
  }

  /// A page with room for a tuple, locked exclusively (`RelationGetBufferForTuple`).
  func pageWithRoom(
    for length: Int, in relation: HeapRelation, avoiding avoided: BlockNumber? = nil
  ) throws(EngineError) -> PinnedBuffer {
    let wanted = PageLayout.aligned(length) + relation.reservedBytes
    var target = insertTargets[relation.locator]
    if target == nil { target = try freeSpaceMap(of: relation).page(withRoomFor: min(wanted, HeapPage.tupleLengthMax)) }
    if target == nil, let count = Optional(try relation.blockCount()), count > 0 { target = BlockNumber(count - 1) }
    while let block = target ?? relation.takeFresh() {
      target = nil
      if block == avoided { continue }
      // The map may still know of pages that were cut off.
      guard block.rawValue < (try relation.blockCount()) else {
        target = try freeSpaceMap(of: relation).record(0, for: block, andFindRoomFor: wanted)
        continue
      }
      var page = try lockedPage(block, of: relation)
      let heap = HeapPage(page.mutableBytes, block: block)
      if heap.editor.isNew { heap.editor.initialize() }
      // What is longer than all that may be filled gets a page of its own.
      if heap.freeSpace >= wanted || heap.editor.itemCount == 0 {
        insertTargets[relation.locator] = block
        return page
      }
      let space = heap.freeSpace
      page.unlock()
      target = try freeSpaceMap(of: relation).record(space, for: block, andFindRoomFor: wanted)
      if target == block || target == avoided { target = nil }
    }
    do throws(StorageError) {
      while true {
        let page = try extend(relation)
        let heap = HeapPage(page.mutableBytes, block: page.block)
        // Somebody who took it for the last page of the table may have been faster, and may have filled it.
        if heap.editor.isNew { heap.editor.initialize() }
        if heap.freeSpace >= wanted || heap.editor.itemCount == 0, page.block != avoided {
          insertTargets[relation.locator] = page.block
          return page
        }
      }
    } catch {
      throw EngineError(error)
    }
  }

  /// Appends pages: one for this session, locked exclusively; the others for whoever comes next.
  private func extend(_ relation: HeapRelation) throws(StorageError) -> PinnedBuffer {
    var blocks = try relation.pool.extend(relation.fork, by: extensionSize, backend)
    // The more it appends, the more at a time, so that sessions do not meet there all the time.
    extensionSize = min(extensionSize * 2, 16)
    guard let page = blocks.next() else { preconditionFailure("a relation was extended by no pages") }
    let first = blocks.first
    if blocks.count > 1 { relation.addFresh((1..<UInt32(blocks.count)).map { first.advanced(by: $0) }) }
    return page
  }

  /// Takes a row back that this command has just inserted, because it found that another has the same key: nobody will
  /// ever have seen it. Its entries in indexes lead to nothing from then on.
  public func retract(_ identifier: TupleIdentifier, from relation: HeapRelation) throws(EngineError) {
    let xid = try requireTransactionID()
    var page = try lockedPage(identifier.block, of: relation)
    let heap = HeapPage(page.mutableBytes, block: identifier.block)
    guard let tuple = heap.tuple(Int(identifier.number)), transaction.isOwn(tuple.xmin) else {
      throw EngineError(.undefined, "tuple \(identifier) of relation \(relation.locator) is not the transaction's own")
    }
    page.markDirty()
    change(of: relation, by: xid).retract(Int(identifier.number), on: heap, tuple)
    try log(&page, of: relation)
    statistics.countDelete(relation, level: transaction.nestings.count)
  }
}
