import CPostgresParser

extension NodeDecoder {
  func statement() throws(SyntaxError) -> Statement {
    let node = reader.node()
    return try nested { () throws(SyntaxError) in try statement(node) }
  }

  private func statement(_ node: MillraceNode) throws(SyntaxError) -> Statement {
    switch node {
    case .selectStmt: .select(try selectFields())
    case .insertStmt: .insert(try insertStatement())
    case .updateStmt: .update(try updateStatement())
    case .deleteStmt: .delete(try deleteStatement())
    case .transactionStmt: .transaction(try transaction())
    case .variableSetStmt: .set(try variableSetFields())
    case .variableShowStmt: .show(VariableShowStatement(name: string()))
    case .alterSystemStmt: .alterSystem(AlterSystemStatement(set: try variableSet()))
    case .discardStmt: .discard(enumerator([DiscardTarget.all, .plans, .sequences, .temporary]))
    case .constraintsSetStmt:
      .setConstraints(ConstraintsSetStatement(constraints: try list(rangeVariable), isDeferred: bool()))
    case .lockStmt: try lock()
    case .prepareStmt:
      .prepare(PrepareStatement(name: string(), argumentTypes: try list(typeName), query: try statement()))
    case .executeStmt: .execute(ExecuteStatement(name: string(), arguments: try expressions()))
    case .deallocateStmt: .deallocate(DeallocateStatement(name: optionalString()))
    case .declareCursorStmt: try declareCursor()
    case .fetchStmt: .fetch(fetch())
    case .closePortalStmt: .close(CloseStatement(cursor: optionalString()))
    case .copyStmt: .copy(try copy())
    case .explainStmt: .explain(ExplainStatement(query: try statement(), options: try definitionElements()))
    case .vacuumStmt: .vacuum(try vacuum())
    case .checkPointStmt: .checkpoint
    case .unlistenStmt: .unlisten(channel: optionalString())
    default: try definitionStatement(node)
    }
  }

  private func transaction() throws(SyntaxError) -> TransactionStatement {
    let kind = int32()
    let modes = try definitionElements()
    let savepoint = optionalString() ?? ""
    let identifier = optionalString() ?? ""
    let isChained = bool()
    let kinds: [TransactionStatement.Kind] = [
      .begin, .start, .commit(isChained: isChained), .rollback(isChained: isChained), .savepoint(savepoint),
      .release(savepoint), .rollbackTo(savepoint), .prepare(identifier), .commitPrepared(identifier),
      .rollbackPrepared(identifier),
    ]
    return TransactionStatement(kind: kinds[Int(kind)], modes: modes)
  }

  func variableSet() throws(SyntaxError) -> VariableSetStatement {
    try expect(.variableSetStmt)
    return try variableSetFields()
  }

  private func variableSetFields() throws(SyntaxError) -> VariableSetStatement {
    let kind = int32()
    let name = optionalString()
    let action: VariableSetStatement.Action
    switch kind {
    case 0: action = .value(try list(settingValue))
    case 3 where name == "TRANSACTION SNAPSHOT":
      guard case .string(let snapshot)? = try list(settingValue).first else { throw unsupported("this snapshot") }
      action = .snapshot(snapshot)
    case 3: action = .modes(try definitionElements())
    case 1: action = .toDefault
    case 2: action = .fromCurrent
    case 4: action = .reset
    case 5: action = .resetAll
    default: throw unsupported("this SET")
    }
    if ![0, 3].contains(kind) { try refuse("this SET") }
    return VariableSetStatement(name: name, action: action, isLocal: bool())
  }

  private func settingValue() throws(SyntaxError) -> SettingValue {
    let node = reader.node()
    switch node {
    case .a_Const:
      try refuse("NULL as the value of a setting", if: bool())
      let value = try constantValue()
      _ = location()
      switch value {
      case .integer(let number): return .integer(number)
      case .float(let digits): return .float(digits)
      case .string(let text): return .string(text)
      default: throw unsupported("this value of a setting")
      }
    case .typeCast: return .interval(try typeCast())
    default: throw unexpected(node)
    }
  }

  private func lock() throws(SyntaxError) -> Statement {
    let relations = try list(rangeVariable)
    guard let mode = LockStatement.Mode(rawValue: int32()) else { throw unsupported("this lock mode") }
    return .lock(LockStatement(relations: relations, mode: mode, noWait: bool()))
  }

  private func declareCursor() throws(SyntaxError) -> Statement {
    let name = string()
    let options = DeclareCursorStatement.Options(rawValue: reader.word()).subtracting(.fastPlan)
    try refuse("this cursor option", if: !options.isSubset(of: .known))
    return .declareCursor(DeclareCursorStatement(name: name, options: options, query: try selectStatement()))
  }

  private func fetch() -> FetchStatement {
    let direction = enumerator([FetchStatement.Direction.forward, .backward, .absolute, .relative])
    let low = UInt64(reader.word())
    let count = Int64(bitPattern: UInt64(reader.word()) << 32 | low)
    return FetchStatement(direction: direction, count: count, cursor: string(), isMove: bool())
  }

  private func copy() throws(SyntaxError) -> CopyStatement {
    let relation = try optional(rangeVariable)
    let query = try optional(statement)
    let columns = try names()
    let isFrom = bool()
    let isProgram = bool()
    let fileName = optionalString()
    var options = try definitionElements()
    // HEADER of the old syntax is a Boolean, and in parentheses a word.
    for index in options.indices {
      if case .boolean(let value)? = options[index].value { options[index].value = .string(value ? "true" : "false") }
    }
    let source: CopyStatement.Source
    switch (relation, query) {
    case (let relation?, nil): source = .relation(relation, columns: columns)
    case (nil, let query?): source = .query(query)
    default: throw unsupported("this COPY")
    }
    return CopyStatement(
      source: source, isFrom: isFrom, isProgram: isProgram, fileName: fileName, options: options,
      condition: try optionalExpression())
  }

  private func vacuum() throws(SyntaxError) -> VacuumStatement {
    let options = try definitionElements()
    let relations = try list { () throws(SyntaxError) -> VacuumStatement.Relation in
      try expect(.vacuumRelation)
      let relation = try rangeVariable()
      try resolvedLater()
      return VacuumStatement.Relation(relation: relation, columns: try names())
    }
    return VacuumStatement(isVacuum: bool(), options: options, relations: relations)
  }
}
