import MillraceIO
import Synchronization

/// What an inserter decides by whether a page needs a full-page image. Changes only together with the insertion
/// position, so that a record cannot be inserted by a decision that a checkpoint has overtaken.
struct InsertionEpoch: Equatable, Sendable {
  /// Bit 0: `full_page_writes`. The rest counts the redo positions that have been fixed, modulo 2³¹.
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }

  init(count: UInt32, fullPageWrites: Bool) { rawValue = count << 1 | (fullPageWrites ? 1 : 0) }

  var fullPageWrites: Bool { rawValue & 1 != 0 }
  var count: UInt32 { rawValue >> 1 }

  /// The one after it.
  func next(fullPageWrites: Bool) -> InsertionEpoch {
    InsertionEpoch(count: count &+ 1, fullPageWrites: fullPageWrites)
  }
}

/// Where the next record goes: the one word that all inserters contend for, two machine words wide.
///
///     first   usable bytes before the next record (``WALGeometry``)
///     second  bits 32–63: usable bytes from the last record's start to there; bits 0–31: the ``InsertionEpoch``
///
/// PostgreSQL guards the same (CurrBytePos, PrevBytePos) by a spinlock, and RedoRecPtr by holding all insertion locks.
/// Here a record is given its place by one compare-and-swap of both words, so that a preempted inserter holds nobody
/// up, and a checkpoint that fixes its redo position changes the epoch by the same compare-and-swap: a record whose
/// inserter decided by an older epoch finds the word changed and is assembled again.
///
/// The redo position itself does not fit. It is put into a table of two by the epoch's parity *before* the
/// compare-and-swap that begins the epoch, and so can be read by whoever has seen the epoch. The entry is overwritten
/// when the epoch after the next is prepared; who reads it so late has an old epoch, and will be refused.
struct Reservation: @unchecked Sendable {
  // Safe because it only names words that change atomically.

  struct State {
    var rawValue: WordPair

    /// Usable bytes before the next record.
    @inline(__always) var next: UInt64 { UInt64(rawValue.first) }
    /// Usable bytes before the last record's start.
    @inline(__always) var previous: UInt64 { next - UInt64(rawValue.second) >> 32 }
    @inline(__always) var epoch: InsertionEpoch {
      InsertionEpoch(rawValue: UInt32(truncatingIfNeeded: rawValue.second))
    }

    @inline(__always) init(rawValue: WordPair) { self.rawValue = rawValue }

    /// - Parameters:
    ///   - next: usable bytes before the next record.
    ///   - previous: usable bytes before the last one's start; at most 4 GiB less.
    @inline(__always) init(next: UInt64, previous: UInt64, epoch: InsertionEpoch) {
      rawValue = WordPair(first: UInt(next), second: UInt((next - previous) << 32 | UInt64(epoch.rawValue)))
    }
  }

  private let word: UnsafeMutablePointer<Atomic<WordPair>>
  private let redoPositions: UnsafeMutablePointer<Atomic<UInt64>>

  init(_ state: State, redoPosition: UInt64) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 128)
    // In cache lines of their own: one is written by all, the other read by all.
    word = memory.bindMemory(to: Atomic<WordPair>.self, capacity: 1)
    redoPositions = (memory + 128).bindMemory(to: Atomic<UInt64>.self, capacity: 2)
    word.initialize(to: Atomic(state.rawValue))
    for parity in 0..<2 { (redoPositions + parity).initialize(to: Atomic(redoPosition)) }
  }

  func deallocate() { UnsafeMutableRawPointer(word).deallocate() }

  @inline(__always) func load() -> State { State(rawValue: word.pointee.load(ordering: .acquiring)) }

  /// Replaces the state that was seen.
  /// - Parameter seen: set to the present state where that is another.
  @inline(__always) func replace(_ seen: inout State, with new: State) -> Bool {
    let (exchanged, now) = word.pointee.compareExchange(
      expected: seen.rawValue, desired: new.rawValue, successOrdering: .acquiringAndReleasing,
      failureOrdering: .acquiring)
    if !exchanged { seen = State(rawValue: now) }
    return exchanged
  }

  /// Where recovery starts by an epoch that was seen; anything where that is not the last any more.
  @inline(__always) func redoPosition(_ epoch: InsertionEpoch) -> UInt64 {
    redoPositions[Int(epoch.count & 1)].load(ordering: .acquiring)
  }

  /// Puts the redo position of an epoch down that is about to begin. One thread at a time.
  func prepare(_ epoch: InsertionEpoch, redoPosition: UInt64) {
    redoPositions[Int(epoch.count & 1)].store(redoPosition, ordering: .releasing)
  }
}
