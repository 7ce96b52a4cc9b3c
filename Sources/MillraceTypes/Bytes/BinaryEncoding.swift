/// The textual forms of bytes that `encode` and `decode` know: hex, base64, escape (PostgreSQL's encode.c).
public enum BinaryEncoding: Sendable {
  case hex, base64, escape

  /// By the name that SQL gives it.
  public init(named name: ByteView) throws(TypeError) {
    if ASCII.isEqualIgnoringCase(name, "hex") {
      self = .hex
    } else if ASCII.isEqualIgnoringCase(name, "base64") {
      self = .base64
    } else if ASCII.isEqualIgnoringCase(name, "escape") {
      self = .escape
    } else {
      throw .invalidParameter("unrecognized encoding: \"\(name.string)\"")
    }
  }

  public func encode(_ bytes: ByteView, to text: inout [UInt8]) {
    switch self {
    case .hex: Self.encodeHex(bytes, to: &text)
    case .base64: Self.encodeBase64(bytes, to: &text)
    case .escape: Self.encodeEscape(bytes, to: &text)
    }
  }

  public func decode(_ text: ByteView, to bytes: inout [UInt8]) throws(TypeError) {
    switch self {
    case .hex: try Self.decodeHex(text, to: &bytes)
    case .base64: try Self.decodeBase64(text, to: &bytes)
    case .escape:
      guard Self.decodeEscape(text, to: &bytes) else {
        throw TypeError(.invalidTextRepresentation, "invalid input syntax for type bytea")
      }
    }
  }

  // MARK: - Hexadecimal

  static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  static func encodeHex(_ bytes: ByteView, to text: inout [UInt8]) {
    text.reserveCapacity(text.count + 2 * bytes.count)
    for byte in bytes.buffer {
      text.append(hexDigit(byte >> 4))
      text.append(hexDigit(byte & 15))
    }
  }

  /// White space may stand between the pairs of digits.
  static func decodeHex(_ text: ByteView, to bytes: inout [UInt8]) throws(TypeError) {
    var at = 0
    while at < text.count {
      if text[at] == 0x20 || text[at] == 9 || text[at] == 10 || text[at] == 13 {
        at += 1
        continue
      }
      let high = try hexValue(text, at)
      guard at + 1 < text.count else { throw .invalidParameter("invalid hexadecimal data: odd number of digits") }
      bytes.append(high << 4 | (try hexValue(text, at + 1)))
      at += 2
    }
  }

  private static func hexValue(_ text: ByteView, _ at: Int) throws(TypeError) -> UInt8 {
    if let value = ASCII.hexValue(text[at]) { return value }
    let length = min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
    throw .invalidParameter("invalid hexadecimal digit: \"\(text[at..<at + length].string)\"")
  }

  // MARK: - Base64

  private static func base64Digit(_ value: UInt32) -> UInt8 {
    switch UInt8(truncatingIfNeeded: value & 63) {
    case let value where value < 26: UInt8(ascii: "A") + value
    case let value where value < 52: UInt8(ascii: "a") + value - 26
    case let value where value < 62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func base64Value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }

  /// A line ends after 76 characters (RFC 2045).
  static func encodeBase64(_ bytes: ByteView, to text: inout [UInt8]) {
    var lineStart = text.count
    var at = 0
    while at + 3 <= bytes.count {
      let word = UInt32(bytes[at]) << 16 | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2])
      for shift: UInt32 in [18, 12, 6, 0] { text.append(base64Digit(word >> shift)) }
      at += 3
      if text.count - lineStart >= 76 {
        text.append(UInt8(ascii: "\n"))
        lineStart = text.count
      }
    }
    guard at < bytes.count else { return }
    let hasTwo = at + 1 < bytes.count
    let word = UInt32(bytes[at]) << 16 | (hasTwo ? UInt32(bytes[at + 1]) << 8 : 0)
    text.append(base64Digit(word >> 18))
    text.append(base64Digit(word >> 12))
    text.append(hasTwo ? base64Digit(word >> 6) : UInt8(ascii: "="))
    text.append("=")
  }

  static func decodeBase64(_ text: ByteView, to bytes: inout [UInt8]) throws(TypeError) {
    var word: UInt32 = 0
    var position = 0
    var end = 0
    for (at, digit) in text.enumerated() {
      if digit == 0x20 || digit == 9 || digit == 10 || digit == 13 { continue }
      if digit == UInt8(ascii: "=") {
        if end == 0 {
          guard position >= 2 else { throw .invalidParameter("unexpected \"=\" while decoding base64 sequence") }
          end = position == 2 ? 1 : 2
        }
        word <<= 6
      } else {
        guard let value = base64Value(digit) else {
          let length = min(UTF8Encoding.length(ofCharacterWith: digit), text.count - at)
          throw .invalidParameter(
            "invalid symbol \"\(text[at..<at + length].string)\" found while decoding base64 sequence")
        }
        word = word << 6 | value
      }
      position += 1
      if position == 4 {
        bytes.append(UInt8(truncatingIfNeeded: word >> 16))
        if end == 0 || end > 1 { bytes.append(UInt8(truncatingIfNeeded: word >> 8)) }
        if end == 0 || end > 2 { bytes.append(UInt8(truncatingIfNeeded: word)) }
        word = 0
        position = 0
      }
    }
    if position != 0 {
      throw TypeError(
        .invalidParameterValue, "invalid base64 end sequence",
        hint: "Input data is missing padding, is truncated, or is otherwise corrupted.")
    }
  }

  // MARK: - Escape

  private static func appendOctal(_ byte: UInt8, to text: inout [UInt8]) {
    text.append("\\")
    for shift: UInt8 in [6, 3, 0] { text.append(UInt8(ascii: "0") + (byte >> shift & 7)) }
  }

  /// `encode(…, 'escape')`: zero and what has its high bit set in octal.
  static func encodeEscape(_ bytes: ByteView, to text: inout [UInt8]) {
    for byte in bytes.buffer {
      if byte == 0 || byte & 0x80 != 0 {
        appendOctal(byte, to: &text)
      } else if byte == UInt8(ascii: "\\") {
        text.append("\\\\")
      } else {
        text.append(byte)
      }
    }
  }

  /// `bytea_output = escape`: what is not printable in octal.
  static func encodeBytea(_ bytes: ByteView, to text: inout [UInt8]) {
    for byte in bytes.buffer {
      if byte == UInt8(ascii: "\\") {
        text.append("\\\\")
      } else if byte < 0x20 || byte > 0x7E {
        appendOctal(byte, to: &text)
      } else {
        text.append(byte)
      }
    }
  }

  /// False where a backslash is followed by neither a backslash nor three octal digits up to 377.
  static func decodeEscape(_ text: ByteView, to bytes: inout [UInt8]) -> Bool {
    var at = 0
    while at < text.count {
      guard text[at] == UInt8(ascii: "\\") else {
        bytes.append(text[at])
        at += 1
        continue
      }
      if at + 1 < text.count, text[at + 1] == UInt8(ascii: "\\") {
        bytes.append(UInt8(ascii: "\\"))
        at += 2
      } else if at + 3 < text.count, text[at + 1] & 0xFC == 0x30, text[at + 2] & 0xF8 == 0x30,
        text[at + 3] & 0xF8 == 0x30
      {
        bytes.append((text[at + 1] & 3) << 6 | (text[at + 2] & 7) << 3 | text[at + 3] & 7)
        at += 4
      } else {
        return false
      }
    }
    return true
  }
}
