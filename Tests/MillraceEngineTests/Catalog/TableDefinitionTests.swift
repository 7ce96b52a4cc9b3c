@testable import MillraceEngine
import MillraceStorage
import MillraceTypes
import Testing

@Suite struct TableDefinitionTests {
  @Test("a table is found by its name with its columns, key, and TOAST table, when its transaction has committed")
  func create() throws {
    let rig = try CatalogRig()
    let other = try rig.connect()
    try rig.session.begin()
    let oid = try rig.catalog.createTable(CatalogRig.table())
    #expect(try rig.catalog.relation(named: "t")?.oid == oid)
    try other.begin()
    #expect(try other.catalog.relation(named: "t") == nil)
    try other.commit()
    try rig.session.commit()
    try other.begin()
    let table = try other.catalog.requiredRelation(named: "t")
    #expect(table.oid == oid)
    #expect(table.tuple.columns.map(\.name) == ["id", "body"])
    #expect(table.tuple.columns.map(\.isNotNull) == [true, false])
    #expect(table.primaryKey?.name == "t_pkey")
    #expect(table.primaryKey?.columns.map(\.column) == [0])
    #expect(table.constraints.map(\.name) == ["t_id_not_null", "t_pkey"])
    #expect(table.toastRelation != 0)
    #expect(try other.catalog.relation(table.toastRelation)?.name == "pg_toast_\(oid)")
    try other.commit()
    other.close()
    try rig.close()
  }

  @Test("what is rolled back was never there")
  func rollback() throws {
    let rig = try CatalogRig()
    try rig.session.begin()
    let oid = try rig.catalog.createTable(CatalogRig.table())
    let file = try #require(try rig.catalog.relation(oid)?.locator)
    try rig.session.rollback()
    #expect(try rig.transaction { catalog throws(EngineError) in try catalog.relation(named: "t") == nil })
    #expect(try rig.transaction { catalog throws(EngineError) in try catalog.relation(oid) == nil })
    #expect(try rig.transaction { catalog throws(EngineError) in try catalog.type(named: "t") == nil })
    #expect(!rig.database.storage.files(of: file))
    try rig.close()
  }

  @Test("names that are taken, and columns that are there twice, are refused in PostgreSQL's words")
  func duplicates() throws {
    let rig = try CatalogRig()
    try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table()) }
    try expectError("42P07", "relation \"t\" already exists") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table()) }
    }
    var twice = CatalogRig.table("u")
    twice.columns[1].name = "id"
    try expectError("42701", "column \"id\" specified more than once") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createTable(twice) }
    }
    var system = CatalogRig.table("u")
    system.columns[1].name = "ctid"
    try expectError("42701", "column name \"ctid\" conflicts with a system column name") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createTable(system) }
    }
    try expectError("42P01", "relation \"nowhere\" does not exist") {
      try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(named: "nowhere") }
    }
    try expectError("3F000", "schema \"nowhere\" does not exist") {
      try rig.transaction { catalog throws(EngineError) in
        try catalog.requiredRelation(named: "t", schema: "nowhere")
      }
    }
    try rig.close()
  }

  @Test("columns are added, dropped, renamed; defaults and nulls forbidden and allowed")
  func columns() throws {
    let rig = try CatalogRig()
    let other = try rig.connect()
    let oid = try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table()) }
    try other.begin()
    #expect(try other.catalog.requiredRelation(oid).tuple.count == 2)
    try other.commit()
    try rig.transaction { catalog throws(EngineError) in
      var column = ColumnDefinition("n", .int8)
      column.defaultExpression = "42"
      column.isNotNull = true
      column.missing = MissingValue(copying: Datum(Int64(42)), isByValue: true)
      try catalog.addColumn(column, to: oid)
      try catalog.renameColumn("body", of: oid, to: "text")
      try catalog.setDefault("'x'", column: "text", of: oid)
    }
    try other.begin()
    let changed = try other.catalog.requiredRelation(oid)
    #expect(changed.tuple.columns.map(\.name) == ["id", "text", "n"])
    #expect(changed.tuple.columns.map(\.defaultExpression) == [nil, "'x'", "42"])
    #expect(changed.tuple.columns[2].missing?.datum.int64 == 42)
    #expect(changed.tuple.columns[2].isNotNull)
    try other.commit()
    try rig.transaction { catalog throws(EngineError) in
      try catalog.dropNotNull(column: "n", of: oid)
      try catalog.setDefault(nil, column: "text", of: oid)
      try catalog.dropColumn("n", of: oid, .restrict)
    }
    try other.begin()
    let dropped = try other.catalog.requiredRelation(oid)
    #expect(dropped.tuple.columns[2].isDropped)
    #expect(dropped.tuple.columns[2].name == "........pg.dropped.3........")
    #expect(dropped.tuple.columns[1].defaultExpression == nil)
    #expect(dropped.constraints.map(\.name) == ["t_id_not_null", "t_pkey"])
    try other.commit()
    try expectError("42P16", "column \"id\" is in a primary key") {
      try rig.transaction { catalog throws(EngineError) in try catalog.dropNotNull(column: "id", of: oid) }
    }
    try expectError("42703", "column \"x\" of relation \"t\" does not exist") {
      try rig.transaction { catalog throws(EngineError) in try catalog.dropColumn("x", of: oid, .restrict) }
    }
    other.close()
    try rig.close()
  }

  @Test("what others depend on is dropped only with them")
  func dependencies() throws {
    let rig = try CatalogRig()
    let oid = try rig.transaction { catalog throws(EngineError) in
      let table = try catalog.createTable(CatalogRig.table())
      try catalog.createView(
        "v", namespace: SystemOID.publicNamespace, columns: [ColumnDefinition("id", .int4)],
        definition: "SELECT id FROM t", references: [.column(1, of: table)])
      return table
    }
    let error = try expectError("2BP01", "cannot drop table t because other objects depend on it") {
      try rig.transaction { catalog throws(EngineError) in try catalog.drop([.relation(oid)], .restrict) }
    }
    #expect(error?.detail == "view v depends on table t")
    #expect(error?.hint == "Use DROP ... CASCADE to drop the dependent objects too.")
    try expectError("2BP01", "cannot drop column id of table t because other objects depend on it") {
      try rig.transaction { catalog throws(EngineError) in try catalog.dropColumn("id", of: oid, .restrict) }
    }
    let key = try rig.transaction { catalog throws(EngineError) in
      try catalog.requiredRelation(oid).primaryKey?.oid ?? 0
    }
    let indexError = try expectError(
      "2BP01", "cannot drop index t_pkey because constraint t_pkey on table t requires it"
    ) {
      try rig.transaction { catalog throws(EngineError) in try catalog.drop([.relation(key)], .restrict) }
    }
    #expect(indexError?.hint == "You can drop constraint t_pkey on table t instead.")
    let taken = try rig.transaction { catalog throws(EngineError) in
      try catalog.drop([.relation(oid)], .cascade)
    }
    #expect(taken == ["view v"])
    try rig.transaction { catalog throws(EngineError) in
      #expect(try catalog.rows(CatalogColumns.Attribute.self, [.attrelid: .oid(oid)]).isEmpty)
      #expect(try catalog.rows(CatalogColumns.Class.self).allSatisfy { $0[.oid].oid < SystemOID.firstNormal })
      #expect(try catalog.rows(CatalogColumns.DataType.self).allSatisfy { $0[.oid].oid < SystemOID.firstNormal })
      #expect(try catalog.rows(CatalogColumns.Dependency.self).isEmpty)
    }
    try expectError("2BP01", "cannot drop table pg_class because it is required by the database system") {
      try rig.transaction { catalog throws(EngineError) in try catalog.drop([.relation(1259)], .cascade) }
    }
    try rig.close()
  }

  @Test("constraints and indexes get PostgreSQL's names, and go")
  func constraints() throws {
    let rig = try CatalogRig()
    let oid = try rig.transaction { catalog throws(EngineError) in
      let table = try catalog.createTable(CatalogRig.table())
      try catalog.addConstraint(ConstraintDefinition(.check("id > 0"), columns: [0]), to: table)
      try catalog.addConstraint(ConstraintDefinition(.check("id < 9"), columns: [0]), to: table)
      try catalog.addConstraint(
        ConstraintDefinition(.unique(isNullsNotDistinct: false), columns: [0, 1]), to: table)
      return table
    }
    try rig.transaction { catalog throws(EngineError) in
      let table = try catalog.requiredRelation(oid)
      #expect(
        table.constraints.map(\.name) == [
          "t_id_body_key", "t_id_check", "t_id_check1", "t_id_not_null", "t_pkey",
        ])
      #expect(table.indexes.map(\.name) == ["t_pkey", "t_id_body_key"])
      #expect(table.constraints.first { $0.name == "t_id_check" }?.expression == "id > 0")
      try catalog.dropConstraint("t_id_body_key", of: oid, .restrict)
      try catalog.dropConstraint("t_id_check", of: oid, .restrict)
      #expect(try catalog.requiredRelation(oid).indexes.map(\.name) == ["t_pkey"])
      let row = try catalog.first(CatalogColumns.Class.self, [.oid: .oid(oid)])
      #expect(row?[.relchecks].integer == 1)
    }
    try expectError("42P16", "multiple primary keys for table \"t\" are not allowed") {
      try rig.transaction { catalog throws(EngineError) in
        try catalog.addConstraint(ConstraintDefinition(.primaryKey, columns: [1]), to: oid)
      }
    }
    try rig.close()
  }

  @Test("long names are cut as PostgreSQL cuts them")
  func names() {
    #expect(SessionCatalog.objectName("t", "a_b", "key") == "t_a_b_key")
    #expect(SessionCatalog.objectName("t", "", "pkey") == "t_pkey")
    let long = String(repeating: "x", count: 60)
    let made = SessionCatalog.objectName(long, "column", "key")
    #expect(made.utf8.count == 63 && made.hasSuffix("_column_key"))
    #expect(SessionCatalog.clipped("_" + String(repeating: "ä", count: 40)).utf8.count == 63)
  }

  @Test("TRUNCATE gives a table new files, and the old ones come back with a rollback")
  func truncate() throws {
    let rig = try CatalogRig()
    let oid = try rig.transaction { catalog throws(EngineError) in try catalog.createTable(CatalogRig.table()) }
    let before = try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(oid).locator }
    try rig.session.begin()
    try rig.catalog.truncate(oid)
    #expect(try rig.catalog.requiredRelation(oid).locator != before)
    try rig.session.rollback()
    #expect(
      try rig.transaction { catalog throws(EngineError) in try catalog.requiredRelation(oid).locator } == before)
    try rig.transaction { catalog throws(EngineError) in try catalog.truncate(oid) }
    #expect(!rig.database.storage.files(of: try #require(before)))
    try rig.close()
  }
}

/// Expects an error with an SQLSTATE and a message, and gives it back.
@discardableResult
func expectError<Result>(
  _ sqlState: String, _ message: String, _ body: () throws -> Result, sourceLocation: SourceLocation = #_sourceLocation
) throws -> EngineError? {
  do {
    _ = try body()
    Issue.record("no error", sourceLocation: sourceLocation)
  } catch let error as EngineError {
    #expect(error.message == message, sourceLocation: sourceLocation)
    #expect(error.sqlState == sqlState, sourceLocation: sourceLocation)
    return error
  }
  return nil
}

extension StorageManager {
  /// Whether a relation has a file with something in it.
  func files(of locator: RelationLocator) -> Bool {
    guard (try? exists(locator)) == true else { return false }
    return ((try? open(locator).blockCount()) ?? 0) > 0
  }
}
