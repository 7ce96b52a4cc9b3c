import MillraceEngine
import MillraceTypes

/// What comes out at the end: the SELECT list, or the rows that INSERT, UPDATE and DELETE need (PostgreSQL's
/// preprocess_targetlist, src/backend/optimizer/prep/preptlist.c).
extension QueryPlanning {
  func completeTargets() throws(SQLError) {
    switch query.command {
    case .select:
      outputs = query.targets.filter { !$0.isHidden }.map(\.expression)
      for place in sortedTargets where query.targets[place].isHidden {
        let expression = query.targets[place].expression
        if !outputs.contains(expression) { outputs.append(expression) }
      }
      for mark in query.rowMarks { outputs.append(ctid(of: mark.entry)) }
    case .insert: outputs = try insertedRow()
    case .update: outputs = try updatedRow() + [ctid(of: try resultEntry())] + otherColumns()
    case .delete: outputs = [ctid(of: try resultEntry())] + otherColumns()
    }
  }

  /// The targets that ORDER BY and DISTINCT name.
  private var sortedTargets: [Int] {
    switch query.distinct {
    case .no: query.orderBy.map(\.target)
    case .all(let clauses), .on(let clauses): (query.orderBy + clauses).map(\.target)
    }
  }

  func resultEntry() throws(SQLError) -> Int {
    guard let entry = query.resultRelation else {
      throw SQLError(.internalError, "a statement that changes rows has no table to change")
    }
    return entry
  }

  func ctid(of entry: Int) -> TypedExpression {
    .variable(Variable(entry, .system(.ctid), ValueType(.tid)))
  }

  func resultDescriptor() throws(SQLError) -> RelationDescriptor {
    guard case .relation(let oid) = query.rangeTable[try resultEntry()].kind else {
      throw SQLError(.internalError, "a statement changes what is no table")
    }
    return try statement.relation(oid)
  }

  /// All columns of the new row: those that are given, defaults included; the others are null.
  private func insertedRow() throws(SQLError) -> [TypedExpression] {
    let table = try resultDescriptor()
    let shown = query.targets.filter { !$0.isHidden }
    return table.tuple.columns.enumerated().map { place, column in
      if let given = query.assignments.firstIndex(of: place), given < shown.count { return shown[given].expression }
      let type = column.isDropped ? ValueType(.int4) : ValueType(column.typeID, column.typmod)
      return .constant(TypedConstant(type, .null))
    }
  }

  /// All columns of the row that an UPDATE makes: those that are not set stay as they were.
  private func updatedRow() throws(SQLError) -> [TypedExpression] {
    let (table, entry) = (try resultDescriptor(), try resultEntry())
    let shown = query.targets.filter { !$0.isHidden }
    return table.tuple.columns.enumerated().map { place, column in
      if let given = query.assignments.firstIndex(of: place), given < shown.count { return shown[given].expression }
      if column.isDropped { return .constant(TypedConstant(ValueType(.int4), .null)) }
      return .variable(Variable(entry, .column(place), ValueType(column.typeID, column.typmod)))
    }
  }

  /// What RETURNING needs of other tables.
  private func otherColumns() -> [TypedExpression] {
    var found: [Variable] = []
    for target in query.returning { target.expression.collectVariables(into: &found) }
    return found.filter { $0.entry != query.resultRelation }.map { .variable($0) }
  }

  /// What follows from outer joins' own conditions and constants (`reconsider_outer_join_clauses`): where the side that
  /// is kept equals a constant, so does what it is joined with.
  func reconsiderOuterClauses() {
    for clause in outerClauses where !clause.mergeFamilies.isEmpty {
      guard let (left, right) = clause.operands else { continue }
      let isLeftOuter = clause.left.isSubset(of: clause.outerRelations)
      let isRightOuter = clause.right.isSubset(of: clause.outerRelations)
      guard isLeftOuter != isRightOuter else { continue }
      let (outer, inner) = isLeftOuter ? (left, right) : (right, left)
      let innerRelations = isLeftOuter ? clause.right : clause.left
      guard innerRelations.single != nil else { continue }
      let form = Self.classForm(outer)
      for known in classes where known.hasConstant && !known.hasVolatile && known.families == clause.mergeFamilies {
        guard known.members.contains(where: { $0.expression == form }) else { continue }
        for member in known.members where member.isConstant {
          guard let id = equalityOperator(inner.type.id, member.type, known.families),
            let found = functions.operators[id]
          else { continue }
          let made = makeRestriction(
            .call(
              CallExpression(
                function: found.function, operatorID: id, [inner, member.expression], ValueType(.bool))),
            innerRelations, required: innerRelations, isPushedDown: true)
          add(made)
        }
      }
    }
  }
}
