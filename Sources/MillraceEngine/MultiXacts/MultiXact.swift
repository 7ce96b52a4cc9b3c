/// What a transaction does to a row together with others: PostgreSQL's `MultiXactStatus`
/// (src/include/access/multixact.h), by its numbers.
enum MultiXactStatus: UInt8, Sendable, CaseIterable {
  case forKeyShare, forShare, forNoKeyUpdate, forUpdate
  /// It updates the row, but no column of a key.
  case noKeyUpdate
  /// It deletes the row, or updates its key.
  case update

  var isUpdate: Bool { rawValue >= Self.noKeyUpdate.rawValue }

  /// How strong the lock is that goes with it.
  var lockMode: TupleLockMode {
    switch self {
    case .forKeyShare: .keyShare
    case .forShare: .share
    case .forNoKeyUpdate, .noKeyUpdate: .noKeyUpdate
    case .forUpdate, .update: .update
    }
  }
}

/// One of the transactions that share a row.
struct MultiXactMember: Sendable, Hashable {
  let xid: TransactionID
  let status: MultiXactStatus
}

/// How strongly a row is locked, weakest first: PostgreSQL's `LockTupleMode`.
public enum TupleLockMode: UInt8, Sendable, CaseIterable, Comparable {
  /// FOR KEY SHARE: the row is not deleted, nor its key changed.
  case keyShare
  /// FOR SHARE: the row is not changed.
  case share
  /// FOR NO KEY UPDATE: as an update holds it that leaves the key alone.
  case noKeyUpdate
  /// FOR UPDATE: as a deletion holds it.
  case update

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// The lock on the tuple's place that who waits for the row holds meanwhile, so that waiters queue up
  /// (tupleLockExtraInfo, src/backend/access/heap/heapam.c).
  var heavyweight: LockMode {
    switch self {
    case .keyShare: .accessShare
    case .share: .rowShare
    case .noKeyUpdate: .exclusive
    case .update: .accessExclusive
    }
  }

  /// Whether two transactions cannot have both.
  func conflicts(with other: TupleLockMode) -> Bool { heavyweight.conflicts(with: other.heavyweight) }

  var lockStatus: MultiXactStatus {
    switch self {
    case .keyShare: .forKeyShare
    case .share: .forShare
    case .noKeyUpdate: .forNoKeyUpdate
    case .update: .forUpdate
    }
  }

  /// What an update of this strength is among others.
  /// - Precondition: `noKeyUpdate` or `update`.
  var updateStatus: MultiXactStatus {
    precondition(self >= .noKeyUpdate, "a row is not updated under a share")
    return self == .update ? .update : .noKeyUpdate
  }
}
