import Synchronization

/// Time in a simulation: passes only when something happens.
public final class SimulatedClock: Sendable {
  private let passed = Atomic<UInt64>(0)

  public init() {}

  /// Nanoseconds since the start.
  public var nanoseconds: UInt64 { passed.load(ordering: .relaxed) }

  /// Lets time pass.
  public func advance(by nanoseconds: UInt64) {
    passed.wrappingAdd(nanoseconds, ordering: .relaxed)
  }

  /// Lets time pass up to a moment; does nothing where that is over.
  public func advance(to moment: UInt64) {
    var now = nanoseconds
    while now < moment {
      let (exchanged, seen) = passed.compareExchange(expected: now, desired: moment, ordering: .relaxed)
      if exchanged { return }
      now = seen
    }
  }
}
