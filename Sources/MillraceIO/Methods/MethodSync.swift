/// `io_method=sync`: every I/O in place, by the thread that starts it. The simplest method is a real one, and
/// everyone's fallback.
final class MethodSync: IOMethod, @unchecked Sendable {
  // Safe because it has no state.

  override var kind: IOMethodKind { .sync }

  override func needsInPlaceExecution(_ index: UInt32) -> Bool { true }
}
