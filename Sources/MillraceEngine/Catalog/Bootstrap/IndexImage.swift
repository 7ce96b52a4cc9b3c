import MillraceStorage
import MillraceTypes

/// The pages of a B-tree that is made from all of its entries at once, in memory: what PostgreSQL's bulk build
/// (src/backend/access/nbtree/nbtsort.c) makes of a new cluster's small tables.
struct IndexImage {
  private(set) var pages: [UInt8] = []
  private let layout: IndexLayout
  private let page = PageMemory()
  private let memory = PageMemory()

  /// A page of its own, and what it is made in.
  private final class PageMemory {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
    deinit { bytes.deallocate() }

    var base: UnsafeMutableRawPointer {
      guard let base = bytes.baseAddress else { preconditionFailure("a page has no memory") }
      return base
    }
  }

  /// A page of a level, known by what separates it from the one before it.
  private struct Child {
    let block: BlockNumber
    /// A pivot; empty for the first of a level.
    let separator: [UInt8]
  }

  /// How much of a page is filled: `BTREE_DEFAULT_FILLFACTOR`.
  private static let fillFactor = 90

  /// - Parameters:
  ///   - entries: values of the index's columns, and where their rows stand; in any order.
  init(_ layout: IndexLayout, _ entries: [(values: [Datum?], place: TupleIdentifier)]) {
    self.layout = layout
    var meta = BTreeMetaPage(allEqualImage: layout.allEqualImage)
    append()
    var children = makeLeaves(sorted(entries))
    var level: UInt32 = 0
    while children.count > 1 {
      level += 1
      children = makeLevel(level, above: children)
    }
    if let root = children.first {
      (meta.root, meta.level, meta.fastRoot, meta.fastLevel) = (root.block, level, root.block, level)
      change(root.block) { $0.flags.formUnion(.root) }
    }
    change(BTreeMetaPage.block) { meta.store(to: $0) }
  }

  private func sorted(_ entries: [(values: [Datum?], place: TupleIdentifier)]) -> [[UInt8]] {
    let layout = layout
    let order = entries.sorted { left, right in
      for number in 0..<layout.keyCount {
        let order = layout.order(number, left.values[number], right.values[number])
        if order != 0 { return order < 0 }
      }
      return left.place < right.place
    }
    return order.map { form($0.values, $0.place) }
  }

  private func form(_ values: [Datum?], _ place: TupleIdentifier) -> [UInt8] {
    var nulls: UInt32 = 0
    for (number, value) in values.enumerated() where value == nil { nulls |= 1 << UInt32(number) }
    let datums = values.map { $0 ?? Datum(word: 0) }
    return datums.withUnsafeBufferPointer { datums in
      guard let base = datums.baseAddress,
        let tuple = try? layout.form(
          base, nulls: nulls, count: layout.columnCount, HeapTID(place), in: memory.bytes)
      else { preconditionFailure("an entry of a system table's index is longer than a page") }
      return [UInt8](tuple.bytes)
    }
  }

  // MARK: Levels

  private mutating func makeLeaves(_ tuples: [[UInt8]]) -> [Child] {
    var children: [Child] = []
    var separator: [UInt8] = []
    for range in Self.pages(tuples) {
      let block = append()
      var next: [UInt8] = []
      if range.upperBound < tuples.count {
        next = self.separator(tuples[range.upperBound - 1], tuples[range.upperBound])
      }
      fill(block, level: 0, highKey: next, isFirst: children.isEmpty, tuples[range])
      children.append(Child(block: block, separator: separator))
      separator = next
    }
    return children
  }

  private mutating func makeLevel(_ level: UInt32, above children: [Child]) -> [Child] {
    var downlinks = children.map { downlink($0) }
    let ranges = Self.pages(downlinks)
    var made: [Child] = []
    for range in ranges {
      // The first of a page stands for all that is less than the second.
      downlinks[range.lowerBound] = [UInt8](
        BTreePage.minusInfinity(children[range.lowerBound].block, in: memory.bytes).bytes)
      let block = append()
      let next = range.upperBound < children.count ? children[range.upperBound].separator : []
      fill(block, level: level, highKey: next, isFirst: made.isEmpty, downlinks[range])
      made.append(Child(block: block, separator: children[range.lowerBound].separator))
    }
    return made
  }

  /// Which items go to which page.
  private static func pages(_ items: [[UInt8]]) -> [Range<Int>] {
    let limit = BTreePage.itemSpace * fillFactor / 100
    var ranges: [Range<Int>] = []
    var (start, used) = (0, 0)
    for (index, item) in items.enumerated() {
      let size = PageLayout.aligned(item.count) + PageLayout.linePointerSize
      if used + size > limit, index > start {
        ranges.append(start..<index)
        (start, used) = (index, 0)
      }
      used += size
    }
    if start < items.count { ranges.append(start..<items.count) }
    return ranges
  }

  private mutating func fill(
    _ block: BlockNumber, level: UInt32, highKey: [UInt8], isFirst: Bool, _ items: ArraySlice<[UInt8]>
  ) {
    if !isFirst, let previous = lastOfLevel(level, before: block) {
      change(previous) { $0.next = block }
    }
    let previous = isFirst ? BTreePage.none : lastOfLevel(level, before: block) ?? BTreePage.none
    change(block) { page in
      page.initialize(level: level, flags: level == 0 ? .leaf : [])
      page.previous = previous
      for (number, item) in ((highKey.isEmpty ? [] : [highKey]) + items).enumerated() {
        let isInserted = item.withBytes { page.insert($0, at: number + 1) }
        precondition(isInserted, "the entries of a system table's index do not fit their page")
      }
    }
  }

  /// Pages of one level follow one another.
  private func lastOfLevel(_ level: UInt32, before block: BlockNumber) -> BlockNumber? {
    block.rawValue > 1 ? BlockNumber(block.rawValue - 1) : nil
  }

  private func separator(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
    var (left, right) = (left, right)
    return left.withMutableBytes { left in
      right.withMutableBytes { right in
        guard let first = left.baseAddress, let second = right.baseAddress,
          let pivot = try? layout.separator(
            IndexTuple(first, limit: left.count), IndexTuple(second, limit: right.count), in: memory.bytes)
        else { preconditionFailure("two entries of an index cannot be separated") }
        return [UInt8](pivot.bytes)
      }
    }
  }

  private func downlink(_ child: Child) -> [UInt8] {
    guard !child.separator.isEmpty else {
      return [UInt8](BTreePage.minusInfinity(child.block, in: memory.bytes).bytes)
    }
    var separator = child.separator
    return separator.withMutableBytes { bytes in
      guard let base = bytes.baseAddress else { preconditionFailure("a pivot has no bytes") }
      let pivot = IndexTuple(base, limit: bytes.count)
      return [UInt8](BTreePage.downlink(pivot, to: child.block, in: memory.bytes).bytes)
    }
  }

  // MARK: Pages

  @discardableResult
  private mutating func append() -> BlockNumber {
    let block = BlockNumber(UInt32(pages.count / PageLayout.blockSize))
    pages += [UInt8](repeating: 0, count: PageLayout.blockSize)
    return block
  }

  private mutating func change(_ block: BlockNumber, _ body: (BTreePage) -> Void) {
    let start = Int(block.rawValue) * PageLayout.blockSize
    pages.withMutableBytes { pages in
      page.bytes.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: pages[start..<start + PageLayout.blockSize]))
      body(BTreePage(page.base))
      UnsafeMutableRawBufferPointer(rebasing: pages[start..<start + PageLayout.blockSize])
        .copyMemory(from: UnsafeRawBufferPointer(page.bytes))
    }
  }
}
