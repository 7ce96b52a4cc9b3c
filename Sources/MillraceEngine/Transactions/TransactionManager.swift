import MillraceIO
import Synchronization

/// Which transactions there are: gives out their numbers, knows which run, and takes snapshots. PostgreSQL's
/// varsup.c and procarray.c.
///
/// A transaction that only reads has no number. It gets one with its first change, and from then on every snapshot has
/// it for running until ``end(_:with:)``; that is called after its end stands in the commit log, so that nobody finds
/// it neither running nor ended. Transactions within transactions have numbers of their own and are listed like the
/// others; which of them belong together only their session needs to know. Nothing of this outlives the process, since
/// whatever runs when it ends has been rolled back, so PostgreSQL's `pg_subtrans` stays empty.
///
/// Taking a snapshot copies nothing as long as no transaction has ended since the last was taken, by whomever
/// (PostgreSQL's xactCompletionCount): the session announces up to where it sees, and looks whether the count is still
/// the same.
public final class TransactionManager: Sendable {
  private struct State {
    var next: FullTransactionID
    /// The highest that has ended.
    var latestEnded: TransactionID
    /// In the order of their numbers, and whose they are.
    var running: [TransactionID] = []
    var places: [Int32] = []
    var isSessionUsed: [Bool]
    /// One more than the highest place that is in use.
    var placeEnd = 0
    /// What was given out last.
    var snapshot: SharedSnapshot
    var oldest: TransactionID
    var oldestDatabase: UInt32
  }

  /// A snapshot without what is the reader's own.
  struct SharedSnapshot {
    /// How many transactions had ended when it was taken.
    var completions: UInt64
    let xmin, xmax: TransactionID
    let running: [TransactionID]
  }

  private let state: Locked<State>
  /// How many transactions have ended.
  private let completions = Atomic<UInt64>(1)
  /// No transaction before it runs.
  private let oldestRunningWord: Atomic<UInt32>
  /// The `xmin` of what each session reads by; 0 for nothing. Each in a line of cache of its own.
  private let horizons: AtomicWords
  private static let horizonStride = 8
  /// Committers between their log record and their entry in the commit log, with a count of entries so far above them.
  private let committing: [CommitSection]
  /// Told once for each transaction that begins when numbers become few.
  private let onWarning: @Sendable (String) -> Void

  /// - Parameters:
  ///   - next: the first number to give out.
  ///   - oldest: from the checkpoint, and the database that holds it.
  ///   - sessionsMax: at most so many sessions at the same time.
  init(
    next: FullTransactionID, oldest: TransactionID, oldestDatabase: UInt32 = 1, sessionsMax: Int,
    onWarning: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    let latest = FullTransactionID(next.rawValue - 1).short
    state = Locked(
      State(
        next: next, latestEnded: latest, isSessionUsed: Array(repeating: false, count: sessionsMax),
        snapshot: SharedSnapshot(completions: 0, xmin: latest.next, xmax: latest.next, running: []),
        oldest: oldest, oldestDatabase: oldestDatabase))
    oldestRunningWord = Atomic(next.short.rawValue)
    horizons = AtomicWords(count: sessionsMax * Self.horizonStride)
    committing = (0..<sessionsMax).map { _ in CommitSection() }
    self.onWarning = onWarning
  }

  // MARK: Sessions

  /// Takes a place for a session. - Returns: nil where all are taken.
  func addSession() -> Int? {
    state.withLock { state in
      guard let free = state.isSessionUsed.firstIndex(of: false) else { return nil }
      state.isSessionUsed[free] = true
      state.placeEnd = max(state.placeEnd, free + 1)
      return free
    }
  }

  func removeSession(_ place: Int) {
    horizons.store(place * Self.horizonStride, 0)
    state.withLock { state in
      state.isSessionUsed[place] = false
      state.placeEnd = (state.isSessionUsed.lastIndex(of: true) ?? -1) + 1
    }
  }

  // MARK: Numbers

  /// The number that the next transaction gets.
  public var next: FullTransactionID { state.withLock { $0.next } }

  /// The oldest number that may still be found in a tuple of any table, and the database that holds it.
  var oldest: (xid: TransactionID, database: UInt32) { state.withLock { ($0.oldest, $0.oldestDatabase) } }

  /// Notes that tables hold no numbers before one any more (SetTransactionIdLimit).
  func setOldest(_ oldest: TransactionID, database: UInt32) {
    state.withLock { state in
      guard state.oldest.precedes(oldest) else { return }
      (state.oldest, state.oldestDatabase) = (oldest, database)
    }
  }

  /// So many numbers before the end of the circle PostgreSQL begins to warn, and stops giving out numbers.
  private static let warningDistance: Int64 = 40_000_000
  private static let stopDistance: Int64 = 3_000_000

  /// Gives out the next number.
  /// - Parameters:
  ///   - place: of the session.
  ///   - prepare: called with it before anybody can see it, for the commit log to have room; may fail.
  /// - Throws: what `prepare` throws; `.exhausted` where the numbers would run into those that tables still hold.
  func assign(
    to place: Int, prepare: (TransactionID) throws(EngineError) -> Void
  ) throws(EngineError) -> TransactionID {
    let (xid, left) = try state.withLock { state throws(EngineError) in
      let xid = state.next.short
      let left = Int64(Int32.max) - Int64(xid.rawValue &- state.oldest.rawValue)
      guard left > Self.stopDistance else {
        throw EngineError(
          .exhausted,
          "database is not accepting commands that assign new transaction IDs to avoid wraparound data loss in database"
            + " with OID \(state.oldestDatabase)", hint: Self.wraparoundHint)
      }
      try prepare(xid)
      state.next = state.next.next
      if state.running.isEmpty { oldestRunningWord.store(xid.rawValue, ordering: .sequentiallyConsistent) }
      state.running.append(xid)
      state.places.append(Int32(place))
      return (xid, left)
    }
    if left < Self.warningDistance {
      onWarning("database must be vacuumed within \(left - Self.stopDistance) transactions. \(Self.wraparoundHint)")
    }
    return xid
  }

  private static let wraparoundHint =
    "Execute a database-wide VACUUM in that database. You might also need to commit or roll back old prepared"
    + " transactions, or drop stale replication slots."

  /// Transactions have ended, and the commit log says so.
  /// - Parameter nested: those within it that end with it.
  func end(_ xid: TransactionID, with nested: [TransactionID] = []) {
    state.withLock { state in
      for xid in nested { Self.remove(xid, from: &state) }
      Self.remove(xid, from: &state)
      let oldest = state.running.first ?? state.next.short
      oldestRunningWord.store(oldest.rawValue, ordering: .sequentiallyConsistent)
      completions.wrappingAdd(1, ordering: .sequentiallyConsistent)
    }
  }

  private static func remove(_ xid: TransactionID, from state: inout State) {
    guard let index = find(xid, in: state.running) else {
      preconditionFailure("a transaction ended that was not running")
    }
    state.running.remove(at: index)
    state.places.remove(at: index)
    if state.latestEnded.precedes(xid) { state.latestEnded = xid }
  }

  /// Whether a transaction runs. One that has ended is in the commit log.
  @inline(__always) func isRunning(_ xid: TransactionID) -> Bool {
    if xid.precedes(TransactionID(oldestRunningWord.load(ordering: .sequentiallyConsistent))) { return false }
    return owner(of: xid) != nil
  }

  /// The place of the session that runs a transaction; nil where nobody does.
  func owner(of xid: TransactionID) -> Int? {
    state.withLock { state in Self.find(xid, in: state.running).map { Int(state.places[$0]) } }
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

  /// All that run, with the places of their sessions.
  func running() -> [(xid: TransactionID, place: Int)] {
    state.withLock { state in zip(state.running, state.places).map { ($0, Int($1)) } }
  }

  // MARK: Snapshots

  /// Takes a snapshot, and holds back the removal of what it sees, unless the session holds back more already.
  /// - Parameter last: what the session got last; is given out again as long as it is true.
  func takeSnapshot(for place: Int, _ last: inout SharedSnapshot) {
    let word = place * Self.horizonStride
    let hasHorizon = horizons.relaxed(word) != 0
    if completions.load(ordering: .sequentiallyConsistent) == last.completions {
      if hasHorizon { return }
      horizons.store(word, UInt64(last.xmin.rawValue))
      // Who looks for a horizon counts what has ended first: it has either seen this one, or not yet what ended since.
      if completions.load(ordering: .sequentiallyConsistent) == last.completions { return }
    }
    last = state.withLock { state in
      let count = completions.load(ordering: .sequentiallyConsistent)
      if state.snapshot.completions != count { state.snapshot = Self.snapshot(of: state, count) }
      if !hasHorizon { horizons.store(word, UInt64(state.snapshot.xmin.rawValue)) }
      return state.snapshot
    }
  }

  private static func snapshot(of state: State, _ count: UInt64) -> SharedSnapshot {
    let xmax = state.latestEnded.next
    let end = state.running.firstIndex { !$0.precedes(xmax) } ?? state.running.count
    let running = Array(state.running[..<end])
    return SharedSnapshot(completions: count, xmin: running.first ?? xmax, xmax: xmax, running: running)
  }

  /// What a session holds back from now on.
  /// - Parameter xmin: the oldest of what it reads by; nil for nothing. Not older than before.
  func setHorizon(_ xmin: TransactionID?, of place: Int) {
    horizons.store(place * Self.horizonStride, UInt64(xmin?.rawValue ?? 0))
  }

  /// What a session holds back; nil for nothing.
  func horizon(of place: Int) -> TransactionID? {
    let xmin = TransactionID(UInt32(truncatingIfNeeded: horizons.relaxed(place * Self.horizonStride)))
    return xmin.isValid ? xmin : nil
  }

  /// Whether a session holds anything back.
  func hasHorizon(_ place: Int) -> Bool { horizons.relaxed(place * Self.horizonStride) != 0 }

  /// What was deleted by transactions before it, nobody can see any more (`GetOldestNonRemovableTransactionId`).
  func removalHorizon() -> TransactionID {
    state.withLock { state in
      var horizon = state.running.first ?? state.latestEnded.next
      for place in 0..<state.placeEnd {
        let xmin = TransactionID(UInt32(truncatingIfNeeded: horizons.load(place * Self.horizonStride)))
        if xmin.isValid, xmin.precedes(horizon) { horizon = xmin }
      }
      return horizon
    }
  }

  /// How many transactions have ended: as long as it is the same, no horizon has moved by much.
  var completionCount: UInt64 { completions.load(ordering: .relaxed) }

  /// The oldest transaction that runs, or would be next.
  public var oldestRunning: TransactionID { state.withLock { $0.running.first ?? $0.next.short } }

  /// How many transactions that have a number are under way.
  var runningCount: Int { state.withLock { $0.running.count } }

  // MARK: Committing and checkpoints

  /// Runs what must not be split by a checkpoint: writing a commit's record and its entry in the commit log. A
  /// checkpoint that begins behind the record would otherwise not have the entry (PostgreSQL's DELAY_CHKPT_START).
  func whileCommitting<Result, Failure: Error>(
    _ place: Int, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let section = committing[place]
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
