import MillraceStorage

/// The places of dead rows, as vacuum collects them for the indexes: what PostgreSQL keeps in its TidStore.
///
/// For each heap page an entry of eight bytes and two for each line pointer, in rising order, as they come. Whether a
/// place is among them is found by bisecting the pages, of which the last is tried first, since entries of an index
/// often lead to neighbours; a bit for each line pointer would be shorter only where most of a page is dead.
struct DeadTuples {
  private struct Page {
    let block: UInt32
    /// Where its line pointers begin; they end where those of the next page do.
    let start: UInt32
  }

  private var pages: [Page] = []
  private var numbers: [UInt16] = []

  var isEmpty: Bool { numbers.isEmpty }
  var count: Int { numbers.count }
  var pageCount: Int { pages.count }
  var byteCount: Int { pages.count * MemoryLayout<Page>.stride + numbers.count * 2 }

  /// - Parameters:
  ///   - block: behind all that were added before.
  ///   - dead: rising.
  mutating func add(_ block: BlockNumber, _ dead: [UInt16]) {
    guard !dead.isEmpty else { return }
    precondition(pages.last.map { $0.block < block.rawValue } ?? true, "dead rows are collected in the order of pages")
    pages.append(Page(block: block.rawValue, start: UInt32(numbers.count)))
    numbers += dead
  }

  mutating func removeAll() {
    pages.removeAll(keepingCapacity: true)
    numbers.removeAll(keepingCapacity: true)
  }

  func block(_ index: Int) -> BlockNumber { BlockNumber(pages[index].block) }

  func numbers(_ index: Int) -> ArraySlice<UInt16> {
    let end = index + 1 < pages.count ? Int(pages[index + 1].start) : numbers.count
    return numbers[Int(pages[index].start)..<end]
  }

  /// - Complexity: O(log pages) and a few steps within the page; nothing is allocated.
  func contains(_ place: TupleIdentifier) -> Bool {
    var (low, high) = (0, pages.count)
    while low < high {
      let middle = (low + high) / 2
      if pages[middle].block < place.block.rawValue { low = middle + 1 } else { high = middle }
    }
    guard low < pages.count, pages[low].block == place.block.rawValue else { return false }
    let end = low + 1 < pages.count ? Int(pages[low + 1].start) : numbers.count
    (low, high) = (Int(pages[low].start), end)
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < place.number { low = middle + 1 } else { high = middle }
    }
    return low < end && numbers[low] == place.number
  }
}
