import MillraceSettings

/// What a table needs: PostgreSQL's relation_needs_vacanalyze (src/backend/postmaster/autovacuum.c).
struct AutovacuumDecision: Equatable {
  var vacuums = false
  var analyzes = false
  /// Whether it is vacuumed so that its oldest numbers do not get too old: then nothing keeps it from that.
  var preventsWraparound = false

  /// A table as autovacuum finds it.
  struct Table {
    /// `relfrozenxid`'s age, and `relminmxid`'s.
    var age: UInt32 = 0
    var multiXactAge: UInt32 = 0
    var rows: Double = 0
    /// Which part of its pages is not all-frozen.
    var unfrozenPart: Double = 1
    var options: [String: String] = [:]
    /// Nil where nothing has been done with it since the database was opened.
    var statistics: RelationStatistics?
    /// Whether rows of it are ever looked for by value.
    var isAnalyzed = true
  }

  init(_ table: Table, _ settings: Settings) {
    let own = TableOptions(table.options)
    let ageMax = min(own.integer("autovacuum_freeze_max_age") ?? .max, settings[.autovacuumFreezeMaxAge])
    let multiAgeMax = min(own.integer("autovacuum_multixact_freeze_max_age") ?? .max, Self.multiXactAgeMax)
    preventsWraparound = table.age > UInt32(clamping: ageMax) || table.multiXactAge > UInt32(clamping: multiAgeMax)
    vacuums = preventsWraparound
    let isEnabled = own.bool("autovacuum_enabled") ?? true
    guard isEnabled, settings[.autovacuum], let statistics = table.statistics else { return }
    func threshold(_ base: Int, _ factor: Double, _ name: String, part: Double = 1) -> Double {
      let base = own.integer("autovacuum_\(name)_threshold") ?? base
      let factor = own.real("autovacuum_\(name)_scale_factor") ?? factor
      return base < 0 ? .infinity : Double(base) + factor * max(table.rows, 0) * part
    }
    let dead = min(
      threshold(settings[.autovacuumVacuumThreshold], settings[.autovacuumVacuumScaleFactor], "vacuum"),
      Double(own.integer("autovacuum_vacuum_max_threshold") ?? Self.deadMax))
    let inserts = threshold(
      settings[.autovacuumVacuumInsertThreshold], settings[.autovacuumVacuumInsertScaleFactor], "vacuum_insert",
      part: table.unfrozenPart)
    let changes = threshold(
      settings[.autovacuumAnalyzeThreshold], settings[.autovacuumAnalyzeScaleFactor], "analyze")
    if Double(statistics.deadTuples) > dead || Double(statistics.insertsSinceVacuum) > inserts { vacuums = true }
    analyzes = table.isAnalyzed && Double(statistics.changesSinceAnalyze) > changes
  }

  /// PostgreSQL's defaults of `autovacuum_multixact_freeze_max_age` and `autovacuum_vacuum_max_threshold`.
  private static let multiXactAgeMax = 400_000_000
  private static let deadMax = 100_000_000
}
