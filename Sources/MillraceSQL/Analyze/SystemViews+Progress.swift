extension SystemViews {
  /// How far long commands have come. Numbers and words are those of src/include/commands/progress.h.
  static let progress: [String: String] = [
    "pg_stat_progress_vacuum":
      "SELECT s.pid, s.datid, d.datname, s.relid, \(words("s.param1", vacuumPhases)) AS phase, "
      + "s.param2 AS heap_blks_total, s.param3 AS heap_blks_scanned, s.param4 AS heap_blks_vacuumed, "
      + "s.param5 AS index_vacuum_count, s.param6 AS max_dead_tuple_bytes, s.param7 AS dead_tuple_bytes, "
      + "s.param8 AS num_dead_item_ids, s.param9 AS indexes_total, s.param10 AS indexes_processed, "
      + "s.param11::double precision / 1000000 AS delay_time \(source("VACUUM"))",
    "pg_stat_progress_copy":
      "SELECT s.pid, s.datid, d.datname, s.relid, \(words("s.param5", [1: "COPY FROM", 2: "COPY TO"])) AS command, "
      + "\(words("s.param6", [1: "FILE", 2: "PROGRAM", 3: "PIPE", 4: "CALLBACK"])) AS type, "
      + "s.param1 AS bytes_processed, s.param2 AS bytes_total, s.param3 AS tuples_processed, "
      + "s.param4 AS tuples_excluded, s.param7 AS tuples_skipped \(source("COPY"))",
    "pg_stat_progress_create_index":
      "SELECT s.pid, s.datid, d.datname, s.relid, s.param7::oid AS index_relid, "
      + "\(words("s.param1", [1: "CREATE INDEX", 3: "REINDEX"])) AS command, CASE s.param10 "
      + "WHEN 0 THEN 'initializing' WHEN 2 THEN 'building index' || "
      + "COALESCE(': ' || pg_catalog.pg_indexam_progress_phasename(s.param9::oid, s.param11), '') END AS phase, "
      + "s.param4 AS lockers_total, s.param5 AS lockers_done, s.param6 AS current_locker_pid, "
      + "s.param16 AS blocks_total, s.param17 AS blocks_done, s.param12 AS tuples_total, s.param13 AS tuples_done, "
      + "s.param14 AS partitions_total, s.param15 AS partitions_done \(source("CREATE INDEX"))",
  ]

  private static let vacuumPhases: [Int: String] = [
    0: "initializing", 1: "scanning heap", 2: "vacuuming indexes", 3: "vacuuming heap", 4: "cleaning up indexes",
    5: "truncating heap", 6: "performing final cleanup",
  ]

  private static func words(_ number: String, _ words: [Int: String]) -> String {
    let cases = words.sorted { $0.key < $1.key }.map { "WHEN \($0.key) THEN '\($0.value)'" }
    return "CASE \(number) \(cases.joined(separator: " ")) END"
  }

  private static func source(_ command: String) -> String {
    "FROM pg_catalog.pg_stat_get_progress_info('\(command)') s "
      + "LEFT JOIN pg_catalog.pg_database d ON d.oid = s.datid"
  }
}
