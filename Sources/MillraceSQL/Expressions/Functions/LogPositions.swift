import MillraceEngine
import MillraceStorage
import MillraceTypes
import MillraceWAL

/// Functions of `pg_lsn`, and where the log is.
extension FunctionRegistry {
  mutating func addLogPositions() {
    scalar("pg_current_wal_insert_lsn") { Datum(word: $0.context.session.database.log.insertPosition.rawValue) }
    scalar("pg_current_wal_lsn") { Datum(word: $0.context.session.database.log.writtenPosition.rawValue) }
    scalar("pg_current_wal_flush_lsn") { Datum(word: $0.context.session.database.log.flushedPosition.rawValue) }
    scalar("pg_lsn_mi", "pg_wal_lsn_diff") { (call) throws(TypeError) in
      try call.make(Numeric(Int64(bitPattern: call[0].word &- call[1].word)))
    }
    scalar("pg_lsn_larger") { $0[0].word > $0[1].word ? $0[0] : $0[1] }
    scalar("pg_lsn_smaller") { $0[0].word < $0[1].word ? $0[0] : $0[1] }
  }
}
