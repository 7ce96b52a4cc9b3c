import MillraceTypes

/// `unnest(a, b)` in FROM, which is `ROWS FROM (unnest(a), unnest(b))` (transformRangeFunction,
/// src/backend/parser/parse_clause.c).
extension Analyzer {
  /// Several arrays' elements side by side as a subquery, in whose list of expressions functions that return sets go
  /// side by side, too, and the shorter are filled up with NULL. nil for other functions.
  func parallelUnnest(_ function: RangeFunction) throws(SQLError) -> RangeSubselect? {
    guard !function.isRowsFrom, function.columns.isEmpty, case .function(let call)? = function.items.first?.function,
      call.name == ["unnest"], call.arguments.count > 1, Self.isPlain(call)
    else { return nil }
    if function.withOrdinality { throw SQLError.unsupported("WITH ORDINALITY of several arrays", at: call.location) }
    let targets = call.arguments.map { argument in
      var single = call
      (single.name, single.arguments) = (["pg_catalog", "unnest"], [argument])
      return ResultTarget(expression: .function(single), name: nil, location: call.location)
    }
    let block = SelectBlock(
      distinct: .no, into: nil, targets: targets, from: [], condition: nil, groupBy: [], isGroupDistinct: false,
      having: nil, windows: [])
    let query = SelectStatement(
      with: nil, body: .select(block), orderBy: [], limit: LimitClause(count: nil, offset: nil, isWithTies: false),
      locking: [])
    return RangeSubselect(
      isLateral: true, query: query, alias: function.alias ?? Alias(name: "unnest", columnNames: []))
  }

  private static func isPlain(_ call: FunctionCall) -> Bool {
    call.orderBy.isEmpty && call.filter == nil && call.over == nil && !call.isWithinGroup && !call.isStar
      && !call.isDistinct && !call.isVariadic
  }
}
