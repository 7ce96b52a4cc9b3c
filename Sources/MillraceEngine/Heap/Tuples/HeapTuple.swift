public import MillraceStorage

/// A tuple in memory, header and columns, read and changed in place: PostgreSQL's `HeapTupleHeaderData`
/// (src/include/access/htup_details.h).
///
/// A borrowed pointer, into a page or into memory where a tuple is being formed. Changing needs the right to: for a
/// tuple on a page an exclusive content lock, for hint bits a share-exclusive one.
public struct HeapTuple {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let byteCount: Int

  @inlinable public var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base, count: byteCount)
  }

  /// - Parameter bytes: the whole tuple.
  /// - Returns: nil where it is shorter than a header, or its columns would start outside of it.
  @inlinable public init?(_ bytes: UnsafeMutableRawBufferPointer) {
    guard bytes.count >= HeapTuple.headerSize, let base = bytes.baseAddress else { return nil }
    (self.base, byteCount) = (base, bytes.count)
    guard dataOffset >= HeapTuple.headerSize, dataOffset <= bytes.count else { return nil }
  }

  /// For a tuple whose header is not there yet.
  @inlinable init(forming bytes: UnsafeMutableRawBufferPointer) {
    guard bytes.count >= HeapTuple.headerSize, let base = bytes.baseAddress else {
      preconditionFailure("a heap tuple is not shorter than its header")
    }
    (self.base, byteCount) = (base, bytes.count)
  }

  /// Bytes up to the null bitmap: `SizeofHeapTupleHeader`.
  @inlinable public static var headerSize: Int { 23 }

  /// Where fields stand.
  @usableFromInline enum Offset {
    @inlinable static var xmin: Int { 0 }
    @inlinable static var xmax: Int { 4 }
    @inlinable static var command: Int { 8 }
    @inlinable static var identifier: Int { 12 }
    @inlinable static var infomask2: Int { 18 }
    @inlinable static var infomask: Int { 20 }
    @inlinable static var dataOffset: Int { 22 }
  }

  @inlinable func load<Field>(_ offset: Int, as type: Field.Type) -> Field where Field: BitwiseCopyable {
    base.loadUnaligned(fromByteOffset: offset, as: type)
  }

  /// The transaction that inserted it, whether or not it is frozen since.
  @inlinable public var xmin: TransactionID {
    get { TransactionID(load(Offset.xmin, as: UInt32.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Offset.xmin, as: UInt32.self) }
  }

  /// The transaction that deleted or locked it.
  @inlinable public var xmax: TransactionID {
    get { TransactionID(load(Offset.xmax, as: UInt32.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Offset.xmax, as: UInt32.self) }
  }

  /// The command that inserted or deleted it, or a number that stands for both. Of use to their transaction only.
  @inlinable public var command: UInt32 {
    get { load(Offset.command, as: UInt32.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: Offset.command, as: UInt32.self) }
  }

  /// Its own place, or that of the next version: `t_ctid`.
  @inlinable public var identifier: TupleIdentifier {
    get { TupleIdentifier(UnsafeRawPointer(base + Offset.identifier)) }
    nonmutating set { newValue.store(to: base + Offset.identifier) }
  }

  @inlinable public var infomask2: Infomask2 {
    get { Infomask2(rawValue: load(Offset.infomask2, as: UInt16.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Offset.infomask2, as: UInt16.self) }
  }

  @inlinable public var infomask: Infomask {
    get { Infomask(rawValue: load(Offset.infomask, as: UInt16.self)) }
    nonmutating set { base.storeBytes(of: newValue.rawValue, toByteOffset: Offset.infomask, as: UInt16.self) }
  }

  /// Where the columns start: `t_hoff`.
  @inlinable public var dataOffset: Int {
    get { Int(load(Offset.dataOffset, as: UInt8.self)) }
    nonmutating set { base.storeBytes(of: UInt8(newValue), toByteOffset: Offset.dataOffset, as: UInt8.self) }
  }

  /// What follows the fixed part of the header: null bitmap, padding, columns. It is all that log records carry.
  @inlinable public var body: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[HeapTuple.headerSize...])
  }

  /// The columns.
  @inlinable public var data: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[dataOffset...]) }

  /// Whether a newer version on the same page follows, as far as is known (`HeapTupleHeaderIsHotUpdated`).
  @inlinable public var isHotUpdated: Bool {
    infomask2.contains(.hotUpdated) && !infomask.contains(.xmaxInvalid) && !infomask.isXminInvalid
  }

  @inlinable public var isHeapOnly: Bool { infomask2.contains(.heapOnly) }

  // MARK: What transactions do to a tuple

  /// Makes it that of a transaction which inserts it (`heap_prepare_insert`).
  func prepareForInsert(by xid: TransactionID, command: UInt32) {
    infomask = infomask.subtracting(.transactionBits).union(.xmaxInvalid)
    infomask2 = infomask2.subtracting(.transactionBits)
    (xmin, xmax, self.command) = (xid, .invalid, command)
  }

  /// Says by whom it is deleted or replaced: everything about an earlier `xmax` goes.
  func setXmax(_ xid: TransactionID, _ bits: XmaxInfoBits, command: UInt32, isCombo: Bool) {
    var mask = infomask.subtracting(.xmaxBits).subtracting(.moved).subtracting(.comboCommand).union(bits.infomask)
    if isCombo { mask.insert(.comboCommand) }
    infomask = mask
    infomask2 = infomask2.subtracting(.keysUpdated).union(bits.infomask2)
    (xmax, self.command) = (xid, command)
  }

  /// Puts other columns in the place of its own.
  func overwrite(_ data: UnsafeRawBufferPointer) {
    UnsafeMutableRawBufferPointer(rebasing: bytes[dataOffset...]).copyMemory(from: data)
  }

  func setHotUpdated(_ isHot: Bool) {
    infomask2 = isHot ? infomask2.union(.hotUpdated) : infomask2.subtracting(.hotUpdated)
  }
}

@available(*, unavailable, message: "a heap tuple borrows memory that only its user keeps alive")
extension HeapTuple: Sendable {}
