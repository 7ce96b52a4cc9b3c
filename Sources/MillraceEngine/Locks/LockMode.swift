/// How strongly a lock is held: PostgreSQL's eight modes, weakest first (src/include/storage/lockdefs.h).
public enum LockMode: UInt8, Sendable, CaseIterable, Comparable, CustomStringConvertible {
  /// SELECT.
  case accessShare = 1
  /// SELECT … FOR UPDATE and its fellows.
  case rowShare
  /// INSERT, UPDATE, DELETE.
  case rowExclusive
  /// VACUUM, ANALYZE, CREATE INDEX CONCURRENTLY.
  case shareUpdateExclusive
  /// CREATE INDEX.
  case share
  /// Like `share`, but only one at a time.
  case shareRowExclusive
  /// Nothing but reading goes on beside it.
  case exclusive
  /// Nothing goes on beside it.
  case accessExclusive

  /// The modes that nobody else may hold at the same time (LockConflicts, src/backend/storage/lmgr/lock.c).
  @inlinable public var conflicts: LockModes { LockModes(rawValue: LockModes.conflictTable[Int(rawValue)]) }

  /// Whether a transaction that holds it keeps others from taking `other`.
  @inlinable public func conflicts(with other: LockMode) -> Bool { conflicts.contains(LockModes(other)) }

  /// As `pg_locks` and messages have it.
  public var description: String {
    switch self {
    case .accessShare: "AccessShareLock"
    case .rowShare: "RowShareLock"
    case .rowExclusive: "RowExclusiveLock"
    case .shareUpdateExclusive: "ShareUpdateExclusiveLock"
    case .share: "ShareLock"
    case .shareRowExclusive: "ShareRowExclusiveLock"
    case .exclusive: "ExclusiveLock"
    case .accessExclusive: "AccessExclusiveLock"
    }
  }

  @inlinable public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A set of modes: the bit of a mode is its number.
public struct LockModes: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16

  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }
  @inlinable public init(_ mode: LockMode) { rawValue = 1 << mode.rawValue }

  /// Calls `body` with each mode of the set, weakest first.
  @inlinable public func forEach(_ body: (LockMode) -> Void) {
    for number in 1...8 as ClosedRange<UInt8> where rawValue >> number & 1 == 1 {
      if let mode = LockMode(rawValue: number) { body(mode) }
    }
  }

  @usableFromInline static let conflictTable: [UInt16] = {
    let modes: [[LockMode]] = [
      [],
      [.accessExclusive],
      [.exclusive, .accessExclusive],
      [.share, .shareRowExclusive, .exclusive, .accessExclusive],
      [.shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive],
      [.rowExclusive, .shareUpdateExclusive, .shareRowExclusive, .exclusive, .accessExclusive],
      [.rowExclusive, .shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive],
      [.rowShare, .rowExclusive, .shareUpdateExclusive, .share, .shareRowExclusive, .exclusive, .accessExclusive],
      LockMode.allCases,
    ]
    return modes.map { $0.reduce(0) { $0 | 1 << UInt16($1.rawValue) } }
  }()
}
