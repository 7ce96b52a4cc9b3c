import MillraceTypes

/// A sum of integers that cannot overflow, and how many there were: the state of `sum` and `avg` over integers.
private struct IntegerTotal {
  var count: Int64
  var low: UInt64
  var high: Int64

  @inline(__always) var sum: Int128 {
    get { Int128(high) << 64 | Int128(low) }
    set {
      low = UInt64(truncatingIfNeeded: newValue)
      high = Int64(truncatingIfNeeded: newValue >> 64)
    }
  }

  @inline(__always) mutating func add(_ value: Int64) {
    count += 1
    let (sum, carries) = low.addingReportingOverflow(UInt64(bitPattern: value))
    low = sum
    high &+= (value >> 63) &+ (carries ? 1 : 0)
  }
}

/// `sum` and `avg` of smallint, integer and bigint.
final class IntegerSumAggregate: Aggregate {
  enum Result { case int8, numeric, average }

  private let result: Result
  /// Whether a batch's values cannot overflow 64 bits when they are added up.
  private let isNarrow: Bool

  /// - Parameter isNarrow: the values are of smallint or integer.
  init(_ result: Result, isNarrow: Bool) { (self.result, self.isNarrow) = (result, isNarrow) }

  override var stateSize: Int { 24 }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let total = state.assumingMemoryBound(to: IntegerTotal.self)
    let input = inputs[0]
    if rows.isDense, !rows.containsNull(input.nulls) {
      total.pointee.count += Int64(rows.count)
      if isNarrow {
        var sum: Int64 = 0
        for row in 0..<rows.count { sum &+= input.values[row].int64 }
        total.pointee.sum += Int128(sum)
      } else {
        var sum: Int128 = 0
        for row in 0..<rows.count { sum &+= Int128(input.values[row].int64) }
        total.pointee.sum += sum
      }
    } else {
      rows.eachValue(input) { _, value in total.pointee.add(value.int64) }
    }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    rows.eachValue(inputs[0]) { row, value in
      states[row].assumingMemoryBound(to: IntegerTotal.self).pointee.add(value.int64)
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let total = state.load(as: IntegerTotal.self)
    guard total.count > 0 else { return nil }
    do throws(TypeError) {
      switch result {
      case .int8: return Datum(Int64(truncatingIfNeeded: total.sum))
      case .numeric: return try NumericType.datum(Numeric(total.sum), in: arena)
      case .average:
        return try NumericType.datum(
          Numeric.dividing(Numeric(total.sum), by: Numeric(total.count)), in: arena)
      }
    } catch { throw SQLError(error) }
  }
}

/// `min` and `max` of types whose words order as they do: integers, dates, times, OIDs.
final class WordExtremeAggregate: Aggregate {
  private struct State {
    var value: Int64
    var isThere: Bool
  }

  private let isMax: Bool

  init(isMax: Bool) { self.isMax = isMax }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    var best = state.pointee.isThere ? state.pointee.value : isMax ? Int64.min : Int64.max
    var isThere = state.pointee.isThere
    if isMax {
      rows.eachValue(inputs[0]) { _, value in
        best = max(best, value.int64)
        isThere = true
      }
    } else {
      rows.eachValue(inputs[0]) { _, value in
        best = min(best, value.int64)
        isThere = true
      }
    }
    state.pointee = State(value: best, isThere: isThere)
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    rows.eachValue(inputs[0]) { row, value in
      let state = states[row].assumingMemoryBound(to: State.self)
      let new = value.int64
      if !state.pointee.isThere || (isMax ? new > state.pointee.value : new < state.pointee.value) {
        state.pointee = State(value: new, isThere: true)
      }
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    return state.isThere ? Datum(state.value) : nil
  }
}
