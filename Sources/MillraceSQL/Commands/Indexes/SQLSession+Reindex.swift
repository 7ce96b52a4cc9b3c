import MillraceEngine
import MillraceTypes

/// REINDEX (PostgreSQL's ExecReindex, commands/indexcmds.c).
extension SQLSession {
  func reindex(_ statement: ReindexStatement) throws(SQLError) {
    let isVerbose = try Self.isVerbose(statement)
    switch statement.target {
    case .index(let name): try reindexIndex(name, isVerbose)
    case .table(let name):
      let table = try open(name, .accessExclusive)
      try requireOwnership(of: table)
      if table.indexes.isEmpty { notice("table \"\(table.name)\" has no indexes to reindex") }
      try reindex(table, isVerbose)
    case .schema(let name):
      try requireNoTransactionBlock("REINDEX SCHEMA")
      guard name != "pg_catalog", name != "pg_toast" else { throw .unsupported("REINDEX of a schema of the system") }
      let namespace = try SQLError.engine { () throws(EngineError) in try catalog.requiredNamespace(named: name) }
      try reindexAll(isVerbose) { $0 == namespace }
    case .database(let name):
      try requireNoTransactionBlock("REINDEX DATABASE")
      guard name == databaseName else {
        throw SQLError(.featureNotSupported, "can only reindex the currently open database")
      }
      try reindexAll(isVerbose) { _ in true }
    case .system: throw .unsupported("REINDEX SYSTEM")
    }
  }

  private static func isVerbose(_ statement: ReindexStatement) throws(SQLError) -> Bool {
    var isVerbose = false
    for option in statement.options {
      let isOn = RelationOptions.text(option.value).flatMap { RelationOptions.boolean($0) } ?? true
      switch option.name {
      case "verbose": isVerbose = isOn
      case "concurrently": if isOn { throw .unsupported("REINDEX CONCURRENTLY", at: option.location) }
      case "tablespace": throw .unsupported("REINDEX ... TABLESPACE", at: option.location)
      default:
        throw SQLError(.syntaxError, "unrecognized REINDEX option \"\(option.name)\"", at: option.location)
      }
    }
    return isVerbose
  }

  private func reindexIndex(_ name: RangeVariable, _ isVerbose: Bool) throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in
      try catalog.lockTable(ofIndexNamed: name.name, schema: name.schema)
    }
    let index = try open(name, .accessExclusive)
    guard index.kind == .index else { throw SQLError(.wrongObjectType, "\"\(index.name)\" is not an index") }
    let descriptor = try SQLError.engine { () throws(EngineError) in try catalog.index(index.oid) }
    guard let descriptor else { return }
    try requireOwnership(of: index)
    try rebuild(descriptor.oid, of: descriptor.table)
    if isVerbose { reportReindexed(index.name) }
  }

  /// All indexes of a table, which is locked.
  private func reindex(_ table: RelationDescriptor, _ isVerbose: Bool) throws(SQLError) {
    for index in table.indexes {
      try SQLError.engine { () throws(EngineError) in _ = try catalog.lock(index.oid, .accessExclusive) }
      try rebuild(index.oid, of: table.oid)
      if isVerbose { reportReindexed(index.name) }
    }
  }

  private func reportReindexed(_ name: String) {
    notice(.info, SQLError(.successfulCompletion, "index \"\(name)\" was reindexed"))
  }

  /// Each table of some schemas in a transaction of its own; not those of the system (ReindexMultipleTables).
  private func reindexAll(_ isVerbose: Bool, _ isWanted: (UInt32) -> Bool) throws(SQLError) {
    let tables = try SQLError.engine { () throws(EngineError) in
      try catalog.rows(CatalogColumns.Class.self)
        .filter { $0[.relkind].char == "r" && $0[.oid].oid >= SystemOID.firstUnpinned }
        .filter { isWanted($0[.relnamespace].oid) }
        .map { $0[.oid].oid }
    }
    try inTransactionsOfTheirOwn { () throws(SQLError) in
      for table in tables {
        try SQLError.engine { () throws(EngineError) in try session.begin() }
        do throws(SQLError) {
          try reindexIfOwned(table, isVerbose)
          try SQLError.engine { () throws(EngineError) in try session.commit() }
        } catch {
          if session.isInTransaction { try? session.rollback() }
          throw error
        }
      }
    }
  }

  private func reindexIfOwned(_ oid: UInt32, _ isVerbose: Bool) throws(SQLError) {
    let table = try SQLError.engine { () throws(EngineError) -> RelationDescriptor? in
      guard try catalog.lock(oid, .accessExclusive), let table = try catalog.relation(oid),
        // Of a temporary table of another session only that has the pages.
        table.heap != nil, (try? catalog.requireOwnership(of: table)) != nil
      else { return nil }
      return table
    }
    if let table { try reindex(table, isVerbose) }
  }
}
