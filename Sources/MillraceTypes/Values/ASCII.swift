/// Classes of characters as C's locale has them, which is what PostgreSQL's input functions go by.
@usableFromInline enum ASCII {
  /// `isspace`: space, and tab to carriage return.
  @inlinable static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 9 && byte <= 13) }
  @inlinable static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  @inlinable static func isUpper(_ byte: UInt8) -> Bool { byte &- 0x41 < 26 }
  @inlinable static func isLower(_ byte: UInt8) -> Bool { byte &- 0x61 < 26 }
  @inlinable static func isLetter(_ byte: UInt8) -> Bool { isUpper(byte) || isLower(byte) }
  @inlinable static func isLetterOrDigit(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
  /// `ispunct`: what is printed and is neither a space nor a letter nor a digit.
  @inlinable static func isPunctuation(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7F && !isLetterOrDigit(byte)
  }
  @inlinable static func lower(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte | 0x20 : byte }
  @inlinable static func upper(_ byte: UInt8) -> UInt8 { isLower(byte) ? byte & ~0x20 : byte }

  /// The value of a hexadecimal digit.
  @inlinable static func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// The bytes without white space around them.
  static func trimmed(_ bytes: ByteView) -> ByteView {
    var start = 0
    var end = bytes.count
    while start < end, isSpace(bytes[start]) { start += 1 }
    while end > start, isSpace(bytes[end - 1]) { end -= 1 }
    return bytes[start..<end]
  }

  /// Equality but for the case of ASCII letters.
  static func isEqualIgnoringCase(_ bytes: ByteView, _ word: StaticString) -> Bool {
    let word = ByteView(word)
    guard bytes.count == word.count else { return false }
    for index in 0..<word.count where lower(bytes[index]) != lower(word[index]) { return false }
    return true
  }
}
