import MillraceEngine
import MillraceStorage
import MillraceTypes

/// What has been done with a relation, and by those who write in the background: `pg_stat_get_…` (pgstatfuncs.c).
extension FunctionRegistry {
  mutating func addStatistics() {
    addCounts()
    addTimes()
    addMaintenance()
    addBlocks()
    addWriters()
    scalar("pg_stat_reset") { call in
      call.context.session.database.resetStatistics(ofDatabase: call.catalog.catalog.databaseID)
      return Datum(word: 0)
    }
    scalar("pg_stat_reset_single_table_counters") { call in
      call.context.session.database.resetStatistics(of: call[0].oid, in: call.catalog.catalog.databaseID)
      return Datum(word: 0)
    }
    scalar("pg_indexam_progress_phasename") { call in
      let phases: [Int64: String] = [
        1: "initializing", 2: "scanning table", 3: "sorting live tuples", 4: "sorting dead tuples",
        5: "loading tuples in tree",
      ]
      return phases[call[1].int64].map { call.arena.copy($0) }
    }
  }

  private mutating func of(_ name: String, _ value: @escaping @Sendable (RelationStatistics) -> Datum?) {
    scalar("pg_stat_get_\(name)") { call in
      value(call.context.session.statistics(of: call[0].oid) ?? RelationStatistics())
    }
  }

  private mutating func addCounts() {
    let counts: [(String, @Sendable (RelationStatistics) -> UInt64)] = [
      ("numscans", { $0.scans }), ("tuples_returned", { $0.tuplesReturned }), ("tuples_fetched", { $0.tuplesFetched }),
      ("tuples_inserted", { $0.inserted }), ("tuples_updated", { $0.updated }), ("tuples_deleted", { $0.deleted }),
      ("tuples_hot_updated", { $0.hotUpdated }), ("tuples_newpage_updated", { $0.newPageUpdated }),
      ("live_tuples", { UInt64(max($0.liveTuples, 0)) }), ("dead_tuples", { UInt64(max($0.deadTuples, 0)) }),
      ("mod_since_analyze", { UInt64(max($0.changesSinceAnalyze, 0)) }),
      ("ins_since_vacuum", { UInt64(max($0.insertsSinceVacuum, 0)) }),
    ]
    for (name, count) in counts { of(name) { Datum(Int64(clamping: count($0))) } }
  }

  private mutating func addTimes() { of("lastscan") { $0.lastScan.map { Datum($0) } } }

  private mutating func addMaintenance() {
    let kinds: [(String, @Sendable (RelationStatistics) -> RelationStatistics.Maintenance)] = [
      ("vacuum", { $0.vacuums }), ("autovacuum", { $0.autovacuums }), ("analyze", { $0.analyzes }),
      ("autoanalyze", { $0.autoanalyzes }),
    ]
    for (name, kind) in kinds {
      of("\(name)_count") { Datum(Int64(clamping: kind($0).count)) }
      of("last_\(name)_time") { kind($0).last.map { Datum($0) } }
      of("total_\(name)_time") { Datum(Double(kind($0).totalMicroseconds) / 1000) }
    }
  }

  private mutating func addBlocks() {
    session("pg_stat_get_blocks_fetched") { (call) throws(SQLError) in
      let usage = try call.blockUsage()
      return Datum(Int64(clamping: usage.hits + usage.reads))
    }
    session("pg_stat_get_blocks_hit") { (call) throws(SQLError) in
      Datum(Int64(clamping: try call.blockUsage().hits))
    }
  }

  private mutating func addWriters() {
    let checkpoints: [(String, @Sendable (CheckpointStatistics) -> UInt64)] = [
      ("num_timed", { $0.timed }), ("num_requested", { $0.requested }), ("num_performed", { $0.done }),
      ("buffers_written", { $0.pagesWritten }), ("slru_written", { $0.statePagesWritten }),
    ]
    for (name, count) in checkpoints {
      scalar("pg_stat_get_checkpointer_\(name)") { call in
        Datum(Int64(clamping: count(call.context.session.database.checkpointStatistics)))
      }
    }
    // Restart points are a standby's.
    scalar(
      "pg_stat_get_checkpointer_restartpoints_timed", "pg_stat_get_checkpointer_restartpoints_requested",
      "pg_stat_get_checkpointer_restartpoints_performed"
    ) { _ in Datum(Int64(0)) }
    scalar("pg_stat_get_checkpointer_write_time") { call in
      Datum(Double(call.context.session.database.checkpointStatistics.writeTime) / 1e6)
    }
    scalar("pg_stat_get_checkpointer_sync_time") { call in
      Datum(Double(call.context.session.database.checkpointStatistics.syncTime) / 1e6)
    }
    scalar("pg_stat_get_checkpointer_stat_reset_time", "pg_stat_get_bgwriter_stat_reset_time") { call in
      Datum(call.context.environment.serverStart)
    }
    scalar("pg_stat_get_bgwriter_buf_written_clean") { call in
      Datum(Int64(clamping: call.context.session.database.pool.statistics.cleaned))
    }
    scalar("pg_stat_get_bgwriter_maxwritten_clean") { call in
      Datum(Int64(clamping: call.context.session.database.pool.statistics.cleaningEndedEarly))
    }
    scalar("pg_stat_get_buf_alloc") { call in
      Datum(Int64(clamping: call.context.session.database.pool.statistics.allocations))
    }
  }
}

extension CallFrame {
  fileprivate func blockUsage() throws(SQLError) -> BlockUsage {
    try engine { () throws(EngineError) in
      guard let relation = try catalog.relation(self[0].oid), let locator = relation.locator else {
        return BlockUsage()
      }
      return context.session.database.storage.blockUsage(of: locator, backend: relation.temporaryBackend)
    }
  }
}
