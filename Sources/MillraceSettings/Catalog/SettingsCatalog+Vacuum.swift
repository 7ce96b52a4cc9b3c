extension SettingsCatalog {
  /// When tables are vacuumed and analyzed, and how eagerly.
  static let vacuum: [SettingDefinition] = manualVacuum + autovacuum

  private static let manualVacuum: [SettingDefinition] = [
    .integer(
      "vacuum_freeze_min_age", default: 50_000_000, in: 0...1_000_000_000, .session,
      "Sets how old transactions are whose numbers VACUUM takes out of rows."),
    .integer(
      "vacuum_freeze_table_age", default: 150_000_000, in: 0...2_000_000_000, .session,
      "Sets at which age of a table VACUUM looks at all pages that may hold old numbers."),
    .integer(
      "vacuum_multixact_freeze_min_age", default: 5_000_000, in: 0...1_000_000_000, .session,
      "Sets how old multixacts are that VACUUM takes out of rows."),
    .integer(
      "vacuum_multixact_freeze_table_age", default: 150_000_000, in: 0...2_000_000_000, .session,
      "Sets at which age of a table in multixacts VACUUM looks at all pages that may hold old ones."),
    .real(
      "vacuum_cost_delay", default: 0, in: 0...100, .session,
      "Sets for how many milliseconds VACUUM sleeps after so much work; 0 for never."),
    .integer(
      "vacuum_cost_limit", default: 200, in: 1...10_000, .session, "Sets after how much work VACUUM sleeps."),
    .integer(
      "vacuum_cost_page_hit", default: 1, in: 0...10_000, .session, "Sets the work that a cached page stands for."),
    .integer(
      "vacuum_cost_page_miss", default: 2, in: 0...10_000, .session, "Sets the work that reading a page stands for."),
    .integer(
      "vacuum_cost_page_dirty", default: 20, in: 0...10_000, .session, "Sets the work that a changed page stands for."),
    .bool("vacuum_truncate", default: true, .session, "Lets VACUUM give back empty pages at the end of a table."),
  ]

  private static let autovacuum: [SettingDefinition] = [
    .bool("autovacuum", default: true, .reload, "Vacuums and analyzes tables in the background."),
    .integer(
      "autovacuum_naptime", .seconds, default: 60, in: 1...integerMax / 1000, .reload,
      "Sets how often each database is looked at."),
    .integer(
      "autovacuum_max_workers", default: 3, in: 1...backendsMax, .reload,
      "Sets how many tables are vacuumed in the background at a time."),
    .integer(
      "autovacuum_vacuum_threshold", default: 50, in: 0...integerMax, .reload,
      "Sets how many rows must have been changed or deleted before a table is vacuumed."),
    .real(
      "autovacuum_vacuum_scale_factor", default: 0.2, in: 0...100, .reload,
      "Sets which part of a table's rows comes on top of autovacuum_vacuum_threshold."),
    .integer(
      "autovacuum_vacuum_insert_threshold", default: 1000, in: -1...integerMax, .reload,
      "Sets how many rows must have been inserted before a table is vacuumed; -1 for never."),
    .real(
      "autovacuum_vacuum_insert_scale_factor", default: 0.2, in: 0...100, .reload,
      "Sets which part of a table's rows comes on top of autovacuum_vacuum_insert_threshold."),
    .integer(
      "autovacuum_analyze_threshold", default: 50, in: 0...integerMax, .reload,
      "Sets how many rows must have changed before a table is analyzed."),
    .real(
      "autovacuum_analyze_scale_factor", default: 0.1, in: 0...100, .reload,
      "Sets which part of a table's rows comes on top of autovacuum_analyze_threshold."),
    .integer(
      "autovacuum_freeze_max_age", default: 200_000_000, in: 100_000...2_000_000_000, .restart,
      "Sets at which age a table is vacuumed whatever else is said."),
    .real(
      "autovacuum_vacuum_cost_delay", default: 2, in: -1...100, .reload,
      "Sets for how many milliseconds vacuuming in the background sleeps; -1 for vacuum_cost_delay."),
    .integer(
      "autovacuum_vacuum_cost_limit", default: -1, in: -1...10_000, .reload,
      "Sets after how much work vacuuming in the background sleeps; -1 for vacuum_cost_limit."),
    .integer(
      "autovacuum_work_mem", .kilobytes, default: -1, in: -1...integerMax, .reload,
      "Sets how much memory vacuuming in the background takes; -1 for maintenance_work_mem."),
  ]
}
