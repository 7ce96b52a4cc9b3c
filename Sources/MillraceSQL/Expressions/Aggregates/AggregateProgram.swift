import MillraceEngine
public import MillraceTypes

/// The aggregates of one node, ready to be computed over many groups.
///
/// A group has a *state*: ``stateSize`` bytes of the executor's memory, aligned to eight, which hold all aggregates of
/// the group side by side and may be moved as bytes. What grows, such as the text of `string_agg`, lies outside of
/// them; it is given back by ``release(_:)``, which has to be called for each state where ``needsRelease`` says so.
public final class AggregateProgram {
  /// In bytes, a multiple of eight.
  public let stateSize: Int
  public let needsRelease: Bool
  /// How many results a state has.
  public var count: Int { steps.count }
  private let steps: [AggregateStep]

  /// - Throws: ``SQLError``: 0A000 for an aggregate that this server does not have.
  public init(_ aggregates: [AggregateExpression], _ compiler: ExpressionCompiler) throws(SQLError) {
    var steps: [AggregateStep] = []
    var size = 0
    for aggregate in aggregates {
      let step = try AggregateStep(aggregate, compiler, offset: size)
      size += step.aggregate.stateSize
      steps.append(step)
    }
    self.steps = steps
    stateSize = size
    needsRelease = steps.contains { $0.aggregate.needsRelease }
  }

  /// Makes a state of a group without rows.
  /// - Parameter state: ``stateSize`` bytes.
  public func initialize(_ state: UnsafeMutableRawPointer) {
    for step in steps { step.aggregate.initialize(state + step.offset) }
  }

  /// Adds all rows of a batch to one group.
  /// - Parameter arena: may be reset afterwards.
  public func accumulate(
    _ batch: RowBatch, into state: UnsafeMutableRawPointer, _ arena: Arena
  ) throws(SQLError) {
    for step in steps {
      let rows = try step.prepare(batch, arena)
      if rows.count == 0 { continue }
      try step.aggregate.accumulate(step.inputs, rows, into: state + step.offset)
    }
  }

  /// Adds each row of a batch to a group of its own.
  /// - Parameter states: the groups' states by row number, as long as the batch's capacity.
  public func accumulate(
    _ batch: RowBatch, states: UnsafePointer<UnsafeMutableRawPointer>, _ arena: Arena
  ) throws(SQLError) {
    for step in steps {
      let rows = try step.prepare(batch, arena)
      if rows.count == 0 { continue }
      try step.aggregate.accumulate(step.inputs, rows, AggregateStates(states, offset: step.offset))
    }
  }

  /// The results of a group, into columns of a batch beginning with `column`.
  /// - Parameter arena: for values by reference.
  public func finish(
    _ state: UnsafeMutableRawPointer, into batch: RowBatch, row: Int, column: Int, _ arena: Arena
  ) throws(SQLError) {
    for (number, step) in steps.enumerated() {
      let value = try step.aggregate.finish(state + step.offset, arena)
      batch.columnNulls(column + number)[row] = value == nil
      batch.column(column + number)[row] = value ?? Datum(word: 0)
    }
  }

  /// Gives back what a state holds outside of its bytes, which are no state any more.
  public func release(_ state: UnsafeMutableRawPointer) {
    for step in steps { step.aggregate.release(state + step.offset) }
  }
}

/// The states of rows' groups, and where in a state the aggregate's part begins.
struct AggregateStates {
  private let states: UnsafePointer<UnsafeMutableRawPointer>
  private let offset: Int

  init(_ states: UnsafePointer<UnsafeMutableRawPointer>, offset: Int) {
    (self.states, self.offset) = (states, offset)
  }

  @inline(__always) subscript(row: Int) -> UnsafeMutableRawPointer { states[row] + offset }
}

/// An aggregate with what it is computed over.
final class AggregateStep {
  let aggregate: Aggregate
  let offset: Int
  private let arguments: [CompiledExpression]
  private let filter: CompiledFilter?
  private let selected = SelectionStorage()
  /// The arguments' values of the batch.
  private(set) var inputs: [ColumnVector] = []

  init(_ expression: AggregateExpression, _ compiler: ExpressionCompiler, offset: Int) throws(SQLError) {
    self.offset = offset
    var arguments: [CompiledExpression] = []
    for argument in expression.arguments { arguments.append(compiler.wholeValues(try compiler.compile(argument))) }
    let plain = try AggregateLibrary.aggregate(expression, compiler)
    if (expression.isDistinct || !expression.orderBy.isEmpty) && !arguments.isEmpty {
      for key in expression.orderBy { arguments.append(compiler.wholeValues(try compiler.compile(key.expression))) }
      let input = try Self.sortedInput(expression, plain, arguments)
      aggregate = ObjectAggregate(isStrict: false, emptyResult: plain) { SortedInputAccumulator(input) }
    } else {
      aggregate = plain
    }
    self.arguments = arguments
    filter = try expression.filter.map { (filter) throws(SQLError) in try compiler.filter([filter]) }
    inputs.reserveCapacity(arguments.count)
  }

  private static func sortedInput(
    _ expression: AggregateExpression, _ aggregate: Aggregate, _ values: [CompiledExpression]
  ) throws(SQLError) -> SortedInput {
    var descriptors: [TypeDescriptor] = []
    for value in values {
      guard let descriptor = TypeDescriptor.builtIn[value.type.id] else {
        throw .unsupported("an aggregate that sorts this type")
      }
      descriptors.append(descriptor)
    }
    func compare(_ column: Int) throws(SQLError) -> TypeDescriptor.Comparison {
      if let compare = descriptors[column].compare { return compare }
      throw SQLError(
        .undefinedFunction, "could not identify an equality operator for type \(descriptors[column].name)",
        at: expression.location)
    }
    let count = expression.arguments.count
    var keys: [SortedInput.Key] = []
    for (number, key) in expression.orderBy.enumerated() {
      keys.append(
        SortedInput.Key(
          column: count + number, compare: try compare(count + number), isDescending: key.order.isDescending,
          isNullsFirst: key.order.isNullsFirst))
    }
    var distinct: [TypeDescriptor.Comparison]?
    if expression.isDistinct {
      var comparisons: [TypeDescriptor.Comparison] = []
      for column in 0..<count {
        comparisons.append(try compare(column))
        keys.append(
          SortedInput.Key(
            column: column, compare: try compare(column), isDescending: false, isNullsFirst: false))
      }
      distinct = comparisons
    }
    return SortedInput(
      aggregate, argumentCount: count, isByValue: descriptors.map(\.isByValue), keys: keys, distinct: distinct)
  }

  /// Evaluates the arguments for the rows that count.
  func prepare(_ batch: RowBatch, _ arena: Arena) throws(SQLError) -> RowSelection {
    var rows = RowSelection(batch)
    if let filter { rows = try filter.select(batch, rows, into: selected.reserve(batch.capacity), arena) }
    inputs.removeAll(keepingCapacity: true)
    guard rows.count > 0 else { return rows }
    for argument in arguments { inputs.append(try argument.evaluate(batch, rows, arena)) }
    return rows
  }
}

/// How one aggregate is computed. Knows nothing of groups: whoever calls it has the states.
class Aggregate {
  /// In bytes, a multiple of eight.
  var stateSize: Int { 16 }
  var needsRelease: Bool { false }

  func initialize(_ state: UnsafeMutableRawPointer) {
    state.initializeMemory(as: UInt8.self, repeating: 0, count: stateSize)
  }

  /// Adds some rows to one state.
  func accumulate(
    _ inputs: [ColumnVector], _ rows: RowSelection, into state: UnsafeMutableRawPointer
  ) throws(SQLError) {
    preconditionFailure("an aggregate that does not say how rows are added")
  }

  /// Adds each row to a state of its own.
  func accumulate(_ inputs: [ColumnVector], _ rows: RowSelection, _ states: AggregateStates) throws(SQLError) {
    preconditionFailure("an aggregate that does not say how rows are added")
  }

  /// The result; nil for NULL.
  func finish(_ state: UnsafeMutableRawPointer, _ arena: Arena) throws(SQLError) -> Datum? {
    preconditionFailure("an aggregate without a result")
  }

  func release(_ state: UnsafeMutableRawPointer) {}
}

extension RowSelection {
  /// The rows of a column that are not NULL.
  @inline(__always) func eachValue<Failure: Error>(
    _ input: ColumnVector, _ body: (Int, Datum) throws(Failure) -> Void
  ) throws(Failure) {
    if isDense, !containsNull(input.nulls) {
      for row in 0..<count { try body(row, input.values[row]) }
    } else {
      for place in 0..<count {
        let row = self[place]
        if !input.nulls[row] { try body(row, input.values[row]) }
      }
    }
  }
}
