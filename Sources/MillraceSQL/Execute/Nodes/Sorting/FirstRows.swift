import MillraceEngine

/// The first so many of many rows: keeps up to twice as many, and throws the later half out whenever it is full. What
/// comes behind the last one that is kept is not even looked at.
final class FirstRows {
  private struct Entry {
    var prefix: UInt64
    var record: UnsafeMutableRawPointer
    var size: Int
    /// In which order they came: equal rows keep it.
    var number: UInt64
  }

  private let limit: Int
  private let compare: ExternalSort.Comparison
  private var entries: [Entry] = []
  private var memory = RowMemory()
  private var number: UInt64 = 0
  /// Rows with a greater prefix are not among the first.
  private var bound = UInt64.max
  private var given = 0

  /// More are better sorted as a whole.
  static let limitMax = 100_000

  init(limit: Int, compare: @escaping ExternalSort.Comparison) {
    (self.limit, self.compare) = (max(limit, 1), compare)
    entries.reserveCapacity(min(self.limit * 2, 1024))
  }

  var byteCount: Int { memory.capacity + entries.capacity * MemoryLayout<Entry>.stride }

  @inline(__always) func mayTake(_ prefix: UInt64) -> Bool { prefix <= bound }

  func append(_ bytes: UnsafeRawBufferPointer, prefix: UInt64) {
    let record = memory.allocate(bytes.count)
    if let source = bytes.baseAddress { record.copyMemory(from: source, byteCount: bytes.count) }
    entries.append(Entry(prefix: prefix, record: record, size: bytes.count, number: number))
    number += 1
    if entries.count >= max(limit * 2, 1024) { cut() }
  }

  private func sort() {
    entries.sort { left, right in
      if left.prefix != right.prefix { return left.prefix < right.prefix }
      let order = compare(
        UnsafeRawBufferPointer(start: left.record, count: left.size),
        UnsafeRawBufferPointer(start: right.record, count: right.size))
      return order != 0 ? order < 0 : left.number < right.number
    }
  }

  /// Throws out what is not among the first, and moves the rest together.
  private func cut() {
    sort()
    guard entries.count > limit else { return }
    entries.removeLast(entries.count - limit)
    bound = entries[limit - 1].prefix
    let kept = RowMemory()
    for index in entries.indices {
      let copy = kept.allocate(entries[index].size)
      copy.copyMemory(from: entries[index].record, byteCount: entries[index].size)
      entries[index].record = copy
    }
    memory = kept
  }

  func finish() { cut() }

  func rewind() { given = 0 }

  func next() -> UnsafeRawBufferPointer? {
    guard given < entries.count else { return nil }
    defer { given += 1 }
    return UnsafeRawBufferPointer(start: entries[given].record, count: entries[given].size)
  }
}
