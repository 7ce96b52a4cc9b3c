@testable import MillraceEngine
import MillraceStorage
import MillraceTypes

/// An open cluster with system tables, and a session in its database `postgres`.
final class CatalogRig {
  let rig: EngineRig
  let database: Database
  let session: Session

  init(_ settings: [String] = []) throws {
    rig = try EngineRig(settings, segmentBlocks: 131_072, hasCatalogs: true)
    database = try rig.open()
    session = try database.makeSession("test")
    try session.connect(to: "postgres")
  }

  var catalog: SessionCatalog { session.catalog }

  func connect(_ name: String = "other", to database: String = "postgres") throws -> Session {
    let session = try self.database.makeSession(name)
    try session.connect(to: database)
    return session
  }

  func close() throws {
    session.close()
    try database.close()
  }

  @discardableResult
  func transaction<Result>(_ body: (SessionCatalog) throws(EngineError) -> Result) throws -> Result {
    try session.transaction { session throws(EngineError) in try body(session.catalog) }
  }

  /// A table `(id int4 primary key, body text)`.
  static func table(_ name: String = "t") -> TableDefinition {
    var id = ColumnDefinition("id", .int4)
    id.isNotNull = true
    var table = TableDefinition(
      name, namespace: SystemOID.publicNamespace, columns: [id, ColumnDefinition("body", .text)])
    table.constraints = [ConstraintDefinition(.primaryKey, columns: [0])]
    return table
  }
}
