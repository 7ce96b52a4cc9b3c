import CMillrace
import Glibc
import MillraceIO
import Synchronization

/// The right to do I/O on a buffer, and waiting for who has it (PostgreSQL's StartBufferIO, WaitIO, TerminateBufferIO).
extension BufferPool {
  enum StartIOResult: Equatable {
    /// The caller has the right now, and must end with ``terminateIO(_:valid:)`` or an I/O that does.
    case ready
    /// The page is valid already.
    case alreadyDone
    /// Another thread's, or an earlier, I/O is under way; with a reference, it can be waited for.
    case inProgress(IOReference)
  }

  /// Calls `body` with the pool that an I/O was issued for: its context, in reads into buffers and writes of them.
  @inline(__always) static func with<Result>(
    _ io: borrowing CompletionContext, _ body: (BufferPool) -> Result
  ) -> Result {
    guard let context = io.context else { fatalError("invariant broken: an I/O on buffers without a pool") }
    return Unmanaged<BufferPool>.fromOpaque(context)._withUnsafeGuaranteedRef(body)
  }

  /// Asks for the right to read a page into a pinned buffer. Does not wait.
  @inline(__always) func startIO(_ buffer: BufferID) -> StartIOResult {
    let descriptor = descriptors + Int(buffer)
    while true {
      let seen = state(buffer)
      if seen.has(BufferState.valid) { return .alreadyDone }
      if seen.has(BufferState.ioInProgress) {
        return .inProgress(IOReference(rawValue: descriptor.pointee.ioReference.load(ordering: .acquiring)))
      }
      if descriptor.pointee.state.compareExchange(
        expected: seen.rawValue, desired: seen.rawValue | BufferState.ioInProgress, ordering: .acquiringAndReleasing
      ).exchanged {
        return .ready
      }
    }
  }

  /// Gives the right up. Wakes who waits for it.
  /// - Parameter valid: whether the page is; otherwise the buffer is marked as failed.
  /// - Parameter dropsPin: the I/O's own pin goes with it.
  @inline(__always) static func terminateIO(
    _ descriptor: UnsafeMutablePointer<BufferDescriptor>, valid: Bool, dropsPin: Bool
  ) {
    descriptor.pointee.ioReference.store(0, ordering: .relaxed)
    var seen = BufferState(rawValue: descriptor.pointee.state.load(ordering: .relaxed))
    while true {
      var desired =
        seen.rawValue
        & ~(BufferState.ioInProgress | BufferState.ioError | BufferState.sleepers | BufferState.examined)
      desired |= valid ? BufferState.valid : BufferState.ioError
      if dropsPin { desired -= BufferState.onePin }
      let (exchanged, now) = descriptor.pointee.state.weakCompareExchange(
        expected: seen.rawValue, desired: desired, ordering: .acquiringAndReleasing)
      if exchanged { break }
      seen = BufferState(rawValue: now)
    }
    if seen.has(BufferState.sleepers) { wakeSleepers(descriptor) }
  }

  func terminateIO(_ buffer: BufferID, valid: Bool) {
    Self.terminateIO(descriptors + Int(buffer), valid: valid, dropsPin: false)
  }

  /// Lets who sleeps on a buffer look again: the I/O has ended, or can now be waited for by reference.
  static func wakeSleepers(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) {
    // The state is the descriptor's first field, its low half the futex.
    _ = millrace_futex_wake(descriptor, .max)
  }

  /// Sleeps until the I/O on a pinned buffer is over. Where it has a reference, waits through the engine, so that this
  /// thread can submit and reap it.
  func waitForIO(_ buffer: BufferID, backend: IOBackend?) {
    let descriptor = descriptors + Int(buffer)
    while true {
      let seen = state(buffer)
      guard seen.has(BufferState.ioInProgress) else { return }
      let reference = IOReference(rawValue: descriptor.pointee.ioReference.load(ordering: .acquiring))
      if !reference.isNone {
        if let backend { backend.wait(for: reference) } else { engine.wait(for: reference) }
        continue
      }
      if !seen.has(BufferState.sleepers) {
        guard
          descriptor.pointee.state.compareExchange(
            expected: seen.rawValue, desired: seen.rawValue | BufferState.sleepers, ordering: .acquiringAndReleasing
          ).exchanged
        else { continue }
        // The reference may have been set between the two looks; then nobody would wake us for it.
        if descriptor.pointee.ioReference.load(ordering: .acquiring) != 0 { continue }
      }
      _ = millrace_futex_wait(
        descriptor, UInt32(truncatingIfNeeded: seen.rawValue | BufferState.sleepers), -1)
    }
  }
}
