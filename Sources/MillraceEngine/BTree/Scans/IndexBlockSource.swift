import MillraceStorage

/// The heap blocks of what an index scan finds, and what it has found so far.
final class IndexBlockSource: BlockSource {
  private let scan: BTreeScan
  private let direction: ScanDirection
  /// A circle of entries that have been found and not taken.
  private var entries: [BTreeScan.Entry] = []
  private var first = 0
  private var count = 0
  /// The block that was named to the stream last, and one that is still to be.
  private var lastBlock = BlockNumber.invalid
  private var unnamed: BlockNumber?
  private var hasEnded = false
  private(set) var failure: EngineError?

  init(_ scan: BTreeScan, _ direction: ScanDirection) {
    (self.scan, self.direction) = (scan, direction)
    super.init()
  }

  /// Begins with an entry that somebody else has found.
  func begin(with entry: BTreeScan.Entry) {
    append(entry)
    lastBlock = entry.heapTID.block
    unnamed = lastBlock
  }

  /// Forgets what has been found: the scan starts over.
  func reset() {
    (first, count) = (0, 0)
    (lastBlock, unnamed) = (.invalid, nil)
    (hasEnded, failure) = (false, nil)
  }

  /// Finds one more entry. - Returns: its block, where it is another than that of the one before.
  private func find() -> BlockNumber? {
    guard !hasEnded else { return nil }
    do throws(EngineError) {
      guard let entry = try scan.nextEntry(direction) else {
        hasEnded = true
        return nil
      }
      append(entry)
      let block = entry.heapTID.block
      guard block != lastBlock else { return nil }
      lastBlock = block
      return block
    } catch {
      (failure, hasEnded) = (error, true)
      return nil
    }
  }

  private func append(_ entry: BTreeScan.Entry) {
    if count == entries.count {
      var grown = Array(entries[first...] + entries[..<first])
      grown.append(entry)
      grown.append(contentsOf: repeatElement(entry, count: max(grown.count, 15)))
      (entries, first) = (grown, 0)
    } else {
      entries[(first + count) % entries.count] = entry
    }
    count += 1
  }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    if let block = unnamed {
      unnamed = nil
      return block
    }
    while !hasEnded { if let block = find() { return block } }
    return nil
  }

  /// The next entry; nil at the end, or after a failure.
  func take() throws(EngineError) -> BTreeScan.Entry? {
    if count == 0 {
      // The stream has not run ahead. What it asks for next is this entry's block, if that is another.
      unnamed = find()
      guard count > 0 else {
        if let failure { throw failure }
        return nil
      }
    }
    defer {
      first = (first + 1) % entries.count
      count -= 1
    }
    return entries[first]
  }
}
