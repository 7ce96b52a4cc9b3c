import MillraceStorage
import MillraceTypes

/// What a check of a cluster has found.
public struct CheckReport: Sendable {
  public var problems: [CheckProblem] = []
  public var databases = 0
  public var tables = 0
  public var indexes = 0
  public var rows: UInt64 = 0
  public var entries: UInt64 = 0
  public var pages: UInt64 = 0
  /// Indexes that could not be held against their tables: of expressions, of some rows, of other kinds than B-trees.
  public var skipped: [String] = []
}

/// Checks all tables of all databases with their indexes. Nobody else may use the cluster meanwhile.
public struct ClusterChecker {
  private let database: Database
  /// Called after each table with how many have been checked; says whether to go on.
  public var onProgress: (_ tables: Int) -> Bool = { _ in true }

  public init(_ database: Database) { self.database = database }

  /// Does it.
  /// - Throws: ``EngineError`` where the check could not be done: system tables that cannot be read.
  public func run() throws(EngineError) -> CheckReport {
    var report = CheckReport()
    let session = try database.makeSession("check")
    defer { session.close() }
    let all = try session.transaction { session throws(EngineError) in
      let shared = SessionCatalog(session, try session.database.sharedCatalog())
      return try shared.rows(CatalogColumns.Database.self).map { ($0[.oid].oid, $0[.datname].string ?? "") }
    }
    for (place, (oid, name)) in all.sorted(by: { $0.0 < $1.0 }).enumerated() {
      report.databases += 1
      guard try check(oid, name, includesShared: place == 0, &report) else { break }
    }
    return report
  }

  /// - Returns: whether to go on.
  private func check(
    _ oid: UInt32, _ name: String, includesShared: Bool, _ report: inout CheckReport
  ) throws(EngineError) -> Bool {
    let session = try database.makeSession("check")
    defer { session.close() }
    try session.connect(toDatabase: oid, mayBeClosed: true)
    try session.begin()
    defer { try? session.rollback() }
    let catalog = session.catalog
    for row in try catalog.rows(CatalogColumns.Class.self) {
      guard includesShared || !row[.relisshared].bool, let relation = try catalog.relation(row[.oid].oid),
        relation.kind == .table || relation.kind == .toast || relation.kind == .materializedView,
        var checker = TableChecker(relation, session)
      else { continue }
      try checker.run()
      let schema = try catalog.namespaceName(relation.namespace) ?? ""
      report.problems += checker.findings.map { finding in
        CheckProblem(
          database: name, relation: "\(schema).\(finding.relation)", path: finding.path, block: finding.block,
          message: finding.message)
      }
      report.skipped += checker.skipped.map { "\(name): \(schema).\($0)" }
      report.tables += 1
      report.indexes += relation.indexes.count
      (report.rows, report.entries) = (report.rows + checker.rowCount, report.entries + checker.entryCount)
      report.pages += checker.pageCount
      guard onProgress(report.tables) else { return false }
    }
    return true
  }
}
