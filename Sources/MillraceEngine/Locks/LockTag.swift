public import MillraceStorage

/// What a lock is on: PostgreSQL's `LOCKTAG` (src/include/storage/locktag.h), sixteen bytes.
public struct LockTag: Hashable, Sendable, BitwiseCopyable {
  /// PostgreSQL's `LockTagType`, by its numbers.
  public enum Kind: UInt8, Sendable, CaseIterable, CustomStringConvertible, BitwiseCopyable {
    case relation
    case relationExtension
    case databaseFrozenIDs
    case page
    case tuple
    case transaction
    case virtualTransaction
    case speculativeToken
    case object
    case userLock
    case advisory

    /// As `pg_locks.locktype` has it.
    public var description: String {
      switch self {
      case .relation: "relation"
      case .relationExtension: "extend"
      case .databaseFrozenIDs: "frozenid"
      case .page: "page"
      case .tuple: "tuple"
      case .transaction: "transactionid"
      case .virtualTransaction: "virtualxid"
      case .speculativeToken: "spectoken"
      case .object: "object"
      case .userLock: "userlock"
      case .advisory: "advisory"
      }
    }
  }

  public let field1, field2, field3: UInt32
  public let field4: UInt16
  public let kind: Kind

  init(_ kind: Kind, _ field1: UInt32, _ field2: UInt32 = 0, _ field3: UInt32 = 0, _ field4: UInt16 = 0) {
    (self.kind, self.field1, self.field2, self.field3, self.field4) = (kind, field1, field2, field3, field4)
  }

  // MARK: Kinds

  /// - Parameter database: 0 for a relation that all databases share.
  public static func relation(_ relation: UInt32, database: UInt32) -> Self { Self(.relation, database, relation) }

  public static func relationExtension(_ relation: UInt32, database: UInt32) -> Self {
    Self(.relationExtension, database, relation)
  }

  /// The right to change the oldest transactions that a database may still hold.
  public static func databaseFrozenIDs(_ database: UInt32) -> Self { Self(.databaseFrozenIDs, database) }

  public static func page(_ block: BlockNumber, of relation: UInt32, database: UInt32) -> Self {
    Self(.page, database, relation, block.rawValue)
  }

  public static func tuple(_ tuple: TupleIdentifier, of relation: UInt32, database: UInt32) -> Self {
    Self(.tuple, database, relation, tuple.block.rawValue, tuple.number)
  }

  /// Held exclusively by the transaction itself; who waits for its end shares it.
  public static func transaction(_ xid: TransactionID) -> Self { Self(.transaction, xid.rawValue) }

  public static func virtualTransaction(_ transaction: VirtualTransactionID) -> Self {
    Self(.virtualTransaction, UInt32(transaction.place), transaction.number)
  }

  /// A row that is being inserted and may be taken back, by the number of the insertion in its transaction.
  public static func speculativeToken(_ token: UInt32, of xid: TransactionID) -> Self {
    Self(.speculativeToken, xid.rawValue, token)
  }

  /// Anything that is in a catalog and is no relation.
  public static func object(_ object: UInt32, class catalog: UInt32, subID: UInt16 = 0, database: UInt32) -> Self {
    Self(.object, database, catalog, object, subID)
  }

  /// What a user's program means by it: one number of 64 bits.
  public static func advisory(_ key: Int64, database: UInt32) -> Self {
    let bits = UInt64(bitPattern: key)
    return Self(.advisory, database, UInt32(bits >> 32), UInt32(truncatingIfNeeded: bits), 1)
  }

  /// The same with two numbers of 32 bits.
  public static func advisory(_ first: Int32, _ second: Int32, database: UInt32) -> Self {
    Self(.advisory, database, UInt32(bitPattern: first), UInt32(bitPattern: second), 2)
  }

  // MARK: Words

  /// In the words of PostgreSQL's DescribeLockTag (src/backend/storage/lmgr/lmgr.c).
  public var text: String {
    switch kind {
    case .relation: "relation \(field2) of database \(field1)"
    case .relationExtension: "extension of relation \(field2) of database \(field1)"
    case .databaseFrozenIDs: "pg_database.datfrozenxid of database \(field1)"
    case .page: "page \(field3) of relation \(field2) of database \(field1)"
    case .tuple: "tuple (\(field3),\(field4)) of relation \(field2) of database \(field1)"
    case .transaction: "transaction \(field1)"
    case .virtualTransaction: "virtual transaction \(Int32(bitPattern: field1))/\(field2)"
    case .speculativeToken: "speculative token \(field2) of transaction \(field1)"
    case .object: "object \(field3) of class \(field2) of database \(field1)"
    case .userLock: "user lock [\(field1),\(field2),\(field3)]"
    case .advisory: "advisory lock [\(field1),\(field2),\(field3),\(field4)]"
    }
  }

  /// Spreads tags over partitions and counters: all of the tag, mixed (Steele, Lea and Flood's finalizer, 2014).
  @inline(__always) var spread: UInt32 {
    var bits = UInt64(field1) << 32 | UInt64(field2)
    bits ^= (UInt64(field3) << 24 | UInt64(field4) << 8 | UInt64(kind.rawValue)) &* 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 33) &* 0xFF51_AFD7_ED55_8CCD
    bits = (bits ^ bits >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return UInt32(truncatingIfNeeded: bits >> 32)
  }
}

/// Names a transaction from its beginning, before it has a number, and also where it never gets one: its session's
/// place, and the number of the transaction there (PostgreSQL's `VirtualTransactionId`).
public struct VirtualTransactionID: Hashable, Sendable, CustomStringConvertible {
  public let place: Int
  public let number: UInt32

  /// As `pg_locks.virtualtransaction` has it.
  public var description: String { "\(place)/\(number)" }
}
