import MillraceStorage

/// The places of rows as a set: PostgreSQL's TIDBitmap (src/backend/nodes/tidbitmap.c). Used by one thread.
///
/// For each page there is a bit for each line pointer, as long as memory lasts; then pages are only remembered as such
/// (*lossy*), and all of their rows have to be looked at.
public struct TupleBitmap {
  /// A page, or what is known of it.
  struct Page {
    var bits: SIMD8<UInt64> = .zero
    /// Whether rows have to be looked at again, because the bitmap it comes from knew less.
    var needsRecheck = false

    mutating func insert(_ number: UInt16) {
      let bit = Int(number) - 1
      guard bit >= 0, bit < Self.bitCount else { return }
      bits[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    static let bitCount = 512
  }

  private var pages: [UInt32: Page] = [:]
  /// A bit for each block that is lossy.
  private var lossy: [UInt64] = []
  public private(set) var lossyCount = 0
  private let pagesMax: Int

  /// - Parameter memoryLimit: bytes: `work_mem`.
  public init(memoryLimit: Int) {
    pagesMax = max(memoryLimit / (2 * MemoryLayout<Page>.stride), 16)
  }

  /// How many pages are known row by row.
  public var exactCount: Int { pages.count }
  public var isEmpty: Bool { pages.isEmpty && lossyCount == 0 }
  /// Bytes it uses, about.
  public var byteCount: Int { pages.capacity * (MemoryLayout<Page>.stride + 8) + lossy.count * 8 }

  /// Adds a row's place.
  public mutating func insert(_ place: TupleIdentifier) {
    let block = place.block.rawValue
    if isLossy(block) { return }
    pages[block, default: Page()].insert(place.number)
    if pages.count > pagesMax { makeLossy() }
  }

  func isLossy(_ block: UInt32) -> Bool {
    let word = Int(block >> 6)
    return word < lossy.count && lossy[word] >> UInt64(block & 63) & 1 != 0
  }

  private mutating func insertLossy(_ block: UInt32) {
    let word = Int(block >> 6)
    if word >= lossy.count { lossy.append(contentsOf: repeatElement(0, count: word + 1 - lossy.count)) }
    guard !isLossy(block) else { return }
    lossy[word] |= 1 << UInt64(block & 63)
    lossyCount += 1
    pages[block] = nil
  }

  /// Forgets the rows of half of the pages (`tbm_lossify`): those with the most rows, which lose least.
  private mutating func makeLossy() {
    let counts = pages.map { (block: $0.key, count: $0.value.bits.nonzeroBitCountSum) }.sorted { $0.count > $1.count }
    for (block, _) in counts.prefix(counts.count / 2 + 1) { insertLossy(block) }
  }

  /// Adds what another one has (`tbm_union`).
  public mutating func formUnion(_ other: TupleBitmap) {
    for (block, page) in other.pages where !isLossy(block) {
      var own = pages[block] ?? Page()
      own.bits |= page.bits
      own.needsRecheck = own.needsRecheck || page.needsRecheck
      pages[block] = own
    }
    other.forEachLossy { insertLossy($0) }
    while pages.count > pagesMax { makeLossy() }
  }

  /// Keeps what another one has as well (`tbm_intersect`).
  public mutating func formIntersection(_ other: TupleBitmap) {
    var kept: [UInt32: Page] = [:]
    for (block, page) in pages {
      var page = page
      if other.isLossy(block) {
        page.needsRecheck = true
      } else if let known = other.pages[block] {
        page.bits &= known.bits
        page.needsRecheck = page.needsRecheck || known.needsRecheck
        if page.bits == .zero { continue }
      } else {
        continue
      }
      kept[block] = page
    }
    var keptLossy: [UInt32] = []
    forEachLossy { block in
      if other.isLossy(block) {
        keptLossy.append(block)
      } else if var page = other.pages[block] {
        page.needsRecheck = true
        kept[block] = page
      }
    }
    (pages, lossy, lossyCount) = (kept, [], 0)
    for block in keptLossy { insertLossy(block) }
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

  /// All pages, in their order.
  func sortedBlocks() -> [BlockNumber] {
    var blocks = Array(pages.keys)
    forEachLossy { blocks.append($0) }
    blocks.sort()
    return blocks.map { BlockNumber($0) }
  }

  /// What is known of a page; nil where it is lossy.
  func page(_ block: BlockNumber) -> Page? { pages[block.rawValue] }
}

extension SIMD8 where Scalar == UInt64 {
  fileprivate var nonzeroBitCountSum: Int { indices.reduce(0) { $0 + self[$1].nonzeroBitCount } }
}
