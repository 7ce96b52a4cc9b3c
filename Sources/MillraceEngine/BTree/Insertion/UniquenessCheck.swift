/// What the heap has to say when a unique index asks whether a key is taken. Made by whoever inserts.
public struct UniquenessCheck {
  /// When the index looks (PostgreSQL's `IndexUniqueCheck`).
  public enum Mode: Sendable {
    /// A key that is taken is an error.
    case immediate
    /// The entry is inserted in any case; whoever asked looks again later, or falls back on another plan (a deferrable
    /// constraint, ON CONFLICT).
    case partial
    /// The entry is there already, and nothing is inserted: the second look of a deferrable constraint.
    case existing
  }

  /// What an index entry leads to, once HOT chains have been followed, as one sees it that wants to know what others
  /// are doing as well (PostgreSQL's `SnapshotDirty`).
  public enum Liveness: Sendable, Equatable {
    /// Nothing that counts any more; `toAll`: nobody can see it, so that the entry can go.
    case dead(toAll: Bool)
    /// A row.
    case live
    /// A row that this transaction is inserting or deleting: how it ends decides.
    case inProgress(TransactionID)
  }

  public var mode: Mode
  /// Called with the index page locked: may read and lock heap pages, must not wait for transactions.
  public var liveness: (TupleIdentifier) throws(EngineError) -> Liveness
  /// Whether the row that is being inserted is still there: it may have been deleted by the same transaction before a
  /// deferred check comes to it.
  public var isOwnLive: () throws(EngineError) -> Bool

  public init(
    _ mode: Mode = .immediate, isOwnLive: @escaping () throws(EngineError) -> Bool = { () throws(EngineError) in true },
    liveness: @escaping (TupleIdentifier) throws(EngineError) -> Liveness
  ) { (self.mode, self.liveness, self.isOwnLive) = (mode, liveness, isOwnLive) }
}

/// What came of an insertion into an index.
public enum IndexInsertResult: Sendable, Equatable {
  /// The entry is there, and nobody else has its key as far as was to be found out.
  case inserted
  /// The key is taken by the row at that place. With ``UniquenessCheck/Mode/partial`` the entry has been inserted, with
  /// the others nothing.
  case conflict(with: TupleIdentifier)
  /// Nothing was inserted: whether the key is taken, the end of that transaction will tell. Wait for it and try again.
  case mustWait(for: TransactionID, at: TupleIdentifier)
}
