import Glibc

/// Decides, in the place of a kernel, which of the I/Os in flight ends when: MillraceSimulation's part of
/// `io_method=simulation`.
///
/// Its functions may be called on any thread. Each I/O that ``submit(_:to:reaper:)`` is given ends in one call of
/// ``EngineReference/complete(_:_:at:reaper:)``.
package protocol IOScheduler: AnyObject, Sendable {
  /// Takes a batch. May complete some I/O before it returns.
  func submit(_ batch: UnsafeBufferPointer<UInt32>, to engine: EngineReference, reaper: UInt32?)

  /// Takes an I/O once more that was short or told to try again. Completes nothing.
  func submitAgain(_ index: UInt32, to engine: EngineReference)

  /// Lets time pass until the next I/O ends, and completes it.
  /// - Returns: false where none is in flight.
  func completeNext(of engine: EngineReference, reaper: UInt32?) -> Bool

  /// Completes what has ended by now.
  func completeEnded(of engine: EngineReference, reaper: UInt32?)
}

/// `io_method=simulation`: whoever waits makes time pass. In this module, because classes of a package can be
/// subclassed in their own module only; what it does is a scheduler's business.
package final class MethodSimulation: IOMethod, @unchecked Sendable {
  // Safe because it has no state but the scheduler, which guards its own.

  private let scheduler: any IOScheduler

  package init(_ configuration: IOConfiguration, scheduler: any IOScheduler) {
    self.scheduler = scheduler
    super.init(configuration)
  }

  package override var kind: IOMethodKind { .simulation }

  package override func submit(
    _ batch: UnsafePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int
  ) {
    scheduler.submit(UnsafeBufferPointer(start: batch, count: count), to: engine, reaper: reaper)
  }

  package override func retry(_ index: UInt32, reaper: UInt32?) { scheduler.submitAgain(index, to: engine) }

  package override func wait(for index: UInt32, _ reference: IOReference, reaper: UInt32?) {
    // Where nothing is in flight, another thread is about to submit it or to complete it.
    if !scheduler.completeNext(of: engine, reaper: reaper) { sched_yield() }
  }

  package override func wait(owner: UInt32, count: Int, seen: UInt64) {
    if !scheduler.completeNext(of: engine, reaper: owner) { sched_yield() }
  }

  package override func poll(owner: UInt32, reaper: UInt32?) { scheduler.completeEnded(of: engine, reaper: reaper) }

  package override func noteAwaited(_ index: UInt32, _ reference: IOReference) {
    // A task does not wait on a thread that could make time pass, so it passes now.
    while !engine.with({ $0.isCompleted(reference) }), scheduler.completeNext(of: engine, reaper: nil) {}
  }
}
