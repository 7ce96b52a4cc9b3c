public import MillraceStorage

/// A page of a heap, changed in place: the page's part of PostgreSQL's src/backend/access/heap/heapam.c.
///
/// The forward path and recovery change pages through these functions alone, so the bytes that both leave are equal.
/// What a transaction may do to which tuple is decided elsewhere.
public struct HeapPage {
  public let editor: PageEditor
  public let block: BlockNumber

  /// - Parameters:
  ///   - page: `PageLayout.blockSize` writable bytes, an initialized heap page. See ``PageEditor``.
  ///   - block: where it stands.
  @inlinable public init(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    (editor, self.block) = (PageEditor(page), block)
  }

  /// The most line pointers that a heap page can have: `MaxHeapTuplesPerPage`.
  @inlinable public static var itemCountMax: Int {
    (PageLayout.blockSize - PageLayout.headerSize) / (PageLayout.aligned(23) + PageLayout.linePointerSize)
  }

  /// The longest tuple that fits into a page: `MaxHeapTupleSize`.
  @inlinable public static var tupleLengthMax: Int {
    PageLayout.blockSize - PageLayout.aligned(PageLayout.headerSize + PageLayout.linePointerSize)
  }

  /// The tuple with that line pointer; nil where there is none, or what is there cannot be one.
  @inlinable public func tuple(_ number: Int) -> HeapTuple? { editor.item(number).flatMap { HeapTuple($0) } }

  /// Bytes for one more tuple: `PageGetHeapFreeSpace`. None when all line pointers are taken.
  public var freeSpace: Int {
    let space = editor.freeSpace
    guard space > 0, editor.itemCount >= Self.itemCountMax else { return space }
    guard editor.flags.contains(.hasFreeLines) else { return 0 }
    for number in 1..<editor.itemCount + 1 where editor.linePointer(number).state == .unused { return space }
    return 0
  }

  // MARK: Changes

  /// Puts a tuple onto the page, which from then on says itself where it stands.
  /// - Parameters:
  ///   - tuple: header and columns, aligned as the columns need; copied.
  ///   - number: the line pointer to use; nil takes a free one.
  /// - Returns: the line pointer; nil where there is no room, or that line pointer is taken.
  func insert(_ tuple: UnsafeRawBufferPointer, at number: Int? = nil) -> Int? {
    guard let (number, bytes) = editor.add(length: tuple.count, at: number) else { return nil }
    bytes.copyMemory(from: tuple)
    HeapTuple(forming: bytes).identifier = TupleIdentifier(block, number)
    return number
  }

  /// Marks a tuple as deleted.
  /// - Parameters:
  ///   - xid: who deletes it; also where `xmax` is something else.
  func delete(
    _ tuple: HeapTuple, at number: Int, by xid: TransactionID, xmax: TransactionID, _ bits: XmaxInfoBits,
    command: UInt32, isCombo: Bool
  ) {
    tuple.setXmax(xmax, bits, command: command, isCombo: isCombo)
    tuple.setHotUpdated(false)
    // No way leads on from here, not even where an update that was rolled back had left one.
    tuple.identifier = TupleIdentifier(block, number)
    editor.notePrunable(xid)
  }

  /// Takes a tuple back: nobody inserted it.
  func retract(_ tuple: HeapTuple, at number: Int, by xid: TransactionID) {
    tuple.infomask = tuple.infomask.subtracting(.xmaxBits).subtracting(.moved)
    tuple.infomask2 = tuple.infomask2.subtracting(.keysUpdated)
    tuple.setHotUpdated(false)
    tuple.xmin = .invalid
    tuple.identifier = TupleIdentifier(block, number)
    editor.notePrunable(xid)
  }

  /// Marks a tuple as locked.
  /// - Parameter isSuccessor: see ``HeapChange/lock(_:on:_:_:isSuccessor:clearsFrozen:)``.
  func lock(_ tuple: HeapTuple, at number: Int, _ xmax: TransactionID, _ bits: XmaxInfoBits, isSuccessor: Bool) {
    tuple.infomask = tuple.infomask.subtracting(.xmaxBits).subtracting(.moved).union(bits.infomask)
    tuple.infomask2 = tuple.infomask2.subtracting(.keysUpdated).union(bits.infomask2)
    tuple.xmax = xmax
    guard !isSuccessor, tuple.infomask.isXmaxLockOnly else { return }
    // Where an update that was rolled back had left a way on, there is none.
    tuple.setHotUpdated(false)
    tuple.identifier = TupleIdentifier(block, number)
  }

  /// Takes old numbers out of tuples.
  /// - Returns: whether all of them are there.
  func freeze(_ freeze: HeapPruneRecord.Freeze) -> Bool {
    for number in freeze.numbers {
      guard let tuple = tuple(Int(number)) else { return false }
      tuple.xmax = freeze.xmax
      tuple.infomask = Infomask(rawValue: freeze.infomask)
      tuple.infomask2 = Infomask2(rawValue: freeze.infomask2)
    }
    return true
  }

  /// Marks a tuple as replaced by a newer version.
  /// - Parameters:
  ///   - xid: who replaces it; also where `xmax` is something else.
  ///   - isHot: whether the newer version is on this page and in no index.
  func replace(
    _ tuple: HeapTuple, by xid: TransactionID, xmax: TransactionID, _ bits: XmaxInfoBits, command: UInt32,
    isCombo: Bool, with next: TupleIdentifier, isHot: Bool
  ) {
    tuple.setXmax(xmax, bits, command: command, isCombo: isCombo)
    tuple.setHotUpdated(isHot)
    tuple.identifier = next
    editor.notePrunable(xid)
  }
}

@available(*, unavailable, message: "a heap page borrows memory that only its user keeps alive")
extension HeapPage: Sendable {}
