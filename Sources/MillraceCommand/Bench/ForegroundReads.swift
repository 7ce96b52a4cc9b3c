import Histogram
import MillraceEngine
import MillraceIO
import MillraceStorage
import Synchronization

/// Threads that read pages at random of a table that is not in memory, as long as somebody lets them.
final class ForegroundReads: Sendable {
  private let database: Database
  private let table: HeapRelation
  private let blocks: UInt64
  private let clients: Int
  private let isEnding = Atomic<Bool>(false)
  private let outcomes = Mutex(Outcomes())

  private struct Outcomes {
    var latencies = Histogram<UInt64>(highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    var failure: (any Error)?
  }

  struct Result: Sendable {
    let reads: Int
    let seconds: Double
    /// Nanoseconds at the percentiles 50, 95, 99 and 99.9.
    let latencies: [UInt64]
  }

  init(_ database: Database, _ table: HeapRelation, clients: Int) throws {
    (self.database, self.table, self.clients) = (database, table, clients)
    blocks = UInt64(try table.blockCount())
  }

  /// Reads while `body` runs.
  func run(during body: () throws -> Void) throws -> Result {
    isEnding.store(false, ordering: .relaxed)
    outcomes.withLock { $0 = Outcomes() }
    let clock = ContinuousClock()
    let start = clock.now
    let threads = try (0..<clients).map { number in try NamedThread("reader \(number)") { self.work(number) } }
    let ended = Swift.Result { try body() }
    isEnding.store(true, ordering: .relaxed)
    let seconds = (clock.now - start) / .seconds(1)
    for thread in threads { thread.join() }
    try ended.get()
    return try outcomes.withLock { outcomes in
      if let failure = outcomes.failure { throw failure }
      return Result(
        reads: Int(outcomes.latencies.totalCount), seconds: seconds,
        latencies: [50, 95, 99, 99.9].map { outcomes.latencies.valueAtPercentile($0) })
    }
  }

  private func work(_ number: Int) {
    var latencies = Histogram<UInt64>(
      highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    do {
      let session = try database.makeSession("reader \(number)")
      defer { session.close() }
      // So that what is read does not stay in the pool, nor push out what a checkpoint writes.
      let ring = BufferStrategy(.bulkRead, count: 32, pool: database.pool)
      var random = XorShift(seed: UInt64(number) * 104_729 + 7)
      while !isEnding.load(ordering: .relaxed) {
        let began = monotonicNanoseconds()
        let block = BlockNumber(UInt32(random.next(below: blocks)))
        _ = try database.pool.read(table.storedFork, block, session.backend, strategy: ring)
        latencies.record(monotonicNanoseconds() - began)
      }
    } catch {
      outcomes.withLock { $0.failure = $0.failure ?? error }
    }
    outcomes.withLock { outcomes in
      for bucket in latencies.recordedValues() { outcomes.latencies.record(bucket.value, count: bucket.count) }
    }
  }
}
