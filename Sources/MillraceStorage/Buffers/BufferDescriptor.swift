import Synchronization

/// What is known of one buffer. Shared by all threads, hence all atomic; one cache line.
struct BufferDescriptor: ~Copyable {
  let state = Atomic<UInt64>(0)
  /// A ``BufferTag``. Changes only while its one pin is that of who replaces the page.
  let tag = Atomic<UInt64>(0)
  /// The ``IOReference`` of the I/O in progress, once there is one.
  let ioReference = Atomic<UInt64>(0)
  /// The next buffer in the same chain of the table.
  let next = Atomic<UInt32>(.noBuffer)
  private let padding: (UInt32, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  init() {}
}

extension UnsafeMutablePointer where Pointee: ~Copyable {
  /// Memory for things that are each a cache line long, so that no two threads disturb each other by what lies beside
  /// it.
  static func allocateCacheLines(capacity: Int) -> UnsafeMutablePointer<Pointee> {
    precondition(MemoryLayout<Pointee>.stride == 64, "a cache line was expected")
    return UnsafeMutableRawPointer.allocate(byteCount: capacity * 64, alignment: 64).bindMemory(
      to: Pointee.self, capacity: capacity)
  }
}
