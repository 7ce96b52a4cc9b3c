extension SystemViews {
  /// Views of what has been done, and of what this engine has and PostgreSQL does not.
  static let statistics: [String: String] = [
    "pg_aios": "SELECT * FROM pg_catalog.millrace_io_handles()",
    "pg_stat_aios": "SELECT * FROM pg_catalog.millrace_aios()",
    "pg_stat_aio_backends": "SELECT * FROM pg_catalog.millrace_aio_backends()",
    "pg_stat_io_workers": "SELECT * FROM pg_catalog.millrace_io_workers()",
    "pg_stat_aio_latency": "SELECT * FROM pg_catalog.millrace_aio_latency()",
    "pg_stat_io": "SELECT * FROM pg_catalog.millrace_io()",
    "pg_stat_wal": "SELECT * FROM pg_catalog.millrace_wal()",
    "pg_stat_user_tables":
      "SELECT c.oid AS relid, n.nspname AS schemaname, c.relname, s.scans AS seq_scan, s.last_scan AS last_seq_scan, "
      + "s.tuples_returned AS seq_tup_read, s.tuples_fetched AS idx_tup_fetch, s.n_tup_ins, s.n_tup_upd, s.n_tup_del, "
      + "s.n_tup_hot_upd, s.n_tup_newpage_upd, s.n_live_tup, s.n_dead_tup, s.n_mod_since_analyze, "
      + "s.n_ins_since_vacuum, s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze, s.vacuum_count, "
      + "s.autovacuum_count, s.analyze_count, s.autoanalyze_count FROM pg_catalog.pg_class c "
      + "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      + "LEFT JOIN pg_catalog.millrace_relations() s ON s.relid = c.oid "
      + "WHERE c.relkind = 'r' AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' "
      + "AND n.nspname <> 'pg_toast'",
  ]
}
