import MillraceEngine
import MillraceTypes

/// The conditions of an index scan, whose values are found when the scan begins.
final class IndexKeys {
  private struct Condition {
    let column: Int
    let comparison: IndexCondition.Comparison
    let value: CompiledExpression?
    /// For `= ANY`: the type of the array's elements.
    let element: TypeDescriptor?
  }

  private let conditions: [Condition]
  private let arena = Arena(chunkSize: 256)

  init(_ conditions: [IndexCondition], _ runtime: PlanRuntime) throws(SQLError) {
    var compiled: [Condition] = []
    for condition in conditions {
      let value = try condition.value.map { (value) throws(SQLError) in
        runtime.compiler.wholeValues(try runtime.compiler.compile(value))
      }
      var element: TypeDescriptor?
      if condition.comparison == .anyOf, let type = value?.type.id {
        element = TypeDescriptor.builtIn[TypeDescriptor.builtIn[type]?.elementID ?? .none]
      }
      compiled.append(
        Condition(column: condition.column, comparison: condition.comparison, value: value, element: element))
    }
    self.conditions = compiled
  }

  /// The keys to search for, valid until the next call; nil where nothing can be found, because a value is NULL.
  func find() throws(SQLError) -> [IndexScanKey]? {
    arena.reset()
    var keys: [IndexScanKey] = []
    keys.reserveCapacity(conditions.count)
    for condition in conditions {
      switch condition.comparison {
      case .isNull: keys.append(IndexScanKey(condition.column, .isNull))
      case .isNotNull: keys.append(IndexScanKey(condition.column, .isNotNull))
      default:
        guard let value = try condition.value?.value(arena) else { return nil }
        keys.append(IndexScanKey(condition.column, Self.condition(condition, value)))
      }
    }
    return keys
  }

  private static func condition(_ condition: Condition, _ value: Datum) -> IndexScanKey.Condition {
    switch condition.comparison {
    case .less: return .less(value)
    case .lessOrEqual: return .lessOrEqual(value)
    case .greaterOrEqual: return .greaterOrEqual(value)
    case .greater: return .greater(value)
    case .anyOf:
      guard let element = condition.element else { preconditionFailure("= ANY of what is no array") }
      // NULL is equal to nothing.
      return .anyOf(ArrayType.elements(value, of: element).compactMap { $0 })
    case .equal, .isNull, .isNotNull: return .equal(value)
    }
  }
}
