import MillraceStorage
import MillraceWAL

/// Repeats on a page what a log record says: the pages' part of PostgreSQL's src/backend/access/heap/heapam_xlog.c.
///
/// Recovery finds the pages, decides whether the change is there already, and sets LSNs; see ``HeapResourceManager``.
/// All of these throw where a record does not fit the page, which only damage or a bug can bring about.
struct HeapRedo {
  let xid: TransactionID

  /// Repeats what a record of the resource managers Heap and Heap2 does to one of its blocks.
  /// - Parameters:
  ///   - id: the block's number in the record. Its change can be repeated without the other block.
  ///   - page: as it was before; where the record initializes it, anything.
  static func apply(_ record: borrowing WALRecord, block id: Int, on page: HeapPage) throws(EngineError) {
    guard let block = record.block(id) else { throw EngineError(.corrupted, "a WAL record lacks block \(id)") }
    let redo = HeapRedo(xid: TransactionID(record.xid))
    let operation = record.info & HeapRecordInfo.operationMask
    let isInitialized = id == 0 && record.info & HeapRecordInfo.initializesPage != 0
    if isInitialized { page.editor.initialize() }
    switch (record.resourceManager, operation) {
    case (.heap, HeapRecordInfo.insert):
      try redo.insert(try HeapInsertRecord(record.mainData), data: block.data, on: page)
    case (.heap, HeapRecordInfo.delete):
      try redo.delete(try HeapDeleteRecord(record.mainData), on: page)
    case (.heap, HeapRecordInfo.inPlace):
      var main = RecordFields(record.mainData)
      try redo.overwrite(try HeapInPlaceRecord(&main), data: block.data, on: page)
    case (.heap, HeapRecordInfo.lock):
      try redo.lock(try HeapLockRecord(record.mainData), on: page, isSuccessor: false)
    case (.heap2, HeapRecordInfo.lockUpdated):
      try redo.lock(try HeapLockRecord(record.mainData), on: page, isSuccessor: true)
    case (.heap, HeapRecordInfo.update), (.heap, HeapRecordInfo.hotUpdate):
      try redo.update(try HeapUpdateRecord(record.mainData), record, block: block, on: page)
    case (.heap2, HeapRecordInfo.multiInsert):
      var main = RecordFields(record.mainData)
      let multi = try HeapMultiInsertRecord(&main)
      try redo.multiInsert(multi, main: &main, data: block.data, on: page, isInitialized: isInitialized)
    case (.heap2, HeapRecordInfo.pruneOnAccess), (.heap2, HeapRecordInfo.pruneVacuumScan),
      (.heap2, HeapRecordInfo.pruneVacuumCleanup):
      try redo.prune(try HeapPruneRecord(record.mainData, blockData: block.data), on: page)
    default:
      throw EngineError(
        .corrupted,
        "the WAL record at \(record.start) is of a kind that is not supported: \(record.resourceManager) \(record.info)"
      )
    }
  }

  /// Repeats an update on the page of the new version, on that of the old one, or on the one that is both.
  private func update(
    _ update: HeapUpdateRecord, _ record: borrowing WALRecord, block: WALBlockReference, on page: HeapPage
  ) throws(EngineError) {
    guard let newBlock = record.block(0)?.block else { throw EngineError(.corrupted, "a WAL record lacks block 0") }
    let isSamePage = record.block(1) == nil
    if isSamePage || block.id == 1 {
      try markReplaced(
        update, on: page, next: TupleIdentifier(newBlock, Int(update.newNumber)),
        isHot: record.info & HeapRecordInfo.operationMask == HeapRecordInfo.hotUpdate)
    }
    if block.id == 0 { try addNewVersion(update, data: block.data, on: page, old: isSamePage ? page : nil) }
  }

  /// The heap blocks whose bits in the visibility map a record takes away, whatever becomes of the blocks themselves.
  static func clearedVisibility(
    _ record: borrowing WALRecord
  ) throws(EngineError) -> [(WALBlockReference, VisibilityBits)] {
    let operation = record.info & HeapRecordInfo.operationMask
    var cleared: [(WALBlockReference, VisibilityBits)] = []
    func note(_ id: Int, _ flags: UInt8, _ flag: UInt8, _ bits: VisibilityBits = .all) {
      if flags & flag != 0, let block = record.block(id) { cleared.append((block, bits)) }
    }
    switch (record.resourceManager, operation) {
    case (.heap, HeapRecordInfo.insert):
      note(0, try HeapInsertRecord(record.mainData).flags, HeapRecordFlags.insertAllVisibleCleared)
    case (.heap, HeapRecordInfo.delete):
      note(0, try HeapDeleteRecord(record.mainData).flags, HeapRecordFlags.deleteAllVisibleCleared)
    case (.heap, HeapRecordInfo.update), (.heap, HeapRecordInfo.hotUpdate):
      let flags = try HeapUpdateRecord(record.mainData).flags
      note(0, flags, HeapRecordFlags.updateNewAllVisibleCleared)
      note(record.block(1) == nil ? 0 : 1, flags, HeapRecordFlags.updateOldAllVisibleCleared)
    case (.heap, HeapRecordInfo.lock), (.heap2, HeapRecordInfo.lockUpdated):
      note(0, try HeapLockRecord(record.mainData).flags, HeapRecordFlags.lockAllFrozenCleared, .allFrozen)
    case (.heap2, HeapRecordInfo.multiInsert):
      var fields = RecordFields(record.mainData)
      note(0, try HeapMultiInsertRecord(&fields).flags, HeapRecordFlags.insertAllVisibleCleared)
    default: break
    }
    return cleared
  }

  /// What stands in a tuple behind the fixed part of its header, in up to four pieces.
  private struct Body {
    var first: UnsafeRawBufferPointer
    var second = UnsafeRawBufferPointer(start: nil, count: 0)
    var third = UnsafeRawBufferPointer(start: nil, count: 0)
    var fourth = UnsafeRawBufferPointer(start: nil, count: 0)

    var count: Int { first.count + second.count + third.count + fourth.count }

    func copy(to target: UnsafeMutableRawBufferPointer) {
      var position = 0
      func copy(_ piece: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: target[position..<position + piece.count]).copyMemory(from: piece)
        position += piece.count
      }
      copy(first)
      copy(second)
      copy(third)
      copy(fourth)
    }
  }

  /// Rebuilds a tuple from a record, on its page.
  private func place(
    _ header: HeapRecordHeader, _ body: Body, on page: HeapPage, at number: Int, xmax: TransactionID = .invalid
  ) throws(EngineError) {
    let length = HeapTuple.headerSize + body.count
    guard length <= HeapPage.tupleLengthMax, (HeapTuple.headerSize...length).contains(Int(header.dataOffset)),
      let (_, bytes) = page.editor.add(length: length, at: number)
    else {
      throw EngineError(
        .corrupted,
        "a WAL record adds tuple \(TupleIdentifier(page.block, number)) of \(length) bytes, for which there is no room")
    }
    let tuple = HeapTuple(forming: bytes)
    (tuple.xmin, tuple.xmax, tuple.command) = (xid, xmax, 0)
    (tuple.infomask2, tuple.infomask) = (header.infomask2, header.infomask)
    tuple.dataOffset = Int(header.dataOffset)
    tuple.identifier = TupleIdentifier(page.block, number)
    body.copy(to: UnsafeMutableRawBufferPointer(rebasing: bytes[HeapTuple.headerSize...]))
  }

  private func tuple(_ number: UInt16, on page: HeapPage) throws(EngineError) -> HeapTuple {
    guard let tuple = page.tuple(Int(number)) else {
      throw EngineError(
        .corrupted, "a WAL record changes tuple \(TupleIdentifier(page.block, Int(number))), which is not there")
    }
    return tuple
  }

  // MARK: Insert

  func insert(
    _ record: HeapInsertRecord, data: UnsafeRawBufferPointer, on page: HeapPage
  ) throws(EngineError) {
    var fields = RecordFields(data)
    let header = try HeapRecordHeader(&fields)
    try place(header, Body(first: fields.rest()), on: page, at: Int(record.number))
    if record.flags & HeapRecordFlags.insertAllVisibleCleared != 0 { page.editor.set(.allVisible, false) }
  }

  /// - Parameters:
  ///   - main: the main data behind the fixed part: line pointers, unless the page was made anew.
  func multiInsert(
    _ record: HeapMultiInsertRecord, main: inout RecordFields, data: UnsafeRawBufferPointer, on page: HeapPage,
    isInitialized: Bool
  ) throws(EngineError) {
    var fields = RecordFields(data)
    for index in 0..<Int(record.count) {
      let number = isInitialized ? index + 1 : Int(try main.next(UInt16.self))
      fields.align(to: 2)
      let length = Int(try fields.next(UInt16.self))
      let header = try HeapRecordHeader(&fields)
      try place(header, Body(first: try fields.next(count: length)), on: page, at: number)
    }
    if record.flags & HeapRecordFlags.insertAllVisibleCleared != 0 { page.editor.set(.allVisible, false) }
    if record.flags & HeapRecordFlags.insertAllFrozenSet != 0 { page.editor.set(.allVisible, true) }
  }

  // MARK: Delete

  private func overwrite(
    _ record: HeapInPlaceRecord, data: UnsafeRawBufferPointer, on page: HeapPage
  ) throws(EngineError) {
    let tuple = try tuple(record.number, on: page)
    guard tuple.bytes.count - tuple.dataOffset == data.count else {
      throw EngineError(.corrupted, "a WAL record overwrites a tuple of another length")
    }
    tuple.overwrite(data)
  }

  func delete(_ record: HeapDeleteRecord, on page: HeapPage) throws(EngineError) {
    let tuple = try tuple(record.number, on: page)
    if record.flags & HeapRecordFlags.deleteIsSuper != 0 {
      page.retract(tuple, at: Int(record.number), by: xid)
    } else {
      page.delete(
        tuple, at: Int(record.number), by: xid, xmax: record.xmax, record.infoBits, command: 0, isCombo: false)
    }
    if record.flags & HeapRecordFlags.deleteAllVisibleCleared != 0 { page.editor.set(.allVisible, false) }
    if record.flags & HeapRecordFlags.deleteIsPartitionMove != 0 {
      // Where the row went is another table's affair: neither block nor line pointer (ItemPointerSetMovedPartitions).
      tuple.identifier = TupleIdentifier(.invalid, 0xFFFD)
    }
  }

  // MARK: Lock

  func lock(_ record: HeapLockRecord, on page: HeapPage, isSuccessor: Bool) throws(EngineError) {
    let tuple = try tuple(record.number, on: page)
    page.lock(tuple, at: Int(record.number), record.xmax, record.infoBits, isSuccessor: isSuccessor)
    guard !isSuccessor else { return }
    tuple.infomask.remove(.comboCommand)
    tuple.command = 0
  }

  // MARK: Update

  /// Marks the old version.
  func markReplaced(
    _ record: HeapUpdateRecord, on page: HeapPage, next: TupleIdentifier, isHot: Bool
  ) throws(EngineError) {
    page.replace(
      try tuple(record.oldNumber, on: page), by: xid, xmax: record.oldXmax, record.oldInfoBits, command: 0,
      isCombo: false, with: next, isHot: isHot)
    if record.flags & HeapRecordFlags.updateOldAllVisibleCleared != 0 { page.editor.set(.allVisible, false) }
  }

  /// Adds the new version.
  /// - Parameter old: the page with the old version, where that is changed by the same record and may have parts of the
  ///   new one; it can be the same page.
  func addNewVersion(
    _ record: HeapUpdateRecord, data: UnsafeRawBufferPointer, on page: HeapPage, old: HeapPage?
  ) throws(EngineError) {
    var fields = RecordFields(data)
    var prefix = 0
    var suffix = 0
    if record.flags & HeapRecordFlags.updatePrefixFromOld != 0 { prefix = Int(try fields.next(UInt16.self)) }
    if record.flags & HeapRecordFlags.updateSuffixFromOld != 0 { suffix = Int(try fields.next(UInt16.self)) }
    let header = try HeapRecordHeader(&fields)
    if record.flags & HeapRecordFlags.updateNewAllVisibleCleared != 0 { page.editor.set(.allVisible, false) }
    guard prefix > 0 || suffix > 0 else {
      try place(
        header, Body(first: fields.rest()), on: page, at: Int(record.newNumber), xmax: record.newXmax)
      return
    }
    guard let old else { throw EngineError(.corrupted, "a WAL record takes parts of a tuple on a page it has not") }
    let source = try tuple(record.oldNumber, on: old).data
    guard prefix + suffix <= source.count else {
      throw EngineError(.corrupted, "a WAL record takes more of a tuple than it has")
    }
    // Null bitmap and padding, what is from the old version, what is new, what is from the old version again.
    let body = Body(
      first: try fields.next(count: Int(header.dataOffset) - HeapTuple.headerSize),
      second: UnsafeRawBufferPointer(rebasing: source.prefix(prefix)), third: fields.rest(),
      fourth: UnsafeRawBufferPointer(rebasing: source.suffix(suffix)))
    try place(header, body, on: page, at: Int(record.newNumber), xmax: record.newXmax)
  }

  // MARK: Prune

  func prune(_ record: HeapPruneRecord, on page: HeapPage) throws(EngineError) {
    if let objection = page.objection(to: record.plan, isCleanup: record.isCleanup) {
      throw EngineError(.corrupted, "a WAL record prunes block \(page.block) of a heap: \(objection)")
    }
    if !record.plan.isEmpty { page.prune(record.plan, isCleanup: record.isCleanup) }
    for freeze in record.freezes {
      for number in freeze.numbers { _ = try tuple(number, on: page) }
      guard page.freeze(freeze) else {
        throw EngineError(.corrupted, "a WAL record freezes tuples of block \(page.block) that overlap")
      }
    }
  }
}
