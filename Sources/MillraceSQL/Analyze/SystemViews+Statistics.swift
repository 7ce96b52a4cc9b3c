extension SystemViews {
  /// Views of what has been done, and of what this engine has and PostgreSQL does not.
  static let statistics: [String: String] = [
    "pg_aios": "SELECT * FROM pg_catalog.millrace_io_handles()",
    "pg_stat_aios": "SELECT * FROM pg_catalog.millrace_aios()",
    "pg_stat_aio_backends": "SELECT * FROM pg_catalog.millrace_aio_backends()",
    "pg_stat_io_workers": "SELECT * FROM pg_catalog.millrace_io_workers()",
    "pg_stat_io_classes": "SELECT * FROM pg_catalog.millrace_io_classes()",
    "pg_stat_aio_latency": "SELECT * FROM pg_catalog.millrace_aio_latency()",
    "pg_stat_io":
      "SELECT b.backend_type, b.object, b.context, b.reads, b.read_bytes, b.read_time, b.writes, b.write_bytes, "
      + "b.write_time, b.writebacks, b.writeback_time, b.extends, b.extend_bytes, b.extend_time, b.hits, b.evictions, "
      + "b.reuses, b.fsyncs, b.fsync_time, b.stats_reset FROM pg_catalog.pg_stat_get_io() b",
    "pg_stat_wal": "SELECT * FROM pg_catalog.millrace_wal()",
    "pg_stat_checkpointer":
      "SELECT pg_catalog.pg_stat_get_checkpointer_num_timed() AS num_timed, "
      + "pg_catalog.pg_stat_get_checkpointer_num_requested() AS num_requested, "
      + "pg_catalog.pg_stat_get_checkpointer_num_performed() AS num_done, "
      + "pg_catalog.pg_stat_get_checkpointer_restartpoints_timed() AS restartpoints_timed, "
      + "pg_catalog.pg_stat_get_checkpointer_restartpoints_requested() AS restartpoints_req, "
      + "pg_catalog.pg_stat_get_checkpointer_restartpoints_performed() AS restartpoints_done, "
      + "pg_catalog.pg_stat_get_checkpointer_write_time() AS write_time, "
      + "pg_catalog.pg_stat_get_checkpointer_sync_time() AS sync_time, "
      + "pg_catalog.pg_stat_get_checkpointer_buffers_written() AS buffers_written, "
      + "pg_catalog.pg_stat_get_checkpointer_slru_written() AS slru_written, "
      + "pg_catalog.pg_stat_get_checkpointer_stat_reset_time() AS stats_reset",
    "pg_stat_bgwriter":
      "SELECT pg_catalog.pg_stat_get_bgwriter_buf_written_clean() AS buffers_clean, "
      + "pg_catalog.pg_stat_get_bgwriter_maxwritten_clean() AS maxwritten_clean, "
      + "pg_catalog.pg_stat_get_buf_alloc() AS buffers_alloc, "
      + "pg_catalog.pg_stat_get_bgwriter_stat_reset_time() AS stats_reset",
    "pg_stat_replication":
      "SELECT s.pid, s.usesysid, u.rolname AS usename, s.application_name, s.client_addr, s.client_hostname, "
      + "s.client_port, s.backend_start, s.backend_xmin, w.state, w.sent_lsn, w.write_lsn, w.flush_lsn, w.replay_lsn, "
      + "w.write_lag, w.flush_lag, w.replay_lag, w.sync_priority, w.sync_state, w.reply_time "
      + "FROM pg_catalog.pg_stat_get_activity(NULL) s JOIN pg_catalog.pg_stat_get_wal_senders() w ON s.pid = w.pid "
      + "LEFT JOIN pg_catalog.pg_authid u ON u.oid = s.usesysid",
    "pg_buffercache": "SELECT * FROM pg_catalog.millrace_buffers()",
  ]
}
