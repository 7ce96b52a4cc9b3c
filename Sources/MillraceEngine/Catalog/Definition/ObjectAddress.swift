/// An object of the catalog: PostgreSQL's `ObjectAddress` (src/include/catalog/objectaddress.h).
public struct ObjectAddress: Sendable, Hashable {
  /// The system table that it is in.
  public var classID: UInt32
  public var objectID: UInt32
  /// A column's number, from 1; 0 for the whole.
  public var subID: Int32 = 0

  public init(_ classID: UInt32, _ objectID: UInt32, _ subID: Int32 = 0) {
    (self.classID, self.objectID, self.subID) = (classID, objectID, subID)
  }

  public static func relation(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgClass, oid) }
  public static func column(_ number: Int, of relation: UInt32) -> ObjectAddress {
    ObjectAddress(SystemOID.pgClass, relation, Int32(number))
  }
  public static func type(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgType, oid) }
  public static func namespace(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgNamespace, oid) }
  public static func constraint(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgConstraint, oid) }
  public static func columnDefault(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgAttrdef, oid) }
  public static func rule(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgRewrite, oid) }
  public static func function(_ oid: UInt32) -> ObjectAddress { ObjectAddress(SystemOID.pgProc, oid) }

  /// The object of which it is a part.
  var whole: ObjectAddress { ObjectAddress(classID, objectID) }

  /// Whether it belongs to the system and cannot be dropped, so that nobody needs to say that he depends on it
  /// (`IsPinnedObject`).
  var isPinned: Bool {
    if objectID >= SystemOID.firstUnpinned || classID == SystemOID.pgDatabase { return false }
    return !(classID == SystemOID.pgNamespace && objectID == SystemOID.publicNamespace)
  }
}

/// How one object depends on another: `pg_depend.deptype`.
public enum DependencyKind: UInt8, Sendable {
  /// It can only go if the other may take it along: `CASCADE`.
  case normal = 0x6E
  /// It goes with the other.
  case auto = 0x61
  /// It is a part of the other.
  case `internal` = 0x69
}

/// What becomes of objects that depend on one that is dropped.
public enum DropBehavior: Sendable {
  /// Nothing: it is not dropped.
  case restrict
  /// They go, too.
  case cascade
}
