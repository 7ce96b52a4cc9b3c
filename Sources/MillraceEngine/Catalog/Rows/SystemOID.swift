/// OIDs that are the same in every cluster (src/include/catalog).
public enum SystemOID {
  /// The role that a cluster is made with: `BOOTSTRAP_SUPERUSERID`.
  public static let bootstrapSuperuser: UInt32 = 10
  /// The schema `pg_catalog`.
  public static let catalogNamespace: UInt32 = 11
  /// The schema `pg_toast`.
  public static let toastNamespace: UInt32 = 99
  public static let publicNamespace: UInt32 = 2200
  /// `FirstNormalObjectId`: users' objects start here.
  public static let firstNormal: UInt32 = 16_384
  /// `FirstUnpinnedObjectId`: what is below cannot be dropped.
  public static let firstUnpinned: UInt32 = 12_000

  public static let template1: UInt32 = 1
  public static let template0: UInt32 = 4
  public static let postgres: UInt32 = 5

  /// The access method `heap`.
  public static let heap: UInt32 = 2
  /// The access method `btree`.
  public static let btree: UInt32 = 403
  /// The access method `hash`.
  public static let hash: UInt32 = 405
  /// The collation `default`.
  public static let defaultCollation: UInt32 = 100
  public static let cCollation: UInt32 = 950

  // System tables.
  public static let pgClass: UInt32 = 1259
  public static let pgAttribute: UInt32 = 1249
  public static let pgType: UInt32 = 1247
  public static let pgProc: UInt32 = 1255
  public static let pgNamespace: UInt32 = 2615
  public static let pgConstraint: UInt32 = 2606
  public static let pgAttrdef: UInt32 = 2604
  public static let pgRewrite: UInt32 = 2618
  public static let pgDatabase: UInt32 = 1262
  public static let pgAuthid: UInt32 = 1260
  public static let pgOperator: UInt32 = 2617
  public static let pgOpclass: UInt32 = 2616
  public static let pgTablespace: UInt32 = 1213
}
