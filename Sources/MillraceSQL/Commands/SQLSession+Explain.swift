import MillraceEngine
import MillraceTypes

/// EXPLAIN (PostgreSQL's src/backend/commands/explain.c).
extension SQLSession {
  /// In which format a statement's plan comes; text where its options make no sense, which its execution says.
  static func explainFormat(_ statement: ExplainStatement) -> ExplainOptions.Format {
    (try? ExplainOptions(statement))?.format ?? .text
  }

  func explain(
    _ statement: ExplainStatement, _ client: any SQLClient, _ parameters: StatementParameters?
  ) throws(SQLError) {
    let options = try ExplainOptions(statement)
    let arena = Arena()
    let clock = ContinuousClock()
    let begin = clock.now
    let (planned, values) = try explained(statement.query, arena, parameters)
    let planning = Self.nanoseconds(clock.now - begin)
    var rows: [String] = []
    if options.analyze {
      let execution = try QueryExecution(
        planned, self, parameters: values, instrumentation: options.instrumentation)
      defer { execution.close() }
      let start = clock.now
      try execution.run()
      let took = Self.nanoseconds(clock.now - start)
      // What scans have counted is complete when they are closed.
      execution.executor.close()
      let explain = try Explain(planned, options, catalog, typeSettings) { plan in
        execution.executor.instrumentation(of: plan)
      }
      rows = explain.rows(planning: planning, execution: took)
    } else {
      let explain = try Explain(planned, options, catalog, typeSettings)
      rows = explain.rows(planning: options.summary ? planning : nil)
    }
    let type = ValueType(options.format == .json ? .json : .text)
    try client.beginRows([ResultColumn("QUERY PLAN", type)])
    try client.sendTextRows(rows.map { [$0] }, columns: 1)
  }

  /// The plan of what is to be explained, and the values of its parameters.
  private func explained(
    _ statement: Statement, _ arena: Arena, _ parameters: StatementParameters?
  ) throws(SQLError) -> (PlannedStatement, TupleSlot) {
    switch statement {
    case .select(let select):
      return (try plan(.select(select.withoutInto), parameters), parameters?.values ?? noParameters)
    case .insert, .update, .delete: return (try plan(statement, parameters), parameters?.values ?? noParameters)
    case .execute(let execute):
      let prepared = try preparedStatement(execute.name)
      let parameters = try arguments(of: execute, for: prepared, arena)
      return (try plan(prepared, parameters), parameters)
    case .createTableAs: throw SQLError.unsupported("EXPLAIN of CREATE TABLE AS")
    default: throw SQLError.unsupported("EXPLAIN of a utility statement")
    }
  }

  private static func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(max(seconds, 0)) * 1_000_000_000 + UInt64(max(attoseconds, 0) / 1_000_000_000)
  }
}
