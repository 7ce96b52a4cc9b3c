import CPostgresParser

extension NodeDecoder {
  func insertStatement() throws(SyntaxError) -> InsertStatement {
    let relation = try rangeVariable()
    let columns = try list { () throws(SyntaxError) -> InsertColumn in
      let target = try target()
      try refuse("this column")
      return InsertColumn(name: target.name, indirection: target.indirection, location: location())
    }
    let source = try optional(selectStatement)
    let onConflict = try optional(onConflictClause)
    let returning = try list(resultTarget)
    let with = try optional(withClause)
    let overriding = enumerator([InsertStatement.Overriding.unspecified, .userValue, .systemValue])
    return InsertStatement(
      with: with, relation: relation, columns: columns, overriding: overriding, source: source,
      onConflict: onConflict, returning: returning)
  }

  func updateStatement() throws(SyntaxError) -> UpdateStatement {
    let relation = try rangeVariable()
    let assignments = try setClauses()
    let condition = try optionalExpression()
    let from = try list(fromItem)
    let returning = try list(resultTarget)
    return UpdateStatement(
      with: try optional(withClause), relation: relation, assignments: assignments, from: from, condition: condition,
      returning: returning)
  }

  func deleteStatement() throws(SyntaxError) -> DeleteStatement {
    let relation = try rangeVariable()
    let using = try list(fromItem)
    let condition = try optionalExpression()
    let returning = try list(resultTarget)
    return DeleteStatement(
      with: try optional(withClause), relation: relation, using: using, condition: condition, returning: returning)
  }

  /// The begin of a ResTarget that is assigned to; what is assigned and the location follow.
  private func target() throws(SyntaxError) -> SetTarget {
    try expect(.resTarget)
    return SetTarget(name: string(), indirection: try list(indirectionElement), location: .unknown)
  }

  /// A list of ResTarget nodes. Those of `(a, b) = source` come one after the other, the first one with the source.
  private func setClauses() throws(SyntaxError) -> [SetClause] {
    var clauses: [SetClause] = []
    var targets: [SetTarget] = []
    var source: Expression?
    for _ in 0..<(try listCount()) {
      var target = try target()
      let node = reader.node()
      guard node == .multiAssignRef else {
        let value = try nested { () throws(SyntaxError) in try expression(after: node) }
        target.location = location()
        clauses.append(.single(target, value))
        continue
      }
      let number = int32()
      let count = int32()
      if number == 1 { source = try expression() } else { try refuse("this assignment") }
      target.location = location()
      targets.append(target)
      if number == count, let found = source {
        clauses.append(.multiple(targets, found))
        (targets, source) = ([], nil)
      }
    }
    return clauses
  }

  private func listCount() throws(SyntaxError) -> Int {
    if reader.readIfNull() { return 0 }
    try expect(.list)
    return Int(reader.word())
  }

  private func onConflictClause() throws(SyntaxError) -> OnConflictClause {
    try expect(.onConflictClause)
    let action = int32()
    let target = try optional(conflictTarget)
    let assignments = try setClauses()
    let condition = try optionalExpression()
    let at = location()
    return switch action {
    case 1: OnConflictClause(target: target, action: .nothing, location: at)
    case 2: OnConflictClause(target: target, action: .update(assignments, condition: condition), location: at)
    default: throw unsupported("this ON CONFLICT", at: at)
    }
  }

  private func conflictTarget() throws(SyntaxError) -> ConflictTarget {
    try expect(.inferClause)
    let elements = try list(indexElement)
    let condition = try optionalExpression()
    let constraint = optionalString()
    let at = location()
    if let constraint { return .constraint(constraint, at) }
    return .columns(elements, condition: condition, at)
  }

  func indexElement() throws(SyntaxError) -> IndexElement {
    try expect(.indexElem)
    let name = optionalString()
    let expression = try optionalExpression()
    try refuse("this index column", if: optionalString() != nil)
    let collation = try names()
    let operatorClass = try names()
    let options = try list(definitionElement)
    let ordering = enumerator([IndexElement.Ordering.unspecified, .ascending, .descending])
    let nulls = enumerator([SortBy.Nulls.unspecified, .first, .last])
    let key: IndexElement.Key
    switch (name, expression) {
    case (let name?, nil): key = .column(name)
    case (nil, let expression?): key = .expression(expression)
    default: throw unsupported("this index column")
    }
    return IndexElement(
      key: key, collation: collation, operatorClass: operatorClass, operatorClassOptions: options,
      ordering: ordering, nulls: nulls)
  }
}
