import Synchronization

/// What others may see or touch of a backend: counters, and the word it sleeps on.
struct BackendSlot: ~Copyable {
  /// Counts the I/Os of this backend that other threads completed; the owner sleeps on it. First, so that its address
  /// is the slot's.
  let completions = Atomic<UInt64>(0)
  /// While the owner sleeps: the count at which it wants to be woken. Otherwise `.max`.
  let wakeAt = Atomic<UInt64>(.max)

  /// Whether a backend of a foreground class has this place: 1 or 0.
  let isForeground = Atomic<UInt64>(0)
  /// What its thread waits for: a ``WaitEvent``, 0 for nothing. Written by the owner.
  let waitEvent = Atomic<UInt64>(0)
  /// `completions` when the backend began.
  let completionsBefore = Atomic<UInt64>(0)

  // Written by the owner alone.
  let started = Atomic<UInt64>(0)
  let executedInPlace = Atomic<UInt64>(0)
  let handleWaits = Atomic<UInt64>(0)
  let completedSelf = Atomic<UInt64>(0)
  let bytesRead = Atomic<UInt64>(0)
  let bytesWritten = Atomic<UInt64>(0)
  let completedOther = Atomic<UInt64>(0)
  let outstanding = Atomic<UInt64>(0)

  // Written by whoever submits or retries, before the I/O is completed.
  let issued = Atomic<UInt64>(0)
  let submissions = Atomic<UInt64>(0)
  let retries = Atomic<UInt64>(0)

  init() {}

  /// I/Os started and not completed, as far as can be told without stopping anybody.
  var inFlight: Int {
    // Started last, so that what ends meanwhile does not make it negative; still, it may.
    let ended = completedSelf.relaxed &+ (completions.relaxed &- completionsBefore.relaxed)
    return max(Int(truncatingIfNeeded: started.relaxed &- ended), 0)
  }

  /// Counts from the start again, for the next backend in this place. The count of completions goes on: who completed
  /// the last I/O of the backend before may still be about to raise it.
  func resetCounters() {
    started.relaxed = 0
    waitEvent.relaxed = 0
    executedInPlace.relaxed = 0
    handleWaits.relaxed = 0
    completedSelf.relaxed = 0
    completedOther.relaxed = 0
    bytesRead.relaxed = 0
    bytesWritten.relaxed = 0
    issued.relaxed = 0
    submissions.relaxed = 0
    retries.relaxed = 0
    completionsBefore.relaxed = completions.relaxed
  }
}
