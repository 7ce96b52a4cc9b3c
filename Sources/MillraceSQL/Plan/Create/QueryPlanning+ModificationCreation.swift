import MillraceEngine
import MillraceTypes

/// Making plans of INSERT, UPDATE and DELETE.
extension QueryPlanning {
  func createModification(_ path: Path, _ input: Path) throws(SQLError) -> CreatedPlan {
    let (entry, table) = (try resultEntry(), try resultDescriptor())
    statement.use(table.oid, .write)
    let created = try create(input, outputs, isExact: true)
    var modification = TableModification(kind, relation: table.oid, alias: query.rangeTable[entry].name)
    if query.command == .update { modification.updatedColumns = query.assignments.sorted() }
    if query.command != .delete { modification.checks = try checks(table) }
    modification.onConflict = try onConflict(entry, table)
    // RETURNING sees the table's columns, and behind them what the input gives.
    let count = table.tuple.count + SystemColumn.allCases.count
    let map = ModificationMap(
      map: .scan(entry, columns: table.tuple.count), list: created.list, offset: count)
    let returned = try query.returning.map { (target) throws(SQLError) in try resolve(target.expression, map) }
    let plan = Plan(
      .modifyTable(modification), [created.plan], inputTypes: scanTypes(table) + created.plan.outputTypes,
      output: returned, cost: cost(of: path), description: description(path))
    return CreatedPlan(plan: plan, list: query.returning.map(\.expression))
  }

  private var kind: TableModification.Kind {
    switch query.command {
    case .insert, .select: .insert
    case .update: .update
    case .delete: .delete
    }
  }

  /// The row that is changed, and behind it other columns.
  private struct ModificationMap {
    var map: InputMap
    var list: [TypedExpression]
    var offset: Int
  }

  private func resolve(_ expression: TypedExpression, _ map: ModificationMap) throws(SQLError) -> TypedExpression {
    if let column = map.map.column(of: expression) { return .input(InputColumn(column, expression.type)) }
    switch expression {
    case .constant, .parameter, .caseOperand, .input: return expression
    case .variable(let variable):
      if variable.column == .wholeRow, variable.entry == map.map.entry {
        let columns = query.rangeTable[variable.entry].columns
        let fields = columns.enumerated().filter { !$0.element.name.isEmpty }.map { place, column in
          TypedExpression.input(InputColumn(place, column.type))
        }
        return .row(fields, variable.type)
      }
      if let column = map.list.firstIndex(of: expression) {
        return .input(InputColumn(map.offset + column, expression.type))
      }
      throw SQLError(.internalError, "variable not found in subplan target list")
    default: return try expression.mapChildren { (child) throws(SQLError) in try resolve(child, map) }
    }
  }

  /// What each new row has to fulfil.
  private func checks(_ table: RelationDescriptor) throws(SQLError) -> [NamedCheck] {
    var found: [NamedCheck] = []
    for constraint in table.constraints where constraint.kind == .check && constraint.isEnforced {
      guard let sql = constraint.expression else { continue }
      let condition = try statement.analyze(sql, over: table, for: .check, expecting: ValueType(.bool))
      found.append(
        NamedCheck(
          constraint.name,
          try resolve(try statement.fold(condition), .scan(0, columns: table.tuple.count))))
    }
    return found
  }

  private func onConflict(_ entry: Int, _ table: RelationDescriptor) throws(SQLError) -> PlannedOnConflict? {
    guard let conflict = query.onConflict else { return nil }
    var planned = PlannedOnConflict(arbiters: conflict.arbiters)
    guard let update = conflict.update else { return planned }
    let count = table.tuple.count
    let excluded = (0..<count).map { place in
      TypedExpression.variable(
        Variable(
          update.excluded, .column(place),
          ValueType(table.tuple.columns[place].typeID, table.tuple.columns[place].typmod)))
    }
    let map = ModificationMap(
      map: .scan(entry, columns: count), list: excluded, offset: count + SystemColumn.allCases.count)
    planned.isUpdate = true
    planned.columns = update.columns
    planned.values = try update.values.map { (value) throws(SQLError) in try resolve(value, map) }
    planned.condition = try update.condition.map { (condition) throws(SQLError) in try resolve(condition, map) }
    return planned
  }
}
