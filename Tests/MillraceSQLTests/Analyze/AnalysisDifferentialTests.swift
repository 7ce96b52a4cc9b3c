import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// What statements mean, held against PostgreSQL 18: columns with names, types and origin, types of parameters, and
/// errors with all of their fields.
@Suite("Analysis agrees with PostgreSQL", .serialized)
struct AnalysisDifferentialTests {
  @Test(
    "columns, parameters and errors are those of PostgreSQL 18",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func corpus() throws {
    let cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    let rig = try AnalyzerRig()
    try cluster.whileRunning {
      try cluster.query(AnalyzerRig.schema)
      let server = try ServerSession(directory: cluster.temporary.path)
      var (statements, errors) = (0, 0)
      for sql in AnalysisCorpus.all {
        let expected = try server.describe(sql)
        let own = Self.describe(sql, rig)
        if let reason = AnalysisCorpus.departures[sql] {
          #expect(own != expected, "\(sql): \(reason)")
        } else {
          #expect(own == expected, "\(sql)")
        }
        if case .failure = expected { errors += 1 } else { statements += 1 }
      }
      print("analysis: \(statements) statements and \(errors) errors compared with PostgreSQL 18")
      #expect(statements > 200 && errors > 150)
    }
    try rig.close()
  }

  private static func describe(_ sql: String, _ rig: AnalyzerRig) -> ServerSession.Description {
    do throws(SQLError) {
      let (query, parameters) = try rig.analyze(sql)
      let shown = query.command == .select ? query.visibleTargets : query.returning
      let columns = shown.map { target in
        ServerSession.Description.Column(
          name: target.name, type: target.expression.type.id.rawValue, typmod: target.expression.type.typmod,
          origin: target.originColumn)
      }
      return .statement(
        parameters: parameters.types.map(\.id.rawValue),
        columns: query.command == .select || !columns.isEmpty ? columns : nil)
    } catch {
      var fields: [Character: String] = ["C": error.sqlState, "M": error.message]
      fields["D"] = error.detail
      fields["H"] = error.hint
      fields["P"] = error.position(in: sql).map(String.init)
      return .failure(fields)
    }
  }
}

extension ServerSession.Description {
  /// Of an error, what a client sees of it; not where in PostgreSQL's source it comes from.
  static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.failure(let a), .failure(let b)):
      return ["C", "M", "D", "H", "P"].allSatisfy { (field: Character) in a[field] == b[field] }
    case (.statement(let a, let b), .statement(let c, let d)): return a == c && b == d
    default: return false
    }
  }
}
