import Synchronization

/// Words that several threads change, in one piece of memory that does not move.
struct AtomicWords: ~Copyable, @unchecked Sendable {
  // Safe because the words are atomic.

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  let count: Int

  init(count: Int) {
    self.count = count
    words = .allocate(capacity: count)
    for index in 0..<count { (words + index).initialize(to: Atomic(0)) }
  }

  deinit {
    words.deinitialize(count: count)
    words.deallocate()
  }

  /// In the one order of all that is sequentially consistent.
  @inline(__always) func load(_ index: Int) -> UInt64 { words[index].load(ordering: .sequentiallyConsistent) }

  @inline(__always) func relaxed(_ index: Int) -> UInt64 { words[index].load(ordering: .relaxed) }

  @inline(__always) func storeRelaxed(_ index: Int, _ value: UInt64) { words[index].store(value, ordering: .relaxed) }

  @inline(__always) func store(_ index: Int, _ value: UInt64) {
    words[index].store(value, ordering: .sequentiallyConsistent)
  }

  @inline(__always) func add(_ index: Int, _ value: UInt64) {
    _ = words[index].wrappingAdd(value, ordering: .sequentiallyConsistent)
  }

  @inline(__always) func replace(_ index: Int, _ expected: UInt64, by desired: UInt64) -> Bool {
    words[index].compareExchange(expected: expected, desired: desired, ordering: .sequentiallyConsistent).exchanged
  }

  @inline(__always) func exchange(_ index: Int, _ value: UInt64) -> UInt64 {
    words[index].exchange(value, ordering: .sequentiallyConsistent)
  }
}
