/// What the commit log says of a transaction: two bits (src/include/access/clog.h).
public enum TransactionStatus: UInt8, Sendable {
  /// Running, or ended without a trace by a crash.
  case inProgress = 0
  case committed = 1
  case aborted = 2
  /// Part of a transaction that is about to commit.
  case subCommitted = 3
}
