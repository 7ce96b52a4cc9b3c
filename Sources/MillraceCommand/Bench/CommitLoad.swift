import Histogram
import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceWAL
import Synchronization

/// Clients that commit one row each, one after another, for some time: pgbench's single-row insert.
final class CommitLoad: Sendable {
  private let database: Database
  private let table: HeapRelation
  private let clients: Int
  private let runtime: Double
  private let payload: Int
  private let isEnding = Atomic<Bool>(false)
  private let ready = Atomic<Int>(0)
  private let go = Atomic<Bool>(false)
  private let outcomes = Mutex(Outcomes())

  private struct Outcomes {
    var latencies = Histogram<UInt64>(highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    var commits = 0
    var failure: EngineError?
  }

  struct Result: Sendable {
    let clients, commits: Int
    let seconds: Double
    /// Nanoseconds at the percentiles 50, 95, 99 and 99.9, and the longest.
    let latencies: [UInt64]
    let latencyMaximum: UInt64
    /// What the log did meanwhile.
    let log: WALStatistics
  }

  init(_ database: Database, _ table: HeapRelation, clients: Int, runtime: Double, payload: Int) {
    (self.database, self.table, self.clients) = (database, table, clients)
    (self.runtime, self.payload) = (runtime, payload)
  }

  func run() throws -> Result {
    let threads = try (0..<clients).map { number in
      try NamedThread("client \(number)") { self.work(number) }
    }
    // All have their session before the clock starts.
    while ready.load(ordering: .acquiring) < clients { pause(0.001) }
    let before = database.log.statistics()
    let clock = ContinuousClock()
    let start = clock.now
    go.store(true, ordering: .releasing)
    while (clock.now - start) / .seconds(1) < runtime, database.isRunning, !Interruption.isRequested { pause(0.01) }
    isEnding.store(true, ordering: .releasing)
    let seconds = (clock.now - start) / .seconds(1)
    for thread in threads { thread.join() }
    try Interruption.check()
    let log = database.log.statistics().since(before)
    return try outcomes.withLock { outcomes in
      if let failure = outcomes.failure { throw failure }
      return Result(
        clients: clients, commits: outcomes.commits, seconds: seconds,
        latencies: [50, 95, 99, 99.9].map { outcomes.latencies.valueAtPercentile($0) },
        latencyMaximum: outcomes.latencies.max, log: log)
    }
  }

  /// One client.
  private func work(_ number: Int) {
    var latencies = Histogram<UInt64>(
      highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    var commits = 0
    do throws(EngineError) {
      let session: Session
      do throws(EngineError) {
        session = try database.makeSession("client \(number)")
      } catch {
        ready.add(1, ordering: .releasing)
        throw error
      }
      ready.add(1, ordering: .releasing)
      defer { session.close() }
      while !go.load(ordering: .acquiring) { pause(0.001) }
      let rows = SampleRows(payload: payload)
      var random = XorShift(seed: UInt64(number) * 7919 + 1)
      while !isEnding.load(ordering: .relaxed) {
        let began = monotonicNanoseconds()
        try session.begin()
        _ = try session.insert(try rows.row(Int64(random.next(below: 1_000_000_000))), into: table)
        try session.commit()
        latencies.record(monotonicNanoseconds() - began)
        commits += 1
      }
    } catch {
      outcomes.withLock { $0.failure = $0.failure ?? error }
      isEnding.store(true, ordering: .relaxed)
    }
    outcomes.withLock { outcomes in
      outcomes.commits += commits
      for bucket in latencies.recordedValues() { outcomes.latencies.record(bucket.value, count: bucket.count) }
    }
  }
}
