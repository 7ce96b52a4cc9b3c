/// Reads the number at the front of a setting's text as PostgreSQL does, which means as C's `strtol` with base 0 and
/// `strtod` do in the C locale, but without asking the process's locale.
///
/// The two rules that surprise: `010` is octal, and a text that starts like an integer and goes on with a point or an
/// exponent is read again from its start as a floating-point number.
struct NumberScanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// The byte at `offset` from the position, or 0 behind the end. A text with a zero byte ends there, as in C.
  private func peek(_ offset: Int = 0) -> UInt8 {
    position + offset < bytes.count ? bytes[position + offset] : 0
  }

  /// Reads an integer, or a floating-point number where an integer does not reach; nil if there is none or it
  /// overflows. Not-a-number is none.
  mutating func scanInteger() -> Double? {
    let start = position
    let integer = scanPlainInteger()
    if let integer, !integer.overflowed, peek() != UInt8(ascii: "."), peek() | 0x20 != UInt8(ascii: "e") {
      return Double(integer.value)
    }
    // `strtol` that finds no digits stops where it began, before any blanks and sign.
    if integer == nil, peek() != UInt8(ascii: "."), peek() | 0x20 != UInt8(ascii: "e") { return nil }
    position = start
    return scanReal()
  }

  /// Reads a floating-point number, decimal or hexadecimal, or an infinity; nil if there is none, if it is
  /// not-a-number, or if it is too large or too small to be represented.
  mutating func scanReal() -> Double? {
    let start = position
    skipBlanks()
    let negative = scanSign()
    if scanWord("infinity") || scanWord("inf") { return negative ? -Double.infinity : Double.infinity }
    let isHexadecimal = peek() == UInt8(ascii: "0") && peek(1) | 0x20 == UInt8(ascii: "x") && startsHexadecimal(at: 2)
    let digitsStart = position
    if isHexadecimal { position += 2 }
    let mantissaStart = position
    let digitCount = skipMantissa(isHexadecimal)
    guard digitCount > 0 else {
      position = start
      return nil
    }
    let mantissa = bytes[mantissaStart..<position]
    skipExponent(isHexadecimal ? UInt8(ascii: "p") : UInt8(ascii: "e"))
    let literal = String(decoding: bytes[digitsStart..<position], as: UTF8.self)
    guard let magnitude = Double(literal), magnitude.isFinite else { return nil }
    let isZero = mantissa.allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    if !isZero && magnitude < Double.leastNormalMagnitude { return nil }
    return negative ? -magnitude : magnitude
  }

  /// What follows the number with blanks on both sides removed; nil if blanks stand inside it.
  mutating func scanUnitName() -> String? {
    skipBlanks()
    let start = position
    while peek() != 0 && !Self.isBlank(peek()) { position += 1 }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    skipBlanks()
    return peek() == 0 ? name : nil
  }

  mutating func skipBlanks() {
    while Self.isBlank(peek()) { position += 1 }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private mutating func scanSign() -> Bool {
    guard peek() == UInt8(ascii: "-") || peek() == UInt8(ascii: "+") else { return false }
    position += 1
    return bytes[position - 1] == UInt8(ascii: "-")
  }

  /// Optional blanks and sign, then `0x` and hexadecimal, `0` and octal, or decimal digits. Stays where it was and
  /// returns nil if there is not a single digit.
  private mutating func scanPlainInteger() -> (value: Int, overflowed: Bool)? {
    let start = position
    skipBlanks()
    let negative = scanSign()
    var radix = 10
    if peek() == UInt8(ascii: "0") {
      radix = 8
      if peek(1) | 0x20 == UInt8(ascii: "x") && Self.digit(peek(2)) < 16 {
        radix = 16
        position += 2
      }
    }
    var value = 0
    var digitCount = 0
    var overflowed = false
    while Self.digit(peek()) < radix {
      let (product, productOverflow) = value.multipliedReportingOverflow(by: radix)
      let digit = Self.digit(peek())
      let (sum, sumOverflow) =
        negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
      overflowed = overflowed || productOverflow || sumOverflow
      value = sum
      digitCount += 1
      position += 1
    }
    guard digitCount > 0 else {
      position = start
      return nil
    }
    return (value, overflowed)
  }

  /// The value of a digit up to 15, or 99 for any other byte.
  private static func digit(_ byte: UInt8) -> Int {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte - UInt8(ascii: "A")) + 10
    default: 99
    }
  }

  private func startsHexadecimal(at offset: Int) -> Bool {
    Self.digit(peek(offset)) < 16 || (peek(offset) == UInt8(ascii: ".") && Self.digit(peek(offset + 1)) < 16)
  }

  /// Moves over digits with at most one point in them and returns how many digits there were.
  private mutating func skipMantissa(_ isHexadecimal: Bool) -> Int {
    let radix = isHexadecimal ? 16 : 10
    var digitCount = 0
    var sawPoint = false
    while true {
      if Self.digit(peek()) < radix {
        digitCount += 1
      } else if peek() == UInt8(ascii: "."), !sawPoint {
        sawPoint = true
      } else {
        return digitCount
      }
      position += 1
    }
  }

  /// Moves over an exponent if there is a whole one: the letter, an optional sign, a digit or more.
  private mutating func skipExponent(_ letter: UInt8) {
    guard peek() | 0x20 == letter else { return }
    let signed = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-")
    guard Self.digit(peek(signed ? 2 : 1)) < 10 else { return }
    position += signed ? 2 : 1
    while Self.digit(peek()) < 10 { position += 1 }
  }

  private mutating func scanWord(_ word: StaticString) -> Bool {
    let matches = word.withUTF8Buffer { expected in
      expected.indices.allSatisfy { peek($0) | 0x20 == expected[$0] }
    }
    if matches { position += word.utf8CodeUnitCount }
    return matches
  }
}
