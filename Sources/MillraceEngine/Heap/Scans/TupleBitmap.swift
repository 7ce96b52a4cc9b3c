import MillraceStorage

/// The places of rows as a set: PostgreSQL's TIDBitmap (src/backend/nodes/tidbitmap.c). Used by one thread.
///
/// For each page there is a bit for each line pointer, as long as memory lasts; then pages are only remembered as such
/// (*lossy*), and all of their rows have to be looked at.
public struct TupleBitmap {
  /// A page, or what is known of it.
  struct Page {
    fileprivate let block: UInt32
    /// Whether rows have to be looked at again, because the bitmap it comes from knew less.
    var needsRecheck = false
    var bits = InlineArray<5, UInt64>(repeating: 0)

    fileprivate init(_ block: UInt32) { self.block = block }

    static var wordCount: Int { 5 }

    fileprivate mutating func insert(_ number: UInt16, _ needsRecheck: Bool) {
      if needsRecheck { self.needsRecheck = true }
      let bit = Int(number) - 1
      guard bit >= 0, bit < HeapPage.itemCountMax else { return }
      bits[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    fileprivate mutating func formUnion(_ other: Page) {
      for word in 0..<Self.wordCount { bits[word] |= other.bits[word] }
      needsRecheck = needsRecheck || other.needsRecheck
    }

    fileprivate mutating func formIntersection(_ other: Page) {
      for word in 0..<Self.wordCount { bits[word] &= other.bits[word] }
      needsRecheck = needsRecheck || other.needsRecheck
    }

    fileprivate var rowCount: Int {
      var count = 0
      for word in 0..<Self.wordCount { count += bits[word].nonzeroBitCount }
      return count
    }
  }

  /// In the order in which they came.
  private var pages: [Page] = []
  /// Where in `pages` a block is, plus one: open addressing, at least half of it empty.
  private var slots: [UInt32] = []
  /// The page that was added to last: neighbours in an index are often neighbours in the heap.
  private var last = 0
  /// A bit for each block that is lossy.
  private var lossy: [UInt64] = []
  public private(set) var lossyCount = 0
  private let pagesMax: Int

  /// - Parameter memoryLimit: bytes: `work_mem`.
  public init(memoryLimit: Int) {
    pagesMax = max(memoryLimit / (MemoryLayout<Page>.stride + 4 * MemoryLayout<UInt32>.stride), 16)
  }

  /// How many pages are known row by row.
  public var exactCount: Int { pages.count }
  public var isEmpty: Bool { pages.isEmpty && lossyCount == 0 }
  /// Bytes it uses, about.
  public var byteCount: Int { pages.capacity * MemoryLayout<Page>.stride + slots.count * 4 + lossy.count * 8 }

  /// Adds a row's place.
  /// - Parameter needsRecheck: whether it is not certain that the row is one of those that are looked for.
  public mutating func insert(_ place: TupleIdentifier, needsRecheck: Bool = false) {
    let block = place.block.rawValue
    if last < pages.count, pages[last].block == block { return pages[last].insert(place.number, needsRecheck) }
    if lossyCount > 0, isLossy(block) { return }
    last = entry(block)
    pages[last].insert(place.number, needsRecheck)
    if pages.count > pagesMax { makeLossy() }
  }

  // MARK: Exact pages

  /// Where a search for a block begins.
  @inline(__always) private func slot(_ block: UInt32) -> Int {
    Int(truncatingIfNeeded: (UInt64(block) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (slots.count - 1)
  }

  private func find(_ block: UInt32) -> Int? {
    guard !slots.isEmpty else { return nil }
    var slot = slot(block)
    while slots[slot] != 0 {
      let index = Int(slots[slot] - 1)
      if pages[index].block == block { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Where a block is, which is added if it is not there.
  private mutating func entry(_ block: UInt32) -> Int {
    if let known = find(block) { return known }
    append(Page(block))
    return pages.count - 1
  }

  /// Adds a page whose block is not there.
  private mutating func append(_ page: Page) {
    pages.append(page)
    if pages.count * 2 > slots.count { makeSlots(max(slots.count * 2, 64)) } else { enter(pages.count - 1) }
  }

  private mutating func enter(_ index: Int) {
    var slot = slot(pages[index].block)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = UInt32(index + 1)
  }

  private mutating func makeSlots(_ count: Int) {
    slots = Array(repeating: 0, count: count)
    for index in pages.indices { enter(index) }
  }

  private mutating func replacePages(_ kept: [Page]) {
    (pages, last) = (kept, 0)
    var count = 64
    while count < kept.count * 2 { count *= 2 }
    makeSlots(count)
  }

  // MARK: Lossy pages

  func isLossy(_ block: UInt32) -> Bool {
    let word = Int(block >> 6)
    return word < lossy.count && lossy[word] >> UInt64(block & 63) & 1 != 0
  }

  /// - Precondition: the block's exact page, if there is one, is removed afterwards.
  private mutating func insertLossy(_ block: UInt32) {
    let word = Int(block >> 6)
    if word >= lossy.count { lossy.append(contentsOf: repeatElement(0, count: word + 1 - lossy.count)) }
    guard !isLossy(block) else { return }
    lossy[word] |= 1 << UInt64(block & 63)
    lossyCount += 1
  }

  /// Forgets the rows of half of the pages (`tbm_lossify`): those with the most rows, which lose least.
  private mutating func makeLossy() {
    let counts = pages.map { (block: $0.block, count: $0.rowCount) }.sorted { $0.count > $1.count }
    for (block, _) in counts.prefix(counts.count / 2 + 1) { insertLossy(block) }
    replacePages(pages.filter { !isLossy($0.block) })
  }

  private func forEachLossy(_ body: (UInt32) -> Void) {
    for (index, word) in lossy.enumerated() {
      var word = word
      while word != 0 {
        body(UInt32(index * 64 + word.trailingZeroBitCount))
        word &= word - 1
      }
    }
  }

  // MARK: Sets

  /// Adds what another one has (`tbm_union`).
  public mutating func formUnion(_ other: TupleBitmap) {
    other.forEachLossy { insertLossy($0) }
    if other.lossyCount > 0 { replacePages(pages.filter { !isLossy($0.block) }) }
    for page in other.pages where !isLossy(page.block) { pages[entry(page.block)].formUnion(page) }
    while pages.count > pagesMax { makeLossy() }
  }

  /// Keeps what another one has as well (`tbm_intersect`).
  public mutating func formIntersection(_ other: TupleBitmap) {
    var kept: [Page] = []
    for var page in pages {
      if other.isLossy(page.block) {
        page.needsRecheck = true
      } else if let known = other.page(BlockNumber(page.block)) {
        page.formIntersection(known)
        if page.rowCount == 0 { continue }
      } else {
        continue
      }
      kept.append(page)
    }
    var keptLossy: [UInt32] = []
    forEachLossy { block in
      if other.isLossy(block) {
        keptLossy.append(block)
      } else if var page = other.page(BlockNumber(block)) {
        page.needsRecheck = true
        kept.append(page)
      }
    }
    (lossy, lossyCount) = ([], 0)
    for block in keptLossy { insertLossy(block) }
    replacePages(kept)
  }

  /// All pages, in their order.
  func sortedBlocks() -> [BlockNumber] {
    var blocks = pages.map(\.block)
    forEachLossy { blocks.append($0) }
    blocks.sort()
    return blocks.map { BlockNumber($0) }
  }

  /// What is known of a page; nil where it is lossy.
  func page(_ block: BlockNumber) -> Page? { find(block.rawValue).map { pages[$0] } }
}
