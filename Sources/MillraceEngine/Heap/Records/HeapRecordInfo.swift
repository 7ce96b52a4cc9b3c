/// What the records of the resource managers Heap and Heap2 do: `XLOG_HEAP_…`
/// (src/include/access/heapam_xlog.h).
public enum HeapRecordInfo {
  /// Of the resource manager Heap.
  public static let insert: UInt8 = 0x00
  public static let delete: UInt8 = 0x10
  public static let update: UInt8 = 0x20
  public static let hotUpdate: UInt8 = 0x40
  public static let lock: UInt8 = 0x60
  public static let inPlace: UInt8 = 0x70

  /// Of the resource manager Heap2.
  public static let pruneOnAccess: UInt8 = 0x10
  public static let pruneVacuumScan: UInt8 = 0x20
  public static let pruneVacuumCleanup: UInt8 = 0x30
  public static let visible: UInt8 = 0x40
  public static let multiInsert: UInt8 = 0x50
  public static let lockUpdated: UInt8 = 0x60

  public static let operationMask: UInt8 = 0x70
  /// The record's first block holds nothing but what the record says: redo makes the page anew.
  public static let initializesPage: UInt8 = 0x80
}

/// What the records of tuples say besides: one byte each.
enum HeapRecordFlags {
  /// Of an insertion: the page was visible to everyone as a whole.
  static let insertAllVisibleCleared: UInt8 = 1 << 0
  /// Of a record of many insertions: it is the last of a statement's.
  static let insertLastInMulti: UInt8 = 1 << 1
  static let insertAllFrozenSet: UInt8 = 1 << 5

  static let updateOldAllVisibleCleared: UInt8 = 1 << 0
  static let updateNewAllVisibleCleared: UInt8 = 1 << 1
  static let updatePrefixFromOld: UInt8 = 1 << 5
  static let updateSuffixFromOld: UInt8 = 1 << 6

  static let deleteAllVisibleCleared: UInt8 = 1 << 0
  /// The tuple is taken back by who inserted it.
  static let deleteIsSuper: UInt8 = 1 << 3
  static let deleteIsPartitionMove: UInt8 = 1 << 4

  static let lockAllFrozenCleared: UInt8 = 1 << 0

  static let pruneIsCatalog: UInt8 = 1 << 1
  static let pruneCleanupLock: UInt8 = 1 << 2
  static let pruneHasConflictHorizon: UInt8 = 1 << 3
  static let pruneHasFreezePlans: UInt8 = 1 << 4
  static let pruneHasRedirections: UInt8 = 1 << 5
  static let pruneHasDead: UInt8 = 1 << 6
  static let pruneHasUnused: UInt8 = 1 << 7
}
