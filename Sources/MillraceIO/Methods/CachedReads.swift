/// Serves buffered reads from the page cache in the submitter (RWF_NOWAIT), for methods that would change threads: what
/// the cache has, nobody does faster than the thread that wants it.
///
/// Asking costs a system call where the cache does not have it. So it is done while it has lately paid off, and every
/// sixteenth time otherwise.
package struct CachedReads: @unchecked Sendable {
  // Safe because an owner's luck is touched by its own thread alone.

  private let luck: UnsafeMutablePointer<Luck>

  init(backendsMax: Int) {
    luck = .allocate(capacity: backendsMax)
    luck.initialize(repeating: Luck(), count: backendsMax)
  }

  func deallocate() { luck.deallocate() }

  /// For the next backend in that place.
  func forget(owner: UInt32) { luck[Int(owner)] = Luck() }

  /// Whether an I/O of this owner, whose thread this is, should be looked for in the page cache first.
  @inline(__always) func isWorthTrying(_ index: UInt32, _ owner: UInt32, in table: HandleTable) -> Bool {
    let slot = table[index]
    return slot.pointee.operation == .readv && slot.pointee.flags.contains(.buffered)
      && luck[Int(owner)].isWorthTrying()
  }

  /// Says how that went.
  func note(hit: Bool, owner: UInt32) { luck[Int(owner)].note(hit: hit) }

  /// Completes a submitted read if the page cache has it, or its beginning.
  /// - Parameter reaper: whose thread this is. Who submits for another does not read for it.
  /// - Returns: false where the method still has to do it.
  func serve(_ index: UInt32, _ owner: UInt32, _ reaper: UInt32?, _ engine: EngineReference) -> Bool {
    guard owner == reaper, isWorthTrying(index, owner, in: engine.table) else { return false }
    let raw = engine.attemptCached(index)
    note(hit: raw >= 0, owner: owner)
    guard raw >= 0 else { return false }
    engine.complete(index, raw, at: monotonicNanoseconds(), reaper: owner)
    return true
  }

  /// How reads of one backend have lately fared.
  private struct Luck {
    private var credit: Int8 = 4
    private var skipped: UInt8 = 0

    mutating func isWorthTrying() -> Bool {
      if credit > 0 { return true }
      skipped = (skipped + 1) % 16
      return skipped == 0
    }

    mutating func note(hit: Bool) { credit = hit ? min(credit + 2, 8) : max(credit - 1, 0) }
  }
}
