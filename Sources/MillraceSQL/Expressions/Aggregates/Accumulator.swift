import MillraceTypes

/// The state of an aggregate that does not fit into a few bytes.
class Accumulator {
  /// Adds a row of the aggregate's arguments.
  func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    preconditionFailure("an accumulator that does not say how rows are added")
  }

  /// The result; nil for NULL.
  func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    preconditionFailure("an accumulator without a result")
  }
}

/// An aggregate whose state is an object. The group's bytes hold a reference to it, which is made with the first row.
final class ObjectAggregate: Aggregate {
  private let make: () -> Accumulator
  /// Whether a row in which an argument is NULL is left out.
  private let isStrict: Bool
  /// Says the result where there was no row: NULL where there is none.
  private let emptyResult: Aggregate?

  init(isStrict: Bool, emptyResult: Aggregate? = nil, _ make: @escaping () -> Accumulator) {
    (self.isStrict, self.emptyResult, self.make) = (isStrict, emptyResult, make)
  }

  override var stateSize: Int { 8 }
  override var needsRelease: Bool { true }

  @inline(__always) private func accumulator(_ state: UnsafeMutableRawPointer) -> Accumulator {
    if let opaque = state.load(as: UnsafeRawPointer?.self) {
      return Unmanaged<Accumulator>.fromOpaque(opaque).takeUnretainedValue()
    }
    let made = make()
    state.storeBytes(of: UnsafeRawPointer(Unmanaged.passRetained(made).toOpaque()), as: UnsafeRawPointer?.self)
    return made
  }

  @inline(__always) private func isLeftOut(_ inputs: [ColumnVector], _ row: Int) -> Bool {
    guard isStrict else { return false }
    for input in inputs where input.nulls[row] { return true }
    return false
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    let accumulator = accumulator(state)
    for place in 0..<rows.count {
      let row = rows[place]
      if !isLeftOut(inputs, row) { try accumulator.add(inputs, row) }
    }
  }

  override func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates
  ) throws(SQLError) {
    for place in 0..<rows.count {
      let row = rows[place]
      if !isLeftOut(inputs, row) { try accumulator(states[row]).add(inputs, row) }
    }
  }

  override func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    guard let opaque = state.load(as: UnsafeRawPointer?.self) else {
      guard let emptyResult else { return nil }
      return try withUnsafeTemporaryAllocation(byteCount: max(emptyResult.stateSize, 8), alignment: 8) {
        (bytes) throws(SQLError) in
        guard let empty = bytes.baseAddress else { return nil }
        emptyResult.initialize(empty)
        defer { emptyResult.release(empty) }
        return try emptyResult.finish(empty, arena)
      }
    }
    return try Unmanaged<Accumulator>.fromOpaque(opaque).takeUnretainedValue().finish(arena)
  }

  override func release(_ state: UnsafeMutableRawPointer) {
    guard let opaque = state.load(as: UnsafeRawPointer?.self) else { return }
    Unmanaged<Accumulator>.fromOpaque(opaque).release()
    state.storeBytes(of: nil, as: UnsafeRawPointer?.self)
  }
}

/// What is computed of a sum and a sum of squares.
enum Statistic {
  case sum, average, sampleVariance, populationVariance, sampleDeviation, populationDeviation
}

/// Sums, averages and variances of numeric, and variances of integers.
final class NumericStatistic: Accumulator {
  private var state: NumericAccumulator
  private let statistic: Statistic
  private let isInteger: Bool

  init(_ statistic: Statistic, isInteger: Bool) {
    (self.statistic, self.isInteger) = (statistic, isInteger)
    state = NumericAccumulator(keepsSquares: statistic != .sum && statistic != .average)
  }

  /// Adds what was added up apart.
  func add(_ sum: CompactNumericSum) { state.add(sum) }

  func copy() -> NumericStatistic {
    let copy = NumericStatistic(statistic, isInteger: isInteger)
    copy.state = state
    return copy
  }

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    let value = inputs[0].values[row]
    if isInteger { state.add(Numeric(value.int64)) } else { state.add(value) }
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    do throws(TypeError) {
      let result =
        switch statistic {
        case .sum: state.total
        case .average: try state.average()
        case .sampleVariance: try state.variance(ofSample: true)
        case .populationVariance: try state.variance(ofSample: false)
        case .sampleDeviation: try state.standardDeviation(ofSample: true)
        case .populationDeviation: try state.standardDeviation(ofSample: false)
        }
      guard let result else { return nil }
      return try NumericType.datum(result, in: arena)
    } catch { throw SQLError(error) }
  }
}

/// `sum` and `avg` of intervals: infinite ones are counted apart (timestamp.c's IntervalAggState).
final class IntervalStatistic: Accumulator {
  private let isAverage: Bool
  private var count = 0
  private var sum = Interval()
  private var (infinities, minusInfinities) = (0, 0)

  init(isAverage: Bool) { self.isAverage = isAverage }

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    let value = IntervalType.value(inputs[0].values[row])
    count += 1
    if value.isInfinity {
      infinities += 1
    } else if value.isMinusInfinity {
      minusInfinities += 1
    } else {
      do throws(TypeError) { sum = try Interval.adding(sum, value) } catch { throw SQLError(error) }
    }
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    guard count > 0 else { return nil }
    if infinities > 0, minusInfinities > 0 {
      throw SQLError(.datetimeFieldOverflow, "interval out of range")
    }
    if infinities > 0 { return IntervalType.datum(.infinity, in: arena) }
    if minusInfinities > 0 { return IntervalType.datum(.minusInfinity, in: arena) }
    do throws(TypeError) {
      let result = isAverage ? try Interval.dividing(sum, by: Double(count)) : sum
      return IntervalType.datum(result, in: arena)
    } catch { throw SQLError(error) }
  }
}

/// `string_agg`: texts or bytes with what stands between them.
final class ConcatenationAccumulator: Accumulator {
  private var text: [UInt8] = []
  private var isThere = false

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    guard let value = inputs[0][row] else { return }
    if isThere, let separator = inputs[1][row] { text.append(separator.bytes) }
    text.append(value.bytes)
    isThere = true
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? { isThere ? arena.copy(text) : nil }
}

/// `array_agg` of values that are no arrays.
final class ArrayAccumulator: Accumulator {
  private let element: TypeDescriptor
  private let arena = Arena(chunkSize: 4096)
  private var elements: [Datum?] = []

  init(_ element: TypeDescriptor) { self.element = element }

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    elements.append(inputs[0][row].map { arena.copy($0, isByValue: element.isByValue) })
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    elements.isEmpty ? nil : ArrayType.make(elements, of: element, in: arena)
  }
}

/// `array_agg` of arrays: an array of one more dimension.
final class NestedArrayAccumulator: Accumulator {
  private let element: TypeDescriptor
  private let arena = Arena(chunkSize: 4096)
  private var arrays: [Datum?] = []

  init(_ element: TypeDescriptor) { self.element = element }

  override func add(_ inputs: [ColumnVector], _ row: Int) throws(SQLError) {
    guard let array = inputs[0][row] else {
      throw SQLError(.nullValueNotAllowed, "cannot accumulate null arrays")
    }
    if ArrayType.dimensions(array).lengths.isEmpty {
      throw SQLError(.arraySubscriptError, "cannot accumulate empty arrays")
    }
    if let first = arrays.first ?? nil, ArrayType.dimensions(first).lengths != ArrayType.dimensions(array).lengths {
      throw SQLError(.arraySubscriptError, "cannot accumulate arrays of different dimensionality")
    }
    arrays.append(arena.copy(array, isByValue: false))
  }

  override func finish(_ arena: Arena) throws(SQLError) -> Datum? {
    if arrays.isEmpty { return nil }
    do throws(TypeError) { return try ArrayType.nest(arrays, of: element, in: arena) } catch {
      throw SQLError(error)
    }
  }
}
