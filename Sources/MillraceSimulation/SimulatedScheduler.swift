package import MillraceIO

/// The order of completion in a simulation: each I/O is given a moment of virtual time at which it ends, and takes
/// effect and is completed then, when somebody waits for I/O or asks after it. Determined by the seed and by what one
/// thread does.
package final class SimulatedScheduler: IOScheduler {
  private let clock: SimulatedClock
  private let disk: SimulatedDisk
  private let state: Locked<State>
  /// Held by the thread that completes; one at a time, so that order is order.
  private let completing = Locked(())

  private struct State {
    var random: SimulationRandom
    var latency: LatencyModel
    /// What is in flight, the next one last.
    var queue: [Entry] = []
    var submitted: UInt64 = 0
    /// When the last sync will have ended.
    var syncedAt: UInt64 = 0
    /// Whether what was in flight when the power went off has had its effect.
    var isInterrupted = false
  }

  private struct Entry {
    let index: UInt32
    let endsAt: UInt64
    /// Tells apart what ends at the same time.
    let number: UInt64
    let transfer: IOTransfer

    func isBefore(_ other: Entry) -> Bool { (endsAt, number) < (other.endsAt, other.number) }
  }

  init(random: SimulationRandom, latency: LatencyModel, clock: SimulatedClock, disk: SimulatedDisk) {
    (self.clock, self.disk) = (clock, disk)
    state = Locked(State(random: random, latency: latency))
  }

  var inFlightCount: Int { state.withLock { $0.queue.count } }

  /// When the next I/O in flight ends.
  var nextEnd: UInt64? { state.withLock { $0.queue.last?.endsAt } }

  var latency: LatencyModel {
    get { state.withLock { $0.latency } }
    set { state.withLock { $0.latency = newValue } }
  }

  // MARK: Submitting

  package func submit(_ batch: UnsafeBufferPointer<UInt32>, to engine: EngineReference, reaper: UInt32?) {
    // What is submitted without power was not in flight when it went off.
    if !disk.hasPower { interrupt(engine) }
    let immediate = state.withLock { state -> Int in
      for index in batch { enqueue(index, engine, &state) }
      return state.random.oneIn(state.latency.completionsInSubmit) ? state.random.number(in: 1...batch.count) : 0
    }
    for _ in 0..<immediate where !completeNext(of: engine, reaper: reaper) { break }
  }

  package func submitAgain(_ index: UInt32, to engine: EngineReference) {
    state.withLock { enqueue(index, engine, &$0) }
  }

  private func enqueue(_ index: UInt32, _ engine: EngineReference, _ state: inout State) {
    let transfer = engine.transfer(index)
    let isSync = transfer.operation == .fsync || transfer.operation == .fdatasync
    var begin = clock.nanoseconds
    if isSync, state.latency.syncsOneByOne { begin = max(begin, state.syncedAt) }
    let entry = Entry(
      index: index, endsAt: begin + state.latency.draw(isSync: isSync, from: &state.random), number: state.submitted,
      transfer: transfer)
    if isSync { state.syncedAt = entry.endsAt }
    requireUse(
      !state.queue.contains { $0.transfer.isOverlappedWrite(entry.transfer) },
      "two writes of one range of a file are in flight at once; what it holds afterwards is anybody's guess")
    state.submitted += 1
    var (low, high) = (0, state.queue.count)
    while low < high {
      let middle = (low + high) / 2
      if entry.isBefore(state.queue[middle]) { low = middle + 1 } else { high = middle }
    }
    state.queue.insert(entry, at: low)
  }

  // MARK: Completing

  package func completeNext(of engine: EngineReference, reaper: UInt32?) -> Bool {
    completing.withLock { _ in
      guard let next = state.withLock({ $0.queue.popLast() }) else { return false }
      complete(next, engine, reaper: reaper)
      return true
    }
  }

  package func completeEnded(of engine: EngineReference, reaper: UInt32?) {
    completing.withLock { _ in
      // Asking takes time, too: who asks again and again gets an answer in the end.
      clock.advance(by: UInt64(state.withLock { $0.random.below(20_000) }))
      for _ in 0..<IOBackend.batchMax {
        let next = state.withLock { state in
          state.queue.last.map { $0.endsAt <= clock.nanoseconds } == true ? state.queue.popLast() : nil
        }
        guard let next else { return }
        complete(next, engine, reaper: reaper)
      }
    }
  }

  private func complete(_ entry: Entry, _ engine: EngineReference, reaper: UInt32?) {
    clock.advance(to: entry.endsAt)
    let raw = engine.with { $0.attempt(entry.index) }
    if !disk.hasPower { interruptInFlight(engine, and: entry) }
    engine.complete(entry.index, raw, at: monotonicNanoseconds(), reaper: reaper)
  }

  // MARK: Crashing

  /// Lets some of the writes in flight have their effect although nobody will be told, in any order. Once.
  func interrupt(_ engine: EngineReference) {
    completing.withLock { _ in interruptInFlight(engine, and: nil) }
  }

  /// - Parameter taken: one that is not in the queue any more.
  private func interruptInFlight(_ engine: EngineReference, and taken: Entry?) {
    let drawn = state.withLock { state -> ([Entry], SimulationRandom)? in
      guard !state.isInterrupted else { return nil }
      state.isInterrupted = true
      return (state.queue + (taken.map { [$0] } ?? []), state.random.split())
    }
    guard var (entries, random) = drawn else { return }
    random.permute(&entries)
    disk.whileLosingPower {
      for entry in entries where entry.transfer.isWrite && random.oneIn(2) {
        _ = engine.with { $0.attempt(entry.index) }
      }
    }
  }
}
