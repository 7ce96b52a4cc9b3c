/// The one encoding of a database: UTF-8 as PostgreSQL takes it, without NUL, surrogates and overlong forms.
public enum UTF8Encoding {
  /// Throws 22021 with the first bytes that are not UTF-8. One pass; eight bytes at a time while they are ASCII.
  public static func validate(_ bytes: ByteView) throws(TypeError) {
    var at = 0
    while at < bytes.count {
      if at + 8 <= bytes.count {
        let word: UInt64 = bytes.load(at: at)
        let hasZero = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        if word & 0x8080_8080_8080_8080 == 0, hasZero == 0 {
          at += 8
          continue
        }
      }
      let length = validLength(bytes, at)
      if length == 0 { throw invalidSequence(bytes, at) }
      at += length
    }
  }

  /// The length of the character at `at`, or 0 where there is none that is valid (RFC 3629).
  static func validLength(_ bytes: ByteView, _ at: Int) -> Int {
    let first = bytes[at]
    if first < 0x80 { return first == 0 ? 0 : 1 }
    let length = length(ofCharacterWith: first)
    guard length > 1, at + length <= bytes.count else { return 0 }
    let second = bytes[at + 1]
    let secondRange: ClosedRange<UInt8> =
      switch first {
      case 0xC2...0xDF, 0xE1...0xEC, 0xEE...0xEF, 0xF1...0xF3: 0x80...0xBF
      case 0xE0: 0xA0...0xBF
      case 0xED: 0x80...0x9F
      case 0xF0: 0x90...0xBF
      case 0xF4: 0x80...0x8F
      default: 0xFF...0xFF
      }
    guard secondRange.contains(second), second != 0xFF else { return 0 }
    for index in 2..<max(length, 2) where bytes[at + index] & 0xC0 != 0x80 { return 0 }
    return length
  }

  /// What a first byte says of its character's length (pg_utf_mblen); 1 for what begins none.
  @inlinable static func length(ofCharacterWith first: UInt8) -> Int {
    if first & 0x80 == 0 { return 1 }
    if first & 0xE0 == 0xC0 { return 2 }
    if first & 0xF0 == 0xE0 { return 3 }
    if first & 0xF8 == 0xF0 { return 4 }
    return 1
  }

  private static func invalidSequence(_ bytes: ByteView, _ at: Int) -> TypeError {
    let shown = min(length(ofCharacterWith: bytes[at]), bytes.count - at)
    let words = bytes[at..<at + shown].map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count == 1 ? "0x0" + digits : "0x" + digits
    }
    return TypeError(
      .characterNotInRepertoire,
      "invalid byte sequence for encoding \"UTF8\": \(words.joined(separator: " "))")
  }

  /// The number of characters.
  @inlinable public static func characterCount(_ bytes: ByteView) -> Int {
    var count = 0
    for byte in bytes.buffer where byte & 0xC0 != 0x80 { count += 1 }
    return count
  }

  /// The length in bytes of the first `limit` characters.
  public static func prefixLength(_ bytes: ByteView, characters limit: Int) -> Int {
    var at = 0
    var left = limit
    while left > 0, at < bytes.count {
      at += min(length(ofCharacterWith: bytes[at]), bytes.count - at)
      left -= 1
    }
    return at
  }

  /// The length in bytes of as many whole characters as fit into `limit` bytes (pg_mbcliplen).
  public static func clippedLength(_ bytes: ByteView, bytes limit: Int) -> Int {
    var at = 0
    while at < bytes.count {
      let length = length(ofCharacterWith: bytes[at])
      if at + length > limit { break }
      at += length
    }
    return min(at, bytes.count)
  }
}
