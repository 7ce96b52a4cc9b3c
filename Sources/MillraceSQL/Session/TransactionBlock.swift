/// How a session stands with its transactions, as far as clients know of them (PostgreSQL's TBlockState,
/// access/transam/xact.c).
enum TransactionBlock {
  /// None is open.
  case none
  /// One for a statement that stands alone.
  case single
  /// One for several statements that came together, or one after the other without a Sync.
  case implicit
  /// BEGIN was said.
  case open
  /// In such a block something has failed: only its end, or going back to a savepoint, is left.
  case failed

  /// Whether it ends by itself, with the statements that it is for.
  var endsByItself: Bool { self == .single || self == .implicit }
}

/// What is remembered of a savepoint.
struct Savepoint {
  let name: String
  /// How deep it is in nested transactions: 2 for the first.
  let level: Int
}
