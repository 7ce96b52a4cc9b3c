public import MillraceStorage

/// An entry of a B-tree page in memory, read and changed in place: PostgreSQL's `IndexTupleData`
/// (src/include/access/itup.h) with what nbtree makes of it (src/include/access/nbtree.h).
///
/// There are three kinds. A *plain* tuple leads to one heap tuple. A *posting list* stands for several with equal keys,
/// and has their places, in order, at its end. A *pivot* is no entry but separates pages: a high key, or a downlink in
/// an internal page; it may lack trailing columns, which then count as less than any value, and has a heap TID at its
/// end only where all columns alone do not separate.
///
/// A borrowed pointer. Nothing is read outside of the `limit` bytes that whoever made it has, whatever the tuple says.
public struct IndexTuple {
  public let base: UnsafeMutableRawPointer
  /// Bytes that may be read: the length of its line pointer.
  public let limit: Int

  /// - Parameters:
  ///   - base: aligned to two bytes at least.
  ///   - limit: readable bytes from there; at least ``headerSize``.
  @inlinable public init(_ base: UnsafeMutableRawPointer, limit: Int) {
    (self.base, self.limit) = (base, limit)
  }

  /// A tuple in memory of its own, which says itself how long it is.
  @inlinable init(formed base: UnsafeMutableRawPointer) {
    self.base = base
    limit = Int(base.load(fromByteOffset: 6, as: UInt16.self) & 0x1FFF)
  }

  /// Bytes before the null bitmap or the columns: `sizeof(IndexTupleData)`.
  @inlinable public static var headerSize: Int { 8 }
  /// Bytes before the columns where some are null: the bitmap has room for 32 columns always.
  @inlinable public static var headerSizeWithNulls: Int { 16 }
  /// The most columns of an index: `INDEX_MAX_KEYS`.
  @inlinable public static var columnCountMax: Int { 32 }

  /// What `t_info` holds besides the size.
  public enum Info {
    @inlinable public static var sizeMask: UInt16 { 0x1FFF }
    /// The heap TID in the header is something else: `INDEX_ALT_TID_MASK`.
    @inlinable public static var alternative: UInt16 { 0x2000 }
    @inlinable public static var hasVariableWidth: UInt16 { 0x4000 }
    @inlinable public static var hasNulls: UInt16 { 0x8000 }
  }

  /// What the offset number in the header holds where the heap TID is something else.
  public enum Status {
    @inlinable public static var countMask: UInt16 { 0x0FFF }
    /// A pivot with a heap TID at its end: `BT_PIVOT_HEAP_TID_ATTR`.
    @inlinable public static var hasHeapTID: UInt16 { 0x1000 }
    /// A posting list: `BT_IS_POSTING`.
    @inlinable public static var isPosting: UInt16 { 0x2000 }
  }

  @inlinable public var info: UInt16 {
    get { base.loadUnaligned(fromByteOffset: 6, as: UInt16.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: 6, as: UInt16.self) }
  }

  /// The offset number of the header: of a heap tuple, or a status with a count.
  @inlinable public var status: UInt16 {
    get { base.loadUnaligned(fromByteOffset: 4, as: UInt16.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: 4, as: UInt16.self) }
  }

  /// The block of the header: of a heap tuple, a downlink, or the offset of a posting list.
  @inlinable public var blockField: UInt32 {
    get {
      UInt32(base.loadUnaligned(as: UInt16.self)) << 16
        | UInt32(base.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
    nonmutating set {
      base.storeBytes(of: UInt16(truncatingIfNeeded: newValue >> 16), as: UInt16.self)
      base.storeBytes(of: UInt16(truncatingIfNeeded: newValue), toByteOffset: 2, as: UInt16.self)
    }
  }

  /// Bytes, as the tuple says; not more than there are.
  @inlinable public var size: Int { min(Int(info & Info.sizeMask), limit) }

  /// All its bytes.
  @inlinable public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: size) }

  @inlinable public var hasNulls: Bool { info & Info.hasNulls != 0 }
  @inlinable public var isAlternative: Bool { info & Info.alternative != 0 }
  @inlinable public var isPivot: Bool { isAlternative && status & Status.isPosting == 0 }
  @inlinable public var isPosting: Bool { isAlternative && status & Status.isPosting != 0 }

  /// Where the columns start.
  @inlinable public var dataOffset: Int { hasNulls ? Self.headerSizeWithNulls : Self.headerSize }

  // MARK: Heap TIDs

  /// The heap tuple of a plain tuple.
  @inlinable public var identifier: TupleIdentifier {
    get { TupleIdentifier(UnsafeRawPointer(base)) }
    nonmutating set { newValue.store(to: base) }
  }

  /// The place in the order of equal keys: the heap TID, the first one of a posting list, the one at a pivot's end. Nil
  /// for a pivot that has none: it counts as less than any.
  @inlinable public var heapTID: HeapTID? {
    guard isAlternative else { return HeapTID(UnsafeRawPointer(base)) }
    if status & Status.isPosting != 0 { return posting(0) }
    guard status & Status.hasHeapTID != 0, size >= Self.headerSize + HeapTID.size else { return nil }
    return HeapTID(UnsafeRawPointer(base + size - HeapTID.size))
  }

  /// The last heap TID of a tuple that is no pivot: `BTreeTupleGetMaxHeapTID`.
  @inlinable public var lastHeapTID: HeapTID {
    isPosting ? posting(postingCount - 1) : HeapTID(UnsafeRawPointer(base))
  }

  /// How many heap tuples a tuple that is no pivot leads to.
  @inlinable public var heapTIDCount: Int { isPosting ? postingCount : 1 }

  /// One of them.
  @inlinable public func heapTID(_ index: Int) -> HeapTID {
    isPosting ? posting(index) : HeapTID(UnsafeRawPointer(base))
  }

  /// How many places a posting list has; at least one, and as many as there are bytes for.
  @inlinable public var postingCount: Int {
    max(min(Int(status & Status.countMask), (size - postingOffset) / HeapTID.size), 1)
  }

  /// Where they start: also the size of the tuple without them.
  @inlinable public var postingOffset: Int { min(Int(blockField), max(size - HeapTID.size, 0)) }

  /// - Precondition: a posting list; `index` is less than ``postingCount``.
  @inlinable public func posting(_ index: Int) -> HeapTID {
    HeapTID(UnsafeRawPointer(base + postingOffset + index * HeapTID.size))
  }

  /// Makes it a posting list: `BTreeTupleSetPosting`. The list itself is there already, or comes later.
  @inlinable func setPosting(count: Int, offset: Int) {
    info |= Info.alternative
    status = UInt16(count) | Status.isPosting
    blockField = UInt32(offset)
  }

  // MARK: Pivots

  /// The page that a pivot leads to.
  @inlinable public var downlink: BlockNumber {
    get { BlockNumber(blockField) }
    nonmutating set { blockField = newValue.rawValue }
  }

  /// How many columns it has, of an index with that many: pivots can lack some.
  @inlinable public func columnCount(of all: Int) -> Int { isPivot ? min(Int(status & Status.countMask), all) : all }

  /// Makes it a pivot with so many columns: `BTreeTupleSetNAtts`.
  @inlinable func setPivot(columnCount: Int, hasHeapTID: Bool = false) {
    info |= Info.alternative
    status = UInt16(columnCount) | (hasHeapTID ? Status.hasHeapTID : 0)
  }

  /// The topmost page of the subtree that goes with a half-dead leaf, in its high key; nil where it is the leaf itself:
  /// `BTreeTupleGetTopParent`.
  @inlinable public var topParent: BlockNumber? {
    let block = BlockNumber(blockField)
    return block.isValid ? block : nil
  }

  /// Changes the size that it says it has.
  @inlinable func setSize(_ size: Int) { info = info & ~Info.sizeMask | UInt16(size) }
}

@available(*, unavailable, message: "an index tuple borrows memory that only its user keeps alive")
extension IndexTuple: Sendable {}

/// Where a heap tuple stands, as one number whose order is the order of heap TIDs.
@frozen public struct HeapTID: Sendable, Hashable, Comparable, BitwiseCopyable, CustomStringConvertible {
  /// The block, and the line pointer in the lowest sixteen bits.
  public let rawValue: UInt64

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable public init(_ identifier: TupleIdentifier) {
    rawValue = UInt64(identifier.block.rawValue) << 16 | UInt64(identifier.number)
  }

  /// - Parameter bytes: `ItemPointerData`: at least six readable bytes.
  @inlinable public init(_ bytes: UnsafeRawPointer) {
    rawValue =
      UInt64(bytes.loadUnaligned(as: UInt16.self)) << 32
      | UInt64(bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) << 16
      | UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
  }

  /// Bytes in a tuple.
  @inlinable public static var size: Int { 6 }

  @inlinable public func store(to bytes: UnsafeMutableRawPointer) {
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: rawValue >> 32), as: UInt16.self)
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: rawValue >> 16), toByteOffset: 2, as: UInt16.self)
    bytes.storeBytes(of: UInt16(truncatingIfNeeded: rawValue), toByteOffset: 4, as: UInt16.self)
  }

  @inlinable public var block: BlockNumber { BlockNumber(UInt32(truncatingIfNeeded: rawValue >> 16)) }
  @inlinable public var number: Int { Int(rawValue & 0xFFFF) }
  @inlinable public var identifier: TupleIdentifier { TupleIdentifier(block, number) }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  public var description: String { identifier.description }
}
