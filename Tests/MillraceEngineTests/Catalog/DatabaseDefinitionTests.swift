@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTypes
import MillraceWAL
import Testing

@Suite struct DatabaseDefinitionTests {
  private func names(_ session: Session) throws -> [String] {
    try session.transaction { session throws(EngineError) in
      try session.catalog.rows(CatalogColumns.Database.self).compactMap { $0[.datname].string }.sorted()
    }
  }

  @Test("a new database has what its template has, also after a crash; dropped, it leaves nothing")
  func createAndDrop() throws {
    let rig = try CatalogRig()
    let template = try rig.connect("template", to: "template1")
    let table = try template.transaction { session throws(EngineError) in
      try session.catalog.createTable(CatalogRig.table())
    }
    try expectError("55006", "source database \"template1\" is being accessed by other users") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createDatabase("d") }
    }
    template.close()
    let oid = try rig.transaction { catalog throws(EngineError) in try catalog.createDatabase("d") }
    try expectError("42P04", "database \"d\" already exists") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createDatabase("d") }
    }
    rig.session.close()
    rig.database.crash()

    let database = try rig.rig.open()
    let session = try database.makeSession("d")
    try session.connect(to: "d")
    #expect(session.catalog.catalog.databaseID == oid)
    let found = try session.transaction { session throws(EngineError) in
      let copied = try session.catalog.requiredRelation(named: "t")
      let type = try session.catalog.type(named: "t")
      return (copied.oid, copied.locator?.database, type != nil)
    }
    #expect(found == (table, oid, true))
    let other = try database.makeSession("other")
    try other.connect(to: "postgres")
    try expectError("55006", "database \"d\" is being accessed by other users") {
      try other.transaction { session throws(EngineError) in try session.catalog.dropDatabase("d") }
    }
    session.close()
    try other.transaction { session throws(EngineError) in try session.catalog.dropDatabase("d") }
    #expect(try names(other) == ["postgres", "template0", "template1"])
    #expect(try !rig.rig.fileSystem.exists("\(rig.rig.path)/base/\(oid)"))
    try expectError("3D000", "database \"d\" does not exist") {
      try database.makeSession("late").connect(to: "d")
    }
    other.close()
    try database.close()
  }

  @Test("a database that was not committed is not there")
  func rollback() throws {
    let rig = try CatalogRig()
    try rig.session.begin()
    let oid = try rig.catalog.createDatabase("d")
    try rig.session.rollback()
    #expect(try names(rig.session) == ["postgres", "template0", "template1"])
    #expect(try !rig.rig.fileSystem.exists("\(rig.rig.path)/base/\(oid)"))
    try expectError("55000", "database \"template0\" is not currently accepting connections") {
      try rig.database.makeSession("late").connect(to: "template0")
    }
    try expectError("42809", "cannot drop a template database") {
      try rig.transaction { catalog throws(EngineError) in try catalog.dropDatabase("template1") }
    }
    try rig.close()
  }

  @Test("roles are made, changed and dropped; one that owns something stays")
  func roles() throws {
    let rig = try CatalogRig()
    var definition = RoleEntry(name: "alice")
    (definition.canLogin, definition.passwordVerifier) = (true, "SCRAM-SHA-256$4096:salt$stored:server")
    let oid = try rig.transaction { catalog throws(EngineError) in
      let oid = try catalog.createRole(definition)
      let group = try catalog.createRole(RoleEntry(name: "staff"))
      try catalog.grantMembership(in: group, to: oid)
      return oid
    }
    try rig.transaction { catalog throws(EngineError) in
      var alice = try catalog.requiredRole(named: "alice")
      #expect(alice.passwordVerifier == definition.passwordVerifier && alice.canLogin && !alice.isSuperuser)
      let staff = try catalog.requiredRole(named: "staff")
      #expect(try catalog.isMember(oid, of: staff.oid))
      #expect(try catalog.isMember(staff.oid, of: oid) == false)
      alice.canLogin = false
      try catalog.alterRole(alice)
      #expect(try catalog.role(oid)?.canLogin == false)
      let table = try catalog.createTable(CatalogRig.table())
      try catalog.setOwner(oid, of: table)
    }
    let error = try expectError("2BP01", "role \"alice\" cannot be dropped because some objects depend on it") {
      try rig.transaction { catalog throws(EngineError) in try catalog.dropRole("alice") }
    }
    #expect(error?.detail == "owner of table t")
    try expectError("42710", "role \"alice\" already exists") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createRole(definition) }
    }
    try expectError("42939", "role name \"pg_x\" is reserved") {
      try rig.transaction { catalog throws(EngineError) in try catalog.createRole(RoleEntry(name: "pg_x")) }
    }
    try rig.transaction { catalog throws(EngineError) in
      try catalog.setOwner(SystemOID.bootstrapSuperuser, of: try catalog.requiredRelation(named: "t").oid)
      try catalog.dropRole("alice")
      #expect(try catalog.role(named: "alice") == nil)
    }
    try rig.close()
  }
}
