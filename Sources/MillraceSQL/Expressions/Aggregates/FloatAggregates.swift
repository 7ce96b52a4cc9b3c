import MillraceTypes

/// `sum` of floating-point numbers.
final class FloatSumAggregate: Aggregate {
  private struct State {
    var sum: Double
    var isThere: Bool
  }

  /// Whether the numbers are real, and so is their sum.
  private let isSingle: Bool

  init(isSingle: Bool) { self.isSingle = isSingle }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    do throws(TypeError) {
      if isSingle {
        try rows.eachValue(inputs[0]) { (_, value) throws(TypeError) in
          try Self.add(value.float4, to: &state.pointee)
        }
        return
      }
      var sum = state.pointee.sum
      var isThere = false
      rows.eachValue(inputs[0]) { _, value in
        sum += value.float8
        isThere = true
      }
      if sum.isFinite {
        if isThere { state.pointee = State(sum: sum, isThere: true) }
        return
      }
      // Once more, to tell an overflow from an infinity that was among the numbers.
      try rows.eachValue(inputs[0]) { (_, value) throws(TypeError) in
        state.pointee = State(sum: try Double.adding(state.pointee.sum, value.float8), isThere: true)
      }
    } catch { throw SQLError(error) }
  }

  @inline(__always) private static func add(_ value: Float, to state: inout State) throws(TypeError) {
    state = State(
      sum: state.isThere ? Double(try Float.adding(Float(state.sum), value)) : Double(value), isThere: true)
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    do throws(TypeError) {
      try rows.eachValue(inputs[0]) { (row, value) throws(TypeError) in
        let state = states[row].assumingMemoryBound(to: State.self)
        if isSingle {
          try Self.add(value.float4, to: &state.pointee)
        } else {
          state.pointee = State(sum: try Double.adding(state.pointee.sum, value.float8), isThere: true)
        }
      }
    } catch { throw SQLError(error) }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    guard state.isThere else { return nil }
    return isSingle ? Datum(Float(state.sum)) : Datum(state.sum)
  }
}

/// `avg`, `variance`, `stddev` and their kin over floating-point numbers.
final class FloatStatisticAggregate: Aggregate {
  private let statistic: Statistic
  private let isSingle: Bool

  init(_ statistic: Statistic, isSingle: Bool) { (self.statistic, self.isSingle) = (statistic, isSingle) }

  override var stateSize: Int { MemoryLayout<FloatAccumulator>.size }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: FloatAccumulator.self)
    do throws(TypeError) {
      var accumulator = state.pointee
      try rows.eachValue(inputs[0]) { (_, value) throws(TypeError) in
        try accumulator.add(isSingle ? Double(value.float4) : value.float8)
      }
      state.pointee = accumulator
    } catch { throw SQLError(error) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    do throws(TypeError) {
      try rows.eachValue(inputs[0]) { (row, value) throws(TypeError) in
        try states[row].assumingMemoryBound(to: FloatAccumulator.self).pointee.add(
          isSingle ? Double(value.float4) : value.float8)
      }
    } catch { throw SQLError(error) }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let accumulator = state.load(as: FloatAccumulator.self)
    let result =
      switch statistic {
      case .sum, .average: accumulator.average
      case .sampleVariance: accumulator.variance(ofSample: true)
      case .populationVariance: accumulator.variance(ofSample: false)
      case .sampleDeviation: accumulator.standardDeviation(ofSample: true)
      case .populationDeviation: accumulator.standardDeviation(ofSample: false)
      }
    return result.map { Datum($0) }
  }
}

/// `min` and `max` of floating-point numbers; NaN is the greatest.
final class FloatExtremeAggregate: Aggregate {
  private struct State {
    var value: Datum
    var isThere: Bool
  }

  private let isMax: Bool
  private let isSingle: Bool

  init(isMax: Bool, isSingle: Bool) { (self.isMax, self.isSingle) = (isMax, isSingle) }

  override var stateSize: Int { 24 }

  @inline(__always) private func add(_ value: Datum, to state: UnsafeMutablePointer<State>) {
    if state.pointee.isThere {
      let order =
        isSingle
        ? value.float4.sqlOrder(to: state.pointee.value.float4) : value.float8.sqlOrder(to: state.pointee.value.float8)
      if isMax ? order <= 0 : order >= 0 { return }
    }
    state.pointee = State(value: value, isThere: true)
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    rows.eachValue(inputs[0]) { _, value in add(value, to: state) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    rows.eachValue(inputs[0]) { row, value in add(value, to: states[row].assumingMemoryBound(to: State.self)) }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    return state.isThere ? state.value : nil
  }
}

/// `corr`, `covar_*` and `regr_*`: of pairs of numbers (float.c's float8_regr_accum, after Youngs and Cramer).
final class RegressionAggregate: Aggregate {
  enum Result {
    case count, sumOfSquaresX, sumOfSquaresY, sumOfProducts, averageX, averageY, populationCovariance,
      sampleCovariance, correlation, squaredCorrelation, slope, intercept
  }

  private struct State {
    var count = 0.0
    var sumX = 0.0
    var squaresX = 0.0
    var sumY = 0.0
    var squaresY = 0.0
    var products = 0.0

    mutating func add(_ y: Double, _ x: Double) throws(TypeError) {
      let before = self
      count += 1
      sumX += x
      sumY += y
      guard before.count > 0 else {
        if !x.isFinite {
          squaresX = .nan
          products = .nan
        }
        if !y.isFinite {
          squaresY = .nan
          products = .nan
        }
        return
      }
      let (differenceX, differenceY) = (x * count - sumX, y * count - sumY)
      let scale = 1 / (count * before.count)
      squaresX += differenceX * differenceX * scale
      squaresY += differenceY * differenceY * scale
      products += differenceX * differenceY * scale
      guard sumX.isInfinite || squaresX.isInfinite || sumY.isInfinite || squaresY.isInfinite || products.isInfinite
      else { return }
      if ((sumX.isInfinite || squaresX.isInfinite) && !before.sumX.isInfinite && !x.isInfinite)
        || ((sumY.isInfinite || squaresY.isInfinite) && !before.sumY.isInfinite && !y.isInfinite)
        || (products.isInfinite && !before.sumX.isInfinite && !x.isInfinite && !before.sumY.isInfinite
          && !y.isInfinite)
      {
        throw TypeError(.numericValueOutOfRange, "value out of range: overflow")
      }
      if squaresX.isInfinite { squaresX = .nan }
      if squaresY.isInfinite { squaresY = .nan }
      if products.isInfinite { products = .nan }
    }
  }

  private let result: Result

  init(_ result: Result) { self.result = result }

  override var stateSize: Int { MemoryLayout<State>.size }

  private func add(_ inputs: [ColumnVector], _ row: Int, _ state: UnsafeMutableRawPointer) throws(SQLError) {
    guard let y = inputs[0][row], let x = inputs[1][row] else { return }
    do throws(TypeError) {
      try state.assumingMemoryBound(to: State.self).pointee.add(y.float8, x.float8)
    } catch { throw SQLError(error) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    for place in 0..<rows.count { try add(inputs, rows[place], state) }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    for place in 0..<rows.count { try add(inputs, rows[place], states[rows[place]]) }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    if result == .count { return Datum(Int64(state.count)) }
    guard state.count >= 1 else { return nil }
    switch result {
    case .count: return nil
    case .sumOfSquaresX: return Datum(state.squaresX)
    case .sumOfSquaresY: return Datum(state.squaresY)
    case .sumOfProducts: return Datum(state.products)
    case .averageX: return Datum(state.sumX / state.count)
    case .averageY: return Datum(state.sumY / state.count)
    case .populationCovariance: return Datum(state.products / state.count)
    case .sampleCovariance: return state.count < 2 ? nil : Datum(state.products / (state.count - 1))
    case .correlation:
      guard state.squaresX != 0, state.squaresY != 0 else { return nil }
      let product = state.squaresX * state.squaresY
      // Where the product is too large or too small, the roots are multiplied.
      let root =
        product == 0 || product.isInfinite
        ? state.squaresX.squareRoot() * state.squaresY.squareRoot() : product.squareRoot()
      return Datum(max(-1, min(1, state.products / root)))
    case .squaredCorrelation:
      if state.squaresX == 0 { return nil }
      if state.squaresY == 0 { return Datum(1.0) }
      return Datum(state.products * state.products / (state.squaresX * state.squaresY))
    case .slope: return state.squaresX == 0 ? nil : Datum(state.products / state.squaresX)
    case .intercept:
      if state.squaresX == 0 { return nil }
      return Datum((state.sumY - state.sumX * state.products / state.squaresX) / state.count)
    }
  }
}
