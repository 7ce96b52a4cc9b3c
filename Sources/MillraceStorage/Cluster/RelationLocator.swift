/// PostgreSQL's object identifier: 32 bits, of which zero means "none".
public typealias OID = UInt32

/// Where a relation's files are: PostgreSQL's `RelFileLocator` (src/include/storage/relfilelocator.h). Twelve bytes.
///
/// The number in the files' names is the relation's *file number*. It starts out as the relation's OID and changes when
/// the relation is rewritten (`TRUNCATE`, `CLUSTER`, `VACUUM FULL`, `REINDEX`).
public struct RelationLocator: Sendable, Hashable {
  /// The tablespace's OID.
  public var tablespace: OID
  /// The database's OID, or zero for a relation that all databases share.
  public var database: OID
  /// The relation's file number.
  public var relNumber: OID

  @inlinable public init(tablespace: OID, database: OID, relNumber: OID) {
    self.tablespace = tablespace
    self.database = database
    self.relNumber = relNumber
  }

  /// `pg_default`: the tablespace in the directory `base`.
  @inlinable public static var defaultTablespace: OID { 1663 }
  /// `pg_global`: the tablespace in the directory `global`.
  @inlinable public static var globalTablespace: OID { 1664 }
}

extension RelationLocator: Comparable {
  public static func < (left: RelationLocator, right: RelationLocator) -> Bool {
    (left.tablespace, left.database, left.relNumber) < (right.tablespace, right.database, right.relNumber)
  }
}
