public import MillraceStorage

/// A page in memory, changed in place: what PostgreSQL's src/backend/storage/page/bufpage.c does to pages.
///
/// A borrowed pointer. Whoever holds one has the page to itself: for a page in the buffer pool that is an exclusive
/// content lock. Nothing here checks that a page is sound, because pages are verified when they are read; but nothing
/// is written outside the page, whatever its header says. Nothing allocates.
public struct PageEditor {
  public let base: UnsafeMutableRawPointer

  /// - Parameter base: `PageLayout.blockSize` writable bytes.
  @inlinable public init(_ base: UnsafeMutableRawPointer) { self.base = base }

  /// Makes an empty page: `PageInit`.
  /// - Parameter specialSize: bytes of the access method's own area at the end.
  public func initialize(specialSize: Int = 0) {
    base.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
    PageHeader(specialSize: specialSize).store(to: base)
  }

  // MARK: Header

  @inlinable public var view: PageView { PageView(UnsafeRawPointer(base)) }
  @inlinable public var isNew: Bool { upper == 0 }

  @inlinable public var lsn: LogSequenceNumber {
    get {
      let high = base.load(fromByteOffset: PageLayout.Offset.lsn, as: UInt32.self)
      let low = base.load(fromByteOffset: PageLayout.Offset.lsn + 4, as: UInt32.self)
      return LogSequenceNumber(UInt64(high) << 32 | UInt64(low))
    }
    nonmutating set {
      base.storeBytes(
        of: UInt32(newValue.rawValue >> 32), toByteOffset: PageLayout.Offset.lsn, as: UInt32.self)
      base.storeBytes(
        of: UInt32(truncatingIfNeeded: newValue.rawValue), toByteOffset: PageLayout.Offset.lsn + 4, as: UInt32.self)
    }
  }

  @inlinable public var flags: PageFlags {
    get { PageFlags(rawValue: base.load(fromByteOffset: PageLayout.Offset.flags, as: UInt16.self)) }
    nonmutating set {
      base.storeBytes(of: newValue.rawValue, toByteOffset: PageLayout.Offset.flags, as: UInt16.self)
    }
  }

  /// Sets or clears one flag.
  @inlinable public func set(_ flag: PageFlags, _ isSet: Bool) {
    flags = isSet ? flags.union(flag) : flags.subtracting(flag)
  }

  @inlinable public var lower: Int {
    get { Int(base.load(fromByteOffset: PageLayout.Offset.lower, as: UInt16.self)) }
    nonmutating set {
      base.storeBytes(of: UInt16(newValue), toByteOffset: PageLayout.Offset.lower, as: UInt16.self)
    }
  }

  @inlinable public var upper: Int {
    get { Int(base.load(fromByteOffset: PageLayout.Offset.upper, as: UInt16.self)) }
    nonmutating set {
      base.storeBytes(of: UInt16(newValue), toByteOffset: PageLayout.Offset.upper, as: UInt16.self)
    }
  }

  @inlinable public var special: Int { Int(base.load(fromByteOffset: PageLayout.Offset.special, as: UInt16.self)) }

  /// The oldest transaction that may have left something to prune. A hint.
  @inlinable public var pruneXID: TransactionID {
    get { TransactionID(base.load(fromByteOffset: PageLayout.Offset.pruneXID, as: UInt32.self)) }
    nonmutating set {
      base.storeBytes(of: newValue.rawValue, toByteOffset: PageLayout.Offset.pruneXID, as: UInt32.self)
    }
  }

  /// Notes that a transaction leaves something to prune here if it commits: `PageSetPrunable`.
  @inlinable public func notePrunable(_ xid: TransactionID) {
    let known = pruneXID
    if !known.isValid || xid.precedes(known) { pruneXID = xid }
  }

  // MARK: Line pointers

  /// How many line pointers there are: `PageGetMaxOffsetNumber`.
  @inlinable public var itemCount: Int { view.itemCount }

  @inlinable public func linePointer(_ number: Int) -> LinePointer { view.linePointer(number) }

  /// - Precondition: `number` is in `1...itemCount`.
  @inlinable public func setLinePointer(_ number: Int, _ pointer: LinePointer) {
    precondition(number >= 1 && number <= itemCount, "line pointer number out of range")
    base.storeBytes(
      of: pointer.rawValue, toByteOffset: PageLayout.headerSize + (number - 1) * PageLayout.linePointerSize,
      as: UInt32.self)
  }

  /// The bytes of a normal item; nil if it has none, or if they would lie outside the page.
  @inlinable public func item(_ number: Int) -> UnsafeMutableRawBufferPointer? {
    guard number >= 1, number <= itemCount else { return nil }
    let pointer = linePointer(number)
    guard pointer.state == .normal, pointer.offset >= PageLayout.headerSize, pointer.length > 0,
      pointer.offset + pointer.length <= PageLayout.blockSize
    else { return nil }
    return UnsafeMutableRawBufferPointer(start: base + pointer.offset, count: pointer.length)
  }

  // MARK: Room

  /// Bytes between line pointers and items: `PageGetExactFreeSpace`.
  @inlinable public var exactFreeSpace: Int { max(upper - lower, 0) }

  /// Bytes for one more item, its new line pointer already taken off: `PageGetFreeSpace`.
  @inlinable public var freeSpace: Int { max(exactFreeSpace - PageLayout.linePointerSize, 0) }

  // MARK: Items

  /// Makes room for an item: `PageAddItemExtended`.
  /// - Parameters:
  ///   - length: bytes, more than zero.
  ///   - number: the line pointer to use, which must be unused or the next one after the last; nil takes a free one.
  ///   - countMax: how many line pointers a page of this kind can have.
  /// - Returns: the line pointer's number and the item's bytes, to be filled; nil where they do not fit or that line
  ///   pointer is not to be had.
  public func add(
    length: Int, at number: Int? = nil, countMax: Int = HeapPage.itemCountMax
  ) -> (number: Int, bytes: UnsafeMutableRawBufferPointer)? {
    precondition(length > 0, "an item is at least one byte long")
    let next = itemCount + 1
    let chosen = number ?? firstUnused() ?? next
    guard chosen >= 1, chosen <= next, chosen <= countMax else { return nil }
    if chosen < next, linePointer(chosen).state != .unused || linePointer(chosen).length > 0 { return nil }
    let lower = chosen == next ? lower + PageLayout.linePointerSize : lower
    let aligned = PageLayout.aligned(length)
    guard lower >= PageLayout.headerSize, aligned <= upper, upper - aligned >= lower, upper <= PageLayout.blockSize
    else { return nil }
    let offset = upper - aligned
    self.lower = lower
    upper = offset
    setLinePointer(chosen, LinePointer(offset: offset, state: .normal, length: length))
    // What follows the item up to the next one is never read; it is zero so that equal pages have equal bytes.
    (base + offset + length).initializeMemory(as: UInt8.self, repeating: 0, count: aligned - length)
    return (chosen, UnsafeMutableRawBufferPointer(start: base + offset, count: length))
  }

  /// The first line pointer that is free, where the hint says that there is one; corrects the hint.
  private func firstUnused() -> Int? {
    guard flags.contains(.hasFreeLines) else { return nil }
    for number in 1..<itemCount + 1 where linePointer(number).state == .unused { return number }
    set(.hasFreeLines, false)
    return nil
  }

  /// Moves the items together behind the free space, and drops unused line pointers at the end of their array:
  /// `PageRepairFragmentation`. Items keep their numbers.
  /// - Returns: whether the items lie on the page and have room beside each other; if not, nothing was done.
  public func compact() -> Bool {
    guard canCompact else { return false }
    dropTrailingLinePointers()
    let count = itemCount
    var unused = 0
    withUnsafeTemporaryAllocation(byteCount: PageLayout.blockSize, alignment: 8) { scratch in
      scratch.copyMemory(from: UnsafeRawBufferPointer(start: base, count: PageLayout.blockSize))
      guard let copy = scratch.baseAddress else { preconditionFailure("a temporary page has no memory") }
      var end = special
      for number in 1..<count + 1 {
        let pointer = linePointer(number)
        if pointer.state == .unused { unused += 1 }
        guard pointer.state == .normal || pointer.state == .dead, pointer.length > 0 else { continue }
        let size = PageLayout.aligned(pointer.length)
        end -= size
        (base + end).copyMemory(from: copy + pointer.offset, byteCount: size)
        setLinePointer(number, LinePointer(offset: end, state: pointer.state, length: pointer.length))
      }
      upper = end
    }
    set(.hasFreeLines, unused > 0)
    return true
  }

  /// Whether the items can be moved together: each lies behind the line pointers and before the special area, and all
  /// of them have room there.
  public var canCompact: Bool {
    guard lower >= PageLayout.headerSize, special <= PageLayout.blockSize, lower <= special else { return false }
    var room = special - lower
    for number in 1..<itemCount + 1 {
      let pointer = linePointer(number)
      guard pointer.state == .normal || pointer.state == .dead, pointer.length > 0 else { continue }
      let size = PageLayout.aligned(pointer.length)
      room -= size
      guard pointer.offset >= lower, pointer.offset + size <= special, room >= 0 else { return false }
    }
    return true
  }

  /// Drops unused line pointers at the end of their array: what `PageTruncateLinePointerArray` does, but for the case
  /// that all are unused, of which it keeps one.
  func dropTrailingLinePointers() {
    var count = itemCount
    while count > 0, linePointer(count).state == .unused { count -= 1 }
    lower = PageLayout.headerSize + count * PageLayout.linePointerSize
  }

  /// Drops unused line pointers at the end of their array, keeping at least one, and updates the hint about free ones:
  /// `PageTruncateLinePointerArray`.
  public func truncateLinePointers() {
    var count = itemCount
    while count > 1, linePointer(count).state == .unused { count -= 1 }
    let hasFree = (1..<count + 1).contains { linePointer($0).state == .unused }
    lower = PageLayout.headerSize + count * PageLayout.linePointerSize
    set(.hasFreeLines, hasFree)
  }
}

@available(*, unavailable, message: "a page editor borrows memory that only its user keeps alive")
extension PageEditor: Sendable {}
