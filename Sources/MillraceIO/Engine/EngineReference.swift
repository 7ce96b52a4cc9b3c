/// An engine as its method sees it: not retained, so that no thread of the method is ever the last to let go of the
/// engine, whose end waits for these threads; and so that the way of an I/O counts no references.
package struct EngineReference: @unchecked Sendable {
  // Safe because the engine outlives its method and the threads of its method.

  private let engine: Unmanaged<IOEngine>

  package init(_ engine: IOEngine) { self.engine = .passUnretained(engine) }

  /// Calls `body` with the engine, which must not be kept.
  @inline(__always) package func with<Result>(_ body: (IOEngine) -> Result) -> Result {
    engine._withUnsafeGuaranteedRef(body)
  }

  @inline(__always) var table: HandleTable { with { $0.table } }

  @inline(__always) func backendSlot(_ owner: UInt32) -> UnsafeMutablePointer<BackendSlot> {
    with { $0.backendSlot(owner) }
  }

  @inline(__always) func submission(_ index: UInt32) -> IOEngine.Submission { with { $0.submission(index) } }

  @inline(__always) package func complete(_ index: UInt32, _ raw: Int64, at now: UInt64, reaper: UInt32?) {
    with { $0.complete(index, raw, at: now, reaper: reaper) }
  }

  func attemptCached(_ index: UInt32) -> Int64 { with { $0.attemptCached(index) } }

  func executeInPlace(_ index: UInt32, reaper: UInt32?) { with { $0.executeInPlace(index, reaper: reaper) } }

  func wait(for reference: IOReference) { with { _ = $0.wait(for: reference, reaper: nil) } }

  @inline(__always) func sleep(onSubmitted reference: IOReference) { with { $0.sleep(onSubmitted: reference) } }

  func sleepForCompletions(owner: UInt32, count: Int, seen: UInt64) {
    with { $0.sleepForCompletions(owner: owner, count: count, seen: seen) }
  }

  func waitForOldest(of owner: UInt32) { with { $0.waitForOldest(of: owner) } }
}
