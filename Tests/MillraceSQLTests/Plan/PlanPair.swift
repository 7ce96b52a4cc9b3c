import MillraceEngine
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// A server and an engine with the same tables, whose plans are compared.
final class PlanPair {
  let cluster: PostgresCluster
  let rig: SQLRig
  private var server: ServerSession?
  /// The pages that the server's tables and indexes have, by the engine's OIDs.
  private var pageCounts: [UInt32: Double] = [:]

  struct Failed: Error { let what: String }

  init() throws {
    cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    rig = try SQLRig()
  }

  func whileRunning(_ body: () throws -> Void) throws {
    try cluster.whileRunning {
      let server = try ServerSession(directory: cluster.temporary.path)
      self.server = server
      // What is not there here: parallel workers.
      _ = try server.execute("set max_parallel_workers_per_gather = 0")
      try body()
    }
    try rig.close()
  }

  func run(_ sql: String) throws {
    if let failure = try server?.execute(sql).failure { throw Failed(what: "PostgreSQL: \(sql): \(failure)") }
    if let failure = rig.execute(sql).failure { throw Failed(what: "\(sql): \(failure)") }
  }

  /// Runs something on the server alone.
  func runOnServer(_ sql: String) throws {
    if let failure = try server?.execute(sql).failure { throw Failed(what: "PostgreSQL: \(sql): \(failure)") }
  }

  /// Fills the statistics of both.
  func analyze(_ tables: [String]) throws {
    for table in tables {
      _ = try server?.execute("vacuum analyze \(table)")
      if let failure = rig.execute("vacuum analyze \(table)").failure { throw Failed(what: "\(table): \(failure)") }
    }
    let sizes = try rows("select relname, (pg_relation_size(oid) / 8192)::text from pg_class where relnamespace = 2200")
    for row in sizes {
      guard let name = row[0], let pages = row[1].flatMap(Double.init) else { continue }
      try rig.sql.session.transaction { session throws(EngineError) in
        for table in tables {
          guard let found = try session.catalog.relation(named: table) else { continue }
          if found.name == name { pageCounts[found.oid] = pages }
          for index in found.indexes where index.name == name { pageCounts[index.oid] = pages }
        }
      }
    }
  }

  func rows(_ sql: String) throws -> [[String?]] { try server?.execute(sql).rows ?? [] }

  /// A statement's plan as the server shows it, and as the engine does for tables of the server's size.
  func plans(_ sql: String, costs: Bool) throws -> (expected: [String], own: [String]) {
    let option = costs ? "" : "(costs off) "
    let answer = try server?.execute("explain \(option)\(sql)")
    if let failure = answer?.failure { throw Failed(what: "PostgreSQL: \(sql): \(failure)") }
    var options = ExplainOptions()
    options.costs = costs
    return (answer?.rows.map { $0[0] ?? "" } ?? [], try plan(sql, options))
  }

  func plan(_ sql: String, _ options: ExplainOptions) throws -> [String] {
    var result: [String] = []
    var problem: SQLError?
    let (session, pageCounts) = (rig.sql, self.pageCounts)
    let raw = try session.parser.parse(sql)
    try session.session.transaction { _ throws(EngineError) in
      do throws(SQLError) {
        let query = try session.analyze(raw[0].statement, ParameterTypes([], isVariable: false))
        var planner = Planner(session.catalog, session, settings: PlannerSettings(session))
        planner.pageCounts = pageCounts
        let planned = try planner.plan(query)
        result = try Explain(planned, options, session.catalog, session.typeSettings).rows()
      } catch { problem = error }
    }
    if let problem { throw Failed(what: "\(sql): \(problem.message)") }
    return result
  }
}
