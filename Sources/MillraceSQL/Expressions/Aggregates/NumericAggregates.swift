import MillraceTypes

/// `sum` and `avg` of numeric. Values of the usual length are added up in the group's own bytes; an object is made only
/// for others.
final class NumericSumAggregate: Aggregate {
  private struct State {
    var sum: CompactNumericSum
    /// The accumulator of the values that did not fit, retained.
    var rest: UnsafeRawPointer?
  }

  private let isAverage: Bool

  init(isAverage: Bool) { self.isAverage = isAverage }

  override var stateSize: Int { MemoryLayout<State>.size }
  override var needsRelease: Bool { true }

  @inline(__always) private func add(
    _ inputs: [ColumnVector], _ row: Int, to state: UnsafeMutablePointer<State>
  ) throws(SQLError) {
    if !state.pointee.sum.add(inputs[0].values[row]) { try addToRest(inputs, row, state) }
  }

  @inline(never) private func addToRest(
    _ inputs: [ColumnVector], _ row: Int, _ state: UnsafeMutablePointer<State>
  ) throws(SQLError) {
    if let rest = state.pointee.rest {
      try Unmanaged<NumericStatistic>.fromOpaque(rest).takeUnretainedValue().add(inputs, row)
    } else {
      let made = NumericStatistic(isAverage ? .average : .sum, isInteger: false)
      state.pointee.rest = UnsafeRawPointer(Unmanaged.passRetained(made).toOpaque())
      try made.add(inputs, row)
    }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let state = state.assumingMemoryBound(to: State.self)
    let nulls = inputs[0].nulls
    for place in 0..<rows.count {
      let row = rows[place]
      if !nulls[row] { try add(inputs, row, to: state) }
    }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    let nulls = inputs[0].nulls
    for place in 0..<rows.count {
      let row = rows[place]
      if !nulls[row] { try add(inputs, row, to: states[row].assumingMemoryBound(to: State.self)) }
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    let state = state.load(as: State.self)
    guard let rest = state.rest else {
      let statistic = NumericStatistic(isAverage ? .average : .sum, isInteger: false)
      statistic.add(state.sum)
      return try statistic.finish(arena)
    }
    // Copied, since a result may be asked for more than once.
    let statistic = Unmanaged<NumericStatistic>.fromOpaque(rest).takeUnretainedValue().copy()
    statistic.add(state.sum)
    return try statistic.finish(arena)
  }

  override func release(_ state: UnsafeMutableRawPointer) {
    let state = state.assumingMemoryBound(to: State.self)
    guard let rest = state.pointee.rest else { return }
    Unmanaged<NumericStatistic>.fromOpaque(rest).release()
    state.pointee.rest = nil
  }
}
