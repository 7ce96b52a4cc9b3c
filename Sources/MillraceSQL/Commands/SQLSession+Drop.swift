import MillraceEngine
import MillraceTypes

/// DROP and TRUNCATE (PostgreSQL's commands/tablecmds.c, RemoveRelations and ExecuteTruncate).
extension SQLSession {
  func drop(_ statement: DropStatement) throws(SQLError) {
    if statement.isConcurrent { throw .unsupported("DROP INDEX CONCURRENTLY") }
    var objects: [ObjectAddress] = []
    for name in statement.names {
      let object =
        statement.kind == .schema ? try schema(name, statement) : try relation(name, statement)
      if let object { objects.append(object) }
    }
    guard !objects.isEmpty else { return }
    let behavior: MillraceEngine.DropBehavior = statement.behavior == .cascade ? .cascade : .restrict
    let taken = try SQLError.engine { () throws(EngineError) in try catalog.drop(objects, behavior) }
    noteCascade(taken)
  }

  /// Tells what a drop has taken along.
  func noteCascade(_ taken: [String]) {
    guard !taken.isEmpty else { return }
    if taken.count == 1 { return notice("drop cascades to \(taken[0])") }
    notice(
      "drop cascades to \(taken.count) other objects",
      detail: taken.map { "drop cascades to \($0)" }.joined(separator: "\n"))
  }

  private func schema(_ name: [String], _ statement: DropStatement) throws(SQLError) -> ObjectAddress? {
    let name = name.last ?? ""
    let found = try SQLError.engine { () throws(EngineError) in try catalog.namespace(named: name) }
    guard let oid = found else {
      if statement.ifExists {
        notice("schema \"\(name)\" does not exist, skipping")
        return nil
      }
      throw SQLError(.invalidSchemaName, "schema \"\(name)\" does not exist")
    }
    return .namespace(oid)
  }

  private func relation(_ name: [String], _ statement: DropStatement) throws(SQLError) -> ObjectAddress? {
    let (schema, last) = (name.count > 1 ? name[name.count - 2] : nil, name.last ?? "")
    let noun = Self.noun(statement.kind)
    if statement.ifExists, let schema {
      let isThere = try SQLError.engine { () throws(EngineError) in try catalog.namespace(named: schema) != nil }
      guard isThere else {
        notice("schema \"\(schema)\" does not exist, skipping")
        return nil
      }
    }
    let found = try SQLError.engine { () throws(EngineError) in
      if statement.kind == .index { try catalog.lockTable(ofIndexNamed: last, schema: schema) }
      return try catalog.open(named: last, schema: schema, .accessExclusive)
    }
    guard let relation = found else {
      if statement.ifExists {
        notice("\(noun) \"\(last)\" does not exist, skipping")
        return nil
      }
      let state: SQLState = statement.kind == .index ? .undefinedObject : .undefinedTable
      throw SQLError(state, "\(noun) \"\(name.joined(separator: "."))\" does not exist")
    }
    guard Self.matches(relation.kind, statement.kind) else {
      throw SQLError(
        .wrongObjectType, "\"\(last)\" is not \(Self.article(noun)) \(noun)",
        hint: Self.dropHint(relation.kind))
    }
    try requireOwnership(of: relation)
    return .relation(relation.oid)
  }

  private static func noun(_ kind: DropStatement.Kind) -> String {
    switch kind {
    case .table: "table"
    case .index: "index"
    case .sequence: "sequence"
    case .view: "view"
    case .schema: "schema"
    }
  }

  private static func article(_ noun: String) -> String { noun == "index" ? "an" : "a" }

  private static func matches(_ kind: RelationDescriptor.Kind, _ wanted: DropStatement.Kind) -> Bool {
    switch wanted {
    case .table: kind == .table || kind == .partitionedTable
    case .index: kind == .index || kind == .partitionedIndex
    case .sequence: kind == .sequence
    case .view: kind == .view
    case .schema: false
    }
  }

  private static func dropHint(_ kind: RelationDescriptor.Kind) -> String? {
    switch kind {
    case .table, .partitionedTable: "Use DROP TABLE to remove a table."
    case .index, .partitionedIndex: "Use DROP INDEX to remove an index."
    case .sequence: "Use DROP SEQUENCE to remove a sequence."
    case .view: "Use DROP VIEW to remove a view."
    default: nil
    }
  }

  // MARK: TRUNCATE

  func truncate(_ statement: TruncateStatement) throws(SQLError) {
    var tables: [RelationDescriptor] = []
    for name in statement.relations {
      let table = try open(name, .accessExclusive)
      guard table.kind == .table else {
        throw SQLError(.wrongObjectType, "\"\(table.name)\" is not a table")
      }
      try requireOwnership(of: table)
      if !tables.contains(where: { $0.oid == table.oid }) { tables.append(table) }
    }
    for table in tables {
      try SQLError.engine { () throws(EngineError) in
        try catalog.truncate(table.oid)
        guard statement.restartsIdentity else { return }
        for column in table.tuple.columns.indices {
          guard let sequence = try catalog.ownedSequence(column: column, of: table.oid) else { continue }
          let definition = try catalog.sequence(sequence)
          try catalog.alterSequence(sequence, definition, restart: definition.start)
        }
      }
    }
  }
}
