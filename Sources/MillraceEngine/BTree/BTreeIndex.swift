import MillraceIO
public import MillraceStorage
import Synchronization

/// A B-tree: PostgreSQL's nbtree (src/backend/access/nbtree), in its format, by the algorithm of Lehman and Yao with
/// the refinements of Lanin and Shasha that its README describes.
///
/// Who goes down takes one share lock at a time and holds none while it takes the next. A page may have been split in
/// between: then what is wanted is to its right, which its high key tells. Who inserts locks the leaf exclusively, and
/// pages above it only to add downlinks, from below to above and from left to right.
///
/// One object for each index in a database; any session uses it. What is done with it, sessions do: see the extensions
/// of ``Session``, and ``BTreeScan``.
public final class BTreeIndex: Sendable {
  /// What an index is, apart from its pages.
  public struct Definition: Sendable {
    public var layout: IndexLayout
    public var isUnique = false
    /// Whether two nulls violate uniqueness: `NULLS NOT DISTINCT`.
    public var nullsNotDistinct = false
    /// How much of a leaf is filled where rows come in rising order, in percent.
    public var fillFactor = 90
    /// Whether equal keys may share one: `deduplicate_items`.
    public var deduplicates = true

    public init(_ layout: IndexLayout, isUnique: Bool = false) { (self.layout, self.isUnique) = (layout, isUnique) }
  }

  public let locator: RelationLocator
  /// By which it is counted what is done with it: stays when it gets a new file.
  public let oid: UInt32
  public let definition: Definition
  public let fork: StoredFork
  public let pool: BufferPool
  /// Whether changes are logged: not those of temporary and unlogged tables' indexes.
  public let isLogged: Bool

  /// The fast root, and its level above: where the last one was found. A hint.
  private let cachedRoot = Atomic<UInt64>(0)
  /// The last leaf, if an insertion went there. A hint.
  let cachedRightmost = Atomic<UInt32>(0)
  /// Whether the metapage says that equal keys are the same bytes: 0 as long as nobody has looked, 1 no, 2 yes.
  private let equalImage = Atomic<UInt8>(0)
  /// The number of the VACUUM that runs, or 0.
  let vacuumCycle = Atomic<UInt32>(0)
  let lastVacuumCycle = Atomic<UInt32>(0)
  /// Whether the VACUUM that runs has removed entries.
  let hasBulkDeleted = Atomic<Bool>(false)
  /// Deleted pages that can be used again.
  let freePages = Locked<[BlockNumber]>([])
  /// As the catalog has it, which can change at any time; empty where that does not describe it.
  private let name = Locked<String>("")

  /// - Parameters:
  ///   - fork: its main fork.
  ///   - pool: the shared one, or for a temporary table that of its session.
  ///   - oid: its file's number unless given.
  public init(
    _ definition: Definition, oid: UInt32? = nil, fork: StoredFork, pool: BufferPool, isLogged: Bool = true
  ) {
    (self.definition, self.fork, self.pool, self.isLogged) = (definition, fork, pool, isLogged)
    locator = fork.locator
    self.oid = oid ?? fork.locator.relNumber
  }

  var layout: IndexLayout { definition.layout }

  /// The name for messages: the catalog's, else the file's number.
  var displayName: String {
    let name = name.withLock { $0 }
    return name.isEmpty ? "\(locator.relNumber)" : name
  }

  func setName(_ name: String) { self.name.withLock { $0 = name } }

  /// Whether it is kept in the way that a definition wants, which can change at any time.
  func hasOptions(of other: Definition) -> Bool {
    definition.fillFactor == other.fillFactor && definition.deduplicates == other.deduplicates
  }

  /// What a page that is split notes, so that the VACUUM that runs does not miss what moves to the left of it.
  var currentVacuumCycle: UInt16 { UInt16(truncatingIfNeeded: vacuumCycle.load(ordering: .acquiring)) }

  /// How many pages it has.
  public func blockCount() throws(EngineError) -> UInt32 {
    do throws(IOError) { return try fork.blockCount() } catch { throw EngineError(error) }
  }

  // MARK: Pages

  /// Pins a page, unlocked.
  /// - Throws: ``EngineError``: it cannot be read, or is no page of a B-tree.
  @inline(__always) func read(
    _ block: BlockNumber, _ backend: IOBackend, strategy: BufferStrategy? = nil
  ) throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      return try pool.read(fork, block, backend, strategy: strategy)
    } catch {
      throw EngineError(error)
    }
  }

  /// Pins and locks a page.
  @inline(__always) func read(
    _ block: BlockNumber, _ mode: ContentLockMode, _ backend: IOBackend
  ) throws(EngineError) -> PinnedBuffer {
    var page = try read(block, backend)
    page.lock(mode, backend: backend)
    if !page.isExamined { try examine(page) }
    return page
  }

  /// Goes on to another page: unlocks the present one before it locks that.
  @inline(__always) func move(
    _ page: inout PinnedBuffer, to block: BlockNumber, _ mode: ContentLockMode, _ backend: IOBackend
  ) throws(EngineError) {
    page.unlock()
    page = try read(block, backend)
    page.lock(mode, backend: backend)
    if !page.isExamined { try examine(page) }
  }

  // MARK: Metapage

  /// What the metapage says. - Parameter page: locked in any mode.
  func metaPage(_ page: borrowing PinnedBuffer) throws(EngineError) -> BTreeMetaPage {
    guard let meta = BTreeMetaPage(BTreePage(reading: page.bytes)) else {
      throw corrupted(BTreeMetaPage.block, "is not the metapage of a B-tree of version \(BTreeMetaPage.version)")
    }
    return meta
  }

  func readMetaPage(_ backend: IOBackend) throws(EngineError) -> BTreeMetaPage {
    let page = try read(BTreeMetaPage.block, .share, backend)
    let meta = try metaPage(page)
    note(meta)
    return meta
  }

  /// The level of the root where searches begin, as it was last seen: what the planner goes by (`_bt_getrootheight`).
  /// Reads the metapage the first time only.
  public func height(_ session: Session) throws(EngineError) -> Int {
    let cached = cachedRoot.load(ordering: .relaxed)
    if cached != 0 { return Int(cached >> 32) }
    let meta = try readMetaPage(session.backend)
    return meta.root == BTreePage.none ? 0 : Int(meta.fastLevel)
  }

  /// Remembers what a metapage said.
  private func note(_ meta: BTreeMetaPage) {
    equalImage.store(meta.allEqualImage ? 2 : 1, ordering: .relaxed)
    guard meta.fastRoot != BTreePage.none else { return }
    note(fastRoot: meta.fastRoot, level: meta.fastLevel)
  }

  func note(fastRoot: BlockNumber, level: UInt32) {
    cachedRoot.store(UInt64(level) << 32 | UInt64(fastRoot.rawValue), ordering: .relaxed)
  }

  /// Whether equal keys can share one.
  func canDeduplicate(_ backend: IOBackend) throws(EngineError) -> Bool {
    guard definition.deduplicates else { return false }
    if equalImage.load(ordering: .relaxed) == 0 { _ = try readMetaPage(backend) }
    return equalImage.load(ordering: .relaxed) == 2
  }

  // MARK: The way down

  /// The page where searches begin, locked to share (`_bt_getroot` for reading).
  /// - Returns: nil where the index is empty.
  func root(_ backend: IOBackend) throws(EngineError) -> PinnedBuffer? {
    let cached = cachedRoot.load(ordering: .relaxed)
    if cached != 0 {
      let page = try read(BlockNumber(UInt32(truncatingIfNeeded: cached)), .share, backend)
      let view = BTreePage(reading: page.bytes)
      // It can have been split, deleted, or used again. If it is alone on the level, it is a place to begin.
      if !view.isIgnored, !view.flags.contains(.meta), UInt64(view.level) == cached >> 32, view.isLeftmost,
        view.isRightmost
      {
        return page
      }
    }
    var meta = try read(BTreeMetaPage.block, .share, backend)
    let found = try metaPage(meta)
    note(found)
    guard found.root != BTreePage.none else { return nil }
    try move(&meta, to: found.fastRoot, .share, backend)
    var steps: UInt32 = 0
    while BTreePage(reading: meta.bytes).isIgnored {
      let view = BTreePage(reading: meta.bytes)
      guard !view.isRightmost else { throw corrupted(found.fastRoot, "was to be a live root") }
      try moveToNext(&meta, .share, backend, &steps)
    }
    let level = BTreePage(reading: meta.bytes).level
    guard level == found.fastLevel else {
      throw corrupted(found.fastRoot, "is the root, on level \(level) and not on \(found.fastLevel)")
    }
    return meta
  }

  /// Goes down to the leaf that a key belongs to, taking nothing but share locks (`_bt_search` for reading).
  /// - Returns: the leaf, locked to share; nil where the index is empty.
  func searchLeaf(_ key: BTreeKey, _ backend: IOBackend) throws(EngineError) -> PinnedBuffer? {
    guard var page = try root(backend) else { return nil }
    while true {
      try moveRight(&page, key, .share, backend)
      let view = BTreePage(reading: page.bytes)
      if view.isLeaf { return page }
      guard view.itemCount >= view.firstDataNumber else { throw corrupted(page.block, "has no downlinks") }
      let number = layout.search(key, view)
      try descend(&page, to: view.item(number).downlink, from: view.level, .share, backend)
    }
  }

  /// Moves right as long as what is wanted is there: the page was split, or is about to be deleted (`_bt_moveright`).
  /// For those who do not complete splits.
  @inline(__always) func moveRight(
    _ page: inout PinnedBuffer, _ key: BTreeKey, _ mode: ContentLockMode, _ backend: IOBackend
  ) throws(EngineError) {
    let limit = key.nextKey ? 0 : 1
    var steps: UInt32 = 0
    while true {
      let view = BTreePage(reading: page.bytes)
      guard !view.isRightmost else { break }
      guard view.isIgnored || layout.compare(key, view.item(BTreePage.highKeyNumber)) >= limit else { return }
      try moveToNext(&page, mode, backend, &steps)
    }
    if BTreePage(reading: page.bytes).isIgnored { throw corrupted(page.block, "is deleted and the last of its level") }
  }

  /// The first or last page of a level (`_bt_get_endpoint`), locked to share; nil where the index is empty.
  func endpoint(level: UInt32, rightmost: Bool, _ backend: IOBackend) throws(EngineError) -> PinnedBuffer? {
    var first: PinnedBuffer?
    if level == 0 {
      first = try root(backend)
    } else {
      // The fast root may be below.
      let meta = try readMetaPage(backend)
      if meta.root != BTreePage.none { first = try read(meta.root, .share, backend) }
    }
    guard var page = first.take() else { return nil }
    var steps: UInt32 = 0
    while true {
      var view = BTreePage(reading: page.bytes)
      while view.isIgnored || (rightmost && !view.isRightmost) {
        guard !view.isRightmost else { throw corrupted(page.block, "is deleted and the last of its level") }
        try moveToNext(&page, .share, backend, &steps)
        view = BTreePage(reading: page.bytes)
      }
      if view.level == level { return page }
      guard view.level > level, view.itemCount >= view.firstDataNumber else {
        throw corrupted(page.block, "is on level \(view.level), and one on level \(level) was sought")
      }
      try descend(
        &page, to: view.item(rightmost ? view.itemCount : view.firstDataNumber).downlink, from: view.level, .share,
        backend)
    }
  }
}
