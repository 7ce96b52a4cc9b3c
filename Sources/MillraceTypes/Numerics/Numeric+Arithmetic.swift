/// Sums, products and quotients. Results are exact to the scale that PostgreSQL gives them.
extension Numeric {
  // MARK: - Addition

  private static func magnitudeSum(_ a: Numeric, _ b: Numeric, subtract: Bool) -> Numeric {
    var result = Numeric()
    let top = max(a.weight, b.weight) + (subtract ? 0 : 1)
    let bottom = min(a.weight - a.digits.count, b.weight - b.digits.count) + 1
    result.weight = top
    guard top >= bottom else { return result }
    result.digits = [Int32](repeating: 0, count: top - bottom + 1)
    var carry: Int32 = 0
    for power in bottom...top {
      var digit = a.digit(at: power) + carry + (subtract ? -b.digit(at: power) : b.digit(at: power))
      carry = 0
      if digit >= base {
        digit -= base
        carry = 1
      } else if digit < 0 {
        digit += base
        carry = -1
      }
      result.digits[top - power] = digit
    }
    return result
  }

  static func finiteSum(_ a: Numeric, _ b: Numeric, negatingSecond: Bool = false) -> Numeric {
    let secondIsNegative = b.isNegative != (negatingSecond && !b.digits.isEmpty)
    var result: Numeric
    if a.digits.isEmpty {
      result = b.withSign(secondIsNegative)
    } else if b.digits.isEmpty {
      result = a
    } else if a.isNegative == secondIsNegative {
      result = magnitudeSum(a, b, subtract: false)
      result.isNegative = a.isNegative
    } else if compareMagnitudes(a, b) >= 0 {
      result = magnitudeSum(a, b, subtract: true)
      result.isNegative = a.isNegative
    } else {
      result = magnitudeSum(b, a, subtract: true)
      result.isNegative = secondIsNegative
    }
    result.scale = max(a.scale, b.scale)
    result.normalize()
    return result
  }

  /// The scale is the larger of both.
  public static func + (a: Numeric, b: Numeric) -> Numeric {
    guard a.isFinite, b.isFinite else {
      if a.isNaN || b.isNaN { return .notANumber }
      if a.isFinite { return b }
      return b.isFinite || a.kind == b.kind ? a : .notANumber
    }
    return finiteSum(a, b)
  }

  public static func - (a: Numeric, b: Numeric) -> Numeric {
    guard a.isFinite, b.isFinite else { return a + (-b) }
    return finiteSum(a, b, negatingSecond: true)
  }

  public static prefix func - (a: Numeric) -> Numeric {
    switch a.kind {
    case .finite: a.withSign(!a.isNegative)
    case .notANumber: a
    case .positiveInfinity: .negativeInfinity
    case .negativeInfinity: .positiveInfinity
    }
  }

  public var absolute: Numeric { sign < 0 ? -self : self }

  // MARK: - Multiplication

  /// The scale is the sum of both, up to the largest that there is.
  public static func * (a: Numeric, b: Numeric) -> Numeric {
    guard a.isFinite, b.isFinite else {
      if a.isNaN || b.isNaN || a.isZero || b.isZero { return .notANumber }
      return a.sign == b.sign ? .positiveInfinity : .negativeInfinity
    }
    return product(a, b, scale: min(a.scale + b.scale, scaleMax))
  }

  /// The same, which ends early where its statement does.
  public static func multiplying(_ a: Numeric, by b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else { return a * b }
    return try longProduct(a, b, scale: min(a.scale + b.scale, scaleMax))
  }

  /// The product of finite numbers, rounded.
  static func product(_ a: Numeric, _ b: Numeric, scale: Int) -> Numeric {
    var places = [Int64](repeating: 0, count: a.digits.count + b.digits.count)
    addProducts(of: a, a.digits.indices, b, to: &places)
    return product(a, b, places, scale: scale)
  }

  /// The same, which ends early where its statement does.
  static func longProduct(_ a: Numeric, _ b: Numeric, scale: Int) throws(TypeError) -> Numeric {
    var places = [Int64](repeating: 0, count: a.digits.count + b.digits.count)
    // As many digits of one at a time as make a million steps with those of the other.
    let length = max((1 << 20) / max(b.digits.count, 1), 1)
    for start in stride(from: 0, to: a.digits.count, by: length) {
      let end = min(start + length, a.digits.count)
      try LongWork.note((end - start) * b.digits.count)
      addProducts(of: a, start..<end, b, to: &places)
    }
    return product(a, b, places, scale: scale)
  }

  /// Each place sums products below 10^8; more of them than would overflow 64 bits no value has digits for.
  private static func addProducts(of a: Numeric, _ range: Range<Int>, _ b: Numeric, to places: inout [Int64]) {
    let factors = b.digits
    for index in range where a.digits[index] != 0 {
      let digit = Int64(a.digits[index])
      // By index, since this is what powers and logarithms spend their time in: a build that is not optimized makes and
      // takes apart a tuple for each step of another kind of loop.
      var other = 0
      while other < factors.count {
        places[index + other + 1] += digit * Int64(factors[other])
        other += 1
      }
    }
  }

  private static func product(_ a: Numeric, _ b: Numeric, _ places: [Int64], scale: Int) -> Numeric {
    var result = Numeric()
    result.scale = scale
    guard !a.digits.isEmpty, !b.digits.isEmpty else { return result }
    result.digits = [Int32](repeating: 0, count: places.count)
    var carry: Int64 = 0
    for index in places.indices.reversed() {
      let (quotient, digit) = (places[index] + carry).quotientAndRemainder(dividingBy: Int64(base))
      result.digits[index] = Int32(digit)
      carry = quotient
    }
    result.weight = a.weight + b.weight + 1
    result.isNegative = a.isNegative != b.isNegative
    result.normalize()
    result.round(toScale: scale)
    return result
  }

  // MARK: - Division

  /// `select_div_scale`: at least 16 significant digits, and no fewer decimals than either operand has.
  static func quotientScale(_ a: Numeric, _ b: Numeric) -> Int {
    var weight = (a.digits.isEmpty ? 0 : a.weight) - (b.digits.isEmpty ? 0 : b.weight)
    if (a.digits.first ?? 0) <= (b.digits.first ?? 0) { weight -= 1 }
    let scale = max(significantDigitsMin - weight * decimalsPerDigit, a.scale, b.scale, 0)
    return min(scale, displayScaleMax)
  }

  private static func quotientOfInfinities(_ a: Numeric, _ b: Numeric) throws(TypeError) -> Numeric {
    if a.isNaN || b.isNaN { return .notANumber }
    guard a.isInfinite else { return .zero }
    if b.isInfinite { return .notANumber }
    if b.sign == 0 { throw .divisionByZero }
    return a.sign == b.sign ? .positiveInfinity : .negativeInfinity
  }

  public static func dividing(_ a: Numeric, by b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else { return try quotientOfInfinities(a, b) }
    return try quotient(a, b, scale: quotientScale(a, b), rounds: true)
  }

  /// `div`: the quotient's integer part.
  public static func integerQuotient(_ a: Numeric, _ b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else { return try quotientOfInfinities(a, b) }
    return try quotient(a, b, scale: 0, rounds: false)
  }

  /// What is left after division toward zero; it has the dividend's sign.
  public static func remainder(_ a: Numeric, by b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else {
      if a.isNaN || b.isNaN { return .notANumber }
      if a.isInfinite {
        if b.sign == 0 { throw .divisionByZero }
        return .notANumber
      }
      return a
    }
    let whole = try quotient(a, b, scale: 0, rounds: false)
    return finiteSum(a, try longProduct(b, whole, scale: b.scale), negatingSecond: true)
  }

  /// The quotient of finite numbers to a scale, rounded or cut off, by long division (Knuth, vol. 2, 4.3.1 D).
  static func quotient(_ a: Numeric, _ b: Numeric, scale: Int, rounds: Bool) throws(TypeError) -> Numeric {
    guard let divisorFirst = b.digits.first else { throw .divisionByZero }
    var result = Numeric()
    result.scale = scale
    guard !a.digits.isEmpty else { return result }
    result.weight = a.weight - b.weight
    let fraction = (scale + decimalsPerDigit - 1) >> 2
    // One digit more than needed decides which way to round.
    let count = max(result.weight + 1 + fraction, 1) + 1
    let divisor = b.digits
    var dividend = [Int32](repeating: 0, count: count + divisor.count)
    for (index, digit) in a.digits.prefix(dividend.count - 1).enumerated() { dividend[index + 1] = digit }
    result.digits =
      divisor.count == 1
      ? shortDivision(dividend, by: divisorFirst, count: count)
      : try longDivision(&dividend, by: divisor, count: count)
    result.isNegative = a.isNegative != b.isNegative
    result.normalize()
    if rounds { result.round(toScale: scale) } else { result.truncate(toScale: scale) }
    return result
  }

  private static func shortDivision(_ dividend: [Int32], by divisor: Int32, count: Int) -> [Int32] {
    var remainder: Int32 = 0
    return (0..<count).map { index in
      let value = remainder * base + dividend[index + 1]
      remainder = value % divisor
      return value / divisor
    }
  }

  private static func longDivision(
    _ dividend: inout [Int32], by divisor: [Int32], count: Int
  ) throws(TypeError) -> [Int32] {
    // Scaled so that the divisor's first digit is at least half the base, an estimate is at most two too large.
    let factor = base / (divisor[0] + 1)
    var scaled = divisor
    if factor > 1 {
      multiply(&scaled, by: factor)
      multiply(&dividend, by: factor)
    }
    var quotient = [Int32](repeating: 0, count: count)
    // Digits between two looks at whether it is still wanted.
    let length = max((1 << 20) / divisor.count, 1)
    var nextLook = 0
    for index in 0..<count {
      if index == nextLook {
        try LongWork.note(min(length, count - index) * divisor.count)
        nextLook += length
      }
      let top = Int64(dividend[index]) * Int64(base) + Int64(dividend[index + 1])
      var estimate = top / Int64(scaled[0])
      var rest = top % Int64(scaled[0])
      while estimate >= Int64(base)
        || estimate * Int64(scaled[1]) > rest * Int64(base) + Int64(dividend[index + 2])
      {
        estimate -= 1
        rest += Int64(scaled[0])
        if rest >= Int64(base) { break }
      }
      if estimate > 0, subtract(scaled, times: Int32(estimate), from: &dividend, at: index) {
        estimate -= 1
        addBack(scaled, to: &dividend, at: index)
      }
      quotient[index] = Int32(estimate)
    }
    return quotient
  }

  private static func multiply(_ digits: inout [Int32], by factor: Int32) {
    var carry: Int32 = 0
    for index in digits.indices.reversed() {
      let value = digits[index] * factor + carry
      digits[index] = value % base
      carry = value / base
    }
  }

  /// True where the difference is negative: then it is there as its complement.
  private static func subtract(
    _ divisor: [Int32], times factor: Int32, from dividend: inout [Int32], at start: Int
  ) -> Bool {
    var borrow: Int64 = 0
    for index in divisor.indices.reversed() {
      let value = Int64(dividend[start + index + 1]) - Int64(divisor[index]) * Int64(factor) - borrow
      var digit = value % Int64(base)
      if digit < 0 { digit += Int64(base) }
      borrow = (digit - value) / Int64(base)
      dividend[start + index + 1] = Int32(digit)
    }
    let top = Int64(dividend[start]) - borrow
    dividend[start] = 0
    return top < 0
  }

  private static func addBack(_ divisor: [Int32], to dividend: inout [Int32], at start: Int) {
    var carry: Int32 = 0
    for index in divisor.indices.reversed() {
      let value = dividend[start + index + 1] + divisor[index] + carry
      dividend[start + index + 1] = value % base
      carry = value / base
    }
  }

  // MARK: - Divisors, multiples, factorials

  public static func greatestCommonDivisor(_ a: Numeric, _ b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else { return .notANumber }
    var (large, small) = (a.absolute, b.absolute)
    while !small.isZero { (large, small) = (small, try remainder(large, by: small)) }
    return large.withScale(max(a.scale, b.scale))
  }

  public static func leastCommonMultiple(_ a: Numeric, _ b: Numeric) throws(TypeError) -> Numeric {
    guard a.isFinite, b.isFinite else { return .notANumber }
    let scale = max(a.scale, b.scale)
    if a.isZero || b.isZero { return Numeric.zero.withScale(scale) }
    let whole = try quotient(a, try greatestCommonDivisor(a, b), scale: 0, rounds: false)
    return try longProduct(b, whole, scale: b.scale).absolute.withScale(scale)
  }

  public static func factorial(_ number: Int64) throws(TypeError) -> Numeric {
    if number < 0 {
      throw TypeError(.numericValueOutOfRange, "factorial of a negative number is undefined")
    }
    if number > 32177 { throw .numericOverflow }
    var result = Numeric.one
    for factor in 2..<max(number + 1, 2) { result = try longProduct(result, Numeric(factor), scale: 0) }
    return result
  }
}

extension TypeError {
  static var numericOverflow: TypeError { TypeError(.numericValueOutOfRange, "value overflows numeric format") }
}
