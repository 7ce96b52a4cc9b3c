extension SQLWriter {
  mutating func insert(_ insert: InsertStatement) {
    with(insert.with)
    write("INSERT INTO ")
    relation(insert.relation)
    if !insert.columns.isEmpty {
      write(" ")
      list(insert.columns) { writer, column in
        writer.identifier(column.name)
        writer.indirectionElements(column.indirection)
      }
    }
    switch insert.overriding {
    case .unspecified: break
    case .userValue: write(" OVERRIDING USER VALUE")
    case .systemValue: write(" OVERRIDING SYSTEM VALUE")
    }
    if let source = insert.source {
      write(" ")
      select(source)
    } else {
      write(" DEFAULT VALUES")
    }
    if let onConflict = insert.onConflict { self.onConflict(onConflict) }
    clause("RETURNING", insert.returning) { $0.target($1) }
  }

  private mutating func onConflict(_ clause: OnConflictClause) {
    write(" ON CONFLICT")
    switch clause.target {
    case nil: break
    case .constraint(let name, _):
      write(" ON CONSTRAINT ")
      identifier(name)
    case .columns(let elements, let condition, _):
      write(" ")
      list(elements) { $0.indexElement($1) }
      self.clause("WHERE", condition)
    }
    switch clause.action {
    case .nothing: write(" DO NOTHING")
    case .update(let assignments, let condition):
      write(" DO UPDATE")
      self.clause("SET", assignments) { $0.assignment($1) }
      self.clause("WHERE", condition)
    }
  }

  private mutating func assignment(_ clause: SetClause) {
    switch clause {
    case .single(let target, let value):
      setTarget(target)
      write(" = ")
      expression(value)
    case .multiple(let targets, let source):
      list(targets) { $0.setTarget($1) }
      write(" = ")
      expression(source)
    }
  }

  private mutating func setTarget(_ target: SetTarget) {
    identifier(target.name)
    indirectionElements(target.indirection)
  }

  mutating func update(_ update: UpdateStatement) {
    with(update.with)
    write("UPDATE ")
    relation(update.relation)
    clause("SET", update.assignments) { $0.assignment($1) }
    clause("FROM", update.from) { $0.fromItem($1) }
    clause("WHERE", update.condition)
    clause("RETURNING", update.returning) { $0.target($1) }
  }

  mutating func delete(_ delete: DeleteStatement) {
    with(delete.with)
    write("DELETE FROM ")
    relation(delete.relation)
    clause("USING", delete.using) { $0.fromItem($1) }
    clause("WHERE", delete.condition)
    clause("RETURNING", delete.returning) { $0.target($1) }
  }

  mutating func indexElement(_ element: IndexElement) {
    switch element.key {
    case .column(let name): identifier(name)
    case .expression(let expression):
      write("(")
      self.expression(expression)
      write(")")
    }
    if !element.collation.isEmpty {
      write(" COLLATE ")
      name(element.collation)
    }
    if !element.operatorClass.isEmpty {
      write(" ")
      name(element.operatorClass)
    }
    if !element.operatorClassOptions.isEmpty {
      write(" ")
      list(element.operatorClassOptions) { $0.assignmentOption($1) }
    }
    switch element.ordering {
    case .unspecified: break
    case .ascending: write(" ASC")
    case .descending: write(" DESC")
    }
    nulls(element.nulls)
  }
}
