/// Texts of integers (PostgreSQL's src/backend/utils/adt/numutils.c).
enum IntegerText {
  /// `pg_strtoint16/32/64`: white space around it, a sign, decimal, 0x, 0o or 0b, single underscores between digits.
  static func parse<Number: FixedWidthInteger & SignedInteger>(
    _ text: ByteView, type: StaticString, as _: Number.Type = Number.self
  ) throws(TypeError) -> Number {
    if let number: Number = plain(text) { return number }
    var at = 0
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
    var isNegative = false
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    var radix: Number.Magnitude = 10
    if at + 1 < text.count, text[at] == UInt8(ascii: "0"), let prefixed = self.radix(ofPrefix: text[at + 1]) {
      radix = Number.Magnitude(prefixed)
      at += 2
    }
    let first = at
    let limit = Number.min.magnitude / radix
    var magnitude: Number.Magnitude = 0
    while at < text.count {
      if let digit = digit(text[at], radix) {
        if magnitude > limit { throw .inputOutOfRange(type, text) }
        // Cannot overflow: the limit is half of what fits, and one digit more does not double it.
        magnitude = magnitude * radix + digit
      } else if text[at] == UInt8(ascii: "_") {
        // After a prefix an underscore may come first.
        let followed = at + 1 < text.count && self.digit(text[at + 1], radix) != nil
        guard followed, radix != 10 || at > first else { throw .invalidInput(type, text) }
      } else {
        break
      }
      at += 1
    }
    guard at > first else { throw .invalidInput(type, text) }
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
    guard at == text.count else { throw .invalidInput(type, text) }
    if isNegative {
      guard magnitude <= Number.min.magnitude else { throw .inputOutOfRange(type, text) }
      return Number(truncatingIfNeeded: 0 &- magnitude)
    }
    guard let number = Number(exactly: magnitude) else { throw .inputOutOfRange(type, text) }
    return number
  }

  /// The usual text: decimal digits, so few that they cannot be too many, perhaps behind a minus. nil for all else.
  @inline(__always)
  private static func plain<Number: FixedWidthInteger & SignedInteger>(_ text: ByteView) -> Number? {
    let safeDigits = Number.bitWidth == 64 ? 18 : Number.bitWidth == 32 ? 9 : 4
    guard text.count > 0 else { return nil }
    let isNegative = text[0] == UInt8(ascii: "-")
    let first = isNegative ? 1 : 0
    guard text.count > first, text.count - first <= safeDigits else { return nil }
    var value: UInt64 = 0
    for index in first..<text.count {
      let digit = text[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt64(digit)
    }
    let number = Number(truncatingIfNeeded: value)
    return isNegative ? 0 &- number : number
  }

  private static func radix(ofPrefix letter: UInt8) -> UInt8? {
    switch letter | 0x20 {
    case UInt8(ascii: "x"): 16
    case UInt8(ascii: "o"): 8
    case UInt8(ascii: "b"): 2
    default: nil
    }
  }

  private static func digit<Magnitude: FixedWidthInteger>(_ byte: UInt8, _ radix: Magnitude) -> Magnitude? {
    guard let value = ASCII.hexValue(byte), Magnitude(value) < radix else { return nil }
    return Magnitude(value)
  }

  /// `uint32in_subr`: what C's `strtoul` takes with base 0, negative numbers down to -2^31 included.
  static func parseUnsigned(_ text: ByteView, type: StaticString) throws(TypeError) -> UInt32 {
    var at = 0
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
    var isNegative = false
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    var radix: UInt64 = 10
    if at < text.count, text[at] == UInt8(ascii: "0") {
      radix = 8
      if at + 2 < text.count, text[at + 1] | 0x20 == UInt8(ascii: "x"), ASCII.hexValue(text[at + 2]) != nil {
        radix = 16
        at += 2
      }
    }
    let first = at
    var magnitude: UInt64 = 0
    var overflows = false
    while at < text.count, let digit = digit(text[at], radix) {
      let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: radix)
      let (sum, carry) = product.addingReportingOverflow(digit)
      magnitude = sum
      overflows = overflows || tooLarge || carry
      at += 1
    }
    guard at > first else { throw .invalidInput(type, text) }
    if overflows { throw .inputOutOfRange(type, text) }
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
    guard at == text.count else { throw .invalidInput(type, text) }
    let value = isNegative ? 0 &- magnitude : magnitude
    let number = UInt32(truncatingIfNeeded: value)
    guard value == UInt64(number) || value == UInt64(bitPattern: Int64(Int32(bitPattern: number))) else {
      throw .inputOutOfRange(type, text)
    }
    return number
  }
}
