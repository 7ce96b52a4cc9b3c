extension SystemViews {
  /// Views of what has been done with tables and indexes: of all of them, of the system's, of the others.
  static let relations: [String: String] = {
    var views: [String: String] = [:]
    let places = [
      ("all", ""), ("sys", "WHERE schemaname IN ('pg_catalog', 'information_schema') OR schemaname ~ '^pg_toast'"),
      ("user", "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname !~ '^pg_toast'"),
    ]
    let kinds = [
      ("pg_stat", "tables", tables), ("pg_stat", "indexes", indexes), ("pg_statio", "tables", tableBlocks),
      ("pg_statio", "indexes", indexBlocks), ("pg_statio", "sequences", sequenceBlocks),
    ]
    for (prefix, suffix, query) in kinds {
      for (name, condition) in places {
        views["\(prefix)_\(name)_\(suffix)"] = condition.isEmpty ? query : "SELECT * FROM (\(query)) r \(condition)"
      }
    }
    return views
  }()

  /// Columns of a table's statistics, and the functions that give them: `pg_stat_get_…`.
  private static let tableColumns = [
    ("n_tup_ins", "tuples_inserted"),
    ("n_tup_upd", "tuples_updated"),
    ("n_tup_del", "tuples_deleted"),
    ("n_tup_hot_upd", "tuples_hot_updated"),
    ("n_tup_newpage_upd", "tuples_newpage_updated"),
    ("n_live_tup", "live_tuples"),
    ("n_dead_tup", "dead_tuples"),
    ("n_mod_since_analyze", "mod_since_analyze"),
    ("n_ins_since_vacuum", "ins_since_vacuum"),
    ("last_vacuum", "last_vacuum_time"),
    ("last_autovacuum", "last_autovacuum_time"),
    ("last_analyze", "last_analyze_time"),
    ("last_autoanalyze", "last_autoanalyze_time"),
    ("vacuum_count", "vacuum_count"),
    ("autovacuum_count", "autovacuum_count"),
    ("analyze_count", "analyze_count"),
    ("autoanalyze_count", "autoanalyze_count"),
    ("total_vacuum_time", "total_vacuum_time"),
    ("total_autovacuum_time", "total_autovacuum_time"),
    ("total_analyze_time", "total_analyze_time"),
    ("total_autoanalyze_time", "total_autoanalyze_time"),
  ]

  private static let kinds = "c.relkind IN ('r', 't', 'm')"
  private static let schema = "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "

  private static let tables =
    "SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, pg_catalog.pg_stat_get_numscans(c.oid) AS seq_scan, "
    + "pg_catalog.pg_stat_get_lastscan(c.oid) AS last_seq_scan, "
    + "pg_catalog.pg_stat_get_tuples_returned(c.oid) AS seq_tup_read, x.idx_scan, x.last_idx_scan, "
    + "x.idx_tup_fetch + pg_catalog.pg_stat_get_tuples_fetched(c.oid) AS idx_tup_fetch, "
    + tableColumns.map { "pg_catalog.pg_stat_get_\($0.1)(c.oid) AS \($0.0)" }.joined(separator: ", ")
    + " FROM pg_catalog.pg_class c \(schema)LEFT JOIN (SELECT i.indrelid, "
    + "sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))::bigint AS idx_scan, "
    + "max(pg_catalog.pg_stat_get_lastscan(i.indexrelid)) AS last_idx_scan, "
    + "sum(pg_catalog.pg_stat_get_tuples_fetched(i.indexrelid))::bigint AS idx_tup_fetch "
    + "FROM pg_catalog.pg_index i GROUP BY i.indrelid) x ON x.indrelid = c.oid WHERE \(kinds)"

  private static let ofIndexes =
    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index x ON x.indrelid = c.oid "
    + "JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid \(schema)WHERE \(kinds)"

  private static let indexes =
    "SELECT c.oid AS relid, i.oid AS indexrelid, n.nspname AS schemaname, c.relname, i.relname AS indexrelname, "
    + "pg_catalog.pg_stat_get_numscans(i.oid) AS idx_scan, pg_catalog.pg_stat_get_lastscan(i.oid) AS last_idx_scan, "
    + "pg_catalog.pg_stat_get_tuples_returned(i.oid) AS idx_tup_read, "
    + "pg_catalog.pg_stat_get_tuples_fetched(i.oid) AS idx_tup_fetch \(ofIndexes)"

  /// Blocks of a relation that were read, and that were there.
  private static func blocks(_ oid: String, _ prefix: String) -> String {
    "pg_catalog.pg_stat_get_blocks_fetched(\(oid)) - pg_catalog.pg_stat_get_blocks_hit(\(oid)) AS \(prefix)_blks_read, "
      + "pg_catalog.pg_stat_get_blocks_hit(\(oid)) AS \(prefix)_blks_hit"
  }

  private static let indexBlocks =
    "SELECT c.oid AS relid, i.oid AS indexrelid, n.nspname AS schemaname, c.relname, i.relname AS indexrelname, "
    + "\(blocks("i.oid", "idx")) \(ofIndexes)"

  private static let sequenceBlocks =
    "SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, \(blocks("c.oid", "")) "
    .replacing(" _blks", with: " blks")
    + "FROM pg_catalog.pg_class c \(schema)WHERE c.relkind = 'S'"

  private static let sums =
    "(SELECT s.indrelid, sum(s.idx_blks_read)::bigint AS idx_blks_read, sum(s.idx_blks_hit)::bigint AS idx_blks_hit "
    + "FROM (SELECT i.indrelid, \(blocks("i.indexrelid", "idx")) FROM pg_catalog.pg_index i) s GROUP BY s.indrelid)"

  private static let tableBlocks =
    "SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, \(blocks("c.oid", "heap")), x.idx_blks_read, "
    + "x.idx_blks_hit, \(blocks("t.oid", "toast")), y.idx_blks_read AS tidx_blks_read, "
    + "y.idx_blks_hit AS tidx_blks_hit FROM pg_catalog.pg_class c "
    + "LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid \(schema)LEFT JOIN \(sums) x ON x.indrelid = c.oid "
    + "LEFT JOIN \(sums) y ON y.indrelid = t.oid WHERE \(kinds)"
}
