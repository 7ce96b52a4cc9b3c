/// What a record of the resource manager Btree does: `XLOG_BTREE_…` (src/include/access/nbtxlog.h).
public enum BTreeRecordKind: UInt8, Sendable, CaseIterable {
  /// An entry onto a leaf.
  case insertLeaf = 0x00
  /// A downlink onto an internal page.
  case insertUpper = 0x10
  /// The same, and the fast root moves up.
  case insertMeta = 0x20
  /// A split, with the new item on the left or on the right.
  case splitLeft = 0x30
  case splitRight = 0x40
  /// An entry into the midst of a posting list.
  case insertPosting = 0x50
  case deduplicate = 0x60
  /// Entries go because somebody found them dead.
  case delete = 0x70
  /// A half-dead page goes out of the tree; and the fast root moves down.
  case unlinkPage = 0x80
  case unlinkPageMeta = 0x90
  case newRoot = 0xA0
  case markPageHalfDead = 0xB0
  /// Entries go because VACUUM found their heap tuples dead.
  case vacuum = 0xC0
  /// A deleted page is used again; nothing is changed by it.
  case reusePage = 0xD0
  /// VACUUM notes in the metapage what it leaves behind.
  case metaCleanup = 0xE0

  /// PostgreSQL's name, as `pg_waldump` prints it.
  public var name: String {
    switch self {
    case .insertLeaf: "INSERT_LEAF"
    case .insertUpper: "INSERT_UPPER"
    case .insertMeta: "INSERT_META"
    case .splitLeft: "SPLIT_L"
    case .splitRight: "SPLIT_R"
    case .insertPosting: "INSERT_POST"
    case .deduplicate: "DEDUP"
    case .delete: "DELETE"
    case .unlinkPage: "UNLINK_PAGE"
    case .unlinkPageMeta: "UNLINK_PAGE_META"
    case .newRoot: "NEWROOT"
    case .markPageHalfDead: "MARK_PAGE_HALFDEAD"
    case .vacuum: "VACUUM"
    case .reusePage: "REUSE_PAGE"
    case .metaCleanup: "META_CLEANUP"
    }
  }
}
