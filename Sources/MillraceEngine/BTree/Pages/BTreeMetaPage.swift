public import MillraceStorage

/// What block 0 of a B-tree says: `BTMetaPageData` (src/include/access/nbtree.h), version 4.
public struct BTreeMetaPage: Sendable, Equatable {
  /// The root; ``BTreePage/none`` as long as there is none.
  public var root: BlockNumber = BTreePage.none
  public var level: UInt32 = 0
  /// The lowest page that is alone on its level: where searches begin, since deletion can leave a chain of pages with
  /// one child above it.
  public var fastRoot: BlockNumber = BTreePage.none
  public var fastLevel: UInt32 = 0
  /// How many deleted pages the last VACUUM could not give to be used again.
  public var deletedPageCount: UInt32 = 0
  /// Whether values that compare as equal are the same bytes, in all columns: only then can equal keys share one key.
  public var allEqualImage: Bool = false

  public static let block = BlockNumber(0)
  static let magic: UInt32 = 0x053162
  static let version: UInt32 = 4
  /// `sizeof(BTMetaPageData)`.
  static let size = 48
  /// `sizeof(xl_btree_metadata)`.
  static let recordSize = 28

  public init(allEqualImage: Bool) { self.allEqualImage = allEqualImage }

  /// - Returns: nil where the page is no metapage of a version that is supported.
  public init?(_ page: BTreePage) {
    guard page.isSound, page.flags.contains(.meta) else { return nil }
    let base = UnsafeRawPointer(page.base + PageLayout.headerSize)
    guard base.load(as: UInt32.self) == Self.magic, base.load(fromByteOffset: 4, as: UInt32.self) == Self.version else {
      return nil
    }
    root = BlockNumber(base.load(fromByteOffset: 8, as: UInt32.self))
    level = base.load(fromByteOffset: 12, as: UInt32.self)
    fastRoot = BlockNumber(base.load(fromByteOffset: 16, as: UInt32.self))
    fastLevel = base.load(fromByteOffset: 20, as: UInt32.self)
    deletedPageCount = base.load(fromByteOffset: 24, as: UInt32.self)
    allEqualImage = base.load(fromByteOffset: 40, as: UInt8.self) != 0
  }

  /// Makes the page anew: `_bt_initmetapage`. Its LSN is lost.
  func store(to page: BTreePage) {
    page.initialize(flags: .meta)
    let base = page.base + PageLayout.headerSize
    base.storeBytes(of: Self.magic, as: UInt32.self)
    base.storeBytes(of: Self.version, toByteOffset: 4, as: UInt32.self)
    base.storeBytes(of: root.rawValue, toByteOffset: 8, as: UInt32.self)
    base.storeBytes(of: level, toByteOffset: 12, as: UInt32.self)
    base.storeBytes(of: fastRoot.rawValue, toByteOffset: 16, as: UInt32.self)
    base.storeBytes(of: fastLevel, toByteOffset: 20, as: UInt32.self)
    base.storeBytes(of: deletedPageCount, toByteOffset: 24, as: UInt32.self)
    // The number of heap tuples, which is not kept any more.
    base.storeBytes(of: -1.0 as Double, toByteOffset: 32, as: Double.self)
    base.storeBytes(of: allEqualImage ? 1 : 0, toByteOffset: 40, as: UInt8.self)
    // So that the rest need not be in an image of the page.
    page.editor.lower = PageLayout.headerSize + Self.size
  }

  /// The same as records carry it: `xl_btree_metadata`.
  init(_ fields: inout RecordFields) throws(EngineError) {
    guard try fields.next(UInt32.self) == Self.version else {
      throw EngineError(.corrupted, "a WAL record is about a B-tree of a version that is not supported")
    }
    root = BlockNumber(try fields.next(UInt32.self))
    level = try fields.next(UInt32.self)
    fastRoot = BlockNumber(try fields.next(UInt32.self))
    fastLevel = try fields.next(UInt32.self)
    deletedPageCount = try fields.next(UInt32.self)
    allEqualImage = try fields.next(UInt8.self) != 0
  }
}
