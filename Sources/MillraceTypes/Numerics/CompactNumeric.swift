/// A finite ``Numeric`` whose digits fit into 64 bits: nearly all that there are. Sums and products of such values need
/// no memory but their result's.
///
/// The value is ``coefficient`` divided by 10000 to the power of ``fraction``.
struct CompactNumeric: BitwiseCopyable {
  let coefficient: Int64
  /// How many digits of base 10000 stand after the point, at most ``fractionMax``.
  let fraction: Int
  /// Decimal digits after the point that are shown.
  let scale: Int

  static let fractionMax = 4

  @inline(__always) init(coefficient: Int64, fraction: Int, scale: Int) {
    (self.coefficient, self.fraction, self.scale) = (coefficient, fraction, scale)
  }

  /// - Returns: nil where the value is too long, or no number.
  @inline(__always) init?(_ datum: Datum) {
    let view = NumericType.View(datum.bytes)
    guard view.kind == .finite else { return nil }
    let count = view.count
    guard count > 0 else {
      self.init(coefficient: 0, fraction: 0, scale: view.scale)
      return
    }
    let fraction = max(count - 1 - view.weight, 0)
    // What the digits and the zeros before the point that are left out take.
    let length = max(count, view.weight + 1)
    guard fraction <= Self.fractionMax, length <= 4 || length == 5 && view.digit(0) < 900 else { return nil }
    var coefficient: Int64 = 0
    for index in 0..<count { coefficient = coefficient &* 10_000 &+ Int64(view.digit(index)) }
    if length > count { coefficient &*= Self.unit(length - count) }
    self.init(coefficient: view.isNegative ? -coefficient : coefficient, fraction: fraction, scale: view.scale)
  }

  /// Reads digits with a sign and a point, and nothing else.
  /// - Returns: nil for any other text, and where there are too many digits.
  init?(parsing text: ByteView) {
    var index = 0
    let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
    if isNegative { index = 1 }
    var (coefficient, digits, scale): (Int64, Int, Int) = (0, 0, 0)
    var hasPoint = false
    while index < text.count {
      let byte = text[index]
      index += 1
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
        continue
      }
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte, digits < 15 else { return nil }
      coefficient = coefficient * 10 + Int64(byte - UInt8(ascii: "0"))
      digits += 1
      if hasPoint { scale += 1 }
    }
    guard digits > 0, text[text.count - 1] != UInt8(ascii: ".") else { return nil }
    let fraction = (scale + 3) / 4
    coefficient *= Self.powerOfTen(fraction * 4 - scale)
    self.init(coefficient: isNegative ? -coefficient : coefficient, fraction: fraction, scale: scale)
  }

  /// 10000 to a power of at most 4.
  @inline(__always) static func unit(_ power: Int) -> Int64 {
    switch power {
    case 0: 1
    case 1: 10_000
    case 2: 100_000_000
    case 3: 1_000_000_000_000
    default: 10_000_000_000_000_000
    }
  }

  /// Ten to a power of at most 18.
  static func powerOfTen(_ exponent: Int) -> Int64 {
    var (power, exponent): (Int64, Int) = (unit(exponent / 4), exponent % 4)
    while exponent > 0 {
      power *= 10
      exponent -= 1
    }
    return power
  }

  /// The coefficient as it is with more digits after the point.
  @inline(__always) func widened(to fraction: Int) -> Int128 {
    Int128(coefficient) * Int128(Self.unit(fraction - self.fraction))
  }

  // MARK: - Arithmetic

  /// The sum, whose scale is the larger of both.
  @inline(__always) static func sum(_ a: CompactNumeric, _ b: CompactNumeric, in arena: Arena) -> Datum {
    let fraction = max(a.fraction, b.fraction)
    return datum(a.widened(to: fraction) + b.widened(to: fraction), fraction, scale: max(a.scale, b.scale), in: arena)
  }

  @inline(__always) static func difference(_ a: CompactNumeric, _ b: CompactNumeric, in arena: Arena) -> Datum {
    let fraction = max(a.fraction, b.fraction)
    return datum(a.widened(to: fraction) - b.widened(to: fraction), fraction, scale: max(a.scale, b.scale), in: arena)
  }

  /// The product, whose scale is the sum of both; nil where there is no such scale.
  @inline(__always) static func product(_ a: CompactNumeric, _ b: CompactNumeric, in arena: Arena) -> Datum? {
    guard a.scale + b.scale <= Numeric.scaleMax else { return nil }
    return datum(
      Int128(a.coefficient) * Int128(b.coefficient), a.fraction + b.fraction, scale: a.scale + b.scale, in: arena)
  }

  /// Rounds half away from zero to what `numeric(precision, scale)` shows.
  /// - Returns: nil where that has to be looked at more closely.
  func rounded(precision: Int, scale: Int) -> CompactNumeric? {
    guard scale >= 0, precision >= scale, precision - scale + fraction * 4 <= 18 else { return nil }
    var magnitude = Int64(bitPattern: UInt64(coefficient.magnitude))
    if fraction * 4 > scale {
      let unit = Self.powerOfTen(fraction * 4 - scale)
      magnitude = (magnitude + unit / 2) / unit * unit
    }
    guard magnitude < Self.powerOfTen(precision - scale + fraction * 4) else { return nil }
    return CompactNumeric(coefficient: coefficient < 0 ? -magnitude : magnitude, fraction: fraction, scale: scale)
  }

  // MARK: - Formats

  func datum(in arena: Arena) -> Datum { Self.datum(Int128(coefficient), fraction, scale: scale, in: arena) }

  /// A value in PostgreSQL's format.
  /// - Parameter coefficient: divided by 10000 to the power of `fraction`, which is at most twice ``fractionMax``.
  static func datum(_ coefficient: Int128, _ fraction: Int, scale: Int, in arena: Arena) -> Datum {
    // The digits from the last to the first; ten hold the largest coefficient.
    var digits: InlineDigits = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    return withUnsafeMutableBytes(of: &digits) { digits in
      var count = 0
      var rest = coefficient.magnitude
      while rest > UInt128(UInt64.max) {
        let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10_000_000_000_000_000)
        rest = quotient
        append(UInt64(remainder), atLeast: 4, &count, digits)
      }
      append(UInt64(rest), atLeast: 0, &count, digits)
      var zeros = 0
      while zeros < count, digits.load(fromByteOffset: 2 * zeros, as: UInt16.self) == 0 { zeros += 1 }
      let weight = count == zeros ? 0 : count - 1 - fraction
      let isShort = scale <= 0x3F
      let header = isShort ? 2 : 4
      return arena.make(header + 2 * (count - zeros)) { target in
        let isNegative = coefficient < 0
        if isShort {
          let flags = UInt16(isNegative ? 0xA000 : 0x8000)
          target.storeBytes(
            of: flags | UInt16(truncatingIfNeeded: scale) << 7 | UInt16(truncatingIfNeeded: weight & 0x7F),
            as: UInt16.self)
        } else {
          target.storeBytes(of: UInt16(isNegative ? 0x4000 : 0) | UInt16(truncatingIfNeeded: scale), as: UInt16.self)
          target.storeBytes(of: Int16(truncatingIfNeeded: weight), toByteOffset: 2, as: Int16.self)
        }
        for index in 0..<count - zeros {
          target.storeBytes(
            of: digits.load(fromByteOffset: 2 * (count - 1 - index), as: UInt16.self),
            toByteOffset: header + 2 * index, as: UInt16.self)
        }
      }
    }
  }

  private typealias InlineDigits = (
    UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16
  )

  @inline(__always) private static func append(
    _ value: UInt64, atLeast minimum: Int, _ count: inout Int, _ digits: UnsafeMutableRawBufferPointer
  ) {
    let target = count + minimum
    var rest = value
    while rest > 0 || count < target {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10_000)
      digits.storeBytes(of: UInt16(truncatingIfNeeded: digit), toByteOffset: 2 * count, as: UInt16.self)
      count += 1
      rest = quotient
    }
  }

  /// Appends what ``Numeric/appendText(to:)`` would.
  func appendText(to text: inout [UInt8]) {
    if coefficient < 0 { text.append(UInt8(ascii: "-")) }
    let unit = UInt64(Self.unit(fraction))
    let (whole, rest) = coefficient.magnitude.quotientAndRemainder(dividingBy: unit)
    Self.appendDecimals(whole, atLeast: 1, &text)
    guard scale > 0 else { return }
    text.append(UInt8(ascii: "."))
    let decimals = fraction * 4
    if scale >= decimals {
      if decimals > 0 { Self.appendDecimals(rest, atLeast: decimals, &text) }
      text.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: scale - decimals))
    } else {
      Self.appendDecimals(rest / UInt64(Self.powerOfTen(decimals - scale)), atLeast: scale, &text)
    }
  }

  private static func appendDecimals(_ value: UInt64, atLeast minimum: Int, _ text: inout [UInt8]) {
    let start = text.count
    var (rest, count) = (value, 0)
    while rest > 0 || count < minimum {
      text.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
      count += 1
    }
    text[start...].reverse()
  }
}

extension NumericType {
  /// `a + b`.
  @inline(__always) public static func sum(_ a: Datum, _ b: Datum, in arena: Arena) throws(TypeError) -> Datum {
    if let left = CompactNumeric(a), let right = CompactNumeric(b) {
      return CompactNumeric.sum(left, right, in: arena)
    }
    return try datum(value(a) + value(b), in: arena)
  }

  /// `a - b`.
  @inline(__always) public static func difference(_ a: Datum, _ b: Datum, in arena: Arena) throws(TypeError) -> Datum {
    if let left = CompactNumeric(a), let right = CompactNumeric(b) {
      return CompactNumeric.difference(left, right, in: arena)
    }
    return try datum(value(a) - value(b), in: arena)
  }

  /// `a * b`.
  @inline(__always) public static func product(_ a: Datum, _ b: Datum, in arena: Arena) throws(TypeError) -> Datum {
    if let left = CompactNumeric(a), let right = CompactNumeric(b),
      let product = CompactNumeric.product(left, right, in: arena)
    {
      return product
    }
    return try datum(Numeric.multiplying(value(a), by: value(b)), in: arena)
  }

  /// An integer as a numeric.
  @inline(__always) public static func datum(_ value: Int64, in arena: Arena) -> Datum {
    CompactNumeric.datum(Int128(value), 0, scale: 0, in: arena)
  }

  /// The cast to `numeric(precision, scale)`.
  public static func apply(typmod: Int32, to datum: Datum, in arena: Arena) throws(TypeError) -> Datum {
    guard typmod >= 4 else { return datum }
    let (precision, scale) = parts(typmod)
    if let compact = CompactNumeric(datum)?.rounded(precision: precision, scale: scale) {
      return compact.datum(in: arena)
    }
    return try self.datum(try apply(typmod: typmod, to: value(datum)), in: arena)
  }
}
