import MillraceIO
import Synchronization

/// I/Os on the log in the order of their positions, which may end in any order: the position up to which *all* have
/// ended is what counts. One for writes and one for flushes (the write and flush queues of PostgreSQL's AIO branch).
///
/// Entries are appended by one thread at a time, in order, and started, completed and waited for by any. An entry that
/// has failed is never completed, so the position never passes it.
///
/// **Why the last to end moves the position.** A completion marks its entry, then looks at the first one that is not
/// known to have ended; if that is marked it moves the tail past it and goes on. Marking and looking are in one total
/// order: of two neighbours that end at the same time at least one sees the other's mark. A tail that several threads
/// try to move is moved by one of them at a time, and the position is raised to the maximum, never set.
struct PositionQueue: @unchecked Sendable {
  // Safe because entries are written by the thread that appends before their number is published, and atomic.

  struct Entry: ~Copyable {
    /// The number of its use, and in the low two bits its stage.
    let word = Atomic<UInt64>(0)
    /// The positions that it brings to the file: from the start of a page.
    let from = Atomic<UInt64>(0)
    let upTo = Atomic<UInt64>(0)
    /// The I/O, once it is started.
    let reference = Atomic<UInt64>(0)
    /// The segment's file, kept open by ``OpenSegments``.
    let file = Atomic<UInt64>(0)
  }

  private enum Stage {
    static let pending: UInt64 = 0
    static let started: UInt64 = 1
    static let done: UInt64 = 2
  }

  struct Shared: ~Copyable {
    let appended = Atomic<UInt64>(0)
    let completed = Atomic<UInt64>(0)
    let initiated: Atomic<UInt64>
    let position: Atomic<UInt64>
    let depthReached = Atomic<UInt64>(0)
    let startedCount = Atomic<UInt64>(0)

    init(_ start: UInt64) {
      initiated = Atomic(start)
      position = Atomic(start)
    }
  }

  private static let stride = 64
  private let entries: UnsafeMutableRawPointer
  private let shared: UnsafeMutablePointer<Shared>
  let capacity: UInt64

  /// - Parameters:
  ///   - capacity: entries that can be under way, at least 1.
  ///   - start: up to where everything has ended before the first entry.
  init(capacity: Int, start: UInt64) {
    self.capacity = UInt64(capacity)
    entries = .allocate(byteCount: capacity * Self.stride, alignment: Self.stride)
    for index in 0..<capacity {
      (entries + index * Self.stride).bindMemory(to: Entry.self, capacity: 1).initialize(to: Entry())
    }
    shared = .allocate(capacity: 1)
    shared.initialize(to: Shared(start))
  }

  func deallocate() {
    entries.deallocate()
    shared.deallocate()
  }

  @inline(__always) private func entry(_ number: UInt64) -> UnsafeMutablePointer<Entry> {
    (entries + Int(number % capacity) * Self.stride).assumingMemoryBound(to: Entry.self)
  }

  // MARK: Positions

  /// Up to where everything has ended.
  @inline(__always) var position: UInt64 { shared.pointee.position.load(ordering: .sequentiallyConsistent) }
  /// Up to where everything has been appended.
  @inline(__always) var initiated: UInt64 { shared.pointee.initiated.load(ordering: .acquiring) }
  @inline(__always) var appended: UInt64 { shared.pointee.appended.load(ordering: .acquiring) }
  @inline(__always) var completed: UInt64 { shared.pointee.completed.load(ordering: .acquiring) }
  var isFull: Bool { appended - completed >= capacity }
  var isEmpty: Bool { appended == completed }
  /// The most entries that were under way together.
  var depthReached: UInt64 { shared.pointee.depthReached.relaxed }
  /// I/Os that were started.
  var startedCount: UInt64 { shared.pointee.startedCount.relaxed }

  // MARK: Appending

  /// Adds an entry. One thread at a time, in the order of positions.
  /// - Returns: its number.
  func append(from: UInt64, upTo: UInt64, file: Unmanaged<IOFile>) -> UInt64 {
    let number = shared.pointee.appended.relaxed
    invariant(number - completed < capacity, "a queue of WAL I/O was full")
    let entry = entry(number)
    entry.pointee.from.relaxed = from
    entry.pointee.upTo.relaxed = upTo
    entry.pointee.file.relaxed = UInt64(UInt(bitPattern: file.toOpaque()))
    entry.pointee.reference.relaxed = 0
    entry.pointee.word.store(number << 2 | Stage.pending, ordering: .releasing)
    shared.pointee.initiated.store(upTo, ordering: .releasing)
    shared.pointee.appended.store(number + 1, ordering: .sequentiallyConsistent)
    let depth = number + 1 - completed
    if depth > shared.pointee.depthReached.relaxed { shared.pointee.depthReached.relaxed = depth }
    return number
  }

  // MARK: Starting

  /// What the I/O's completions are given to work on.
  func context(_ number: UInt64) -> UnsafeRawPointer { UnsafeRawPointer(entry(number)) }

  /// The entry that an I/O belongs to, which has not ended.
  static func number(_ context: UnsafeRawPointer) -> UInt64 {
    context.assumingMemoryBound(to: Entry.self).pointee.word.load(ordering: .acquiring) >> 2
  }

  /// Takes an entry to start its I/O; exactly one thread gets it.
  func claim(_ number: UInt64) -> Bool {
    let claimed = entry(number).pointee.word.compareExchange(
      expected: number << 2 | Stage.pending, desired: number << 2 | Stage.started, ordering: .acquiringAndReleasing
    ).exchanged
    if claimed { shared.pointee.startedCount.sharedAdd(1) }
    return claimed
  }

  /// Says what others can wait with. By the thread that has claimed the entry, before the I/O can end.
  func setReference(_ reference: IOReference, of number: UInt64) {
    entry(number).pointee.reference.store(reference.rawValue, ordering: .releasing)
  }

  // MARK: Completing

  /// Marks an entry as ended, and moves the position on where it can.
  /// - Returns: the new position where this call has raised it; exactly one call returns each.
  func complete(_ number: UInt64) -> UInt64? {
    let word = entry(number).pointee.word.exchange(number << 2 | Stage.done, ordering: .sequentiallyConsistent)
    invariant(word == number << 2 | Stage.started, "WAL I/O was completed that was not started")
    var last: UInt64?
    while true {
      let first = shared.pointee.completed.load(ordering: .sequentiallyConsistent)
      let entry = entry(first)
      guard entry.pointee.word.load(ordering: .sequentiallyConsistent) == first << 2 | Stage.done else { break }
      // Before the tail moves past it: then the entry may be another's.
      let upTo = entry.pointee.upTo.relaxed
      let moved = shared.pointee.completed.compareExchange(
        expected: first, desired: first + 1, ordering: .sequentiallyConsistent
      ).exchanged
      if moved { last = upTo }
    }
    guard let last else { return nil }
    let (old, _) = shared.pointee.position.max(last, ordering: .sequentiallyConsistent)
    return old < last ? last : nil
  }

  // MARK: Looking

  /// What one entry is doing.
  struct Progress {
    let number: UInt64
    let upTo: UInt64
    let isStarted: Bool
    /// What to wait with; `.none` while the I/O is about to be started.
    let reference: IOReference
  }

  /// The first entry that has not ended; nil where all have.
  func oldest() -> Progress? {
    while true {
      let number = completed
      guard number < appended else { return nil }
      let entry = entry(number)
      let word = entry.pointee.word.load(ordering: .acquiring)
      let upTo = entry.pointee.upTo.relaxed
      let reference = IOReference(rawValue: entry.pointee.reference.load(ordering: .acquiring))
      // Where the tail has moved on, the entry may be another's by now.
      guard completed == number else { continue }
      return Progress(number: number, upTo: upTo, isStarted: word & 3 != Stage.pending, reference: reference)
    }
  }

  /// The entries that have not ended, or had not just now.
  var numbersInFlight: Range<UInt64> {
    let first = completed
    return first..<max(appended, first)
  }

  /// Whether an entry has not been started and ends at or before a position. Claim it to be sure.
  func isPending(_ number: UInt64, upTo position: UInt64) -> Bool {
    entry(number).pointee.word.load(ordering: .acquiring) == number << 2 | Stage.pending
      && entry(number).pointee.upTo.relaxed <= position
  }

  /// What the thread that has claimed an entry is to do.
  func range(_ number: UInt64) -> (from: UInt64, upTo: UInt64) {
    (entry(number).pointee.from.relaxed, entry(number).pointee.upTo.relaxed)
  }

  /// The file of an entry that has been claimed and not ended.
  func file(_ number: UInt64) -> Unmanaged<IOFile> {
    guard let file = UnsafeRawPointer(bitPattern: UInt(entry(number).pointee.file.relaxed)) else {
      fatalError("invariant broken: WAL I/O without a file")
    }
    return .fromOpaque(file)
  }

  /// Where the range of an I/O that has not ended begins: for the message of its failure.
  static func start(_ context: UnsafeRawPointer) -> UInt64 {
    context.assumingMemoryBound(to: Entry.self).pointee.from.relaxed
  }
}
