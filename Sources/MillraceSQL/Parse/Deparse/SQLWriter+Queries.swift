extension SQLWriter {
  mutating func select(_ select: SelectStatement) {
    with(select.with)
    switch select.body {
    case .select(let block): self.block(block)
    case .values(let rows):
      write("VALUES ")
      separated(rows) { writer, row in writer.list(row) { $0.expression($1) } }
    case .setOperation(let operation):
      side(operation.left)
      let keyword = operation.operator == .union ? "UNION" : operation.operator == .intersect ? "INTERSECT" : "EXCEPT"
      write(" \(keyword) \(operation.isAll ? "ALL " : "")")
      side(operation.right)
    }
    clause("ORDER BY", select.orderBy) { $0.sortBy($1) }
    clause("OFFSET", select.limit.offset)
    if select.limit.isWithTies {
      clause("FETCH FIRST", select.limit.count)
      write(" ROWS WITH TIES")
    } else {
      clause("LIMIT", select.limit.count)
    }
    for locking in select.locking { self.locking(locking) }
  }

  /// One side of a set operation.
  private mutating func side(_ select: SelectStatement) {
    let needsParentheses =
      if case .setOperation = select.body { true } else {
        select.with != nil || !select.orderBy.isEmpty || select.limit.count != nil || select.limit.offset != nil
          || !select.locking.isEmpty
      }
    write("(", if: needsParentheses)
    self.select(select)
    write(")", if: needsParentheses)
  }

  mutating func with(_ with: WithClause?) {
    guard let with else { return }
    write(with.isRecursive ? "WITH RECURSIVE " : "WITH ")
    separated(with.expressions) { writer, expression in
      writer.identifier(expression.name)
      writer.columns(expression.columnNames)
      writer.write(" AS ")
      switch expression.materialization {
      case .unspecified: break
      case .always: writer.write("MATERIALIZED ")
      case .never: writer.write("NOT MATERIALIZED ")
      }
      writer.write("(")
      writer.statement(expression.query)
      writer.write(")")
    }
    write(" ")
  }

  private mutating func block(_ block: SelectBlock) {
    write("SELECT")
    switch block.distinct {
    case .no: break
    case .all: write(" DISTINCT")
    case .on(let expressions):
      write(" DISTINCT ON ")
      list(expressions) { $0.expression($1) }
    }
    clause("", block.targets) { $0.target($1) }
    if let into = block.into {
      write(" INTO ")
      persistence(into.relation)
      write("TABLE ")
      relation(into.relation)
    }
    clause("FROM", block.from) { $0.fromItem($1) }
    clause("WHERE", block.condition)
    clause(block.isGroupDistinct ? "GROUP BY DISTINCT" : "GROUP BY", block.groupBy) { $0.groupingElement($1) }
    clause("HAVING", block.having)
    clause("WINDOW", block.windows) { writer, window in
      writer.identifier(window.name ?? "")
      writer.write(" AS ")
      writer.windowSpecification(window)
    }
  }

  mutating func target(_ target: ResultTarget) {
    expression(target.expression)
    clause("AS", identifier: target.name)
  }

  private mutating func groupingElement(_ element: GroupingElement) {
    switch element {
    case .expression(let expression): self.expression(expression)
    case .set(let set):
      switch set.kind {
      case .empty: break
      case .rollup: write("ROLLUP ")
      case .cube: write("CUBE ")
      case .sets: write("GROUPING SETS ")
      }
      list(set.content) { $0.groupingElement($1) }
    }
  }

  private mutating func locking(_ locking: LockingClause) {
    switch locking.strength {
    case .keyShare: write(" FOR KEY SHARE")
    case .share: write(" FOR SHARE")
    case .noKeyUpdate: write(" FOR NO KEY UPDATE")
    case .update: write(" FOR UPDATE")
    }
    clause("OF", locking.relations) { $0.relation($1) }
    switch locking.waitPolicy {
    case .block: break
    case .skip: write(" SKIP LOCKED")
    case .error: write(" NOWAIT")
    }
  }

  // MARK: - FROM

  mutating func fromItem(_ item: FromItem) {
    switch item {
    case .relation(let relation): self.relation(relation)
    case .subquery(let subquery):
      write("LATERAL ", if: subquery.isLateral)
      write("(")
      select(subquery.query)
      write(")")
      alias(subquery.alias)
    case .function(let function): rangeFunction(function)
    case .join(let join):
      // With an alias the parentheses are part of the syntax.
      write("(", if: join.alias != nil)
      self.join(join)
      write(")", if: join.alias != nil)
      alias(join.alias)
    case .sample(let sample):
      relation(sample.relation)
      write(" TABLESAMPLE ")
      name(sample.method)
      list(sample.arguments) { $0.expression($1) }
      if let seed = sample.repeatable {
        write(" REPEATABLE (")
        expression(seed)
        write(")")
      }
    }
  }

  private mutating func join(_ join: JoinExpression) {
    joinSide(join.left)
    if join.condition == .natural { write(" NATURAL") }
    switch join.kind {
    case .inner: write(join.condition == .none ? " CROSS JOIN " : " JOIN ")
    case .left: write(" LEFT JOIN ")
    case .full: write(" FULL JOIN ")
    case .right: write(" RIGHT JOIN ")
    }
    joinSide(join.right)
    switch join.condition {
    case .none, .natural: break
    case .on(let expression): clause("ON", expression)
    case .using(let names, let alias):
      write(" USING")
      columns(names)
      clause("AS", identifier: alias)
    }
  }

  private mutating func joinSide(_ item: FromItem) {
    var needsParentheses = false
    if case .join(let join) = item { needsParentheses = join.alias == nil }
    write("(", if: needsParentheses)
    fromItem(item)
    write(")", if: needsParentheses)
  }

  /// A relation's name, with what belongs to it in FROM.
  mutating func relation(_ relation: RangeVariable) {
    write("ONLY ", if: !relation.includesChildren)
    name([relation.catalog, relation.schema, relation.name].compactMap { $0 })
    alias(relation.alias)
  }

  mutating func persistence(_ relation: RangeVariable) {
    switch relation.persistence {
    case .permanent: break
    case .temporary: write("TEMPORARY ")
    case .unlogged: write("UNLOGGED ")
    }
  }

  private mutating func alias(_ alias: Alias?) {
    guard let alias else { return }
    write(" AS ")
    identifier(alias.name)
    columns(alias.columnNames)
  }

  private mutating func rangeFunction(_ function: RangeFunction) {
    write("LATERAL ", if: function.isLateral)
    write("ROWS FROM (", if: function.isRowsFrom)
    separated(function.items) { writer, item in
      writer.functionItem(item.function)
      if !item.columns.isEmpty {
        writer.write(" AS ")
        writer.list(item.columns) { $0.column($1) }
      }
    }
    write(")", if: function.isRowsFrom)
    write(" WITH ORDINALITY", if: function.withOrdinality)
    alias(function.alias)
    if !function.columns.isEmpty {
      write(function.alias == nil ? " AS " : " ")
      list(function.columns) { $0.column($1) }
    }
  }

  /// The grammar takes only what looks like a function here.
  private mutating func functionItem(_ function: Expression) {
    guard case .cast(let cast) = function else { return expression(function) }
    write("CAST(")
    expression(cast.argument)
    write(" AS ")
    type(cast.type)
    write(")")
  }
}
