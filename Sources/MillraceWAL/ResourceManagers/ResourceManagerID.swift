/// Whose record it is: PostgreSQL's `RmgrId` (src/include/access/rmgrlist.h), part of the format.
public struct ResourceManagerID: Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let xlog = ResourceManagerID(rawValue: 0)
  public static let transaction = ResourceManagerID(rawValue: 1)
  public static let storage = ResourceManagerID(rawValue: 2)
  public static let commitLog = ResourceManagerID(rawValue: 3)
  public static let database = ResourceManagerID(rawValue: 4)
  public static let tablespace = ResourceManagerID(rawValue: 5)
  public static let multiXact = ResourceManagerID(rawValue: 6)
  public static let relationMap = ResourceManagerID(rawValue: 7)
  public static let standby = ResourceManagerID(rawValue: 8)
  public static let heap2 = ResourceManagerID(rawValue: 9)
  public static let heap = ResourceManagerID(rawValue: 10)
  public static let btree = ResourceManagerID(rawValue: 11)
  public static let hash = ResourceManagerID(rawValue: 12)
  public static let gin = ResourceManagerID(rawValue: 13)
  public static let gist = ResourceManagerID(rawValue: 14)
  public static let sequence = ResourceManagerID(rawValue: 15)
  public static let spGist = ResourceManagerID(rawValue: 16)
  public static let brin = ResourceManagerID(rawValue: 17)
  public static let commitTimestamp = ResourceManagerID(rawValue: 18)
  public static let replicationOrigin = ResourceManagerID(rawValue: 19)
  public static let generic = ResourceManagerID(rawValue: 20)
  public static let logicalMessage = ResourceManagerID(rawValue: 21)

  /// Those that PostgreSQL 18 has of its own.
  public static let builtIn = (0..<UInt8(names.count)).map(ResourceManagerID.init)
  /// Those that extensions may use: `RM_MIN_CUSTOM_ID` and up.
  public static let custom: ClosedRange<UInt8> = 128...255

  /// Whether a record can have it: `RmgrIdIsValid`.
  @inlinable public var isValid: Bool { rawValue <= 21 || rawValue >= 128 }

  private static let names = [
    "XLOG", "Transaction", "Storage", "CLOG", "Database", "Tablespace", "MultiXact", "RelMap", "Standby", "Heap2",
    "Heap", "Btree", "Hash", "Gin", "Gist", "Sequence", "SPGist", "BRIN", "CommitTs", "ReplicationOrigin", "Generic",
    "LogicalMessage",
  ]

  /// PostgreSQL's name, as `pg_waldump` prints it.
  public var description: String {
    if Int(rawValue) < Self.names.count { return Self.names[Int(rawValue)] }
    let digits = String(rawValue)
    return (rawValue >= 128 ? "custom" : "UNKNOWN") + String(repeating: "0", count: 3 - digits.count) + digits
  }
}
