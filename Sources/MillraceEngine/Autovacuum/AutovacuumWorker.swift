import MillraceSettings
import MillraceStorage
import MillraceTypes

/// Vacuums and analyzes what needs it in one database: do_autovacuum (src/backend/postmaster/autovacuum.c). On its
/// session's thread.
struct AutovacuumWorker {
  private let database: Database
  private let session: Session
  private let isStopping: () -> Bool

  init(_ database: Database, _ session: Session, isStopping: @escaping () -> Bool) {
    (self.database, self.session, self.isStopping) = (database, session, isStopping)
  }

  /// What has been done: how many tables were vacuumed, and how many analyzed.
  struct Report: Sendable, Equatable {
    var vacuumed = 0
    var analyzed = 0
  }

  /// - Parameter databaseID: the session gets connected to it.
  func run(_ databaseID: UInt32) throws(EngineError) -> Report {
    try session.connect(toDatabase: databaseID)
    var report = Report()
    for oid in try candidates() {
      guard !isStopping(), database.isRunning else { break }
      do throws(EngineError) {
        try process(oid, &report)
      } catch {
        if session.isInTransaction { try? session.rollback() }
        if error.code == .adminShutdown || error.code == .stopped { throw error }
        database.configuration.onNotice("automatic vacuum of table \(oid) of database \(databaseID): \(error.message)")
      }
    }
    if report.vacuumed > 0 { try session.advanceOldestTransaction() }
    return report
  }

  /// The tables of the database that something is to be done with.
  private func candidates() throws(EngineError) -> [UInt32] {
    try session.transaction { session throws(EngineError) in
      var found: [UInt32] = []
      for row in try session.catalog.rows(CatalogColumns.Class.self) {
        if let decision = self.decision(row), decision.vacuums || decision.analyzes { found.append(row[.oid].oid) }
      }
      return found
    }
  }

  private func decision(_ row: CatalogRow<CatalogColumns.Class>) -> AutovacuumDecision? {
    guard let kind = RelationDescriptor.Kind(rawValue: row[.relkind].byte),
      kind == .table || kind == .materializedView || kind == .toast,
      // Of a temporary table only its session has the pages.
      row[.relpersistence].byte != RelationDescriptor.Persistence.temporary.rawValue
    else { return nil }
    let oid = row[.oid].oid
    var table = AutovacuumDecision.Table()
    let (oldest, oldestMulti) = (TransactionID(row[.relfrozenxid].oid), row[.relminmxid].oid)
    let next = database.transactions.next.short
    if oldest.isNormal, oldest.precedes(next) { table.age = next.rawValue &- oldest.rawValue }
    if oldestMulti != 0 {
      let age = database.multiXacts.position.next &- oldestMulti
      table.multiXactAge = age < UInt32(Int32.max) ? age : 0
    }
    table.rows = Double(row[.reltuples].real)
    let (pages, frozen) = (Double(row[.relpages].integer), Double(row[.relallfrozen].integer))
    if pages > 0, frozen > 0 { table.unfrozenPart = 1 - min(frozen, pages) / pages }
    table.options = RelationDescriptor.options(row[.reloptions].strings)
    table.statistics = session.statistics(of: oid)
    table.isAnalyzed = kind != .toast && oid != CatalogColumns.Statistic.catalog
    return AutovacuumDecision(table, database.settings)
  }

  /// Looks again, since somebody else may have been faster, and does it.
  private func process(_ oid: UInt32, _ report: inout Report) throws(EngineError) {
    session.beginStatement()
    let found = try session.transaction {
      session throws(EngineError) -> (AutovacuumDecision, [String: String])? in
      guard let row = try session.catalog.first(CatalogColumns.Class.self, [.oid: .oid(oid)]),
        let decision = self.decision(row)
      else { return nil }
      return (decision, RelationDescriptor.options(row[.reloptions].strings))
    }
    guard let (decision, own) = found else { return }
    session.locker.background = decision.preventsWraparound ? .unyielding : .yielding
    defer { session.locker.background = .yielding }
    let policy: LockWaitPolicy = decision.preventsWraparound ? .wait : .noWait
    if decision.vacuums {
      var options = VacuumOptions(database.settings, options: own, isAutomatic: true)
      // All workers together do no more than one may.
      options.costLimit = max(options.costLimit / max(database.autovacuum?.runningWorkers ?? 1, 1), 1)
      if decision.preventsWraparound { options.freezeTableAge = 0 }
      if try session.vacuum(oid, options, policy, isAutomatic: true, includesToast: false) != nil {
        report.vacuumed += 1
      }
    }
    guard decision.analyzes else { return }
    let isDone = try session.transaction { session throws(EngineError) in
      guard try session.catalog.lock(oid, .shareUpdateExclusive, policy) else { return false }
      var options = AnalyzeOptions()
      options.target = session.database.settings[.defaultStatisticsTarget]
      options.seed = UInt64(bitPattern: session.transactionTime)
      options.isAutomatic = true
      return try session.analyze(oid, options) != nil
    }
    if isDone { report.analyzed += 1 }
  }
}
