import Glibc
import Synchronization

/// Finds the buffer of a page: chains of buffers, by hash of the tag.
///
/// Looking up takes no lock and writes nothing. Memory of descriptors is never freed, so following a chain is always
/// safe; a hit is proved by pinning and comparing the tag again, a miss by a version that insertion and removal in the
/// same part of the table raise (a sequence lock: Lameter, "Effective synchronization on Linux/NUMA systems", 2005).
struct BufferTable: @unchecked Sendable {
  // Safe because the pointers never change and what they point to is atomic, or locked.

  private static let partitionCount = 128

  /// A part of the table, on a cache line of its own.
  struct Partition: ~Copyable {
    /// Odd while a chain is being changed.
    let version = Atomic<UInt64>(0)
    /// Never moves, because partitions do not. Not a `Mutex`, which ThreadSanitizer does not know.
    private var mutex = pthread_mutex_t()
    private let padding: (UInt64, UInt64) = (0, 0)

    mutating func initialize() { pthread_mutex_init(&mutex, nil) }
    mutating func destroy() { pthread_mutex_destroy(&mutex) }
    mutating func lock() { pthread_mutex_lock(&mutex) }
    mutating func unlock() { pthread_mutex_unlock(&mutex) }
  }

  private let heads: UnsafeMutablePointer<Atomic<UInt32>>
  private let headMask: UInt64
  private let partitions: UnsafeMutablePointer<Partition>
  private let descriptors: UnsafeMutablePointer<BufferDescriptor>
  private let bufferCount: Int

  init(_ descriptors: UnsafeMutablePointer<BufferDescriptor>, count: Int) {
    (self.descriptors, bufferCount) = (descriptors, count)
    var headCount = Self.partitionCount
    while headCount < count * 2 { headCount *= 2 }
    headMask = UInt64(headCount - 1)
    heads = .allocate(capacity: headCount)
    for index in 0..<headCount { (heads + index).initialize(to: Atomic(.noBuffer)) }
    partitions = .allocateCacheLines(capacity: Self.partitionCount)
    for index in 0..<Self.partitionCount {
      (partitions + index).initialize(to: Partition())
      partitions[index].initialize()
    }
  }

  func deallocate() {
    heads.deinitialize(count: Int(headMask) + 1)
    heads.deallocate()
    for index in 0..<Self.partitionCount { partitions[index].destroy() }
    partitions.deinitialize(count: Self.partitionCount)
    partitions.deallocate()
  }

  @inline(__always) private func head(_ hash: UInt64) -> UnsafeMutablePointer<Atomic<UInt32>> {
    heads + Int(hash & headMask)
  }

  @inline(__always) private func partition(_ hash: UInt64) -> UnsafeMutablePointer<Partition> {
    // Low bits of the head's number, so that a chain lies in one partition.
    partitions + Int(hash & UInt64(Self.partitionCount - 1))
  }

  /// The buffer that holds a page, or held it a moment ago; nil if none does.
  @inline(__always) func find(_ tag: BufferTag) -> BufferID? {
    let hash = tag.hash
    let (head, partition) = (head(hash), partition(hash))
    var attempts = 0
    while true {
      let version = partition.pointee.version.load(ordering: .acquiring)
      var buffer = head.pointee.load(ordering: .acquiring)
      var steps = 0
      while buffer != .noBuffer, steps <= bufferCount {
        if descriptors[Int(buffer)].tag.load(ordering: .acquiring) == tag.rawValue { return buffer }
        buffer = descriptors[Int(buffer)].next.load(ordering: .acquiring)
        steps += 1
      }
      atomicMemoryFence(ordering: .acquiring)
      if version & 1 == 0, partition.pointee.version.load(ordering: .relaxed) == version { return nil }
      Self.letOthersRun(&attempts)
    }
  }

  /// Called by who waits for another thread to take a few more steps: that thread may not be running.
  @inline(__always) static func letOthersRun(_ attempts: inout Int) {
    attempts += 1
    if attempts % 64 == 0 { sched_yield() }
  }

  /// Puts a buffer into the table under a tag that the caller has given it, unless the page has another buffer already.
  /// - Parameter publish: runs under the lock when the buffer goes in, before anybody can find it.
  /// - Returns: the other buffer, if there is one.
  func insert(_ buffer: BufferID, _ tag: BufferTag, publish: () -> Void) -> BufferID? {
    let hash = tag.hash
    let (head, partition) = (head(hash), partition(hash))
    partition.pointee.lock()
    defer { partition.pointee.unlock() }
    var other = head.pointee.load(ordering: .relaxed)
    while other != .noBuffer {
      if descriptors[Int(other)].tag.load(ordering: .relaxed) == tag.rawValue { return other }
      other = descriptors[Int(other)].next.load(ordering: .relaxed)
    }
    publish()
    _ = partition.pointee.version.wrappingAdd(1, ordering: .acquiringAndReleasing)
    descriptors[Int(buffer)].next.store(head.pointee.load(ordering: .relaxed), ordering: .releasing)
    head.pointee.store(buffer, ordering: .releasing)
    _ = partition.pointee.version.wrappingAdd(1, ordering: .acquiringAndReleasing)
    return nil
  }

  /// Takes a buffer out of the table.
  func remove(_ buffer: BufferID, _ tag: BufferTag) {
    let hash = tag.hash
    let (head, partition) = (head(hash), partition(hash))
    partition.pointee.lock()
    defer { partition.pointee.unlock() }
    _ = partition.pointee.version.wrappingAdd(1, ordering: .acquiringAndReleasing)
    let next = descriptors[Int(buffer)].next.load(ordering: .relaxed)
    var current = head.pointee.load(ordering: .relaxed)
    if current == buffer {
      head.pointee.store(next, ordering: .releasing)
    } else {
      while current != .noBuffer {
        let following = descriptors[Int(current)].next.load(ordering: .relaxed)
        if following == buffer {
          descriptors[Int(current)].next.store(next, ordering: .releasing)
          break
        }
        current = following
      }
      precondition(current != .noBuffer, "invariant broken: a buffer was not in the chain of its tag")
    }
    _ = partition.pointee.version.wrappingAdd(1, ordering: .acquiringAndReleasing)
  }
}
