import MillraceEngine
import MillraceTypes

/// The values that came with a statement which is no query and may have one in it.
struct StatementParameters {
  let types: [TypeID]
  let values: TupleSlot
}

extension SQLSession {
  /// The query in a statement whose parameters are the statement's: what CREATE TABLE AS, EXPLAIN and DECLARE work on.
  static func queryInside(_ statement: Statement) -> Statement? {
    switch statement {
    case .select(let select): .select(select.withoutInto)
    case .declareCursor(let declare): .select(declare.query)
    case .createTableAs(let create): queryInside(create.query)
    case .explain(let explain): queryInside(explain.query)
    case .insert, .update, .delete: statement
    default: nil
    }
  }

  /// The plan of such a query, for the values that came with its statement.
  func plan(_ statement: Statement, _ parameters: StatementParameters?) throws(SQLError) -> PlannedStatement {
    let types = ParameterTypes((parameters?.types ?? []).map { ValueType($0) }, isVariable: false)
    return try plan(try analyze(statement, types), bound: parameters?.values)
  }
}
