/// A decimal number of (almost) any length, as PostgreSQL computes with it (numeric.c).
///
/// The value is a sum of digits of base 10000: `digits[0]` counts 10000 to the power of ``weight``, the next one power
/// less. ``scale`` says how many decimal digits after the point are shown; it is part of the value, though equality
/// does not go by it, and each operation says which scale its result has.
public struct Numeric: Sendable {
  public enum Kind: Sendable { case finite, notANumber, positiveInfinity, negativeInfinity }

  static let base: Int32 = 10_000
  static let decimalsPerDigit = 4
  /// The largest scale and weight that the format has room for.
  static let scaleMax = 0x3FFF
  static let weightMax = 0x7FFF
  /// What results of division and the like are shown with: at least so many significant digits, at most such a scale.
  static let significantDigitsMin = 16
  static let displayScaleMax = 1000
  static let resultScaleMax = 2000

  public private(set) var kind = Kind.finite
  var isNegative = false
  var weight = 0
  /// `dscale`: decimal digits after the point.
  public var scale = 0
  var digits: [Int32] = []

  init() {}

  init(kind: Kind) { self.kind = kind }

  public static let zero = Numeric()
  public static let one = Numeric(Int64(1))
  public static let notANumber = Numeric(kind: .notANumber)
  public static let positiveInfinity = Numeric(kind: .positiveInfinity)
  public static let negativeInfinity = Numeric(kind: .negativeInfinity)

  public init<Integer: FixedWidthInteger>(_ value: Integer) {
    var magnitude = value.magnitude
    isNegative = value < 0
    while magnitude > 0 {
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: Integer.Magnitude(10_000))
      digits.append(Int32(digit))
      magnitude = quotient
    }
    digits.reverse()
    weight = digits.count - 1
    normalize()
  }

  public var isFinite: Bool { kind == .finite }
  public var isNaN: Bool { kind == .notANumber }
  public var isInfinite: Bool { kind == .positiveInfinity || kind == .negativeInfinity }
  public var isZero: Bool { isFinite && digits.isEmpty }

  /// -1, 0 or 1; of infinities too. NaN counts as positive.
  public var sign: Int {
    switch kind {
    case .finite: digits.isEmpty ? 0 : isNegative ? -1 : 1
    case .negativeInfinity: -1
    default: 1
    }
  }

  /// Whether there is nothing but zeros after the point.
  public var isIntegral: Bool { isFinite ? digits.count <= weight + 1 || digits.isEmpty : !isNaN }

  /// Removes zeros at both ends, which nothing but the scale tells of.
  mutating func normalize() {
    var leading = 0
    while leading < digits.count, digits[leading] == 0 { leading += 1 }
    if leading > 0 {
      digits.removeFirst(leading)
      weight -= leading
    }
    while let last = digits.last, last == 0 { digits.removeLast() }
    if digits.isEmpty {
      weight = 0
      isNegative = false
    }
  }

  func normalized() -> Numeric {
    var copy = self
    copy.normalize()
    return copy
  }

  /// The digit that counts 10000 to the power of `power`.
  func digit(at power: Int) -> Int32 {
    let index = weight - power
    return index >= 0 && index < digits.count ? digits[index] : 0
  }

  func withSign(_ isNegative: Bool) -> Numeric {
    var copy = self
    copy.isNegative = isNegative && !digits.isEmpty
    return copy
  }

  func withScale(_ scale: Int) -> Numeric {
    var copy = self
    copy.scale = scale
    return copy
  }

  // MARK: - Rounding

  /// Rounds half away from zero to so many decimal digits after the point, or before it where negative.
  mutating func round(toScale newScale: Int) {
    scale = newScale
    let decimals = (weight + 1) * Self.decimalsPerDigit + newScale
    guard decimals >= 0 else {
      digits = []
      normalize()
      return
    }
    let kept = (decimals + Self.decimalsPerDigit - 1) / Self.decimalsPerDigit
    let partial = decimals % Self.decimalsPerDigit
    guard kept < digits.count || (kept == digits.count && partial > 0) else { return }
    var carry: Int32 = 0
    if partial == 0 {
      carry = digits[kept] >= Self.base / 2 ? 1 : 0
      digits.removeLast(digits.count - kept)
    } else {
      digits.removeLast(digits.count - kept)
      let unit = Self.powerOfTen(Self.decimalsPerDigit - partial)
      let extra = digits[kept - 1] % unit
      digits[kept - 1] -= extra
      if extra >= unit / 2 {
        digits[kept - 1] += unit
        if digits[kept - 1] >= Self.base {
          digits[kept - 1] -= Self.base
          carry = 1
        }
        if carry == 1 { carry = propagateCarry(before: kept - 1) }
        finishRounding(carry)
        return
      }
    }
    if carry == 1 { carry = propagateCarry(before: kept) }
    finishRounding(carry)
  }

  private mutating func propagateCarry(before end: Int) -> Int32 {
    var index = end
    while index > 0 {
      index -= 1
      if digits[index] + 1 < Self.base {
        digits[index] += 1
        return 0
      }
      digits[index] = 0
    }
    return 1
  }

  private mutating func finishRounding(_ carry: Int32) {
    if carry == 1 {
      digits.insert(1, at: 0)
      weight += 1
    }
    normalize()
  }

  static func powerOfTen(_ exponent: Int) -> Int32 {
    switch exponent {
    case 0: 1
    case 1: 10
    case 2: 100
    default: 1000
    }
  }

  /// Cuts off after so many decimal digits after the point, or before it where negative.
  mutating func truncate(toScale newScale: Int) {
    scale = newScale
    let decimals = (weight + 1) * Self.decimalsPerDigit + newScale
    guard decimals > 0 else {
      digits = []
      normalize()
      return
    }
    let kept = (decimals + Self.decimalsPerDigit - 1) / Self.decimalsPerDigit
    guard kept <= digits.count else { return }
    digits.removeLast(digits.count - kept)
    let partial = decimals % Self.decimalsPerDigit
    if partial > 0 { digits[kept - 1] -= digits[kept - 1] % Self.powerOfTen(Self.decimalsPerDigit - partial) }
    normalize()
  }

  /// `round(numeric, integer)`.
  public func rounded(toScale scale: Int) -> Numeric {
    guard isFinite else { return self }
    var result = self
    result.round(toScale: min(max(scale, -(Self.weightMax + 1) * 4 - 1), Self.scaleMax))
    if result.scale < 0 { result.scale = 0 }
    return result
  }

  /// `trunc(numeric, integer)`.
  public func truncated(toScale scale: Int) -> Numeric {
    guard isFinite else { return self }
    var result = self
    result.truncate(toScale: min(max(scale, -(Self.weightMax + 1) * 4), Self.scaleMax))
    if result.scale < 0 { result.scale = 0 }
    return result
  }

  public func ceiling() -> Numeric {
    guard isFinite else { return self }
    let whole = truncated(toScale: 0)
    return isNegative || self == whole ? whole : (whole + .one)
  }

  public func floor() -> Numeric {
    guard isFinite else { return self }
    let whole = truncated(toScale: 0)
    return !isNegative || self == whole ? whole : (whole - .one)
  }

  /// `min_scale`: the smallest scale that shows all that is there; nil for NaN and infinities.
  public var minimalScale: Int? {
    guard isFinite else { return nil }
    guard let last = digits.last, digits.count > weight + 1 else { return 0 }
    var scale = (digits.count - 1 - weight) * Self.decimalsPerDigit
    var digit = last
    while digit % 10 == 0 {
      scale -= 1
      digit /= 10
    }
    return max(scale, 0)
  }
}

extension Numeric: Comparable {
  /// NaN is equal to itself and greater than all else.
  public static func compare(_ a: Numeric, _ b: Numeric) -> Int {
    guard a.isFinite, b.isFinite else { return a.rank - b.rank }
    if a.sign != b.sign { return a.sign - b.sign }
    let order = compareMagnitudes(a, b)
    return a.isNegative ? -order : order
  }

  private var rank: Int {
    switch kind {
    case .negativeInfinity: -1
    case .finite: 0
    case .positiveInfinity: 1
    case .notANumber: 2
    }
  }

  static func compareMagnitudes(_ a: Numeric, _ b: Numeric) -> Int {
    if a.digits.isEmpty || b.digits.isEmpty { return (a.digits.isEmpty ? 0 : 1) - (b.digits.isEmpty ? 0 : 1) }
    if a.weight != b.weight { return a.weight < b.weight ? -1 : 1 }
    for (left, right) in zip(a.digits, b.digits) where left != right { return left < right ? -1 : 1 }
    return a.digits.count - b.digits.count
  }

  public static func == (a: Numeric, b: Numeric) -> Bool { compare(a, b) == 0 }
  public static func < (a: Numeric, b: Numeric) -> Bool { compare(a, b) < 0 }
}
