import MillraceStorage
import MillraceWAL

/// Changes heap pages and describes each change as a log record: PostgreSQL's `heap_insert` and its fellows, once it is
/// clear what is to be done.
///
/// The caller has the pages locked exclusively, marks them dirty before, inserts the record after, and gives the pages
/// the record's end as their LSN. Nothing of it can fail halfway, but for what a page has no room for, which is found
/// out before anything is changed.
struct HeapChange {
  let builder: WALRecordBuilder
  let locator: RelationLocator
  /// Whose change it is.
  let xid: TransactionID

  private func register(_ id: Int, _ page: HeapPage, _ flags: RegisteredBufferFlags = .standard) {
    builder.registerBlock(id, locator, .main, page.block, page: UnsafeRawPointer(page.editor.base), flags: flags)
  }

  /// Clears the page's flag, for which there is a bit in the record's flags.
  private func clearAllVisible(_ page: HeapPage, _ flags: inout UInt8, _ flag: UInt8) {
    guard page.editor.flags.contains(.allVisible) else { return }
    page.editor.set(.allVisible, false)
    flags |= flag
  }

  // MARK: In place

  /// Overwrites a tuple's columns.
  /// - Parameter data: as long as they are.
  func overwrite(_ number: Int, on page: HeapPage, _ tuple: HeapTuple, with data: UnsafeRawBufferPointer) {
    tuple.overwrite(data)
    builder.begin(.heap, info: HeapRecordInfo.inPlace, xid: xid.rawValue)
    HeapInPlaceRecord(number: UInt16(number), database: locator.database, tablespace: locator.tablespace)
      .append(to: builder)
    register(0, page)
    builder.registerBlockData(0, data)
  }

  // MARK: Insert

  /// Adds a tuple.
  /// - Parameter tuple: prepared for insertion by this transaction; copied.
  /// - Returns: its line pointer; nil where the page has no room, and then nothing was done.
  func insert(_ tuple: HeapTuple, on page: HeapPage) -> Int? {
    guard let number = page.insert(UnsafeRawBufferPointer(tuple.bytes)) else { return nil }
    var record = HeapInsertRecord(number: number)
    clearAllVisible(page, &record.flags, HeapRecordFlags.insertAllVisibleCleared)
    // With nothing else on the page, redo can make it anew, and no image of it is needed.
    let isOnly = number == 1 && page.editor.itemCount == 1
    builder.begin(
      .heap, info: HeapRecordInfo.insert | (isOnly ? HeapRecordInfo.initializesPage : 0), xid: xid.rawValue)
    record.append(to: builder)
    register(0, page, isOnly ? [.standard, .willInitialize] : .standard)
    HeapRecordHeader(tuple).append(to: builder, block: 0)
    builder.registerBlockData(0, tuple.body)
    return number
  }

  /// Adds as many tuples as there is room for, with one record.
  /// - Parameters:
  ///   - tuples: prepared for insertion by this transaction, one after another, each at a multiple of eight bytes;
  ///     copied.
  ///   - reserve: bytes of the page to leave free.
  ///   - isLast: whether they are all that the statement inserts.
  ///   - placed: called with each tuple's line pointer.
  /// - Returns: how many were added; 0 where the page has no room, and then nothing was done.
  func multiInsert(
    _ tuples: some Sequence<HeapTuple>, on page: HeapPage, reserve: Int = 0, isLast: Bool = false,
    placed: (Int) -> Void = { _ in }
  ) -> Int {
    let wasEmpty = page.editor.itemCount == 0
    var flags: UInt8 = 0
    clearAllVisible(page, &flags, HeapRecordFlags.insertAllVisibleCleared)
    builder.begin(
      .heap2, info: HeapRecordInfo.multiInsert | (wasEmpty ? HeapRecordInfo.initializesPage : 0), xid: xid.rawValue)
    register(0, page, wasEmpty ? [.standard, .willInitialize] : .standard)
    var count = 0
    var length = 0
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: HeapPage.itemCountMax) { numbers in
      for tuple in tuples {
        if count > 0, page.freeSpace < PageLayout.aligned(tuple.bytes.count) + reserve { break }
        guard count < HeapPage.itemCountMax, let number = page.insert(UnsafeRawBufferPointer(tuple.bytes)) else {
          break
        }
        placed(number)
        numbers[count] = UInt16(number)
        count += 1
        length = append(tuple, at: length)
      }
      var record = HeapMultiInsertRecord(count: count)
      record.flags = flags | (isLast ? HeapRecordFlags.insertLastInMulti : 0)
      record.append(to: builder)
      if !wasEmpty { for index in 0..<count { builder.appendData(numbers[index]) } }
    }
    return count
  }

  /// Adds a tuple to the data of a record of many: `xl_multi_insert_tuple`, at a multiple of two bytes.
  /// - Returns: the length of the data with it.
  private func append(_ tuple: HeapTuple, at length: Int) -> Int {
    let padding = length & 1
    let body = tuple.body
    let room = builder.appendBlockData(0, byteCount: padding + Self.multiInsertHeader + body.count)
    if padding == 1 { room.storeBytes(of: 0, as: UInt8.self) }
    let place = room + padding
    place.storeBytes(of: UInt16(body.count), as: UInt16.self)
    place.storeBytes(of: tuple.infomask2.rawValue, toByteOffset: 2, as: UInt16.self)
    place.storeBytes(of: tuple.infomask.rawValue, toByteOffset: 4, as: UInt16.self)
    place.storeBytes(of: UInt8(tuple.dataOffset), toByteOffset: 6, as: UInt8.self)
    if let source = body.baseAddress {
      (place + Self.multiInsertHeader).copyMemory(from: source, byteCount: body.count)
    }
    return length + padding + Self.multiInsertHeader + body.count
  }

  /// `SizeOfMultiInsertTuple`.
  private static let multiInsertHeader = 7

  // MARK: Delete

  /// Marks a tuple as deleted.
  /// - Parameters:
  ///   - bits: what it says of its deleter, and of others who have locked it.
  ///   - command: the number of the command in its transaction, or one that stands for two.
  func delete(
    _ number: Int, on page: HeapPage, _ tuple: HeapTuple, _ bits: RowLockBits, command: UInt32, isCombo: Bool
  ) {
    var record = HeapDeleteRecord(xmax: bits.xmax, number: number, infoBits: bits.recordBits)
    clearAllVisible(page, &record.flags, HeapRecordFlags.deleteAllVisibleCleared)
    page.delete(tuple, at: number, by: xid, xmax: bits.xmax, record.infoBits, command: command, isCombo: isCombo)
    builder.begin(.heap, info: HeapRecordInfo.delete, xid: xid.rawValue)
    record.append(to: builder)
    register(0, page)
  }

  /// Takes a tuple back that this transaction has just inserted, as if it had never been there
  /// (heap_abort_speculative).
  func retract(_ number: Int, on page: HeapPage, _ tuple: HeapTuple) {
    var record = HeapDeleteRecord(xmax: xid, number: number, infoBits: [])
    record.flags = HeapRecordFlags.deleteIsSuper
    page.retract(tuple, at: number, by: xid)
    builder.begin(.heap, info: HeapRecordInfo.delete, xid: xid.rawValue)
    record.append(to: builder)
    register(0, page)
  }

  // MARK: Lock

  /// Marks a tuple as locked.
  /// - Parameters:
  ///   - bits: what it says of all who have it then.
  ///   - isSuccessor: whether an older version of the row was locked, and this one is because of that.
  ///   - clearsFrozen: whether the visibility map must not say any more that the page is frozen.
  func lock(
    _ number: Int, on page: HeapPage, _ tuple: HeapTuple, _ bits: RowLockBits, isSuccessor: Bool, clearsFrozen: Bool
  ) {
    var record = HeapLockRecord(xmax: bits.xmax, number: number, infoBits: bits.recordBits)
    if clearsFrozen { record.flags = HeapRecordFlags.lockAllFrozenCleared }
    page.lock(tuple, at: number, bits.xmax, record.infoBits, isSuccessor: isSuccessor)
    if isSuccessor {
      builder.begin(.heap2, info: HeapRecordInfo.lockUpdated, xid: xid.rawValue)
    } else {
      builder.begin(.heap, info: HeapRecordInfo.lock, xid: xid.rawValue)
    }
    register(0, page)
    record.append(to: builder)
  }

  // MARK: Update

  /// Which version of a row is replaced, and by which command.
  struct Replacement {
    let number: Int
    let page: HeapPage
    let tuple: HeapTuple
    let command: UInt32
    let isCombo: Bool
    /// What the old version says of who replaces it.
    let bits: RowLockBits
    /// What the new one says of those who keep a lock on the row.
    var successor: RowLockBits?
  }

  /// Adds a new version of a row, and marks the old one as replaced.
  /// - Parameters:
  ///   - new: prepared for insertion by this transaction; copied.
  ///   - page: where it goes: the page of the old version, or another.
  ///   - isHot: whether no index needs an entry for it; only on the same page.
  /// - Returns: its line pointer; nil where the page has no room, and then nothing was done.
  func update(_ old: Replacement, with new: HeapTuple, on page: HeapPage, isHot: Bool) -> Int? {
    let isSamePage = old.page.block == page.block
    precondition(isSamePage || !isHot, "a heap-only tuple on another page than its root")
    new.infomask.insert(.updated)
    if isHot { new.infomask2.insert(.heapOnly) }
    if let successor = old.successor {
      new.xmax = successor.xmax
      new.infomask = new.infomask.subtracting(.xmaxInvalid).union(successor.infomask)
      new.infomask2.formUnion(successor.infomask2)
    }
    guard let number = page.insert(UnsafeRawBufferPointer(new.bytes)) else { return nil }
    var record = HeapUpdateRecord(
      oldXmax: old.bits.xmax, oldNumber: old.number, oldInfoBits: old.bits.recordBits, newXmax: new.xmax,
      newNumber: number)
    clearAllVisible(old.page, &record.flags, HeapRecordFlags.updateOldAllVisibleCleared)
    if !isSamePage { clearAllVisible(page, &record.flags, HeapRecordFlags.updateNewAllVisibleCleared) }
    let common = isSamePage ? HeapUpdateRecord.Common(old.tuple, new) : HeapUpdateRecord.Common()
    old.page.replace(
      old.tuple, by: xid, xmax: old.bits.xmax, record.oldInfoBits, command: old.command, isCombo: old.isCombo,
      with: TupleIdentifier(page.block, number), isHot: isHot)

    let isOnly = !isSamePage && number == 1 && page.editor.itemCount == 1
    var info = isHot ? HeapRecordInfo.hotUpdate : HeapRecordInfo.update
    if isOnly { info |= HeapRecordInfo.initializesPage }
    builder.begin(.heap, info: info, xid: xid.rawValue)
    register(0, page, isOnly ? [.standard, .willInitialize] : .standard)
    if !isSamePage { register(1, old.page) }
    record.append(to: builder, new: new, common: common)
    return number
  }

  // MARK: Prune

  /// Frees what a plan says, and freezes tuples.
  /// - Parameters:
  ///   - freezes: none of them is among those that go.
  ///   - info: on what occasion: one of the three of ``HeapRecordInfo``.
  ///   - isCleanup: see ``HeapPage/prune(_:isCleanup:)``.
  func prune(
    _ plan: PrunePlan, freezing freezes: [HeapPruneRecord.Freeze] = [], on page: HeapPage, info: UInt8,
    isCleanup: Bool = true
  ) {
    if !plan.isEmpty { page.prune(plan, isCleanup: isCleanup) }
    if isCleanup {
      page.editor.pruneXID = plan.nextPruneXID
      page.editor.set(.pageFull, false)
    }
    for freeze in freezes {
      let isDone = page.freeze(freeze)
      precondition(isDone, "a tuple was to be frozen that is not there")
    }
    builder.begin(.heap2, info: info)
    register(0, page)
    HeapPruneRecord(plan, freezes: freezes, isCleanup: isCleanup).append(to: builder, block: 0)
  }
}
