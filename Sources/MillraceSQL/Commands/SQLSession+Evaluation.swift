import MillraceEngine
import MillraceTypes

/// Values of expressions that belong to no query.
extension SQLSession {
  /// The value of an expression without columns, by an assignment cast to a type.
  /// - Returns: valid as long as the arena's values.
  func evaluate(
    _ expression: Expression, as type: ValueType, for purpose: Analyzer.Purpose = .other, _ arena: Arena
  ) throws(SQLError) -> Datum? {
    let typed = try makeAnalyzer().analyzeExpression(expression, over: nil, expecting: type, for: purpose)
    let context = ExecutionContext(
      session, self, typeSettings, parameters: noParameters, executorParameterCount: 0)
    let compiled = try ExpressionCompiler(context).compile(typed)
    let value = try compiled.value(arena)
    let isByValue = TypeDescriptor.builtIn[type.id]?.isByValue ?? false
    // What a constant owns goes with it, and the context is only kept here.
    return withExtendedLifetime((compiled, context)) { value.map { arena.copy($0, isByValue: isByValue) } }
  }
}
