/// What stands before the columns of every row of a table: PostgreSQL's `HeapTupleHeaderData`
/// (src/include/access/htup_details.h), as far as it is written here, as a value.
public struct HeapTupleHeader: Sendable, Hashable {
  /// The transaction that inserted the tuple.
  public var xmin: UInt32
  /// The transaction that deleted or locked the tuple, or zero.
  public var xmax: UInt32
  /// The place of this tuple, or of the newer version of it: block, and line pointer counted from 1.
  public var block: BlockNumber
  public var offsetNumber: UInt16
  /// How many columns the tuple has: the low bits of `t_infomask2`.
  public var attributeCount: UInt16
  public var infomask: Infomask

  /// Bytes of the header without a null bitmap: `SizeofHeapTupleHeader`.
  public static let size = 23

  /// Where the columns start when there is no null bitmap: the size, aligned.
  public static let dataOffset = 24

  /// The transaction that counts as older than all others: `FrozenTransactionId`.
  public static let frozenXID: UInt32 = 2

  /// Bits of `t_infomask`.
  public struct Infomask: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16

    @inlinable public init(rawValue: UInt16) {
      self.rawValue = rawValue
    }

    /// Some column is null: a bitmap follows the header.
    @inlinable public static var hasNull: Infomask { Infomask(rawValue: 0x0001) }
    /// Some column has a length of its own.
    @inlinable public static var hasVariableWidth: Infomask { Infomask(rawValue: 0x0002) }
    /// `xmin` is known to have committed.
    @inlinable public static var xminCommitted: Infomask { Infomask(rawValue: 0x0100) }
    /// `xmin` is known to have aborted.
    @inlinable public static var xminInvalid: Infomask { Infomask(rawValue: 0x0200) }
    /// Both together: the tuple is visible to everyone, for ever.
    @inlinable public static var xminFrozen: Infomask { Infomask(rawValue: 0x0300) }
    /// `xmax` is known to have committed.
    @inlinable public static var xmaxCommitted: Infomask { Infomask(rawValue: 0x0400) }
    /// There is no `xmax`, or it is known to have aborted.
    @inlinable public static var xmaxInvalid: Infomask { Infomask(rawValue: 0x0800) }
  }

  /// The header of a tuple that everyone sees and nobody deleted, at that place.
  public init(frozenAt block: BlockNumber, offsetNumber: UInt16, attributeCount: UInt16, hasVariableWidth: Bool) {
    xmin = Self.frozenXID
    xmax = 0
    self.block = block
    self.offsetNumber = offsetNumber
    self.attributeCount = attributeCount
    infomask = [.xminFrozen, .xmaxInvalid]
    if hasVariableWidth {
      infomask.insert(.hasVariableWidth)
    }
  }

  private enum Offset {
    static let xmin = 0
    static let xmax = 4
    static let commandID = 8
    static let block = 12
    static let offsetNumber = 16
    static let infomask2 = 18
    static let infomask = 20
    static let dataOffset = 22
  }

  /// Writes the header to the start of a tuple.
  ///
  /// - Parameter tuple: At least `dataOffset` writable bytes, of any alignment.
  public func store(to tuple: UnsafeMutableRawPointer) {
    tuple.storeBytes(of: xmin, toByteOffset: Offset.xmin, as: UInt32.self)
    tuple.storeBytes(of: xmax, toByteOffset: Offset.xmax, as: UInt32.self)
    tuple.storeBytes(of: 0, toByteOffset: Offset.commandID, as: UInt32.self)
    // A block number inside a tuple is two halves, the high one first, because it need only be aligned to two bytes.
    tuple.storeBytes(of: UInt16(block.rawValue >> 16), toByteOffset: Offset.block, as: UInt16.self)
    tuple.storeBytes(of: UInt16(block.rawValue & 0xFFFF), toByteOffset: Offset.block + 2, as: UInt16.self)
    tuple.storeBytes(of: offsetNumber, toByteOffset: Offset.offsetNumber, as: UInt16.self)
    tuple.storeBytes(of: attributeCount, toByteOffset: Offset.infomask2, as: UInt16.self)
    tuple.storeBytes(of: infomask.rawValue, toByteOffset: Offset.infomask, as: UInt16.self)
    tuple.storeBytes(of: UInt8(Self.dataOffset), toByteOffset: Offset.dataOffset, as: UInt8.self)
    tuple.storeBytes(of: 0, toByteOffset: Self.size, as: UInt8.self)
  }

  /// The block in a tuple's `t_ctid`.
  ///
  /// - Precondition: `tuple` is at least `size` bytes long.
  static func currentBlock(of tuple: UnsafeRawBufferPointer) -> UInt32 {
    precondition(tuple.count >= size, "a heap tuple is not shorter than its header")
    let high = tuple.loadUnaligned(fromByteOffset: Offset.block, as: UInt16.self)
    let low = tuple.loadUnaligned(fromByteOffset: Offset.block + 2, as: UInt16.self)
    return UInt32(high) << 16 | UInt32(low)
  }
}
