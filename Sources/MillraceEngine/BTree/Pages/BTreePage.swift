public import MillraceStorage

/// A page of a B-tree in memory: the special area and the items of PostgreSQL's src/include/access/nbtree.h.
///
/// Pages of a level are linked both ways. All but the last of a level begin with a *high key*, a pivot that no entry of
/// the page is greater than. On internal pages the first downlink has no columns: it stands for minus infinity.
///
/// A borrowed pointer; to change the page takes an exclusive content lock. Nothing is read outside of the page.
public struct BTreePage {
  public let editor: PageEditor

  /// - Parameter page: `PageLayout.blockSize` bytes.
  @inlinable public init(_ page: UnsafeMutableRawPointer) { editor = PageEditor(page) }

  /// To read from.
  @inlinable public init(reading page: UnsafeRawPointer) {
    editor = PageEditor(UnsafeMutableRawPointer(mutating: page))
  }

  @inlinable public var base: UnsafeMutableRawPointer { editor.base }

  /// What `btpo_flags` can hold.
  public struct Flags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable public static var leaf: Flags { Flags(rawValue: 1 << 0) }
    @inlinable public static var root: Flags { Flags(rawValue: 1 << 1) }
    /// It is out of the tree.
    @inlinable public static var deleted: Flags { Flags(rawValue: 1 << 2) }
    @inlinable public static var meta: Flags { Flags(rawValue: 1 << 3) }
    /// It is empty and on its way out: nothing leads to it from above any more.
    @inlinable public static var halfDead: Flags { Flags(rawValue: 1 << 4) }
    /// The last of several that one page was split into during a VACUUM.
    @inlinable public static var splitEnd: Flags { Flags(rawValue: 1 << 5) }
    /// There may be dead items. Of no use since PostgreSQL 13, but kept.
    @inlinable public static var hasGarbage: Flags { Flags(rawValue: 1 << 6) }
    /// The page to its right has no downlink yet.
    @inlinable public static var incompleteSplit: Flags { Flags(rawValue: 1 << 7) }
    /// A deleted page that says since when.
    @inlinable public static var hasFullXID: Flags { Flags(rawValue: 1 << 8) }

    /// Scans pass over pages that have one of these.
    @inlinable public static var ignored: Flags { [.deleted, .halfDead] }
  }

  /// Bytes of the special area.
  @inlinable public static var specialSize: Int { 16 }
  /// Where the special area starts.
  @inlinable public static var special: Int { PageLayout.blockSize - specialSize }
  /// The number of the high key.
  @inlinable public static var highKeyNumber: Int { 1 }
  /// No page to the left or right.
  @inlinable public static var none: BlockNumber { BlockNumber(0) }
  /// The most places of heap tuples that a page can have: `MaxTIDsPerBTreePage`.
  @inlinable public static var heapTIDsMax: Int {
    (PageLayout.blockSize - PageLayout.headerSize - specialSize) / HeapTID.size
  }

  /// Bytes for items and their line pointers.
  @inlinable public static var itemSpace: Int { special - PageLayout.headerSize }

  /// The longest tuple, a heap TID at its end included: three of them and their line pointers fill a page
  /// (`BTMaxItemSizeNoHeapTid`).
  @inlinable public static var pivotSizeMax: Int {
    ((special - PageLayout.aligned(PageLayout.headerSize + 3 * PageLayout.linePointerSize)) / 3) & ~7
  }
  /// The longest that can be inserted: `BTMaxItemSize`.
  @inlinable public static var tupleSizeMax: Int { pivotSizeMax - PageLayout.aligned(HeapTID.size) }
  /// The longest posting list: half of that.
  @inlinable public static var postingSizeMax: Int { min(tupleSizeMax / 2, Int(IndexTuple.Info.sizeMask)) }

  // MARK: The special area

  @inlinable func load<Field: BitwiseCopyable>(_ offset: Int, as type: Field.Type) -> Field {
    base.loadUnaligned(fromByteOffset: Self.special + offset, as: type)
  }

  /// The page to the left; ``none`` where it is the first of its level.
  @inlinable public var previous: BlockNumber {
    get { BlockNumber(load(0, as: UInt32.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Self.special, as: UInt32.self) }
  }

  /// The page to the right; ``none`` where it is the last of its level.
  @inlinable public var next: BlockNumber {
    get { BlockNumber(load(4, as: UInt32.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Self.special + 4, as: UInt32.self) }
  }

  /// How far above the leaves; those are 0.
  @inlinable public var level: UInt32 {
    get { load(8, as: UInt32.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.special + 8, as: UInt32.self) }
  }

  @inlinable public var flags: Flags {
    get { Flags(rawValue: load(12, as: UInt16.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Self.special + 12, as: UInt16.self) }
  }

  /// During which VACUUM it was split last.
  @inlinable public var cycleID: UInt16 {
    get { load(14, as: UInt16.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.special + 14, as: UInt16.self) }
  }

  @inlinable public var isLeaf: Bool { flags.contains(.leaf) }
  @inlinable public var isRoot: Bool { flags.contains(.root) }
  @inlinable public var isDeleted: Bool { flags.contains(.deleted) }
  @inlinable public var isHalfDead: Bool { flags.contains(.halfDead) }
  @inlinable public var isIgnored: Bool { !flags.isDisjoint(with: .ignored) }
  @inlinable public var isSplitIncomplete: Bool { flags.contains(.incompleteSplit) }
  @inlinable public var isLeftmost: Bool { previous == Self.none }
  @inlinable public var isRightmost: Bool { next == Self.none }

  // MARK: Items

  @inlinable public var itemCount: Int { editor.itemCount }
  /// The number of the first item that is no high key: `P_FIRSTDATAKEY`.
  @inlinable public var firstDataNumber: Int { isRightmost ? 1 : 2 }
  /// How many items there are besides the high key.
  @inlinable public var dataCount: Int { max(itemCount - firstDataNumber + 1, 0) }

  /// An item, dead or not. What a damaged line pointer says is cut down to what lies in the page.
  /// - Precondition: `number` is in `1...itemCount`.
  @inlinable public func item(_ number: Int) -> IndexTuple {
    let pointer = editor.linePointer(number)
    let offset = min(max(pointer.offset, PageLayout.headerSize) & ~7, Self.special - IndexTuple.headerSize)
    return IndexTuple(base + offset, limit: max(min(pointer.length, Self.special - offset), IndexTuple.headerSize))
  }

  /// Whether an item leads only to what nobody can see any more.
  @inlinable public func isDead(_ number: Int) -> Bool { editor.linePointer(number).state == .dead }

  /// The high key. - Precondition: the page has one: it is not the last of its level, and not empty.
  @inlinable public var highKey: IndexTuple { item(Self.highKeyNumber) }

  @inlinable public var hasHighKey: Bool { !isRightmost && itemCount >= 1 }

  /// Marks an item as dead, or takes that back. A hint.
  func setDead(_ number: Int, _ isDead: Bool = true) {
    let pointer = editor.linePointer(number)
    editor.setLinePointer(
      number, LinePointer(offset: pointer.offset, state: isDead ? .dead : .normal, length: pointer.length))
  }

  /// Whether it looks like a page of a B-tree at all: `_bt_checkpage`.
  @inlinable public var isSound: Bool {
    let view = editor.view
    return !view.isNew && editor.special == Self.special && editor.lower >= PageLayout.headerSize
      && editor.lower <= editor.upper && editor.upper <= Self.special
  }

  // MARK: Deleted pages

  /// From when on nobody can be on the way to a deleted page: once this transaction is over for everybody.
  @inlinable public var safeXID: FullTransactionID {
    guard flags.contains(.hasFullXID) else { return FullTransactionID(UInt64(TransactionID.firstNormal.rawValue)) }
    return FullTransactionID(base.loadUnaligned(fromByteOffset: PageLayout.headerSize, as: UInt64.self))
  }

  // MARK: Changes

  /// Makes an empty page: `_bt_pageinit`. Where it is on that level already it never says another meanwhile, since that
  /// is looked at without a lock, too (``BTreeIndex/read(_:level:_:_:)``).
  func initialize(level: UInt32 = 0, flags: Flags = []) {
    base.initializeMemory(as: UInt8.self, repeating: 0, count: Self.special)
    PageHeader(specialSize: Self.specialSize).store(to: base)
    (previous, next, cycleID) = (Self.none, Self.none, 0)
    self.level = level
    self.flags = flags
  }

  /// Says that the page is out of the tree: `BTPageSetDeleted`.
  func setDeleted(safeXID: FullTransactionID) {
    flags = flags.subtracting(.halfDead).union([.deleted, .hasFullXID])
    editor.lower = PageLayout.headerSize + 8
    editor.upper = editor.special
    base.storeBytes(of: safeXID.rawValue, toByteOffset: PageLayout.headerSize, as: UInt64.self)
  }

  /// Puts an item in. - Returns: whether there was room.
  func insert(_ tuple: UnsafeRawBufferPointer, at number: Int) -> Bool { editor.insertItem(tuple, at: number) }

  func insert(_ tuple: IndexTuple, at number: Int) -> Bool { editor.insertItem(tuple.bytes, at: number) }

  /// The bytes of all items, as they lie on the page; what redo makes a page from.
  var itemBytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + editor.upper, count: editor.special - editor.upper)
  }

  /// Puts items onto an empty page from ``itemBytes``: the last one comes first there (`_bt_restore_page`).
  /// - Returns: whether they fit, and are what they say.
  func restore(_ bytes: UnsafeRawBufferPointer) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: PageLayout.blockSize / 8) { offsets in
      var (count, position) = (0, 0)
      while position < bytes.count {
        guard position + IndexTuple.headerSize <= bytes.count, count < offsets.count else { return false }
        let size = Int(bytes.loadUnaligned(fromByteOffset: position + 6, as: UInt16.self) & IndexTuple.Info.sizeMask)
        guard size >= IndexTuple.headerSize, position + PageLayout.aligned(size) <= bytes.count else { return false }
        offsets[count] = UInt16(position)
        count += 1
        position += PageLayout.aligned(size)
      }
      var end = bytes.count
      for number in stride(from: 1, through: count, by: 1) {
        let start = Int(offsets[count - number])
        guard insert(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), at: number) else { return false }
        end = start
      }
      return true
    }
  }
}

@available(*, unavailable, message: "a B-tree page borrows memory that only its user keeps alive")
extension BTreePage: Sendable {}
