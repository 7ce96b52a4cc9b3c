public import MillraceTypes

/// A function that PostgreSQL does not have: it shows something of this engine's state, as rows. It has no row in
/// `pg_proc`, so that this stays PostgreSQL's; it is found by its name all the same.
public struct OwnFunction: Sendable {
  public let oid: UInt32
  public let name: String
  public let columns: [(name: String, type: TypeID)]

  private init(_ number: UInt32, _ name: String, _ columns: [(String, TypeID)]) {
    // Between those that PostgreSQL gives out by hand and those that a user's objects get.
    (oid, self.name) = (16100 + number, name)
    self.columns = columns.map { (name: $0.0, type: $0.1) }
  }

  public static let all: [OwnFunction] = [
    OwnFunction(
      0, "millrace_aios",
      [
        ("id", .int4), ("gen", .int8), ("op", .text), ("scb", .text), ("flags", .text), ("ring", .int4),
        ("owner_pid", .int4), ("merge_with", .int4), ("result", .int8), ("desc", .text), ("age", .interval),
      ]),
    OwnFunction(
      1, "millrace_aio_backends",
      [
        ("pid", .int4), ("name", .text), ("executed_total_count", .int8), ("issued_total_count", .int8),
        ("submissions_total_count", .int8), ("in_place_total_count", .int8), ("self_completed_total_count", .int8),
        ("foreign_completed_total_count", .int8), ("retries", .int8), ("handle_waits", .int8), ("read_bytes", .int8),
        ("write_bytes", .int8), ("outstanding_count", .int4),
      ]),
    OwnFunction(
      2, "millrace_io_workers",
      [
        ("workers", .int4), ("idle", .int4), ("queue_depth", .int4), ("executed", .int8), ("launched", .int8),
        ("left", .int8), ("refused_at_maximum", .int8), ("deferred_by_interval", .int8), ("overflows", .int8),
        ("helped", .int8), ("spurious_wakeups", .int8),
      ]),
    OwnFunction(
      3, "millrace_aio_latency",
      [
        ("method", .text), ("operation", .text), ("in_place", .bool), ("count", .int8), ("min_us", .float8),
        ("p50_us", .float8), ("p90_us", .float8), ("p99_us", .float8), ("max_us", .float8),
      ]),
    OwnFunction(
      4, "millrace_io_classes",
      [
        ("class", .text), ("operations", .int8), ("read_bytes", .int8), ("write_bytes", .int8),
        ("io_time", .float8),
      ]),
    OwnFunction(
      5, "millrace_wal",
      [
        ("wal_records", .int8), ("wal_fpi", .int8), ("wal_bytes", .numeric), ("wal_buffers_full", .int8),
        ("stats_reset", .timestampTZ), ("wal_fpi_bytes", .numeric), ("wal_write", .int8), ("wal_sync", .int8),
        ("wal_partial_pad", .int8),
        ("wal_partial_pad_bytes", .int8),
      ]),
    OwnFunction(
      7, "millrace_io_handles",
      [
        ("pid", .int4), ("io_id", .int4), ("io_generation", .int8), ("state", .text), ("operation", .text),
        ("off", .int8), ("length", .int8), ("target", .text), ("handle_data_len", .int2), ("raw_result", .int4),
        ("result", .text), ("target_desc", .text), ("f_sync", .bool), ("f_localmem", .bool), ("f_buffered", .bool),
        ("age", .interval), ("query", .text),
      ]),
    OwnFunction(
      6, "millrace_buffers",
      [
        ("bufferid", .int4), ("relfilenode", .oid), ("reltablespace", .oid), ("reldatabase", .oid),
        ("relforknumber", .int2), ("relblocknumber", .int8), ("isdirty", .bool), ("usagecount", .int2),
        ("pinning_backends", .int4),
      ]),
  ]

  public static let names = Set(all.map(\.name))
}

extension Database {
  /// The session by which others know a transaction that runs, and what it holds back, by the session's number.
  public func transactionIDs() -> [Int32: (xid: UInt32?, xmin: UInt32?)] {
    var found: [Int32: (xid: UInt32?, xmin: UInt32?)] = [:]
    let running = Dictionary(transactions.running().map { ($0.place, $0.xid.rawValue) }, uniquingKeysWith: { $1 })
    for (place, locker) in locks.lockers.enumerated() where locker.processID != 0 {
      found[locker.processID] = (running[place], transactions.horizon(of: place)?.rawValue)
    }
    return found
  }

  /// What each session that waits for a lock waits for, by the session's number.
  public func lockWaits() -> [Int32: LockTag] {
    var found: [Int32: LockTag] = [:]
    for locker in locks.lockers where locker.processID != 0 {
      if let wait = locker.wait { found[locker.processID] = wait.tag }
    }
    return found
  }
}
