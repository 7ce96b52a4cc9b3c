#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Texts of floating-point numbers (PostgreSQL's float.c, and d2s.c and f2s.c for the shortest digits).
enum FloatText {
  /// Appends the shortest text that is read as the same number.
  static func appendShortest(_ value: Double, to text: inout [UInt8]) {
    if appendSpecial(value, to: &text) { return }
    append(digitsOf(value), isNegative: value.sign == .minus, fixedBelow: 15, to: &text)
  }

  static func appendShortest(_ value: Float, to text: inout [UInt8]) {
    if appendSpecial(Double(value), to: &text) { return }
    append(digitsOf(value), isNegative: value.sign == .minus, fixedBelow: 6, to: &text)
  }

  private static func appendSpecial(_ value: Double, to text: inout [UInt8]) -> Bool {
    if value.isNaN {
      text.append("NaN")
    } else if value.isInfinite {
      text.append(value < 0 ? "-Infinity" : "Infinity")
    } else if value == 0 {
      text.append(value.sign == .minus ? "-0" : "0")
    } else {
      return false
    }
    return true
  }

  /// A number 0.d1d2d3… times ten to some power.
  struct Digits {
    /// ASCII, without zeros at either end.
    var digits: [UInt8] = []
    /// The power of ten of the first digit.
    var exponent = 0

    /// Reads C's and Swift's notation: digits, perhaps a point, perhaps an exponent.
    init(parsing description: some Sequence<UInt8>) {
      var seenPoint = false
      var integerDigits = 0
      var power = 0
      var powerIsNegative = false
      var inPower = false
      for byte in description {
        switch byte {
        case UInt8(ascii: "."): seenPoint = true
        case UInt8(ascii: "e"), UInt8(ascii: "E"): inPower = true
        case UInt8(ascii: "-"): if inPower { powerIsNegative = true }
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
          if inPower {
            power = power * 10 + Int(byte - UInt8(ascii: "0"))
          } else if digits.isEmpty && byte == UInt8(ascii: "0") {
            if seenPoint { integerDigits -= 1 }
          } else {
            digits.append(byte)
            if !seenPoint { integerDigits += 1 }
          }
        default: break
        }
      }
      while digits.last == UInt8(ascii: "0") { digits.removeLast() }
      exponent = integerDigits - 1 + (powerIsNegative ? -power : power)
    }
  }

  private static func digitsOf(_ value: Double) -> Digits {
    let digits = Digits(parsing: value.magnitude.description.utf8)
    guard
      isHalfway(
        digits, significand: value.significandBitPattern | (value.isNormal ? 1 << 52 : 0),
        exponent: Int(max(value.exponentBitPattern, 1)) - 1075)
    else { return digits }
    return closest(digits, to: value.magnitude, most: 17) { Double($0) == value.magnitude }
  }

  private static func digitsOf(_ value: Float) -> Digits {
    let digits = Digits(parsing: value.magnitude.description.utf8)
    guard
      isHalfway(
        digits, significand: UInt64(value.significandBitPattern | (value.isNormal ? 1 << 23 : 0)),
        exponent: Int(max(value.exponentBitPattern, 1)) - 150)
    else { return digits }
    return closest(digits, to: Double(value.magnitude), most: 9) { Float($0) == value.magnitude }
  }

  /// Whether the digits are exactly as far from the number's neighbour as from the number. Reading them gives the
  /// number because its last bit is zero, and Swift makes use of that; PostgreSQL does not, so as to be right under any
  /// rounding.
  private static func isHalfway(_ digits: Digits, significand: UInt64, exponent: Int) -> Bool {
    guard significand & 1 == 0 else { return false }
    var decimal: UInt128 = 0
    for digit in digits.digits { decimal = decimal * 10 + UInt128(digit - UInt8(ascii: "0")) }
    let power = digits.exponent - digits.digits.count + 1
    // The midpoint is an odd number of at least 24 bits times a power of two: only few powers of ten can meet it.
    guard power >= -12, power <= 27 else { return false }
    // Both sides as integers: decimal * 10^power against (2 * significand ± 1) * 2^(exponent - 1).
    var right = [UInt128(significand) * 2 + 1, UInt128(significand) * 2 - 1]
    var shift = exponent - 1 - power
    for _ in 0..<abs(power) {
      if power > 0 { decimal *= 5 } else { right = right.map { $0 * 5 } }
    }
    while shift > 0, decimal & 1 == 0 {
      decimal >>= 1
      shift -= 1
    }
    while shift < 0, right.contains(where: { $0 < 1 << 120 }), shift > -120, decimal < 1 << 126 {
      decimal <<= 1
      shift += 1
    }
    return shift == 0 && right.contains(decimal)
  }

  /// The fewest digits above those given that are read as the number and are the closest to it.
  private static func closest(
    _ digits: Digits, to value: Double, most: Int, isSame: (String) -> Bool
  ) -> Digits {
    for count in (digits.digits.count + 1)..<most {
      let text = format("%.*e", Int32(count - 1), value)
      let candidate = Digits(parsing: text)
      if candidate.digits != digits.digits, isSame(String(decoding: text, as: UTF8.self)) { return candidate }
    }
    return Digits(parsing: format("%.*e", Int32(most - 1), value))
  }

  /// Positional notation for exponents from -4 to `limit` - 1, else scientific.
  private static func append(_ digits: Digits, isNegative: Bool, fixedBelow limit: Int, to text: inout [UInt8]) {
    let zero = UInt8(ascii: "0")
    let count = digits.digits.count
    let exponent = digits.exponent
    if isNegative { text.append("-") }
    if exponent < -4 || exponent >= limit {
      text.append(digits.digits[0])
      if count > 1 {
        text.append(".")
        text.append(contentsOf: digits.digits[1...])
      }
      text.append(exponent < 0 ? "e-" : "e+")
      text.append(decimal: abs(exponent), width: 2)
    } else if exponent < 0 {
      text.append("0.")
      text.append(contentsOf: repeatElement(zero, count: -exponent - 1))
      text.append(contentsOf: digits.digits)
    } else if count <= exponent + 1 {
      text.append(contentsOf: digits.digits)
      text.append(contentsOf: repeatElement(zero, count: exponent + 1 - count))
    } else {
      text.append(contentsOf: digits.digits[...exponent])
      text.append(".")
      text.append(contentsOf: digits.digits[(exponent + 1)...])
    }
  }

  /// Appends at most so many significant digits, as C's `%g` does. What `extra_float_digits` below one asks for.
  static func append(_ value: Double, digits: Int, to text: inout [UInt8]) {
    if appendSpecial(value, to: &text) { return }
    text.append(contentsOf: format("%.*g", Int32(max(digits, 1)), value))
  }

  /// C's `printf` with a precision and a number.
  static func format(_ format: String, _ precision: Int32, _ value: Double) -> [UInt8] {
    withVaList([precision, value]) { arguments in
      var bytes = [CChar](repeating: 0, count: 400 + Int(precision))
      let count = vsnprintf(&bytes, bytes.count, format, arguments)
      return bytes.prefix(Int(count)).map(UInt8.init(bitPattern:))
    }
  }

  /// `float8in_internal` and `float4in_internal`: C's `strtod` with PostgreSQL's words about what it refuses.
  static func parse<Number: BinaryFloatingPoint>(
    _ text: ByteView, type: StaticString, shown: ByteView? = nil,
    _ read: (_ start: ByteView) -> (value: Number, length: Int, isOutOfRange: Bool)
  ) throws(TypeError) -> Number {
    let shown = shown ?? text
    let number = ASCII.trimmed(text)
    guard !number.isEmpty else { throw .invalidInput(type, shown) }
    let (value, length, isOutOfRange) = read(number)
    guard length > 0 else { throw .invalidInput(type, shown) }
    if isOutOfRange && (value == 0 || value.isInfinite) {
      throw TypeError(
        .numericValueOutOfRange, "\"\(number.upTo(length).string)\" is out of range for type \(type)")
    }
    guard length == number.count else { throw .invalidInput(type, shown) }
    return value
  }

  static func parseDouble(
    _ text: ByteView, type: StaticString = "double precision", shown: ByteView? = nil
  ) throws(TypeError) -> Double {
    try parse(text, type: type, shown: shown) { number in
      number.withCString { start in
        var end: UnsafeMutablePointer<CChar>?
        errno = 0
        let value = strtod(start, &end)
        return (value, end.map { $0 - UnsafeMutablePointer(mutating: start) } ?? 0, errno == ERANGE)
      }
    }
  }

  static func parseFloat(_ text: ByteView) throws(TypeError) -> Float {
    try parse(text, type: "real") { number in
      number.withCString { start in
        var end: UnsafeMutablePointer<CChar>?
        errno = 0
        let value = strtof(start, &end)
        return (value, end.map { $0 - UnsafeMutablePointer(mutating: start) } ?? 0, errno == ERANGE)
      }
    }
  }
}
