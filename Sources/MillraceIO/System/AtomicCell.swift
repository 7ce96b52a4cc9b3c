package import Synchronization

/// Shorthands for the orderings that the engine uses, so that a line of code names what it means instead of how.
extension Atomic where Value == UInt64 {
  /// A value that only its owner writes and anyone may look at. No ordering with other memory.
  package var relaxed: UInt64 {
    @inline(__always) get { load(ordering: .relaxed) }
    @inline(__always) nonmutating set { store(newValue, ordering: .relaxed) }
  }

  /// Adds to a counter that only the calling thread writes: a load and a store, no locked instruction.
  @inline(__always) package func ownerAdd(_ amount: UInt64) {
    store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Adds to a counter that any thread writes.
  @inline(__always) package func sharedAdd(_ amount: UInt64) {
    _ = wrappingAdd(amount, ordering: .relaxed)
  }
}

extension Atomic where Value == UInt32 {
  package var relaxed: UInt32 {
    @inline(__always) get { load(ordering: .relaxed) }
    @inline(__always) nonmutating set { store(newValue, ordering: .relaxed) }
  }
}
