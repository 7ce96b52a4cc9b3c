import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

/// How many groups of committers are best made durable at the same time: counted in virtual time, on disks that differ
/// in what they do with several syncs together.
@Suite("groups of committers in flight")
struct CommitBatchTests {
  /// What so many clients get that commit one small record each, again and again.
  struct Outcome {
    var commitsPerSecond = 0.0
    /// Microseconds from the insertion until the commit is durable, on average.
    var latency = 0.0
  }

  struct Client {
    var nextAt: UInt64
    var began: UInt64 = 0
    var target: LogSequenceNumber?
  }

  /// - Parameters:
  ///   - thinking: nanoseconds from a commit to the next, at most.
  private func run(
    batches: Int, learns: Bool, clients count: Int, thinking: Int, _ latency: LatencyModel, commits wanted: Int = 3000
  ) throws -> Outcome {
    var io = IOConfiguration()
    io.handlesPerBackend = 64
    let disk = SimulatedDisk(seed: 1)
    try disk.makeDirectory("pg_wal")
    let simulation = try SimulatedEngine(seed: 1, configuration: io, disk: disk, latency: LatencyModel(usual: 1...1))
    var configuration = WALConfiguration(directory: "pg_wal", systemIdentifier: 7)
    configuration.fileSystem = disk
    configuration.bufferPages = 256
    configuration.hugePages = .off
    configuration.isDirect = true
    configuration.commitBatchesMax = batches
    configuration.learnsCommitDepth = learns
    let clock = simulation.clock
    configuration.monotonicClock = { clock.nanoseconds }
    let backend = try simulation.engine.makeBackend("clients")
    let start = LogSequenceNumber(configuration.segmentSize)
    let log = try WriteAheadLog(
      engine: simulation.engine, configuration,
      at: WALResumePoint(position: start, lastRecord: LogSequenceNumber(40), redoPosition: start), backend: backend)
    try log.flush(upTo: try WALRig.insert([0], log, WALRecordBuilder(), backend).end, backend: backend)
    simulation.latency = latency

    var random = SimulationRandom(seed: UInt64(count))
    let builder = WALRecordBuilder()
    var clients = (0..<count).map { _ in
      Client(nextAt: simulation.clock.nanoseconds + UInt64(random.below(thinking + 1)))
    }
    let began = simulation.clock.nanoseconds
    var (done, waited) = (0, UInt64(0))
    while done < wanted {
      let now = simulation.clock.nanoseconds
      for index in clients.indices where clients[index].target == nil && clients[index].nextAt <= now {
        clients[index].target = try WALRig.insert([UInt8](repeating: 1, count: 100), log, builder, backend).end
        clients[index].began = now
      }
      for index in clients.indices {
        guard let target = clients[index].target, log.flushedPosition >= target else { continue }
        done += 1
        waited += now - clients[index].began
        clients[index].target = nil
        clients[index].nextAt = now + UInt64(random.below(thinking + 1))
      }
      for client in clients {
        if let target = client.target { try log.startFlush(upTo: target, backend: backend) }
      }
      log.startReadyFlushes(backend: backend)
      // To whatever comes next: a client, or the end of an I/O.
      let nextClient = clients.filter { $0.target == nil }.map(\.nextAt).min()
      if let nextClient, nextClient <= simulation.clock.nanoseconds { continue }
      if let nextClient, simulation.nextCompletion.map({ nextClient < $0 }) ?? true {
        simulation.clock.advance(to: nextClient)
      } else {
        backend.reap(atLeast: 1)
      }
    }
    let seconds = Double(simulation.clock.nanoseconds - began) / 1e9
    backend.reap(atLeast: .max)
    log.close(backend: backend)
    return Outcome(
      commitsPerSecond: Double(done) / seconds, latency: Double(waited) / Double(done) / 1000)
  }

  /// The disk takes ten times as long for a sync as for a write.
  private static let writing = 20_000...40_000
  private static let syncing = 200_000...400_000

  /// Virtual figures, the same in every run; `docs/performance.md` has them as a table.
  @Test("what is best follows from the disk, and is found", arguments: [8, 32])
  func best(clients: Int) throws {
    var lines: [String] = []
    func measure(_ name: String, _ latency: LatencyModel) throws -> [Int: Outcome] {
      var outcomes: [Int: Outcome] = [:]
      for batches in [1, 2, 4, 8] {
        outcomes[batches] = try run(batches: batches, learns: false, clients: clients, thinking: 100_000, latency)
      }
      // It takes some time to be learned, which counts.
      outcomes[0] = try run(batches: 8, learns: true, clients: clients, thinking: 100_000, latency, commits: 40_000)
      let figures = [1, 2, 4, 8, 0].compactMap { outcomes[$0] }.map { outcome in
        "\(Int(outcome.commitsPerSecond)) (\(Int(outcome.latency)) µs)"
      }
      lines.append("\(name), \(clients) clients: \(figures.joined(separator: ", "))")
      return outcomes
    }
    let oneByOne = try measure(
      "syncs one by one", LatencyModel(usual: Self.writing, sync: Self.syncing, syncsOneByOne: true))
    let together = try measure("syncs together", LatencyModel(usual: Self.writing, sync: Self.syncing))
    print("commits per second with 1, 2, 4, 8 groups in flight, and learned:\n\(lines.joined(separator: "\n"))")
    func commits(_ outcomes: [Int: Outcome], _ batches: Int) -> Double { outcomes[batches]?.commitsPerSecond ?? 0 }
    #expect(commits(oneByOne, 1) > commits(oneByOne, 2) * 1.1)
    #expect(commits(oneByOne, 0) > commits(oneByOne, 1) * 0.95)
    #expect(commits(together, 8) > commits(together, 2) * 1.1)
    #expect(commits(together, 0) > commits(together, 8) * 0.93)
  }

  @Test("a disk that changes its ways is noticed")
  func changes() {
    var depth = CommitDepth(most: 8)
    func work(_ groups: Int, _ time: (Int) -> UInt64) {
      for group in 0..<groups {
        let others = group % depth.limit
        depth.note(time(others), others: others)
      }
    }
    work(200) { _ in 300_000 }
    #expect(depth.limit == 8)
    work(1200) { others in 300_000 * UInt64(others + 1) }
    var limits = Set<Int>()
    for group in 0..<560 {
      let others = group % depth.limit
      depth.note(300_000 * UInt64(others + 1), others: others)
      limits.insert(depth.limit)
    }
    #expect(limits.isSubset(of: [1, 2]))
    work(1200) { _ in 300_000 }
    #expect(depth.limit == 8 || depth.limit == 1)
    var one = CommitDepth(most: 1)
    for _ in 0..<1000 { one.note(1, others: 0) }
    #expect(one.limit == 1)
  }
}
