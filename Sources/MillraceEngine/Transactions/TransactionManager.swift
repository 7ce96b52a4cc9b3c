import MillraceIO
import Synchronization

/// Which transactions there are: gives out their numbers, knows which run, and takes snapshots. PostgreSQL's
/// varsup.c and procarray.c.
///
/// A transaction that only reads has no number. It gets one with its first change, and from then on every snapshot has
/// it for running until ``end(_:)``; that is called after its end stands in the commit log, so that nobody finds it
/// neither running nor ended.
public final class TransactionManager: Sendable {
  private struct State {
    var next: FullTransactionID
    /// The highest that has ended.
    var latestEnded: TransactionID
    /// In the order of their numbers.
    var running: [TransactionID] = []
    /// What the snapshots in use have as their `xmin`, by session.
    var horizons: [TransactionID]
    var isSessionUsed: [Bool]
  }

  private let state: Locked<State>
  /// The oldest number that may still be found in a tuple of any table.
  public let oldest: TransactionID
  /// Committers between their log record and their entry in the commit log, with a count of entries so far above them.
  private let committing: [CommitSection]

  /// - Parameters:
  ///   - next: the first number to give out.
  ///   - oldest: from the checkpoint.
  ///   - sessionsMax: at most so many sessions at the same time.
  public init(next: FullTransactionID, oldest: TransactionID, sessionsMax: Int) {
    self.oldest = oldest
    state = Locked(
      State(
        next: next, latestEnded: FullTransactionID(next.rawValue - 1).short,
        horizons: Array(repeating: .invalid, count: sessionsMax),
        isSessionUsed: Array(repeating: false, count: sessionsMax)))
    committing = (0..<sessionsMax).map { _ in CommitSection() }
  }

  // MARK: Sessions

  /// Takes a place for a session. - Returns: nil where all are taken.
  func addSession() -> Int? {
    state.withLock { state in
      guard let free = state.isSessionUsed.firstIndex(of: false) else { return nil }
      state.isSessionUsed[free] = true
      return free
    }
  }

  func removeSession(_ session: Int) {
    state.withLock { state in
      state.isSessionUsed[session] = false
      state.horizons[session] = .invalid
    }
  }

  // MARK: Numbers

  /// The number that the next transaction gets.
  public var next: FullTransactionID { state.withLock { $0.next } }

  /// Gives out the next number.
  /// - Parameter prepare: called with it before anybody can see it, for the commit log to have room; may fail.
  /// - Throws: what `prepare` throws; `.exhausted` where the numbers would run into those that tables still hold.
  func assign(
    prepare: (TransactionID) throws(EngineError) -> Void
  ) throws(EngineError) -> TransactionID {
    try state.withLock { state throws(EngineError) in
      let xid = state.next.short
      // PostgreSQL stops three million short of half the circle.
      guard Int64(xid.rawValue &- oldest.rawValue) < Int64(Int32.max) - 3_000_000 else {
        throw EngineError(
          .exhausted, "no more transactions can begin: the oldest, \(oldest), is too far back; vacuum every table")
      }
      try prepare(xid)
      state.next = state.next.next
      state.running.append(xid)
      return xid
    }
  }

  /// A transaction has ended, and the commit log says so.
  func end(_ xid: TransactionID) {
    state.withLock { state in
      guard let index = Self.find(xid, in: state.running) else {
        preconditionFailure("a transaction ended that was not running")
      }
      state.running.remove(at: index)
      if state.latestEnded.precedes(xid) { state.latestEnded = xid }
    }
  }

  /// Whether a transaction runs. One that has ended is in the commit log.
  func isRunning(_ xid: TransactionID) -> Bool {
    state.withLock { Self.find(xid, in: $0.running) != nil }
  }

  private static func find(_ xid: TransactionID, in running: [TransactionID]) -> Int? {
    var (low, high) = (0, running.count)
    while low < high {
      let middle = (low + high) / 2
      if running[middle] == xid { return middle }
      if running[middle].precedes(xid) { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  // MARK: Snapshots

  /// Takes a snapshot and holds back pruning of what it sees until the session takes another or gives it up.
  func takeSnapshot(for session: Int, own: TransactionID, command: UInt32) -> Snapshot {
    state.withLock { state in
      let xmax = state.latestEnded.next
      let running = state.running.filter { $0.precedes(xmax) && $0 != own }
      var xmin = running.first ?? xmax
      if own.isValid, own.precedes(xmin) { xmin = own }
      if !state.horizons[session].isValid { state.horizons[session] = xmin }
      return Snapshot(xmin: xmin, xmax: xmax, running: running, own: own, command: command)
    }
  }

  func releaseSnapshot(of session: Int) { state.withLock { $0.horizons[session] = .invalid } }

  /// What was deleted by transactions before it, nobody can see any more (`GetOldestNonRemovableTransactionId`).
  func removalHorizon() -> TransactionID {
    state.withLock { state in
      var horizon = state.running.first ?? state.latestEnded.next
      for xmin in state.horizons where xmin.isValid && xmin.precedes(horizon) { horizon = xmin }
      return horizon
    }
  }

  /// The oldest transaction that runs, or would be next.
  public var oldestRunning: TransactionID { state.withLock { $0.running.first ?? $0.next.short } }

  /// How many transactions that have a number are under way.
  var runningCount: Int { state.withLock { $0.running.count } }

  // MARK: Committing and checkpoints

  /// Runs what must not be split by a checkpoint: writing a commit's record and its entry in the commit log. A
  /// checkpoint that begins behind the record would otherwise not have the entry (PostgreSQL's DELAY_CHKPT_START).
  func whileCommitting<Result, Failure: Error>(
    _ session: Int, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let section = committing[session]
    section.word.wrappingAdd(1, ordering: .acquiringAndReleasing)
    defer { section.word.wrappingAdd(1, ordering: .acquiringAndReleasing) }
    return try body()
  }

  /// Waits until all who are committing now are done.
  /// - Parameter pause: called between looks.
  func waitForCommitters(_ pause: () -> Void) {
    for section in committing {
      let seen = section.word.load(ordering: .acquiring)
      while seen & 1 == 1, section.word.load(ordering: .acquiring) == seen { pause() }
    }
  }
}

/// Odd while its session is committing.
final class CommitSection: Sendable {
  let word = Atomic<UInt64>(0)
}
