public import MillraceTypes

/// The header of a value of variable width: PostgreSQL's `varlena` (src/include/varatt.h), on a machine that stores the
/// low byte first.
///
/// The first byte tells: odd, and not 1, is a length of one byte, without alignment; 1 is a pointer to a value stored
/// elsewhere; else there is a word of four bytes, aligned, whose two low bits say whether the value is compressed.
public enum Varlena {
  /// The longest payload that has a header of one byte: `VARATT_SHORT_MAX` without the header.
  @inlinable public static var shortPayloadMax: Int { 126 }
  /// The longest value there can be, header included.
  @inlinable public static var lengthMax: Int { 0x3FFF_FFFF }
  /// Bytes of a pointer to a value in a TOAST table, header included: `TOAST_POINTER_SIZE`.
  @inlinable public static var pointerSize: Int { 18 }
  /// `VARTAG_ONDISK`: the value is in a TOAST table.
  @inlinable public static var onDiskTag: UInt8 { 18 }

  /// A value that lies at an address, without its header, and its whole length there.
  /// - Parameters:
  ///   - start: the header's first byte.
  ///   - limit: bytes from there on that may be looked at.
  /// - Returns: nil where there is no such value within them.
  @inlinable @inline(__always)
  static func read(_ start: UnsafeRawPointer, limit: Int) -> (datum: Datum, length: Int)? {
    guard limit > 0 else { return nil }
    let first = start.load(as: UInt8.self)
    if first & 1 == 1 {
      if first == 1 { return pointer(start, limit: limit) }
      let length = Int(first >> 1)
      guard length <= limit, length > 0 else { return nil }
      return (Datum(ByteView(start: start + 1, count: length - 1)), length)
    }
    guard limit >= 4 else { return nil }
    let word = start.loadUnaligned(as: UInt32.self)
    let length = Int(word >> 2)
    guard length >= 4, length <= limit else { return nil }
    if word & 2 != 0 { return (Datum(ByteView(start: start, count: length), isToasted: true), length) }
    return (Datum(ByteView(start: start + 4, count: length - 4)), length)
  }

  @usableFromInline @inline(never)
  static func pointer(_ start: UnsafeRawPointer, limit: Int) -> (datum: Datum, length: Int)? {
    guard limit >= pointerSize, start.load(fromByteOffset: 1, as: UInt8.self) == onDiskTag else { return nil }
    return (Datum(ByteView(start: start, count: pointerSize), isToasted: true), pointerSize)
  }

  /// Whether a toasted datum is one that lies elsewhere.
  @inlinable static func isExternal(_ datum: Datum) -> Bool { datum.isToasted && datum.bytes[0] == 1 }
}
