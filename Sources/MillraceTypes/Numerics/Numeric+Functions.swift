#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Roots, exponentials and logarithms, with the scales and the series of PostgreSQL's numeric.c, so that the last digit
/// comes out the same.
extension Numeric {
  private static let zeroPointNine = Numeric(Int64(9)).shifted(decimals: -1)
  private static let onePointOne = Numeric(Int64(11)).shifted(decimals: -1)
  private static let two = Numeric(Int64(2))
  private static let logarithmOfTen = 2.302585092994046
  private static let decimalLogarithmOfE = 0.434294481903252

  private func shifted(decimals: Int) -> Numeric {
    (try? Numeric.quotient(self, Numeric(Int64(10)), scale: 1, rounds: true)) ?? self
  }

  private static func displayScale(_ scale: Int, _ others: Int...) -> Int {
    min(others.reduce(max(scale, 0), max), displayScaleMax)
  }

  // MARK: - Square root

  public func squareRoot() throws(TypeError) -> Numeric {
    if isNaN || kind == .positiveInfinity { return self }
    if sign < 0 {
      throw TypeError(.invalidArgumentForPowerFunction, "cannot take square root of a negative number")
    }
    let rootWeight = weight >= 0 ? weight * 4 / 2 + 1 : 1 - (1 - weight * 4) / 2
    return try squareRoot(scale: Self.displayScale(Self.significantDigitsMin - rootWeight, scale))
  }

  /// Rounded to a scale, which may be negative.
  func squareRoot(scale: Int) throws(TypeError) -> Numeric {
    var result = Numeric()
    result.scale = scale
    guard !digits.isEmpty else { return result }
    let fraction = max(0, (scale + 4) / 4)
    // The root of the number as an integer, after so many digits have been moved before the point.
    var square = self
    square.weight += 2 * fraction
    square.truncate(toScale: 0)
    result = try square.integerSquareRoot()
    result.weight -= fraction
    result.normalize()
    result.round(toScale: scale)
    return result
  }

  /// The largest integer whose square is not larger than this one, by Newton's method from above.
  private func integerSquareRoot() throws(TypeError) -> Numeric {
    guard !digits.isEmpty else { return .zero }
    // A start that is certainly not too small: from the first digits, rounded up.
    var leading = 0.0
    for power in stride(from: weight, to: weight - 4, by: -1) { leading = leading * 10_000 + Double(digit(at: power)) }
    let isOdd = (weight - 3) & 1 != 0
    let estimate = (isOdd ? leading * 10_000 : leading).squareRoot() * (1 + 1e-9) + 2
    var root = Numeric(UInt64(estimate))
    root.weight += (weight - 3 - (isOdd ? 1 : 0)) >> 1
    if root.weight < 0 { root = .one }
    if weight < 3 {
      root = Numeric(UInt64((leading / (weight == 2 ? 1e4 : weight == 1 ? 1e8 : 1e12)).squareRoot()) + 1)
    }
    root.truncate(toScale: 0)
    root = Self.finiteSum(root, .one)
    while true {
      let quotient = try Self.quotient(self, root, scale: 0, rounds: false)
      let next = try Self.quotient(Self.finiteSum(root, quotient), Self.two, scale: 0, rounds: false)
      guard Self.compareMagnitudes(next, root) < 0 else { return root }
      root = next
    }
  }

  // MARK: - Exponential

  public func exponential() throws(TypeError) -> Numeric {
    switch kind {
    case .notANumber, .positiveInfinity: return self
    case .negativeInfinity: return .zero
    case .finite: break
    }
    let limit = Double(Self.resultScaleMax)
    let weight = min(max(doubleValue * Self.decimalLogarithmOfE, -limit), limit)
    return try exponential(scale: Self.displayScale(Self.significantDigitsMin - Int(weight), scale))
  }

  /// The argument is halved until it is at most 0.01, then a Taylor series is summed, and its sum squared again.
  func exponential(scale: Int) throws(TypeError) -> Numeric {
    var value = doubleValue
    if abs(value) >= Double(Self.resultScaleMax * 3) {
      if value > 0 { throw .numericOverflow }
      return Numeric.zero.withScale(scale)
    }
    let decimalWeight = Int(value * Self.decimalLogarithmOfE)
    var x = self
    var halvings = 0
    while abs(value) > 0.01 {
      halvings += 1
      value /= 2
    }
    if halvings > 0 { x = try x.quotient(by: 1 << halvings, scale: x.scale + halvings) }
    let significant = max(1 + decimalWeight + scale + Int(Double(halvings) * 0.301029995663981), 0) + 8
    let localScale = significant - 1

    var result = Self.finiteSum(.one, x)
    var term = try Self.longProduct(x, x, scale: localScale).quotient(by: 2, scale: localScale)
    var n = 2
    while !term.digits.isEmpty {
      result = Self.finiteSum(result, term)
      n += 1
      term = try Self.longProduct(term, x, scale: localScale).quotient(by: n, scale: localScale)
    }
    for _ in 0..<halvings {
      let squareScale = max(significant - result.weight * 2 * Self.decimalsPerDigit, 0)
      result = try Self.longProduct(result, result, scale: squareScale)
    }
    result.round(toScale: scale)
    return result
  }

  private func quotient(by divisor: Int, scale: Int) throws(TypeError) -> Numeric {
    try Self.quotient(self, Numeric(Int64(divisor)), scale: scale, rounds: true)
  }

  // MARK: - Logarithms

  /// `estimate_ln_dweight`: the decimal weight of the natural logarithm's first digit.
  private var logarithmWeight: Int {
    guard sign > 0 else { return 0 }
    if self >= Self.zeroPointNine && self <= Self.onePointOne {
      // Near 1 the logarithm is nearly what is above 1.
      let x = Self.finiteSum(self, .one, negatingSecond: true)
      guard let first = x.digits.first else { return 0 }
      return x.weight * Self.decimalsPerDigit + Int(log10(Double(first)))
    }
    var leading = Double(digits[0])
    var decimals = weight * Self.decimalsPerDigit
    if digits.count > 1 {
      leading = leading * 10_000 + Double(digits[1])
      decimals -= Self.decimalsPerDigit
    }
    return Int(log10(abs(log(leading) + Double(decimals) * Self.logarithmOfTen)))
  }

  private func checkLogarithm() throws(TypeError) {
    if sign < 0 {
      throw TypeError(.invalidArgumentForLogarithm, "cannot take logarithm of a negative number")
    }
    if sign == 0 { throw TypeError(.invalidArgumentForLogarithm, "cannot take logarithm of zero") }
  }

  public func naturalLogarithm() throws(TypeError) -> Numeric {
    if isNaN { return self }
    try checkLogarithm()
    if isInfinite { return self }
    return try naturalLogarithm(scale: Self.displayScale(Self.significantDigitsMin - logarithmWeight, scale))
  }

  /// Roots are taken until the number is between 0.9 and 1.1, then the series of 0.5 ln((1+z)/(1-z)) is summed.
  func naturalLogarithm(scale: Int) throws(TypeError) -> Numeric {
    try checkLogarithm()
    var x = self
    var factor = Self.two
    var roots = 0
    while x <= Self.zeroPointNine || x >= Self.onePointOne {
      x = try x.squareRoot(scale: scale - x.weight * Self.decimalsPerDigit / 2 + 8)
      factor = try Self.longProduct(factor, Self.two, scale: 0)
      roots += 1
    }
    let localScale = scale + Int(Double(roots + 1) * 0.301029995663981) + 8
    var result = try Self.quotient(
      Self.finiteSum(x, .one, negatingSecond: true), Self.finiteSum(x, .one), scale: localScale, rounds: true)
    var power = result
    let square = try Self.longProduct(result, result, scale: localScale)
    var n = 1
    while true {
      n += 2
      power = try Self.longProduct(power, square, scale: localScale)
      let term = try power.quotient(by: n, scale: localScale)
      if term.digits.isEmpty { break }
      result = Self.finiteSum(result, term)
      if term.weight < result.weight - localScale * 2 / Self.decimalsPerDigit { break }
    }
    return try Self.longProduct(result, factor, scale: scale)
  }

  /// The logarithm to a base.
  public static func logarithm(base: Numeric, _ number: Numeric) throws(TypeError) -> Numeric {
    guard base.isFinite, number.isFinite else { return try infiniteLogarithm(base: base, number) }
    try base.checkLogarithm()
    try number.checkLogarithm()
    let (baseWeight, numberWeight) = (base.logarithmWeight, number.logarithmWeight)
    let resultWeight = numberWeight - baseWeight
    let scale = displayScale(significantDigitsMin - resultWeight, base.scale, number.scale)
    let lnBase = try base.naturalLogarithm(scale: max(scale + resultWeight - baseWeight + 8, 0))
    let lnNumber = try number.naturalLogarithm(scale: max(scale + resultWeight - numberWeight + 8, 0))
    return try quotient(lnNumber, lnBase, scale: scale, rounds: true)
  }

  private static func infiniteLogarithm(base: Numeric, _ number: Numeric) throws(TypeError) -> Numeric {
    if base.isNaN || number.isNaN { return .notANumber }
    if number.sign < 0 { try number.checkLogarithm() }
    try base.checkLogarithm()
    try number.checkLogarithm()
    if base.isInfinite { return number.isInfinite ? .notANumber : .zero }
    return .positiveInfinity
  }

  // MARK: - Powers

  public static func power(_ base: Numeric, _ exponent: Numeric) throws(TypeError) -> Numeric {
    if base.isNaN { return exponent.isZero ? .one : .notANumber }
    if exponent.isNaN { return base == .one ? .one : .notANumber }
    if base.sign == 0 && exponent.sign < 0 {
      throw TypeError(.invalidArgumentForPowerFunction, "zero raised to a negative power is undefined")
    }
    if base.sign < 0 && !exponent.isIntegral {
      throw TypeError(
        .invalidArgumentForPowerFunction, "a negative number raised to a non-integer power yields a complex result")
    }
    guard base.isFinite, exponent.isFinite else { return infinitePower(base, exponent) }
    return try finitePower(base, exponent)
  }

  private var isOddInteger: Bool { !digits.isEmpty && digits.count == weight + 1 && digits[weight] & 1 == 1 }

  private static func infinitePower(_ base: Numeric, _ exponent: Numeric) -> Numeric {
    if base == .one || exponent.sign == 0 { return .one }
    if base.sign == 0 { return .zero }
    if exponent.isInfinite {
      let order = compare(base.absolute, .one)
      if order == 0 { return .one }
      return (order > 0) == (exponent.sign > 0) ? .positiveInfinity : .zero
    }
    if exponent.sign < 0 { return .zero }
    return base.sign < 0 && exponent.isOddInteger ? .negativeInfinity : .positiveInfinity
  }

  private static func finitePower(_ base: Numeric, _ exponent: Numeric) throws(TypeError) -> Numeric {
    if exponent.isIntegral, let integer = exponent.integer(as: Int32.self) {
      return try integerPower(base, Int(integer), exponentScale: exponent.scale)
    }
    if base.isZero { return Numeric.zero.withScale(significantDigitsMin) }
    let isNegative = base.isNegative && exponent.isOddInteger
    let magnitude = base.absolute
    let weight = magnitude.logarithmWeight
    // A first product of few digits says how many the real one needs.
    var localScale = max(8 - weight, 0)
    var logarithm = try magnitude.naturalLogarithm(scale: localScale)
    var value = try longProduct(logarithm, exponent, scale: localScale).doubleValue
    if abs(value) > Double(resultScaleMax) * 3.01 {
      if value > 0 { throw .numericOverflow }
      return Numeric.zero.withScale(displayScaleMax)
    }
    value *= decimalLogarithmOfE
    let scale = displayScale(significantDigitsMin - Int(value), base.scale, exponent.scale)
    let significant = max(scale + Int(value), 0)
    localScale = max(significant - weight + 8, 0)
    logarithm = try magnitude.naturalLogarithm(scale: localScale)
    let result = try longProduct(logarithm, exponent, scale: localScale).exponential(scale: scale)
    return result.withSign(isNegative)
  }

  /// The base's first 16 digits say how large the result will be.
  private static func estimatedDecimals(_ base: Numeric, _ exponent: Int) -> Double {
    guard !base.digits.isEmpty else { return 0 }
    var leading = 0.0
    var decimals = base.weight * decimalsPerDigit
    for (index, digit) in base.digits.prefix(4).enumerated() {
      leading = leading * 10_000 + Double(digit)
      if index > 0 { decimals -= decimalsPerDigit }
    }
    return (log10(leading) + Double(decimals)) * Double(exponent)
  }

  private static func integerPower(_ base: Numeric, _ exponent: Int, exponentScale: Int) throws(TypeError) -> Numeric {
    let decimals = estimatedDecimals(base, exponent)
    if decimals > Double((weightMax + 1) * decimalsPerDigit) { throw .numericOverflow }
    if decimals + 1 < Double(-displayScaleMax) { return Numeric.zero.withScale(displayScaleMax) }
    let scale = displayScale(significantDigitsMin - Int(decimals), base.scale, exponentScale)
    switch exponent {
    case 0: return Numeric.one.withScale(scale)
    case 1:
      var result = base
      result.round(toScale: scale)
      return result
    case -1: return try quotient(.one, base, scale: scale, rounds: true)
    case 2: return try longProduct(base, base, scale: scale)
    default: break
    }
    if base.isZero {
      if exponent < 0 { throw .divisionByZero }
      return Numeric.zero.withScale(scale)
    }
    let significant = 1 + scale + Int(decimals) + Int(log(abs(Double(exponent)))) + 8
    guard var result = try squaring(base, times: exponent.magnitude, significant: significant) else {
      if exponent > 0 { throw .numericOverflow }
      return Numeric.zero.withScale(scale)
    }
    if exponent < 0 { return try quotient(.one, result, scale: scale, rounds: true) }
    result.round(toScale: scale)
    return result
  }

  /// A power by repeated squaring, with as many digits as matter; nil where it becomes too large for the format.
  private static func squaring(_ base: Numeric, times exponent: UInt, significant: Int) throws(TypeError) -> Numeric? {
    var square = base
    var mask = exponent
    var result = mask & 1 == 1 ? base : .one
    mask >>= 1
    while mask > 0 {
      square = try longProduct(
        square, square,
        scale: max(min(significant - 2 * square.weight * decimalsPerDigit, 2 * square.scale), 0))
      if mask & 1 == 1 {
        result = try longProduct(
          square, result,
          scale: max(
            min(significant - (square.weight + result.weight) * decimalsPerDigit, square.scale + result.scale), 0))
      }
      if square.weight > weightMax || result.weight > weightMax { return nil }
      mask >>= 1
    }
    return result
  }
}
