/// The directories and small files that every cluster of PostgreSQL 18 has (src/bin/initdb/initdb.c).
public enum ClusterLayout {
  /// The major version whose formats are written: what `PG_VERSION` says.
  public static let majorVersion = 18

  /// Below the data directory, each after the one that it is in.
  static let directories = [
    "global", "pg_wal", "pg_wal/archive_status", "pg_wal/summaries", "pg_commit_ts", "pg_dynshmem", "pg_notify",
    "pg_serial", "pg_snapshots", "pg_subtrans", "pg_twophase", "pg_multixact", "pg_multixact/members",
    "pg_multixact/offsets", "base", "base/1", "base/4", "base/5", "pg_replslot", "pg_tblspc", "pg_stat", "pg_stat_tmp",
    "pg_xact", "pg_logical", "pg_logical/snapshots", "pg_logical/mappings",
  ]

  /// Files that begin as one page of zeros.
  static let zeroPages = ["pg_xact/0000", "pg_multixact/offsets/0000", "pg_multixact/members/0000", "pg_subtrans/0000"]

  /// `template1`, `template0` and `postgres`, as their directories below `base` are called.
  static let databases: [UInt32] = [1, 4, 5]

  /// The database in which relations are made.
  public static let defaultDatabase: UInt32 = 5

  public static let configurationFile = "millrace.conf"
  /// What `ALTER SYSTEM` writes; read after the other one.
  public static let automaticConfigurationFile = "millrace.auto.conf"
  public static let controlFile = "global/pg_control"
  public static let lockFile = "postmaster.pid"
}
