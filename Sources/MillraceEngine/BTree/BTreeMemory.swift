import MillraceStorage
import MillraceTypes

/// What a session needs to change B-trees, made with its first change.
final class BTreeMemory {
  /// Where a descent came by.
  struct StackEntry {
    var block: BlockNumber
    var number: Int
    /// Of the page.
    var level: UInt32
  }

  /// From the root down.
  let stack: UnsafeMutablePointer<StackEntry>
  var depth = 0
  static let depthMax = 64

  /// Notes one more page of a way. Each is on the level below that of the one before, of which there are fewer.
  func noteWay(_ entry: StackEntry) {
    precondition(depth < Self.depthMax, "a B-tree is deeper than its levels")
    stack[depth] = entry
    depth += 1
  }
  /// The key of the tuple that is being inserted.
  let values: UnsafeMutablePointer<Datum>
  let tuple: UnsafeMutableRawBufferPointer
  let downlink: UnsafeMutableRawBufferPointer
  let separator: UnsafeMutableRawBufferPointer
  let posting: UnsafeMutableRawBufferPointer
  /// Two pages that are put together apart.
  let left: UnsafeMutableRawPointer
  let right: UnsafeMutableRawPointer
  private let memory: UnsafeMutableRawBufferPointer

  init() {
    stack = .allocate(capacity: Self.depthMax)
    stack.initialize(repeating: StackEntry(block: .invalid, number: 0, level: 0), count: Self.depthMax)
    values = .allocate(capacity: IndexTuple.columnCountMax)
    let size = PageLayout.blockSize
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 6 * size, alignment: 8)
    guard let base = memory.baseAddress else { preconditionFailure("a session's memory has no address") }
    self.memory = memory
    tuple = UnsafeMutableRawBufferPointer(start: base, count: size)
    downlink = UnsafeMutableRawBufferPointer(start: base + size, count: size)
    separator = UnsafeMutableRawBufferPointer(start: base + 2 * size, count: size)
    posting = UnsafeMutableRawBufferPointer(start: base + 3 * size, count: size)
    (left, right) = (base + 4 * size, base + 5 * size)
  }

  deinit {
    stack.deallocate()
    values.deallocate()
    memory.deallocate()
  }
}
