import MillraceIO
import Synchronization

/// Group commit: committers that one write and one flush serve. Each batch has a word of its own to sleep on, so that a
/// committer sleeps once and is woken once, when its position is durable.
///
/// A *leader* appends a batch up to where the log is complete and makes it durable. Who comes later and finds no room
/// for another batch in flight waits for the next one by its number, before it exists; when a batch ends, one of those
/// is woken to lead.
struct CommitBatches: @unchecked Sendable {
  // Safe because entries are written by the thread that appends before their number is published, and atomic.

  private struct Entry: ~Copyable {
    /// First, so that its address is the entry's.
    let word = Atomic<UInt64>(0)
    let upTo = Atomic<UInt64>(0)
    /// Whether a thread stays with it until it has ended, and waits for nothing else.
    let isAttended = Atomic<Bool>(false)
    /// Monotonic nanoseconds when it was appended, and how many were in flight then.
    let began = Atomic<UInt64>(0)
    let others = Atomic<UInt64>(0)
  }

  struct Shared: ~Copyable {
    let appended = Atomic<UInt64>(0)
    let ended = Atomic<UInt64>(0)
    /// How many may be in flight.
    let limit: Atomic<UInt64>
    /// Held by who changes the depth; who does not get it leaves a sample out.
    let isLearning = Atomic<Bool>(false)

    init(limit: UInt64) { self.limit = Atomic(limit) }
  }

  static let capacity: UInt64 = 64
  private static let stride = 64
  private let entries: UnsafeMutableRawPointer
  private let shared: UnsafeMutablePointer<Shared>
  /// Touched by who holds `isLearning`.
  private let depth: UnsafeMutablePointer<CommitDepth>
  private let learns: Bool

  /// - Parameters:
  ///   - most: in flight at most.
  ///   - learns: whether fewer may be, by what the disk shows.
  init(most: Int, learns: Bool) {
    self.learns = learns
    depth = .allocate(capacity: 1)
    depth.initialize(to: CommitDepth(most: most))
    entries = .allocate(byteCount: Int(Self.capacity) * Self.stride, alignment: Self.stride)
    for index in 0..<Int(Self.capacity) {
      (entries + index * Self.stride).bindMemory(to: Entry.self, capacity: 1).initialize(to: Entry())
    }
    shared = .allocate(capacity: 1)
    shared.initialize(to: Shared(limit: UInt64(learns ? depth.pointee.limit : most)))
  }

  func deallocate() {
    depth.deallocate()
    entries.deallocate()
    shared.deallocate()
  }

  @inline(__always) private func entry(_ number: UInt64) -> UnsafeMutablePointer<Entry> {
    (entries + Int(number % Self.capacity) * Self.stride).assumingMemoryBound(to: Entry.self)
  }

  @inline(__always) func event(_ number: UInt64) -> EventCount {
    EventCount((entries + Int(number % Self.capacity) * Self.stride).assumingMemoryBound(to: Atomic<UInt64>.self))
  }

  /// How many have ever been appended: the number of the next.
  @inline(__always) var appended: UInt64 { shared.pointee.appended.load(ordering: .sequentiallyConsistent) }
  @inline(__always) private var ended: UInt64 { shared.pointee.ended.load(ordering: .sequentiallyConsistent) }
  @inline(__always) var inFlight: UInt64 {
    let ended = ended
    return appended - ended
  }

  /// Whether another batch may be begun.
  @inline(__always) var hasRoom: Bool { inFlight < shared.pointee.limit.relaxed }
  /// How many may be in flight, as far as the disk is known.
  var limit: UInt64 { shared.pointee.limit.relaxed }

  /// Adds a batch. One thread at a time, in the order of positions; see ``end(upTo:clock:)`` for what must follow.
  /// - Parameter time: monotonic nanoseconds.
  func append(upTo: UInt64, isAttended: Bool, at time: UInt64) {
    let number = shared.pointee.appended.relaxed
    let entry = entry(number)
    entry.pointee.began.relaxed = time
    entry.pointee.others.relaxed = inFlight
    entry.pointee.upTo.relaxed = upTo
    entry.pointee.isAttended.store(isAttended, ordering: .relaxed)
    shared.pointee.appended.store(number + 1, ordering: .sequentiallyConsistent)
  }

  /// The batch in flight that makes a position durable.
  /// - Returns: nil where there is none. The answer may be out of date: look at the position after
  ///   ``EventCount/prepare()``.
  func covering(_ position: UInt64) -> (number: UInt64, isAttended: Bool)? {
    let first = ended
    for number in first..<max(appended, first) where entry(number).pointee.upTo.relaxed >= position {
      return (number, entry(number).pointee.isAttended.load(ordering: .relaxed))
    }
    return nil
  }

  /// Whether there are batches in flight, and each has a thread that stays with it.
  var areAttended: Bool {
    let first = ended
    let next = max(appended, first)
    return first < next && (first..<next).allSatisfy { entry($0).pointee.isAttended.load(ordering: .relaxed) }
  }

  func isInFlight(_ number: UInt64) -> Bool { number >= ended && number < appended }

  /// Ends the batches up to a position that is durable, wakes who waits for them, and one who may lead the next.
  ///
  /// Called by whoever has raised the durable position, afterwards; and by a leader after it has appended one, because
  /// the position may have been raised just before: of both at least one sees the other.
  /// - Parameter clock: monotonic nanoseconds.
  func end(upTo position: UInt64, clock: () -> UInt64) {
    var hasEnded = false
    while true {
      let first = ended
      guard first < appended, entry(first).pointee.upTo.relaxed <= position else { break }
      let (began, others) = (entry(first).pointee.began.relaxed, entry(first).pointee.others.relaxed)
      if shared.pointee.ended.compareExchange(
        expected: first, desired: first + 1, ordering: .sequentiallyConsistent
      ).exchanged {
        hasEnded = true
        event(first).signalAll()
        if learns { learn(began, clock(), others) }
      }
    }
    if hasEnded { nudge() }
  }

  private func learn(_ began: UInt64, _ ended: UInt64, _ others: UInt64) {
    guard ended > began, !shared.pointee.isLearning.exchange(true, ordering: .acquiring) else { return }
    depth.pointee.note(ended - began, others: Int(others))
    shared.pointee.limit.relaxed = UInt64(depth.pointee.limit)
    shared.pointee.isLearning.store(false, ordering: .releasing)
  }

  /// Wakes one of those who wait for the next batch, so that it looks whether it can lead.
  func nudge() { event(appended).signalOne() }

  /// Wakes everybody: the log has stopped.
  func signalAll() { for number in 0..<Self.capacity { event(number).signalAll() } }
}
