import CMillrace
import MillraceIO
import Synchronization

/// Content locks on pinned buffers, in the buffer's own word: taking one that is free is a compare-and-swap; nothing is
/// allocated.
extension BufferPool {
  /// How often a thread looks again before it sleeps: as long as most pages are locked.
  private static let looksBeforeSleep = 32

  /// Takes the lock if it can be had at once.
  @inline(__always) func tryLock(_ buffer: BufferID, _ mode: ContentLockMode) -> Bool {
    let descriptor = descriptors + Int(buffer)
    var seen = descriptor.pointee.state.load(ordering: .relaxed)
    while let desired = ContentLock.acquired(mode, seen) {
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: desired, successOrdering: .acquiring, failureOrdering: .relaxed)
      if exchanged { return true }
      seen = now
    }
    return false
  }

  /// Takes the lock. Where a write in flight holds it, this thread submits and reaps that if need be.
  /// - Parameter backend: the calling thread's, needed where that is exclusive and has I/O in flight.
  @inline(__always) func lock(_ buffer: BufferID, _ mode: ContentLockMode, backend: IOBackend?) {
    if !tryLock(buffer, mode) { lockByWaiting(buffer, mode, backend) }
  }

  @inline(never) private func lockByWaiting(_ buffer: BufferID, _ mode: ContentLockMode, _ backend: IOBackend?) {
    let descriptor = descriptors + Int(buffer)
    var attempt = ContentLock.Attempt(mode)
    var looks = 0
    counters.lockWaits.sharedIncrement()
    while true {
      let seen = descriptor.pointee.state.load(ordering: .relaxed)
      switch attempt.step(seen) {
      case .acquire(let desired):
        guard
          descriptor.pointee.state.compareExchange(
            expected: seen, desired: desired, successOrdering: .acquiring, failureOrdering: .relaxed
          ).exchanged
        else { continue }
        return
      case .sleep(let desired):
        if looks < Self.looksBeforeSleep {
          looks += 1
          continue
        }
        guard
          seen == desired
            || descriptor.pointee.state.compareExchange(
              expected: seen, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed
            ).exchanged
        else { continue }
        if waitForWrite(descriptor, mode, backend) { continue }
        _ = millrace_futex_wait_among(
          Self.lockAddress(descriptor), UInt32(truncatingIfNeeded: desired >> 32), UInt32(1) << mode.rawValue)
        attempt.hasSlept = true
      }
    }
  }

  /// Waits for the I/O that holds a buffer's lock, if there is one that can be waited for: asleep, this thread could
  /// not complete it, and perhaps nobody else would. To be asked after the sleeper has announced itself: who stages the
  /// I/O takes the announcement off again after it has published the reference (``noteStaged(_:)``).
  private func waitForWrite(
    _ descriptor: UnsafeMutablePointer<BufferDescriptor>, _ mode: ContentLockMode, _ backend: IOBackend?
  ) -> Bool {
    guard mode != .share else { return false }
    let reference = IOReference(rawValue: descriptor.pointee.ioReference.load(ordering: .acquiring))
    guard !reference.isNone else { return false }
    if let backend { backend.wait(for: reference) } else { engine.wait(for: reference) }
    return true
  }

  /// Gives the lock back, and wakes who can go on.
  @inline(__always) func unlock(_ buffer: BufferID, _ mode: ContentLockMode) {
    let descriptor = descriptors + Int(buffer)
    var seen = descriptor.pointee.state.load(ordering: .relaxed)
    while true {
      precondition(ContentLock.isHeld(mode, seen), "invariant broken: a page was unlocked that was not locked")
      let (desired, wakes) = ContentLock.released(mode, seen)
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: desired, successOrdering: .releasing, failureOrdering: .relaxed)
      if exchanged {
        if wakes != 0 { Self.wakeLockers(descriptor, wakes) }
        return
      }
      seen = now
    }
  }

  /// Turns a share that the caller holds into share-exclusive, if that can be had at once.
  @inline(__always) func tryUpgrade(_ buffer: BufferID) -> Bool {
    let descriptor = descriptors + Int(buffer)
    var seen = descriptor.pointee.state.load(ordering: .relaxed)
    while let desired = ContentLock.upgraded(seen) {
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: desired, successOrdering: .acquiringAndReleasing, failureOrdering: .relaxed)
      if exchanged { return true }
      seen = now
    }
    return false
  }

  /// Wakes sleepers whose announcements were taken off the word: all that want to share, one of each of the others.
  @inline(never) static func wakeLockers(_ descriptor: UnsafeMutablePointer<BufferDescriptor>, _ wakes: UInt64) {
    for mode in ContentLockMode.allCases where wakes & ContentLock.sleepers(mode) != 0 {
      _ = millrace_futex_wake_among(lockAddress(descriptor), mode == .share ? .max : 1, UInt32(1) << mode.rawValue)
    }
  }

  /// Called when the reference of a buffer's I/O has been published: lets who sleeps for the buffer look again, because
  /// from now on it can wait for the I/O itself.
  @inline(__always) static func noteStaged(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) {
    let excluded = ContentLock.sleepers(.shareExclusive) | ContentLock.sleepers(.exclusive)
    var seen = descriptor.pointee.state.load(ordering: .relaxed)
    while true {
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen, desired: seen & ~(excluded | BufferState.sleepers), successOrdering: .acquiringAndReleasing,
        failureOrdering: .relaxed)
      if exchanged { break }
      seen = now
    }
    if seen & BufferState.sleepers != 0 { wakeSleepers(descriptor) }
    if seen & excluded != 0 {
      _ = millrace_futex_wake_among(
        lockAddress(descriptor), .max, UInt32(truncatingIfNeeded: excluded >> ContentLock.sleeperShift))
    }
  }

  /// The high half of the word, which is the descriptor's first field.
  @inline(__always) private static func lockAddress(
    _ descriptor: UnsafeMutablePointer<BufferDescriptor>
  ) -> UnsafeRawPointer { UnsafeRawPointer(descriptor) + 4 }

  // MARK: Dirty pages

  /// Notes that a page differs from what is on disk. Under its lock, in share-exclusive mode at least, so that no write
  /// of it is in flight.
  @inline(__always) func markDirty(_ buffer: BufferID) {
    let descriptor = descriptors + Int(buffer)
    let seen = BufferState(rawValue: descriptor.pointee.state.load(ordering: .relaxed))
    if seen.has(BufferState.dirty) { return }
    _ = descriptor.pointee.state.bitwiseOr(BufferState.dirty, ordering: .relaxed)
    counters.dirtied.sharedIncrement()
    millrace_count_dirtied(scope == .local)
  }

  /// See ``PinnedBuffer/noteExamined()``.
  func noteExamined(_ buffer: BufferID) {
    _ = (descriptors + Int(buffer)).pointee.state.bitwiseOr(BufferState.examined, ordering: .relaxed)
  }
}
