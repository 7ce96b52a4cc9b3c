import MillraceEngine
import MillraceTypes

/// The conditions of an index scan, whose values are found when the scan begins, and again when it starts over: then in
/// the same memory.
final class IndexKeys {
  private final class Condition {
    let column: Int
    let comparison: IndexCondition.Comparison
    let value: CompiledExpression?
    /// For `= ANY`: the type of the array's elements.
    let element: TypeDescriptor?
    let conversion: IndexKeyConversion

    init(_ condition: IndexCondition, column type: TypeID, _ compiler: ExpressionCompiler) throws(SQLError) {
      (column, comparison) = (condition.column, condition.comparison)
      let value = try condition.value.map { (value) throws(SQLError) in
        compiler.wholeValues(try compiler.compile(value))
      }
      var element: TypeDescriptor?
      if condition.comparison == .anyOf, let array = value?.type.id {
        element = TypeDescriptor.builtIn[TypeDescriptor.builtIn[array]?.elementID ?? .none]
      }
      (self.value, self.element) = (value, element)
      conversion = value.flatMap { IndexKeyConversion(from: element?.id ?? $0.type.id, to: type) } ?? .asItIs
    }
  }

  private let conditions: [Condition]
  private unowned let context: ExecutionContext
  private let arena = Arena(chunkSize: 256)
  private var keys: [IndexScanKey] = []
  /// Whether the index finds too much with the present keys, so that rows have to be looked at again.
  private(set) var needsRecheck = false

  /// - Parameter tree: the index, by whose columns' types values are looked for.
  init(_ conditions: [IndexCondition], _ tree: BTreeIndex, _ runtime: PlanRuntime) throws(SQLError) {
    context = runtime.context
    let columns = tree.definition.layout.keys
    var compiled: [Condition] = []
    for condition in conditions {
      compiled.append(try Condition(condition, column: columns[condition.column].type.id, runtime.compiler))
    }
    self.conditions = compiled
    keys.reserveCapacity(compiled.count)
  }

  /// Whether equalities with all columns of a unique index find one row at most.
  var findsOne: Bool { conditions.allSatisfy(\.conversion.findsOne) }

  /// What rows have to fulfil where ``needsRecheck`` says so; nil where it never does.
  func recheck(_ originals: [IndexCondition], _ runtime: PlanRuntime) throws(SQLError) -> CompiledFilter? {
    var checked: [TypedExpression] = []
    for (condition, original) in zip(conditions, originals) where condition.conversion.mayNeedRecheck {
      checked.append(original.original)
    }
    return checked.isEmpty ? nil : try runtime.compiler.filter(checked)
  }

  /// The keys to search for, valid until the next call; nil where nothing can be found, because a value is NULL or one
  /// that no row can have.
  func find() throws(SQLError) -> [IndexScanKey]? {
    arena.reset()
    keys.removeAll(keepingCapacity: true)
    needsRecheck = false
    for condition in conditions {
      switch condition.comparison {
      case .isNull: keys.append(IndexScanKey(condition.column, .isNull))
      case .isNotNull: keys.append(IndexScanKey(condition.column, .isNotNull))
      default:
        guard let value = try condition.value?.value(arena), add(condition, value) else { return nil }
      }
    }
    return keys
  }

  /// - Returns: whether there may be rows that fulfil it.
  private func add(_ condition: Condition, _ value: Datum) -> Bool {
    if condition.comparison == .anyOf {
      append(condition, .anyOf(elements(condition, value)))
      return true
    }
    if case .asItIs = condition.conversion { return add(condition, .equal(value)) }
    return add(condition, condition.conversion.position(of: value, context.typeSettings.dateTime.timeZone))
  }

  private func append(_ condition: Condition, _ wanted: IndexScanKey.Condition) {
    keys.append(IndexScanKey(condition.column, wanted))
  }

  private func add(_ condition: Condition, _ position: ColumnPosition) -> Bool {
    switch (condition.comparison, position) {
    case (.less, .equal(let value)), (.less, .range(let value, _)): append(condition, .less(value))
    case (.lessOrEqual, .equal(let value)), (.lessOrEqual, .range(_, let value)):
      append(condition, .lessOrEqual(value))
    case (.greater, .equal(let value)), (.greater, .range(_, let value)): append(condition, .greater(value))
    case (.greaterOrEqual, .equal(let value)), (.greaterOrEqual, .range(let value, _)):
      append(condition, .greaterOrEqual(value))
    case (_, .equal(let value)): append(condition, .equal(value))
    case (_, .range(let first, let last)):
      append(condition, .greaterOrEqual(first))
      append(condition, .lessOrEqual(last))
    case (.less, .above(let value)), (.lessOrEqual, .above(let value)): append(condition, .lessOrEqual(value))
    case (.greater, .above(let value)), (.greaterOrEqual, .above(let value)): append(condition, .greater(value))
    case (.less, .aboveAll), (.lessOrEqual, .aboveAll), (.greater, .belowAll), (.greaterOrEqual, .belowAll):
      append(condition, .isNotNull)
    case (_, .above), (_, .aboveAll), (_, .belowAll): return false
    case (_, .around(let first, let last)):
      needsRecheck = true
      if condition.comparison != .less, condition.comparison != .lessOrEqual {
        append(condition, .greaterOrEqual(first))
      }
      if condition.comparison != .greater, condition.comparison != .greaterOrEqual {
        append(condition, .lessOrEqual(last))
      }
    }
    return true
  }

  /// The elements of an array as values of the column's type. NULL is equal to nothing.
  private func elements(_ condition: Condition, _ value: Datum) -> [Datum] {
    guard let element = condition.element else { preconditionFailure("= ANY of what is no array") }
    let values = ArrayType.elements(value, of: element).compactMap { $0 }
    if case .asItIs = condition.conversion { return values }
    return values.flatMap { value -> [Datum] in
      switch condition.conversion.position(of: value, context.typeSettings.dateTime.timeZone) {
      case .equal(let value): [value]
      case .range(let first, let last): (first.int32...last.int32).map { Datum($0) }
      case .above, .belowAll, .aboveAll: []
      case .around: preconditionFailure("an index was to find elements of an array that it cannot find exactly")
      }
    }
  }
}
