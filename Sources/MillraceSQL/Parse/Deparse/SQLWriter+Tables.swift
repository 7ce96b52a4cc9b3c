extension SQLWriter {
  mutating func createTable(_ create: CreateTableStatement) {
    write("CREATE ")
    persistence(create.relation)
    write("TABLE ")
    write("IF NOT EXISTS ", if: create.ifNotExists)
    relation(create.relation)
    write(" ")
    list(create.elements) { writer, element in
      switch element {
      case .column(let column): writer.column(column)
      case .constraint(let constraint): writer.constraint(constraint)
      case .like(let like): writer.like(like)
      }
    }
    if !create.inherits.isEmpty {
      write(" INHERITS ")
      list(create.inherits) { $0.relation($1) }
    }
    clause("USING", identifier: create.accessMethod)
    withOptions(create.options)
    onCommit(create.onCommit)
    clause("TABLESPACE", identifier: create.tablespace)
  }

  private mutating func like(_ like: TableLikeClause) {
    write("LIKE ")
    relation(like.relation)
    if like.options == .all { return write(" INCLUDING ALL") }
    let names: [(TableLikeClause.Options, String)] = [
      (.comments, "COMMENTS"), (.compression, "COMPRESSION"), (.constraints, "CONSTRAINTS"),
      (.defaults, "DEFAULTS"), (.generated, "GENERATED"), (.identity, "IDENTITY"), (.indexes, "INDEXES"),
      (.statistics, "STATISTICS"), (.storage, "STORAGE"),
    ]
    for (option, name) in names where like.options.contains(option) { write(" INCLUDING \(name)") }
  }

  private mutating func onCommit(_ action: OnCommitAction) {
    switch action {
    case .unspecified: break
    case .preserveRows: write(" ON COMMIT PRESERVE ROWS")
    case .deleteRows: write(" ON COMMIT DELETE ROWS")
    case .drop: write(" ON COMMIT DROP")
    }
  }

  mutating func createTableAs(_ create: CreateTableAsStatement) {
    let into = create.into
    write("CREATE ")
    persistence(into.relation)
    write("TABLE ")
    write("IF NOT EXISTS ", if: create.ifNotExists)
    relation(into.relation)
    columns(into.columnNames)
    clause("USING", identifier: into.accessMethod)
    withOptions(into.options)
    onCommit(into.onCommit)
    clause("TABLESPACE", identifier: into.tablespace)
    write(" AS ")
    statement(create.query)
    write(" WITH NO DATA", if: into.skipsData)
  }

  mutating func createIndex(_ create: CreateIndexStatement) {
    write("CREATE ")
    write("UNIQUE ", if: create.isUnique)
    write("INDEX ")
    write("CONCURRENTLY ", if: create.isConcurrent)
    write("IF NOT EXISTS ", if: create.ifNotExists)
    if let name = create.name { write(Keyword.quoted(name) + " ") }
    write("ON ")
    relation(create.relation)
    clause("USING", identifier: create.accessMethod)
    write(" ")
    list(create.elements) { $0.indexElement($1) }
    if !create.including.isEmpty {
      write(" INCLUDE ")
      list(create.including) { $0.indexElement($1) }
    }
    write(" NULLS NOT DISTINCT", if: create.nullsNotDistinct)
    withOptions(create.options)
    clause("TABLESPACE", identifier: create.tablespace)
    clause("WHERE", create.condition)
  }

  mutating func createSequence(_ create: CreateSequenceStatement) {
    write("CREATE ")
    persistence(create.sequence)
    write("SEQUENCE ")
    write("IF NOT EXISTS ", if: create.ifNotExists)
    relation(create.sequence)
    sequenceOptions(create.options)
  }

  mutating func alterSequence(_ alter: AlterSequenceStatement) {
    write("ALTER SEQUENCE ")
    write("IF EXISTS ", if: alter.ifExists)
    relation(alter.sequence)
    sequenceOptions(alter.options)
  }

  mutating func createView(_ create: CreateViewStatement) {
    write("CREATE ")
    write("OR REPLACE ", if: create.orReplace)
    persistence(create.view)
    write("VIEW ")
    relation(create.view)
    columns(create.columnNames)
    withOptions(create.options)
    write(" AS ")
    select(create.query)
    switch create.checkOption {
    case .none: break
    case .local: write(" WITH LOCAL CHECK OPTION")
    case .cascaded: write(" WITH CASCADED CHECK OPTION")
    }
  }

  mutating func drop(_ drop: DropStatement) {
    let kind =
      switch drop.kind {
      case .table: "TABLE"
      case .sequence: "SEQUENCE"
      case .view: "VIEW"
      case .index: "INDEX"
      case .schema: "SCHEMA"
      }
    write("DROP \(kind) ")
    write("CONCURRENTLY ", if: drop.isConcurrent)
    write("IF EXISTS ", if: drop.ifExists)
    separated(drop.names) { $0.name($1) }
    behavior(drop.behavior)
  }

  mutating func truncate(_ truncate: TruncateStatement) {
    write("TRUNCATE ")
    separated(truncate.relations) { $0.relation($1) }
    write(" RESTART IDENTITY", if: truncate.restartsIdentity)
    behavior(truncate.behavior)
  }

  mutating func comment(_ comment: CommentStatement) {
    write("COMMENT ON ")
    switch comment.target {
    case .table(let names): commented("TABLE", names)
    case .index(let names): commented("INDEX", names)
    case .sequence(let names): commented("SEQUENCE", names)
    case .view(let names): commented("VIEW", names)
    case .column(let names): commented("COLUMN", names)
    case .constraint(let name, let table):
      commented("CONSTRAINT", [name])
      commented(" ON", table)
    case .schema(let name): commented("SCHEMA", [name])
    case .database(let name): commented("DATABASE", [name])
    case .role(let name): commented("ROLE", [name])
    case .tablespace(let name): commented("TABLESPACE", [name])
    case .type(let type):
      write("TYPE ")
      self.type(type)
    }
    write(" IS ")
    if let text = comment.comment { literal(text) } else { write("NULL") }
  }

  private mutating func commented(_ keyword: String, _ names: [String]) {
    write(keyword + " ")
    name(names)
  }

  mutating func reindex(_ reindex: ReindexStatement) {
    write("REINDEX")
    utilityOptions(reindex.options)
    switch reindex.target {
    case .index(let relation): reindexed("INDEX", relation)
    case .table(let relation): reindexed("TABLE", relation)
    case .schema(let name): clause("SCHEMA", identifier: name)
    case .system(let name): clause("SYSTEM", identifier: name)
    case .database(let name): clause("DATABASE", identifier: name)
    }
  }

  private mutating func reindexed(_ keyword: String, _ relation: RangeVariable) {
    write(" \(keyword) ")
    self.relation(relation)
  }
}
