import MillraceStorage

/// The places of dead rows, as vacuum collects them for the indexes: what PostgreSQL keeps in its TidStore.
///
/// For each heap page with dead rows there is a bit for each line pointer up to the last dead one. Which bits are a
/// page's is looked up in a table of 256 pages, which is there only where one of them has dead rows; so that an index
/// whose entries lead all over the heap is asked in a few steps for each.
struct DeadTuples {
  /// The pages that have dead rows, in rising order.
  private var blocks: [UInt32] = []
  /// For each 256 pages of the heap where their slots begin, and ``none`` where there are no slots.
  private var directory: [UInt32] = []
  /// For each page where its words begin, times eight, and how many there are; 0 where it has no dead rows.
  private var slots: [UInt32] = []
  private var words: [UInt64] = []
  private(set) var count = 0

  private static let none = UInt32.max
  private static let pagesPerTable = 256

  var isEmpty: Bool { count == 0 }
  var pageCount: Int { blocks.count }
  var byteCount: Int { (blocks.count + directory.count + slots.count) * 4 + words.count * 8 }

  /// - Parameters:
  ///   - block: behind all that were added before.
  ///   - dead: rising.
  mutating func add(_ block: BlockNumber, _ dead: [UInt16]) {
    guard let last = dead.last else { return }
    precondition(blocks.last.map { $0 < block.rawValue } ?? true, "dead rows are collected in the order of pages")
    let table = Int(block.rawValue) / Self.pagesPerTable
    while directory.count <= table { directory.append(Self.none) }
    if directory[table] == Self.none {
      directory[table] = UInt32(slots.count)
      slots.append(contentsOf: repeatElement(0, count: Self.pagesPerTable))
    }
    let (start, wordCount) = (words.count, Int(last) / 64 + 1)
    precondition(wordCount < 8 && start < 1 << 29, "more dead rows than a table of them can hold")
    words.append(contentsOf: repeatElement(0, count: wordCount))
    for number in dead { words[start + Int(number) / 64] |= 1 << UInt64(number % 64) }
    slots[Int(directory[table]) + Int(block.rawValue) % Self.pagesPerTable] = UInt32(start * 8 + wordCount)
    blocks.append(block.rawValue)
    count += dead.count
  }

  mutating func removeAll() {
    blocks.removeAll(keepingCapacity: true)
    directory.removeAll(keepingCapacity: true)
    slots.removeAll(keepingCapacity: true)
    words.removeAll(keepingCapacity: true)
    count = 0
  }

  func block(_ index: Int) -> BlockNumber { BlockNumber(blocks[index]) }

  /// The line pointers of one of the pages, rising.
  func numbers(_ index: Int) -> [UInt16] {
    let slot = slot(blocks[index])
    var numbers: [UInt16] = []
    for place in 0..<Int(slot % 8) {
      var word = words[Int(slot / 8) + place]
      while word != 0 {
        numbers.append(UInt16(place * 64 + word.trailingZeroBitCount))
        word &= word - 1
      }
    }
    return numbers
  }

  @inline(__always) private func slot(_ block: UInt32) -> UInt32 {
    let table = Int(block) / Self.pagesPerTable
    guard table < directory.count, directory[table] != Self.none else { return 0 }
    return slots[Int(directory[table]) + Int(block) % Self.pagesPerTable]
  }

  /// - Complexity: O(1); nothing is allocated.
  func contains(_ place: TupleIdentifier) -> Bool {
    let slot = slot(place.block.rawValue)
    let word = UInt32(place.number / 64)
    guard word < slot % 8 else { return false }
    return words[Int(slot / 8 + word)] >> UInt64(place.number % 64) & 1 == 1
  }
}
