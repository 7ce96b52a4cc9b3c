import MillraceEngine
import MillraceTypes

/// Expressions by which rows are compared, evaluated for a batch at a time. Their values are whole: whoever compares
/// them may look at the bytes.
final class KeyColumns {
  let count: Int
  /// The values for the batch that was evaluated last, by row number.
  private(set) var vectors: [ColumnVector] = []
  /// The same, without counting references.
  let columns: UnsafeMutablePointer<TupleColumn>
  private let expressions: [CompiledExpression]

  init(_ expressions: [TypedExpression], _ runtime: PlanRuntime) throws(SQLError) {
    var compiled: [CompiledExpression] = []
    for expression in expressions {
      compiled.append(runtime.compiler.wholeValues(try runtime.compiler.compile(expression)))
    }
    self.expressions = compiled
    count = compiled.count
    columns = .allocate(capacity: max(count, 1))
    vectors.reserveCapacity(count)
  }

  convenience init(_ keys: [SortKey], _ runtime: PlanRuntime) throws(SQLError) {
    try self.init(keys.map { .input($0.column) }, runtime)
  }

  deinit { columns.deallocate() }

  /// - Parameter arena: for values by reference; as long as the keys are used.
  func evaluate(_ batch: RowBatch, _ arena: Arena) throws(SQLError) {
    vectors.removeAll(keepingCapacity: true)
    for index in 0..<count {
      let vector = try expressions[index].evaluate(batch, arena)
      vectors.append(vector)
      (columns + index).initialize(to: TupleColumn(values: vector.values, nulls: vector.nulls))
    }
  }

  /// Whether one of a row's keys is NULL.
  @inline(__always) func hasNull(_ row: Int) -> Bool {
    for index in 0..<count where columns[index].nulls[row] { return true }
    return false
  }
}

/// The keys of one row, kept until those of another take their place.
final class KeptKeys {
  let columns: UnsafeMutablePointer<TupleColumn>
  private(set) var isEmpty = true
  private let count: Int
  private let isByValue: [Bool]
  private let values: UnsafeMutablePointer<Datum>
  private let nulls: UnsafeMutablePointer<Bool>
  // What is kept may be a copy of what was kept before.
  private var arena = Arena(chunkSize: 512)
  private var other = Arena(chunkSize: 512)

  init(_ types: [ValueType], _ runtime: PlanRuntime) {
    count = types.count
    isByValue = types.map { runtime.isByValue($0) }
    values = .allocate(capacity: max(count, 1))
    nulls = .allocate(capacity: max(count, 1))
    columns = .allocate(capacity: max(count, 1))
    for index in 0..<count {
      (columns + index).initialize(to: TupleColumn(values: values + index, nulls: nulls + index))
    }
  }

  deinit {
    values.deallocate()
    nulls.deallocate()
    columns.deallocate()
  }

  func keep(_ keys: UnsafePointer<TupleColumn>, row: Int) {
    (arena, other) = (other, arena)
    arena.reset()
    for index in 0..<count {
      nulls[index] = keys[index].nulls[row]
      values[index] =
        nulls[index] ? Datum(word: 0) : arena.copy(keys[index].values[row], isByValue: isByValue[index])
    }
    isEmpty = false
  }

  func forget() { isEmpty = true }
}
