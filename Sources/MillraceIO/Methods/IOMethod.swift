/// How I/O gets executed. One object per engine; its functions run on any thread.
///
/// The contract, for every I/O that ``submit(_:count:owner:)`` is given: it ends in exactly one call of
/// ``IOEngine/complete(_:_:at:reaper:)``, on any thread, without its issuer having to do anything but wait, and any
/// thread that calls ``wait(for:_:reaper:)`` makes sure that this happens. A backend may block on anything while it has
/// I/O in flight.
///
/// A class and not a protocol, so that a batch costs one call through a table and no existential.
package class IOMethod: @unchecked Sendable {
  // Safe because each method guards its own state.

  private var startedEngine: EngineReference?

  package let configuration: IOConfiguration

  package init(_ configuration: IOConfiguration) { self.configuration = configuration }

  /// What it is.
  package var kind: IOMethodKind { invariantFailure("a method does not say what it is") }

  /// Called once, at the start of the engine.
  /// - Throws: when the method cannot run here; ``stop()`` follows in that case too.
  package func start(_ engine: IOEngine) throws(IOError) { startedEngine = EngineReference(engine) }

  /// The engine that the method works for.
  @inline(__always) package final var engine: EngineReference {
    guard let startedEngine else { invariantFailure("a method was used before its engine was started") }
    return startedEngine
  }

  /// Called once, at the end, with no I/O in flight, however far ``start(_:)`` has come.
  package func stop() {}

  /// Whether this I/O must be executed in place by its issuer.
  package func needsInPlaceExecution(_ index: UInt32) -> Bool { false }

  /// What a backend asks before it submits one I/O by itself; nil where the method sees to cached reads itself, or has
  /// no need to.
  package var cachedReadsOfLoneIO: CachedReads? { nil }

  /// Begins every I/O of a batch; all are SUBMITTED already, merged, and may complete before this returns.
  /// - Parameters:
  ///   - owner: the backend that all of it belongs to.
  ///   - reaper: the backend whose thread this is, if it is one: not always the owner's.
  ///   - waitFor: how many completions the owner will wait for next; a method may wait for them within.
  package func submit(_ batch: UnsafePointer<UInt32>, count: Int, owner: UInt32, reaper: UInt32?, waitFor: Int) {
    invariantFailure("I/O was submitted to a method that has none")
  }

  /// Begins another attempt at an I/O that was short or told to try again. Called on the thread that reaped it.
  package func retry(_ index: UInt32, reaper: UInt32?) { engine.executeInPlace(index, reaper: reaper) }

  /// Waits until something has happened to a submitted I/O. May return early; the caller looks at the handle's word.
  package func wait(for index: UInt32, _ reference: IOReference, reaper: UInt32?) {
    engine.sleep(onSubmitted: reference)
  }

  /// Waits until at least `count` of an owner's I/Os have been completed since the caller last looked. May return
  /// early.
  /// - Parameter seen: the owner's completion counter when it last looked.
  package func wait(owner: UInt32, count: Int, seen: UInt64) {
    engine.sleepForCompletions(owner: owner, count: count, seen: seen)
  }

  /// Completes what has ended already of an owner's I/O, without waiting and without a system call.
  package func poll(owner: UInt32, reaper: UInt32?) {}

  /// Sees to it that awaited I/O completes although no thread waits for it.
  package func noteAwaited(_ index: UInt32, _ reference: IOReference) {}

  /// Whether I/O on this method is bound to one thread for this owner, so that others can only sleep.
  package func isExclusive(owner: UInt32) -> Bool { false }

  /// A backend begins or ends; ends with none of its I/O in flight.
  package func attach(owner: UInt32, exclusive: Bool) throws(IOError) {}
  package func detach(owner: UInt32) {}

  /// A file that no I/O uses any more is about to be closed.
  package func willClose(_ file: IOFile) {}

  /// Memory that I/O will use often.
  package func register(_ memory: IOMemory) {}
}
