import MillraceStorage

/// The transaction's number for SQL's functions, which count 64 bits.
extension Session {
  /// The number of the transaction as a whole, given to it now if it has none (`pg_current_xact_id`).
  public func requireFullTransactionID() throws(EngineError) -> UInt64 {
    _ = try requireTransactionID()
    return fullTransactionID ?? 0
  }

  /// The same; nil where it has none yet.
  public var fullTransactionID: UInt64? {
    transactionID.map { database.transactions.next.nearest($0).rawValue }
  }

  /// The number that the next transaction will get.
  public var nextFullTransactionID: UInt64 { database.transactions.next.rawValue }
}
