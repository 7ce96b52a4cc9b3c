/// A value without its type. Whether it is NULL is kept apart.
///
/// Types passed by value lie in ``word``: integers, dates and times extended by their sign, OIDs by zeros,
/// floating-point numbers as their bits. All others are ``bytes``, which belong to an ``Arena``, a page or a message,
/// and end with it. A value of variable length is there without PostgreSQL's length word (varlena header). The only
/// exception is one that is still ``isToasted``: then its bytes are the whole varlena as it lies in its tuple, header
/// included, and nobody but what detoasts it may look at them.
///
/// Sixteen bytes, trivially copied, never counted.
@frozen public struct Datum: BitwiseCopyable, Sendable {
  /// The value itself, or the address of its bytes.
  public var word: UInt64
  /// How many bytes there are, with the highest bit set where they are still toasted. Zero for values passed by value.
  @usableFromInline var countAndFlag: UInt

  @usableFromInline static let toastedFlag: UInt = 1 << (UInt.bitWidth - 1)

  @inlinable public init(word: UInt64) {
    self.word = word
    countAndFlag = 0
  }

  /// - Parameters:
  ///   - bytes: must stay where they are as long as the datum is used.
  ///   - isToasted: they are a compressed or out-of-line varlena with its header.
  @inlinable public init(_ bytes: ByteView, isToasted: Bool = false) {
    word = UInt64(UInt(bitPattern: bytes.base))
    countAndFlag = UInt(bytes.count) | (isToasted ? Self.toastedFlag : 0)
  }

  /// - Parameter bytes: must stay where they are as long as the datum is used.
  @inlinable public init(_ bytes: UnsafeRawBufferPointer, isToasted: Bool = false) {
    self.init(ByteView(bytes), isToasted: isToasted)
  }

  /// The number of bytes of a value passed by reference.
  @inlinable public var count: Int { Int(countAndFlag & ~Self.toastedFlag) }
  @inlinable public var isToasted: Bool { countAndFlag & Self.toastedFlag != 0 }

  /// The bytes of a value passed by reference.
  @inlinable public var bytes: ByteView { ByteView(start: UnsafeRawPointer(bitPattern: UInt(word)), count: count) }

  @inlinable public init(_ value: Bool) { self.init(word: value ? 1 : 0) }
  @inlinable public init(_ value: Int16) { self.init(Int64(value)) }
  @inlinable public init(_ value: Int32) { self.init(Int64(value)) }
  @inlinable public init(_ value: Int64) { self.init(word: UInt64(bitPattern: value)) }
  @inlinable public init(_ value: Float) { self.init(word: UInt64(value.bitPattern)) }
  @inlinable public init(_ value: Double) { self.init(word: value.bitPattern) }
  /// An OID, or another unsigned number of 32 bits.
  @inlinable public init(oid value: UInt32) { self.init(word: UInt64(value)) }
  /// The one byte of the type `"char"`.
  @inlinable public init(char value: UInt8) { self.init(word: UInt64(value)) }

  @inlinable public var bool: Bool { word & 0xFF != 0 }
  @inlinable public var int16: Int16 { Int16(truncatingIfNeeded: word) }
  @inlinable public var int32: Int32 { Int32(truncatingIfNeeded: word) }
  @inlinable public var int64: Int64 { Int64(bitPattern: word) }
  @inlinable public var float4: Float { Float(bitPattern: UInt32(truncatingIfNeeded: word)) }
  @inlinable public var float8: Double { Double(bitPattern: word) }
  @inlinable public var oid: UInt32 { UInt32(truncatingIfNeeded: word) }
  @inlinable public var char: UInt8 { UInt8(truncatingIfNeeded: word) }
}
