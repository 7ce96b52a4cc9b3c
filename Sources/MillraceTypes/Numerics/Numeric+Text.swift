/// Texts of numeric, and its conversions from and to other numbers.
extension Numeric {
  // MARK: - Input

  /// `numeric_in`: NaN, infinities, decimals with an exponent, integers with 0x, 0o or 0b, underscores between digits.
  public init(parsing text: ByteView) throws(TypeError) {
    let number = ASCII.trimmed(text)
    var rest = number
    var isNegative = false
    let hasSign = rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+")
    if hasSign {
      isNegative = rest[0] == UInt8(ascii: "-")
      rest = rest.from(1)
    }
    guard let first = rest.first else { throw .invalidInput("numeric", text) }
    guard ASCII.isDigit(first) || first == UInt8(ascii: ".") else {
      if !hasSign, ASCII.isEqualIgnoringCase(rest, "nan") {
        self = .notANumber
      } else if ASCII.isEqualIgnoringCase(rest, "infinity") || ASCII.isEqualIgnoringCase(rest, "inf") {
        self = isNegative ? .negativeInfinity : .positiveInfinity
      } else {
        throw .invalidInput("numeric", text)
      }
      return
    }
    self.init()
    if first == UInt8(ascii: "0"), rest.count > 1, let radix = Self.radix(ofPrefix: rest[1]) {
      try parseInteger(rest.from(2), radix: radix, shown: text)
    } else {
      try parseDecimal(rest, shown: text)
    }
    self.isNegative = isNegative && !digits.isEmpty
  }

  private static func radix(ofPrefix letter: UInt8) -> Int32? {
    switch letter | 0x20 {
    case UInt8(ascii: "x"): 16
    case UInt8(ascii: "o"): 8
    case UInt8(ascii: "b"): 2
    default: nil
    }
  }

  private mutating func parseInteger(_ text: ByteView, radix: Int32, shown: ByteView) throws(TypeError) {
    var reversed: [Int32] = []
    var previousIsUnderscore = false
    guard !text.isEmpty else { throw .invalidInput("numeric", shown) }
    for byte in text {
      if byte == UInt8(ascii: "_") {
        if previousIsUnderscore { throw .invalidInput("numeric", shown) }
        previousIsUnderscore = true
        continue
      }
      guard let digit = ASCII.hexValue(byte), Int32(digit) < radix else { throw .invalidInput("numeric", shown) }
      previousIsUnderscore = false
      var carry = Int32(digit)
      for index in reversed.indices {
        let value = reversed[index] * radix + carry
        reversed[index] = value % Self.base
        carry = value / Self.base
      }
      if carry > 0 { reversed.append(carry) }
      if reversed.count > Self.weightMax + 1 { throw .numericOverflow }
    }
    if previousIsUnderscore { throw .invalidInput("numeric", shown) }
    digits = reversed.reversed()
    weight = digits.count - 1
    normalize()
  }

  private mutating func parseDecimal(_ text: ByteView, shown: ByteView) throws(TypeError) {
    let point = UInt8(ascii: ".")
    let underscore = UInt8(ascii: "_")
    func isDigit(_ at: Int) -> Bool { at < text.count && ASCII.isDigit(text[at]) }
    var at = text[0] == point ? 1 : 0
    var seenPoint = at == 1
    guard isDigit(at) else { throw .invalidInput("numeric", shown) }
    var decimals: [UInt8] = []
    var integerCount = 0
    while at < text.count {
      let byte = text[at]
      if ASCII.isDigit(byte) {
        decimals.append(byte - UInt8(ascii: "0"))
        if !seenPoint { integerCount += 1 }
      } else if byte == point {
        guard !seenPoint, at + 1 >= text.count || text[at + 1] != underscore else {
          throw .invalidInput("numeric", shown)
        }
        seenPoint = true
      } else if byte == underscore {
        guard isDigit(at + 1) else { throw .invalidInput("numeric", shown) }
      } else {
        break
      }
      at += 1
    }
    var exponent = 0
    if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
      exponent = try Self.parseExponent(text, &at, shown: shown)
    }
    guard at == text.count else { throw .invalidInput("numeric", shown) }
    set(decimals: decimals, weight: integerCount - 1 + exponent)
    scale = max(decimals.count - integerCount - exponent, 0)
  }

  private static func parseExponent(_ text: ByteView, _ at: inout Int, shown: ByteView) throws(TypeError) -> Int {
    func isDigit(_ at: Int) -> Bool { at < text.count && ASCII.isDigit(text[at]) }
    at += 1
    var isNegative = false
    if at < text.count, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    guard isDigit(at) else { throw .invalidInput("numeric", shown) }
    var exponent = 0
    while at < text.count {
      if isDigit(at) {
        exponent = exponent * 10 + Int(text[at] - UInt8(ascii: "0"))
        if exponent > Int(Int32.max / 2) { throw .numericOverflow }
      } else if text[at] == UInt8(ascii: "_") {
        guard isDigit(at + 1) else { throw .invalidInput("numeric", shown) }
      } else {
        break
      }
      at += 1
    }
    return isNegative ? -exponent : exponent
  }

  /// Takes decimal digits, the first of which counts ten to the power of `decimalWeight`.
  mutating func set(decimals: [UInt8], weight decimalWeight: Int) {
    var decimals = decimals[...]
    var decimalWeight = decimalWeight
    while decimals.first == 0 {
      decimals.removeFirst()
      decimalWeight -= 1
    }
    while decimals.last == 0 { decimals.removeLast() }
    digits = []
    guard !decimals.isEmpty else {
      weight = 0
      return
    }
    weight = decimalWeight >> 2
    var place = decimalWeight - weight * 4
    var digit: Int32 = 0
    for decimal in decimals {
      digit = digit * 10 + Int32(decimal)
      if place == 0 {
        digits.append(digit)
        digit = 0
        place = 4
      }
      place -= 1
    }
    if place < 3 {
      for _ in 0...place { digit *= 10 }
      digits.append(digit)
    }
    normalize()
  }

  // MARK: - Output

  /// Appends the number as `numeric_out` writes it.
  public func appendText(to text: inout [UInt8]) {
    switch kind {
    case .notANumber: text.append("NaN")
    case .positiveInfinity: text.append("Infinity")
    case .negativeInfinity: text.append("-Infinity")
    case .finite:
      if isNegative { text.append("-") }
      if weight < 0 || digits.isEmpty {
        text.append("0")
      } else {
        text.append(decimal: Int(digits[0]), width: 1)
        for power in stride(from: weight - 1, through: 0, by: -1) {
          text.append(decimal: Int(digit(at: power)), width: 4)
        }
      }
      guard scale > 0 else { return }
      text.append(".")
      let end = text.count + scale
      var power = -1
      while text.count < end {
        text.append(decimal: Int(digit(at: power)), width: 4)
        power -= 1
      }
      text.removeLast(text.count - end)
    }
  }

  public var text: String {
    var text: [UInt8] = []
    appendText(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: - Other numbers

  /// From a floating-point number, by the 15 digits that are certain of it.
  public init(_ value: Double) { self.init(value, digits: 15) }

  /// From a floating-point number, by the 6 digits that are certain of it.
  public init(_ value: Float) { self.init(Double(value), digits: 6) }

  private init(_ value: Double, digits: Int32) {
    if value.isNaN {
      self = .notANumber
    } else if value.isInfinite {
      self = value < 0 ? .negativeInfinity : .positiveInfinity
    } else {
      let text = FloatText.format("%.*g", digits, value)
      // What printf writes is always a number.
      self = text.withByteView { try? Numeric(parsing: $0) } ?? .notANumber
    }
  }

  /// The nearest floating-point number; infinite where there is none.
  public var doubleValue: Double {
    switch kind {
    case .notANumber: return .nan
    case .positiveInfinity: return .infinity
    case .negativeInfinity: return -.infinity
    case .finite: return Double(text) ?? .nan
    }
  }

  /// `numeric_float8`.
  public func float8() throws(TypeError) -> Double {
    let value = doubleValue
    if isFinite, value.isInfinite || (value == 0 && !isZero) {
      throw TypeError(.numericValueOutOfRange, "\"\(text)\" is out of range for type double precision")
    }
    return value
  }

  /// `numeric_float4`.
  public func float4() throws(TypeError) -> Float {
    guard isFinite else { return Float(doubleValue) }
    let value = Float(text) ?? .nan
    if value.isInfinite || (value == 0 && !isZero) {
      throw TypeError(.numericValueOutOfRange, "\"\(text)\" is out of range for type real")
    }
    return value
  }

  /// The nearest integer, if it fits.
  public func integer<Integer: FixedWidthInteger & SignedInteger>(as _: Integer.Type) -> Integer? {
    guard isFinite else { return nil }
    var rounded = self
    rounded.round(toScale: 0)
    guard !rounded.digits.isEmpty else { return 0 }
    guard rounded.weight <= 5 else { return nil }
    var value: Int128 = 0
    for power in stride(from: rounded.weight, through: 0, by: -1) {
      value = value * 10_000 + Int128(rounded.digit(at: power))
    }
    return Integer(exactly: rounded.isNegative ? -value : value)
  }

  /// A cast to `smallint`, `integer` or `bigint`.
  public func converting<Integer: SQLInteger>(to _: Integer.Type) throws(TypeError) -> Integer {
    if !isFinite {
      throw TypeError(
        .featureNotSupported, "cannot convert \(isNaN ? "NaN" : "infinity") to \(Integer.sqlName)")
    }
    guard let value = integer(as: Integer.self) else { throw .outOfRange(Integer.sqlName) }
    return value
  }
}
