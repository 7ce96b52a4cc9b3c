import Glibc
import Synchronization

/// One entry of the handle table. Its `word` says who may touch the rest:
///
/// - IDLE to DEFINED: the owner alone.
/// - STAGED: whoever moves the word to SUBMITTED.
/// - SUBMITTED to COMPLETED_IO: whoever executes it, one thread at a time.
/// - COMPLETED_SHARED on: the owner alone; others read `outcome`.
///
/// What views show is atomic, because they read it at any time; they compare the word before and after.
struct HandleSlot: ~Copyable {
  let word: Atomic<UInt64>
  /// Operation, flags, number of vectors and of data entries, priority (see the accessors).
  let description = Atomic<UInt64>(0)
  let offset = Atomic<UInt64>(0)
  /// Bytes.
  let length = Atomic<UInt64>(0)
  let fileIdentity = Atomic<UInt64>(0)
  /// Bytes, or -errno; meaningful from COMPLETED_IO on.
  let rawResult = Atomic<UInt64>(0)
  let outcome = Atomic<UInt64>(0)
  let submittedAt = Atomic<UInt64>(0)
  let completedAt = Atomic<UInt64>(0)
  /// Which ring of the method has it; meaningful while SUBMITTED.
  let ring = Atomic<UInt32>(0)
  /// What the whole I/O of a merge carries in its head's place: the head's index, or `.noHandle`.
  let mergedInto = Atomic<UInt32>(.noHandle)

  /// Kept alive by its own count of I/Os in flight.
  var file: Unmanaged<IOFile>?
  /// Where the owner wants the outcome; written by the owner, when it reclaims.
  var returning: UnsafeMutablePointer<IOOutcome>?
  /// What the completions work on; theirs to interpret.
  var context: UnsafeRawPointer?
  /// Up to four completions: (id, datum) in pairs of bytes, the first registered lowest.
  var completions: UInt64 = 0
  var completionCount: UInt8 = 0
  /// Bytes done by earlier attempts.
  var transferred = 0
  /// What its owner gives it until it is defined; from then on `description` says it.
  var wantedPriority = IOPriority.query
  /// What it is for; its owner's to read and write.
  var use = IOUse.other
  /// Attempts in a row that moved nothing.
  var fruitless: UInt16 = 0
  /// Vectors handed to the kernel where they differ from the described ones: merged, or continued after a short
  /// transfer.
  var submissionCount: Int32 = 0
  var submissionLength = 0
  /// The next member of a merge, on its way from submitter to completer.
  var mergeNext = UInt32.noHandle
  /// Neighbours on the owner's lists.
  var next = UInt32.noHandle
  var previous = UInt32.noHandle
  /// The backend it belongs to.
  let owner: UInt32

  init(owner: UInt32) {
    word = Atomic(HandleWord(generation: 1, state: .idle).rawValue)
    self.owner = owner
  }
}

extension UInt32 {
  /// No handle.
  static var noHandle: UInt32 { .max }
}

extension HandleSlot {
  /// Packs what `description` holds.
  @inline(__always) static func pack(
    _ operation: IOOperation, _ flags: IOFlags, vectors: Int, data: Int, priority: IOPriority
  ) -> UInt64 {
    UInt64(operation.rawValue) | UInt64(flags.rawValue) << 8 | UInt64(vectors) << 16 | UInt64(data) << 32
      | UInt64(priority.rawValue) << 48
  }

  /// Nil where nothing is defined.
  @inline(__always) var operation: IOOperation? {
    IOOperation(rawValue: UInt8(truncatingIfNeeded: description.relaxed))
  }

  @inline(__always) var flags: IOFlags { IOFlags(rawValue: UInt8(truncatingIfNeeded: description.relaxed >> 8)) }

  @inline(__always) var vectorCount: Int { Int(description.relaxed >> 16 & 0xFFFF) }

  @inline(__always) var dataCount: Int { Int(description.relaxed >> 32 & 0xFFFF) }

  @inline(__always) var priority: IOPriority { Self.priority(of: description.relaxed) }

  @inline(__always) static func priority(of description: UInt64) -> IOPriority {
    IOPriority(rawValue: UInt8(truncatingIfNeeded: description >> 48)) ?? .query
  }
}

/// All handles of an engine in memory that is laid out once, at start: no allocation afterwards.
struct HandleTable: @unchecked Sendable {
  // Safe because the pointers never change and each slot's word says who may touch it.

  let slots: UnsafeMutablePointer<HandleSlot>
  let count: Int
  /// Vectors and data entries that one handle has room for.
  let vectorsPerHandle: Int
  let handlesPerBackend: Int
  private let describedVectors: UnsafeMutablePointer<IOVector>
  private let submittedVectors: UnsafeMutablePointer<IOVector>
  private let data: UnsafeMutablePointer<UInt32>

  init(backends: Int, handlesPerBackend: Int, vectorsPerHandle: Int) {
    count = backends * handlesPerBackend
    self.vectorsPerHandle = vectorsPerHandle
    self.handlesPerBackend = handlesPerBackend
    slots = .allocate(capacity: count)
    describedVectors = .allocate(capacity: count * vectorsPerHandle)
    submittedVectors = .allocate(capacity: count * vectorsPerHandle)
    data = .allocate(capacity: count * vectorsPerHandle)
    describedVectors.initialize(repeating: IOVector(), count: count * vectorsPerHandle)
    submittedVectors.initialize(repeating: IOVector(), count: count * vectorsPerHandle)
    data.initialize(repeating: 0, count: count * vectorsPerHandle)
    for index in 0..<count {
      (slots + index).initialize(to: HandleSlot(owner: UInt32(index / handlesPerBackend)))
    }
  }

  func deallocate() {
    slots.deinitialize(count: count)
    slots.deallocate()
    describedVectors.deallocate()
    submittedVectors.deallocate()
    data.deallocate()
  }

  @inline(__always) subscript(index: UInt32) -> UnsafeMutablePointer<HandleSlot> { slots + Int(index) }

  /// Where the issuer describes the memory of an I/O.
  @inline(__always) func vectors(_ index: UInt32) -> UnsafeMutablePointer<IOVector> {
    describedVectors + Int(index) * vectorsPerHandle
  }

  /// Where the vectors of a merge or of a continued transfer are put together.
  @inline(__always) func submissionVectors(_ index: UInt32) -> UnsafeMutablePointer<IOVector> {
    submittedVectors + Int(index) * vectorsPerHandle
  }

  @inline(__always) func data(_ index: UInt32) -> UnsafeMutablePointer<UInt32> {
    data + Int(index) * vectorsPerHandle
  }

  /// The handle's word, for sleeping on it.
  @inline(__always) func wordAddress(_ index: UInt32) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // The word is the slot's first field.
    UnsafeMutableRawPointer(slots + Int(index)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inline(__always) func word(_ index: UInt32) -> HandleWord {
    HandleWord(rawValue: slots[Int(index)].word.load(ordering: .acquiring))
  }

  /// Moves a handle on; the thread that calls this is the one that the present state entitles to do so.
  /// - Returns: the word before, with the flags that waiters had set.
  @inline(__always) @discardableResult
  func advance(_ index: UInt32, from old: IOHandleState, to new: IOHandleState) -> HandleWord {
    let distance = UInt64(new.rawValue - old.rawValue)
    let before = HandleWord(
      rawValue: slots[Int(index)].word.wrappingAdd(distance, ordering: .acquiringAndReleasing).oldValue)
    invariant(before.state == old, "a handle was moved on from a state that it was not in")
    return before
  }

  /// Takes a staged handle for submission; exactly one thread gets it.
  /// - Parameters:
  ///   - inPlace: the taker executes it itself, so the method must not be asked about it.
  ///   - evenBound: the taker is the owner's thread, which alone may take what is bound to it.
  @inline(__always) func claim(_ index: UInt32, inPlace: Bool = false, evenBound: Bool = true) -> Bool {
    var seen = word(index)
    while seen.state == .staged, evenBound || !seen.has(HandleWord.bound) {
      var desired = seen.advanced(to: .submitted).rawValue
      if inPlace { desired |= HandleWord.inPlace }
      let (exchanged, now) = slots[Int(index)].word.weakCompareExchange(
        expected: seen.rawValue, desired: desired, ordering: .acquiringAndReleasing)
      if exchanged { return true }
      seen = HandleWord(rawValue: now)
    }
    return false
  }

  /// Sets a flag as long as the word is the one seen. - Returns: false when it has changed.
  @inline(__always) func set(_ flag: UInt64, on index: UInt32, seen: HandleWord) -> Bool {
    seen.has(flag) || replace(index, seen: seen, with: seen.rawValue | flag)
  }

  /// Replaces the word if it is still the one seen.
  @inline(__always) func replace(_ index: UInt32, seen: HandleWord, with word: UInt64) -> Bool {
    slots[Int(index)].word.compareExchange(
      expected: seen.rawValue, desired: word, ordering: .acquiringAndReleasing
    ).exchanged
  }
}
