@testable import MillraceEngine
import MillraceTypes
import Testing

@Suite struct LookupTests {
  @Test("functions, operators, casts and aggregates are found by name and by number")
  func functions() throws {
    let rig = try CatalogRig()
    let functions: FunctionCatalog = try rig.transaction { catalog throws(EngineError) in try catalog.functions() }
    #expect(functions.functions.count > 3000)
    let lower = try #require(functions.functionsByName["lower"])
    let entries = lower.compactMap { functions.functions[$0] }
    #expect(entries.contains { $0.arguments == [.text] && $0.result == .text && $0.isStrict })
    let plus = functions.operatorsByName["+"]?.compactMap { functions.operators[$0] } ?? []
    let int4plus = try #require(plus.first { $0.left == .int4 && $0.right == .int4 })
    #expect(int4plus.oid == 551 && functions.functions[int4plus.function]?.source == "int4pl")
    #expect(functions.operatorsByName["||"] != nil)
    let cast = try #require(functions.casts[FunctionCatalog.CastKey(.int4, .int8)])
    #expect(cast.context == "i" && functions.functions[cast.function]?.name == "int8")
    let sum = try #require(
      functions.functionsByName["sum"]?.first { functions.functions[$0]?.arguments == [.int4] })
    #expect(functions.aggregates[sum]?.transitionType == .int8)
    let classes = functions.defaultOperatorClass(of: .int4)
    #expect(classes?.oid == 1978)
    #expect(functions.familyOperators[96]?.contains { $0.strategy == 3 && $0.accessMethod == SystemOID.btree } == true)
    try rig.close()
  }

  @Test("types and relations are found along the search path")
  func path() throws {
    let rig = try CatalogRig()
    try rig.transaction { catalog throws(EngineError) in
      let types: TypeCatalog = try catalog.types()
      #expect(types.byID[.int4]?.name == "int4")
      #expect(try catalog.type(named: "timestamptz") == .timestampTZ)
      #expect(try catalog.type(named: "pg_class")?.rawValue == 83)
      let schema = try catalog.createSchema("s")
      var table = CatalogRig.table("pg_class")
      table.namespace = schema
      let own = try catalog.createTable(table)
      #expect(try catalog.relation(named: "pg_class")?.oid == SystemOID.pgClass)
      #expect(try catalog.relation(named: "pg_class", schema: "s")?.oid == own)
      catalog.searchPath = ["s", "pg_catalog"]
      #expect(try catalog.relation(named: "pg_class")?.oid == own)
      #expect(try catalog.creationNamespace() == schema)
      let foreign = try catalog.requiredRelation(SystemOID.pgClass)
      #expect(try catalog.qualifiedName(foreign) == "pg_catalog.pg_class")
      catalog.searchPath = ["nowhere"]
      #expect(throws: EngineError.self) { try catalog.creationNamespace() }
    }
    try rig.close()
  }

  @Test("a system table describes itself as PostgreSQL does")
  func systemTable() throws {
    let rig = try CatalogRig()
    try rig.transaction { catalog throws(EngineError) in
      let table = try catalog.requiredRelation(named: "pg_class")
      #expect(table.tuple.count == 34 && table.kind == .table && table.tuple.rowType.rawValue == 83)
      #expect(
        table.indexes.map(\.name) == [
          "pg_class_oid_index", "pg_class_relname_nsp_index", "pg_class_tblspc_relfilenode_index",
        ])
      #expect(table.primaryKey?.name == "pg_class_oid_index")
      #expect(table.statistics.pages > 0 && table.statistics.tuples == 258)
    }
    try rig.close()
  }
}
