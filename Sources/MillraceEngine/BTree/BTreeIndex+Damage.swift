import MillraceIO
import MillraceStorage

/// What keeps a damaged index from doing more than failing: pages are looked at when they come from their file, and
/// links that lead nowhere, to another level or in a circle are found out before anybody waits for ever.
extension BTreeIndex {
  /// Looks at the structure of a page, once for each time that it is read from its file.
  /// - Parameter page: locked in any mode.
  /// - Throws: ``EngineError`` `.indexCorrupted`.
  @inline(never) func examine(_ page: borrowing PinnedBuffer) throws(EngineError) {
    let block = page.block
    let view = BTreePage(reading: page.bytes)
    if let defect = view.defect(at: block, of: try blockCount()) { throw corrupted(block, defect) }
    page.noteExamined()
  }

  /// The error of a page that is not what it must be, in the words of `_bt_checkpage`.
  /// - Parameter what: what is said of the page.
  func corrupted(_ block: BlockNumber, _ what: String) -> EngineError {
    EngineError(
      .indexCorrupted, "index \"\(displayName)\" contains corrupted page at block \(block)",
      detail: "The page \(what).", hint: "Please REINDEX it.")
  }

  /// Pins and locks a page of a known level. The level is looked at before the page is locked, since what a damaged
  /// link leads to may be a page that the caller has locked itself. As long as anybody can be on the way to a page it
  /// stays on its level, also when it is deleted, and while its content is replaced.
  func read(
    _ block: BlockNumber, level: UInt32, _ mode: ContentLockMode, _ backend: IOBackend
  ) throws(EngineError) -> PinnedBuffer {
    var page = try read(block, backend)
    let view = BTreePage(reading: page.bytes)
    guard view.level == level || view.isDeleted else {
      throw corrupted(block, "is on level \(view.level), and one on level \(level) was sought")
    }
    page.lock(mode, backend: backend)
    if !page.isExamined { try examine(page) }
    return page
  }

  /// Goes down to a page, which must be on the level below.
  @inline(__always) func descend(
    _ page: inout PinnedBuffer, to child: BlockNumber, from level: UInt32, _ mode: ContentLockMode,
    _ backend: IOBackend
  ) throws(EngineError) {
    try move(&page, to: child, mode, backend)
    let view = BTreePage(reading: page.bytes)
    guard view.level &+ 1 == level || view.isDeleted else {
      throw corrupted(child, "is on level \(view.level), and has a downlink on level \(level)")
    }
  }

  /// Goes on to the page to the right, which must be on the same level.
  @inline(__always) func moveToNext(
    _ page: inout PinnedBuffer, _ mode: ContentLockMode, _ backend: IOBackend, _ steps: inout UInt32
  ) throws(EngineError) {
    let view = BTreePage(reading: page.bytes)
    let (next, level, isDeleted) = (view.next, view.level, view.isDeleted)
    try countStep(&steps, at: next)
    try move(&page, to: next, mode, backend)
    let found = BTreePage(reading: page.bytes)
    guard found.level == level || isDeleted || found.isDeleted else {
      throw corrupted(next, "is on level \(found.level), and the one on its left on level \(level)")
    }
  }

  /// Counts steps along a level, of which there cannot be more than pages.
  @inline(__always) func countStep(_ steps: inout UInt32, at block: BlockNumber) throws(EngineError) {
    steps &+= 1
    if steps & 1023 == 0, steps > (try blockCount()) &+ 1024 {
      throw corrupted(block, "is one of several whose links lead in a circle")
    }
  }

  /// An entry leads to a page that its table has: this is cut off only when nothing leads to its end any more.
  /// - Parameters:
  ///   - block: the index page that has the entry.
  ///   - knownEnd: as many pages the table has at least; 0 for a start.
  @inline(__always) func requirePage(
    of place: HeapTID, on block: BlockNumber, in relation: HeapRelation, _ knownEnd: inout UInt32
  ) throws(EngineError) {
    if place.block.rawValue < knownEnd { return }
    knownEnd = try relation.blockCount()
    if place.block.rawValue < knownEnd { return }
    throw corrupted(block, "has an entry that leads to \(place), behind the end of its table")
  }

  /// The page that follows one which the caller holds: never that one.
  @inline(__always) func requireOther(_ block: BlockNumber, than held: BlockNumber) throws(EngineError) {
    if block == held { throw corrupted(block, "is one of several whose links lead in a circle") }
  }
}
