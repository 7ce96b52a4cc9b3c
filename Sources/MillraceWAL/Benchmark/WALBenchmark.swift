import Glibc
public import MillraceIO
import MillraceStorage
import Synchronization

/// Commits as fast as the log takes them: each client is a thread that inserts a record and waits until it is durable,
/// again and again. What `millrace bench wal` measures.
public struct WALBenchmark: Sendable {
  /// Threads.
  public var clients = 1
  /// How long, nanoseconds.
  public var duration: UInt64 = 5_000_000_000
  /// Ends a client early; for tests.
  public var commitsPerClientMax = Int.max
  /// Bytes of data of one commit: about what a single-row insert and its commit record take.
  public var recordBytes = 200
  /// Whether commits are waited for: `synchronous_commit`.
  public var isSynchronous = true

  public init() {}

  /// What a run came to.
  public struct Result: Sendable, Equatable {
    public let commits: Int
    /// Nanoseconds.
    public let elapsed: UInt64
    /// Nanoseconds from the insertion to the end of the wait, of all commits, in order.
    public let latencies: [UInt64]
    /// What the log did for it.
    public let statistics: WALStatistics

    public var commitsPerSecond: Double { elapsed == 0 ? 0 : Double(commits) * 1e9 / Double(elapsed) }
    public var writesPerCommit: Double { commits == 0 ? 0 : Double(statistics.writes) / Double(commits) }
    public var syncsPerCommit: Double { commits == 0 ? 0 : Double(statistics.syncs) / Double(commits) }

    /// The latency below which so large a part of the commits stayed, nanoseconds.
    public func latency(percentile part: Double) -> UInt64 {
      guard !latencies.isEmpty else { return 0 }
      return latencies[min(Int(Double(latencies.count) * part / 100), latencies.count - 1)]
    }
  }

  /// Runs on a log that nobody else uses.
  /// - Parameter makeBackend: makes a backend for each client, by its number.
  /// - Throws: ``WALError``; or ``IOError`` as one, where backends or threads cannot be had.
  public func run(
    on log: WriteAheadLog, makeBackend: (Int) throws(IOError) -> IOBackend
  ) throws(WALError) -> Result {
    let before = log.statistics()
    let run = Run(clients: clients)
    var threads: [NamedThread] = []
    var failure: WALError?
    do throws(IOError) {
      for number in 0..<clients {
        let client = Client(log: log, backend: try makeBackend(number), benchmark: self, run: run)
        threads.append(try NamedThread("committer \(number)") { client.run() })
      }
    } catch {
      failure = WALError(error)
      run.stop()
    }
    let began = run.begin()
    for thread in threads { thread.join() }
    let elapsed = monotonicNanoseconds() - began
    let (latencies, clientFailure) = run.harvest()
    if let failure = failure ?? clientFailure { throw failure }
    return Result(
      commits: latencies.count, elapsed: elapsed, latencies: latencies.sorted(),
      statistics: log.statistics().since(before))
  }

  /// What the clients of one run share.
  private final class Run: Sendable {
    private let start = Atomic<UInt64>(0)
    private let ready = Atomic<Int>(0)
    private let clients: Int
    private let isStopped = Atomic<Bool>(false)
    private let results = Locked<(latencies: [UInt64], failure: WALError?)>(([], nil))

    init(clients: Int) { self.clients = clients }

    /// Lets all clients begin when they are there. - Returns: the time.
    func begin() -> UInt64 {
      while ready.load(ordering: .acquiring) < clients, !mustStop { sched_yield() }
      let now = monotonicNanoseconds()
      start.store(now, ordering: .releasing)
      return now
    }

    /// Waits until all may begin. - Returns: the time.
    func waitForStart() -> UInt64 {
      ready.wrappingAdd(1, ordering: .acquiringAndReleasing)
      while true {
        let time = start.load(ordering: .acquiring)
        if time != 0 || mustStop { return time }
        sched_yield()
      }
    }

    var mustStop: Bool { isStopped.load(ordering: .relaxed) }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    func add(_ latencies: [UInt64], _ failure: WALError?) {
      results.withLock { results in
        results.latencies += latencies
        results.failure = results.failure ?? failure
      }
    }

    func harvest() -> (latencies: [UInt64], failure: WALError?) { results.withLock { $0 } }
  }

  private final class Client: @unchecked Sendable {
    // Safe because it is made by one thread and then used by one other.

    let log: WriteAheadLog
    let backend: IOBackend
    let benchmark: WALBenchmark
    let shared: Run

    init(log: WriteAheadLog, backend: IOBackend, benchmark: WALBenchmark, run: Run) {
      (self.log, self.backend, self.benchmark, shared) = (log, backend, benchmark, run)
    }

    func run() {
      let builder = WALRecordBuilder()
      var latencies: [UInt64] = []
      latencies.reserveCapacity(1 << 20)
      var failure: WALError?
      let data = [UInt8](repeating: 0x5A, count: benchmark.recordBytes)
      let end = shared.waitForStart() &+ benchmark.duration
      var now = monotonicNanoseconds()
      do throws(WALError) {
        while now < end, latencies.count < benchmark.commitsPerClientMax, !shared.mustStop {
          builder.begin(.xlog, info: XLOGRecordKind.noop.rawValue)
          data.withUnsafeBytes { builder.appendData(copying: $0) }
          let position = try log.insert(builder, backend: backend).end
          if benchmark.isSynchronous {
            try log.flush(upTo: position, backend: backend, siblings: benchmark.clients - 1)
          } else {
            log.commitInBackground(position)
          }
          let done = monotonicNanoseconds()
          latencies.append(done - now)
          now = done
        }
      } catch {
        failure = error
        shared.stop()
      }
      shared.add(latencies, failure)
      backend.close()
    }
  }
}
