import MillraceIO
import Synchronization

/// Who is inserting where: one cache line for each backend. Together with the reservation they tell how far the log is
/// complete, without a lock (PostgreSQL: `insertingAt` of eight insertion locks).
///
/// An inserter *announces* a position that its record will not start before, then reserves, then copies, then is idle
/// again. Who wants to know how far the log is complete reads the reservation first and all slots afterwards: the
/// lowest announced position, or the end of what was reserved where nobody is inserting.
///
/// **Why no record is overlooked.** Let a record be reserved before the reader's look at the reservation. Its
/// announcement is before its compare-and-swap in program order; that one releases, and the reader's load acquires from
/// it or from a later compare-and-swap of the same word, which continues the release sequence. So the announcement
/// happens before the reader's load of the slot, which finds it, or a later value of the same slot. A later value means
/// that the record, or its part before that value, has been copied, and because every store to a slot releases and the
/// load acquires, the copied bytes are visible to the reader, and to the kernel that it passes them to. A record that
/// is reserved after the look lies wholly behind the end that the look gave.
///
/// The result can be lower than an earlier one, since an announcement may be older than what others have reserved
/// meanwhile; it is never too high.
struct InsertionSlots: @unchecked Sendable {
  // Safe because the words are atomic, and the counters are written by the slot's backend alone.

  struct Slot: ~Copyable {
    /// A usable byte, or `idle`. Bit 0: somebody sleeps until it changes. Bit 1: given up, because the log has stopped.
    let insertingAt = Atomic<UInt64>(InsertionSlots.idle)
    let records = Atomic<UInt64>(0)
    let images = Atomic<UInt64>(0)
    let imageBytes = Atomic<UInt64>(0)
    let bytes = Atomic<UInt64>(0)
    let buffersFull = Atomic<UInt64>(0)
  }

  /// Nothing is being inserted. Above every position.
  static let idle: UInt64 = ~0x7
  private static let sleepers: UInt64 = 1
  private static let abandoned: UInt64 = 2
  /// The lowest bits of a position are free: records start at multiples of eight.
  private static let positionMask: UInt64 = ~0x7

  private static let stride = 128
  private let memory: UnsafeMutableRawPointer
  /// Slots that have been used, plus one.
  private let used: UnsafeMutablePointer<Atomic<UInt64>>
  let count: Int

  init(count: Int) {
    self.count = count
    memory = .allocate(byteCount: (count + 1) * Self.stride, alignment: Self.stride)
    used = memory.bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    used.initialize(to: Atomic(0))
    for index in 0..<count {
      (memory + (index + 1) * Self.stride).bindMemory(to: Slot.self, capacity: 1).initialize(to: Slot())
    }
  }

  func deallocate() { memory.deallocate() }

  @inline(__always) subscript(index: Int) -> UnsafeMutablePointer<Slot> {
    (memory + (index + 1) * Self.stride).assumingMemoryBound(to: Slot.self)
  }

  /// The slot's first field, to sleep on.
  private func word(_ index: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (memory + (index + 1) * Self.stride).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private var usedCount: Int { Int(used.pointee.load(ordering: .acquiring)) }

  // MARK: Inserting

  /// Says that the next record of a slot will not start before a position. By the slot's own thread, idle.
  @inline(__always) func announce(_ index: Int, at byte: UInt64) {
    if used.pointee.relaxed <= UInt64(index) { use(index) }
    self[index].pointee.insertingAt.store(byte, ordering: .releasing)
  }

  private func use(_ index: Int) {
    invariant(index < count, "WAL was inserted by a backend of another engine")
    var seen = used.pointee.relaxed
    while seen <= UInt64(index) {
      let (exchanged, now) = used.pointee.compareExchange(
        expected: seen, desired: UInt64(index) + 1, ordering: .acquiringAndReleasing)
      if exchanged { return }
      seen = now
    }
  }

  /// Says that everything before a position has been copied: before the inserter waits for anything.
  func advance(_ index: Int, to byte: UInt64) { set(index, byte) }

  /// Says that the record is complete, or was not inserted.
  @inline(__always) func finish(_ index: Int) { set(index, Self.idle) }

  /// Says that the record will never be complete, because the log has stopped. The position stays.
  func abandon(_ index: Int) {
    set(index, self[index].pointee.insertingAt.relaxed & Self.positionMask | Self.abandoned)
  }

  @inline(__always) private func set(_ index: Int, _ value: UInt64) {
    let before = self[index].pointee.insertingAt.exchange(value, ordering: .acquiringAndReleasing)
    if before & Self.sleepers != 0 { Futex.wake(word(index)) }
  }

  // MARK: Completion

  /// What keeps the log from being complete up to a position.
  struct Obstacle {
    let index: Int
    fileprivate let seen: UInt64
    /// Whether it is there for ever.
    var isAbandoned: Bool { seen & InsertionSlots.abandoned != 0 }
  }

  /// How far the log is complete.
  /// - Parameter reserved: the end of what was reserved, loaded before this is called.
  /// - Returns: a usable byte, and who is inserting there, if anyone.
  /// - Complexity: O(backends), one load each.
  func completed(reserved: UInt64) -> (byte: UInt64, obstacle: Obstacle?) {
    var lowest = reserved
    var obstacle: Obstacle?
    for index in 0..<usedCount {
      let seen = self[index].pointee.insertingAt.load(ordering: .acquiring)
      if seen & Self.positionMask < lowest {
        lowest = seen & Self.positionMask
        obstacle = Obstacle(index: index, seen: seen)
      }
    }
    return (lowest, obstacle)
  }

  /// Sleeps until an inserter has moved on. May return early.
  func sleep(on obstacle: Obstacle) {
    let word = word(obstacle.index)
    if obstacle.seen & Self.sleepers == 0 {
      let (exchanged, _) = word.pointee.compareExchange(
        expected: obstacle.seen, desired: obstacle.seen | Self.sleepers, ordering: .acquiringAndReleasing)
      if !exchanged { return }
    }
    Futex.wait(word, while: obstacle.seen | Self.sleepers)
  }

  // MARK: Counting

  struct Counters {
    var records: UInt64 = 0
    var images: UInt64 = 0
    var imageBytes: UInt64 = 0
    var bytes: UInt64 = 0
    var buffersFull: UInt64 = 0
  }

  /// Those of one backend.
  func counters(_ index: Int) -> Counters {
    let slot = self[index]
    return Counters(
      records: slot.pointee.records.relaxed, images: slot.pointee.images.relaxed,
      imageBytes: slot.pointee.imageBytes.relaxed, bytes: slot.pointee.bytes.relaxed,
      buffersFull: slot.pointee.buffersFull.relaxed)
  }

  /// All counters, summed over all backends.
  func total() -> Counters {
    var total = Counters()
    for index in 0..<usedCount {
      let slot = counters(index)
      total.records &+= slot.records
      total.images &+= slot.images
      total.imageBytes &+= slot.imageBytes
      total.bytes &+= slot.bytes
      total.buffersFull &+= slot.buffersFull
    }
    return total
  }
}
