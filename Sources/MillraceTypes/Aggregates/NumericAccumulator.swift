/// The state of `sum`, `avg`, `variance` and their kin over numeric (numeric.c's NumericAggState).
///
/// Digits are added into places of 64 bits whose carries wait, so that adding a value allocates nothing once the places
/// are there. Integers are accumulated here too where their sum may be larger than 64 bits.
public struct NumericAccumulator: Sendable {
  /// How many values there were, NaN and infinities included.
  public private(set) var count: Int64 = 0
  private var notANumberCount: Int64 = 0
  private var infinityCount: Int64 = 0
  private var minusInfinityCount: Int64 = 0
  private var scale = 0
  private var sum = Places()
  private var sumOfSquares = Places()
  private let keepsSquares: Bool

  /// - Parameter keepsSquares: for variances and deviations.
  public init(keepsSquares: Bool = false) { self.keepsSquares = keepsSquares }

  /// Digits of base 10000 with room for more than one of them: the place `index` counts 10000 to the power of `index +
  /// bottom`.
  private struct Places: Sendable {
    var bottom = 0
    var places: [Int64] = []
    var additions = 0

    mutating func reach(_ low: Int, _ high: Int) {
      if places.isEmpty { bottom = low }
      if low < bottom {
        places.insert(contentsOf: repeatElement(0, count: bottom - low), at: 0)
        bottom = low
      }
      while places.count <= high - bottom { places.append(0) }
    }

    mutating func countAddition() {
      additions += 1
      // Each addition adds less than 10^4 to a place: long before 2^63 the carries are moved.
      if additions == 1 << 40 { settle() }
    }

    /// Moves carries up, so that every place but the highest is a digit.
    mutating func settle() {
      additions = 0
      var carry: Int64 = 0
      for index in places.indices {
        let value = places[index] + carry
        var digit = value % 10_000
        if digit < 0 { digit += 10_000 }
        carry = (value - digit) / 10_000
        places[index] = digit
      }
      while carry != 0 && carry != -1 {
        var digit = carry % 10_000
        if digit < 0 { digit += 10_000 }
        places.append(digit)
        carry = (carry - digit) / 10_000
      }
      if carry == -1 { places.append(-1) }
    }

    var value: Numeric {
      var settled = self
      settled.settle()
      var result = Numeric()
      guard let top = settled.places.last else { return result }
      let isNegative = top < 0
      if isNegative {
        // The negative of it has positive digits.
        settled.places = settled.places.map { -$0 }
        settled.settle()
      }
      result.weight = settled.bottom + settled.places.count - 1
      result.digits = settled.places.reversed().map { Int32($0) }
      result.isNegative = isNegative
      result.normalize()
      return result
    }
  }

  // MARK: - Adding

  /// Adds a value in its format.
  public mutating func add(_ datum: Datum) {
    let view = NumericType.View(datum.bytes)
    count += 1
    guard view.kind == .finite else { return addSpecial(view.kind) }
    scale = max(scale, view.scale)
    if view.count > 0 {
      sum.reach(view.weight - view.count + 1, view.weight)
      for index in 0..<view.count {
        let digit = Int64(view.digit(index))
        sum.places[view.weight - index - sum.bottom] += view.isNegative ? -digit : digit
      }
      sum.countAddition()
    }
    if keepsSquares { addSquare(NumericType.value(datum)) }
  }

  public mutating func add(_ value: Numeric) {
    count += 1
    guard value.isFinite else { return addSpecial(value.kind) }
    scale = max(scale, value.scale)
    Self.add(value, to: &sum)
    if keepsSquares { addSquare(value) }
  }

  /// Adds what was added up apart. Not for variances.
  public mutating func add(_ compact: CompactNumericSum) {
    count += compact.count
    scale = max(scale, Int(compact.scale))
    Self.add(compact.value, to: &sum)
  }

  private mutating func addSpecial(_ kind: Numeric.Kind) {
    switch kind {
    case .notANumber: notANumberCount += 1
    case .positiveInfinity: infinityCount += 1
    case .negativeInfinity: minusInfinityCount += 1
    case .finite: break
    }
  }

  private mutating func addSquare(_ value: Numeric) {
    Self.add(Numeric.product(value, value, scale: value.scale * 2), to: &sumOfSquares)
  }

  private static func add(_ value: Numeric, to places: inout Places) {
    guard !value.digits.isEmpty else { return }
    places.reach(value.weight - value.digits.count + 1, value.weight)
    for (index, digit) in value.digits.enumerated() {
      places.places[value.weight - index - places.bottom] += Int64(value.isNegative ? -digit : digit)
    }
    places.countAddition()
  }

  /// Adds what another worker has accumulated.
  public mutating func combine(_ other: NumericAccumulator) {
    count += other.count
    notANumberCount += other.notANumberCount
    infinityCount += other.infinityCount
    minusInfinityCount += other.minusInfinityCount
    scale = max(scale, other.scale)
    Self.add(other.sum.value, to: &sum)
    Self.add(other.sumOfSquares.value, to: &sumOfSquares)
  }

  // MARK: - Results

  private var special: Numeric? {
    if notANumberCount > 0 || (infinityCount > 0 && minusInfinityCount > 0) { return .notANumber }
    if infinityCount > 0 { return .positiveInfinity }
    return minusInfinityCount > 0 ? .negativeInfinity : nil
  }

  /// `sum`; nil where there was no value.
  public var total: Numeric? {
    guard count > 0 else { return nil }
    return special ?? sum.value.withScale(scale)
  }

  /// `avg`.
  public func average() throws(TypeError) -> Numeric? {
    guard let total else { return nil }
    return try Numeric.dividing(total, by: Numeric(count))
  }

  /// `var_samp` and `var_pop`.
  public func variance(ofSample: Bool) throws(TypeError) -> Numeric? {
    try deviation(ofSample: ofSample, isSquared: true)
  }

  /// `stddev_samp` and `stddev_pop`.
  public func standardDeviation(ofSample: Bool) throws(TypeError) -> Numeric? {
    try deviation(ofSample: ofSample, isSquared: false)
  }

  private func deviation(ofSample: Bool, isSquared: Bool) throws(TypeError) -> Numeric? {
    guard count > (ofSample ? 1 : 0) else { return nil }
    if special != nil { return .notANumber }
    let number = Numeric(count)
    let total = sum.value.withScale(scale)
    let scale = scale * 2
    let squareOfSum = try Numeric.longProduct(total, total, scale: scale)
    let squares = try Numeric.longProduct(number, sumOfSquares.value.withScale(scale), scale: scale)
    let difference = Numeric.finiteSum(squares, squareOfSum, negatingSecond: true)
    guard difference.sign > 0 else { return .zero }
    let divisor = Numeric.product(number, ofSample ? Numeric(count - 1) : number, scale: 0)
    let resultScale = Numeric.quotientScale(difference, divisor)
    let variance = try Numeric.quotient(difference, divisor, scale: resultScale, rounds: true)
    return isSquared ? variance : try variance.squareRoot(scale: resultScale)
  }
}
