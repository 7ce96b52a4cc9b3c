import MillraceEngine
import MillraceTypes

/// Which aggregate is computed how.
enum AggregateLibrary {
  static func aggregate(
    _ expression: AggregateExpression, _ compiler: ExpressionCompiler
  ) throws(SQLError) -> Aggregate {
    let entry: FunctionEntry?
    do throws(EngineError) {
      entry = try compiler.context.catalog.functions().functions[expression.function]
    } catch { throw SQLError(error) }
    guard let entry else {
      throw SQLError(
        .internalError, "cache lookup failed for function \(expression.function)", at: expression.location)
    }
    let type = expression.arguments.first?.type.id ?? .none
    guard let aggregate = aggregate(named: entry.name, over: type) else {
      let arguments = entry.arguments.map { TypeDescriptor.builtIn[$0]?.name ?? "\($0.rawValue)" }
      throw .unsupported(
        "aggregate \(entry.name)(\(arguments.joined(separator: ", ")))", at: expression.location)
    }
    return aggregate
  }

  private static func aggregate(named name: String, over type: TypeID) -> Aggregate? {
    switch name {
    case "count": type == .none ? CountAllAggregate() : CountAggregate()
    case "sum": sum(type)
    case "avg": average(type)
    case "min": extreme(type, isMax: false)
    case "max": extreme(type, isMax: true)
    default: nil
    }
  }

  private static func sum(_ type: TypeID) -> Aggregate? {
    switch type {
    case .int2, .int4: IntegerSumAggregate(.int8, isNarrow: true)
    case .int8: IntegerSumAggregate(.numeric, isNarrow: false)
    default: nil
    }
  }

  private static func average(_ type: TypeID) -> Aggregate? {
    switch type {
    case .int2, .int4: IntegerSumAggregate(.average, isNarrow: true)
    case .int8: IntegerSumAggregate(.average, isNarrow: false)
    default: nil
    }
  }

  private static func extreme(_ type: TypeID, isMax: Bool) -> Aggregate? {
    switch type {
    case .int2, .int4, .int8, .oid, .date, .time, .timestamp, .timestampTZ, .xid8:
      WordExtremeAggregate(isMax: isMax)
    default: nil
    }
  }
}
