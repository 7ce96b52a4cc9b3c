/// A queue of handle numbers for the worker pool, of fixed size. Used with the pool's lock.
struct WorkerLane {
  /// Slots; a power of two.
  static let capacity = 64

  private let entries = UnsafeMutablePointer<UInt32>.allocate(capacity: WorkerLane.capacity)
  private var head: UInt32 = 0
  private var tail: UInt32 = 0

  var depth: Int { Int(tail &- head) }

  func deallocate() { entries.deallocate() }

  /// - Returns: how many of them fit.
  mutating func append(_ handles: UnsafePointer<UInt32>, count: Int) -> Int {
    let fitting = min(count, Self.capacity - depth)
    for position in 0..<fitting {
      entries[Int(tail) % Self.capacity] = handles[position]
      tail &+= 1
    }
    return fitting
  }

  var first: UInt32? { depth > 0 ? entries[Int(head) % Self.capacity] : nil }

  mutating func takeFirst() -> UInt32? {
    defer { if depth > 0 { head &+= 1 } }
    return first
  }
}
