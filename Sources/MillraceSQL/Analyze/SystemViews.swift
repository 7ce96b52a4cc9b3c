/// Views that every database has (PostgreSQL's src/backend/catalog/system_views.sql), as queries. They have no rows in
/// the catalog; their names are found before those of relations.
enum SystemViews {
  static let definitions: [String: String] = [statistics, relations, progress].reduce(ofPostgreSQL) {
    $0.merging($1) { $1 }
  }

  private static let ofPostgreSQL: [String: String] = [
    "pg_settings":
      "SELECT a.name, a.setting, a.unit, a.category, a.short_desc, a.extra_desc, a.context, a.vartype, a.source, "
      + "a.min_val, a.max_val, a.enumvals, a.boot_val, a.reset_val, a.sourcefile, a.sourceline, a.pending_restart "
      + "FROM pg_catalog.pg_show_all_settings() a",
    "pg_stat_activity":
      "SELECT s.datid, d.datname, s.pid, s.leader_pid, s.usesysid, u.rolname AS usename, s.application_name, "
      + "s.client_addr, s.client_hostname, s.client_port, s.backend_start, s.xact_start, s.query_start, "
      + "s.state_change, s.wait_event_type, s.wait_event, s.state, s.backend_xid, s.backend_xmin, s.query_id, s.query, "
      + "s.backend_type FROM pg_catalog.pg_stat_get_activity(NULL) s "
      + "LEFT JOIN pg_catalog.pg_database d ON (s.datid = d.oid) "
      + "LEFT JOIN pg_catalog.pg_authid u ON (s.usesysid = u.oid)",
    "pg_locks":
      "SELECT l.locktype, l.database, l.relation, l.page, l.tuple, l.virtualxid, l.transactionid, l.classid, l.objid, "
      + "l.objsubid, l.virtualtransaction, l.pid, l.mode, l.granted, l.fastpath, l.waitstart "
      + "FROM pg_catalog.pg_lock_status() l",
    "pg_prepared_statements":
      "SELECT p.name, p.statement, p.prepare_time, p.parameter_types, p.result_types, p.from_sql, p.generic_plans, "
      + "p.custom_plans FROM pg_catalog.pg_prepared_statement() p",
    "pg_cursors":
      "SELECT c.name, c.statement, c.is_holdable, c.is_binary, c.is_scrollable, c.creation_time "
      + "FROM pg_catalog.pg_cursor() c",
    "pg_roles":
      "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolconnlimit, "
      + "'********'::text AS rolpassword, rolvaliduntil, rolbypassrls, "
      + "NULL::text[] AS rolconfig, oid FROM pg_catalog.pg_authid",
    "pg_user":
      "SELECT rolname AS usename, oid AS usesysid, rolcreatedb AS usecreatedb, rolsuper AS usesuper, "
      + "rolreplication AS userepl, rolbypassrls AS usebypassrls, '********'::text AS passwd, "
      + "rolvaliduntil AS valuntil, NULL::text[] AS useconfig FROM pg_catalog.pg_authid WHERE rolcanlogin",
    "pg_tables":
      "SELECT n.nspname AS schemaname, c.relname AS tablename, r.rolname AS tableowner, t.spcname AS tablespace, "
      + "c.relhasindex AS hasindexes, c.relhasrules AS hasrules, c.relhastriggers AS hastriggers, "
      + "c.relrowsecurity AS rowsecurity FROM pg_catalog.pg_class c "
      + "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      + "LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace "
      + "LEFT JOIN pg_catalog.pg_authid r ON r.oid = c.relowner WHERE c.relkind IN ('r', 'p')",
    "pg_indexes":
      "SELECT n.nspname AS schemaname, c.relname AS tablename, i.relname AS indexname, t.spcname AS tablespace, "
      + "pg_catalog.pg_get_indexdef(i.oid) AS indexdef FROM pg_catalog.pg_index x "
      + "JOIN pg_catalog.pg_class c ON c.oid = x.indrelid JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid "
      + "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
      + "LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = i.reltablespace WHERE c.relkind IN ('r', 'm')",
    "pg_views":
      "SELECT n.nspname AS schemaname, c.relname AS viewname, pg_catalog.pg_get_userbyid(c.relowner) AS viewowner, "
      + "pg_catalog.pg_get_viewdef(c.oid) AS definition FROM pg_catalog.pg_class c "
      + "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v'",
    "pg_sequences":
      "SELECT n.nspname AS schemaname, c.relname AS sequencename, pg_catalog.pg_get_userbyid(c.relowner) AS "
      + "sequenceowner, s.seqtypid::regtype AS data_type, s.seqstart AS start_value, s.seqmin AS min_value, "
      + "s.seqmax AS max_value, s.seqincrement AS increment_by, s.seqcycle AS cycle, s.seqcache AS cache_size, "
      + "pg_catalog.pg_sequence_last_value(c.oid) AS last_value FROM pg_catalog.pg_sequence s "
      + "JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid "
      + "LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S'",
    "pg_replication_slots":
      "SELECT l.slot_name, l.plugin, l.slot_type, l.datoid, d.datname AS database, l.temporary, l.active, "
      + "l.active_pid, l.xmin, l.catalog_xmin, l.restart_lsn, l.confirmed_flush_lsn, l.wal_status, l.safe_wal_size, "
      + "l.two_phase, l.two_phase_at, l.inactive_since, l.conflicting, l.invalidation_reason, l.failover, l.synced "
      + "FROM pg_catalog.pg_get_replication_slots() l LEFT JOIN pg_catalog.pg_database d ON d.oid = l.datoid",
  ]
}
