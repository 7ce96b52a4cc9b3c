import MillraceIO
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("commits as a benchmark")
struct BenchmarkTests {
  @Test("every commit is counted and durable", arguments: WALSetup.threaded)
  func counts(setup: WALSetup) throws {
    let rig = try WALRig(setup)
    var benchmark = WALBenchmark()
    (benchmark.clients, benchmark.commitsPerClientMax) = (3, 20)
    let engine = rig.engine
    let result = try benchmark.run(on: rig.log) { number throws(IOError) in try engine.makeBackend("client \(number)") }
    #expect(result.commits == 60 && result.latencies.count == 60)
    #expect(result.statistics.records == 60)
    #expect(result.latency(percentile: 0) <= result.latency(percentile: 50))
    #expect(result.latency(percentile: 50) <= result.latency(percentile: 100))
    #expect(result.commitsPerSecond > 0 && result.writesPerCommit <= 1)
    #expect(rig.image().records.count == 60)
  }

  @Test("one client's commit is one write and one flush, or one write that is durable, in place")
  func oneClient() throws {
    for setup in WALSetup.threaded {
      let rig = try WALRig(setup)
      let (_, first) = try rig.insert([0])
      try rig.log.flush(upTo: first, backend: rig.backend)
      let before = (rig.log.statistics(), try #require(rig.inPlace))
      for _ in 0..<10 {
        let (_, end) = try rig.insert([1])
        try rig.log.flush(upTo: end, backend: rig.backend)
      }
      let after = (rig.log.statistics(), try #require(rig.inPlace))
      let done = after.0.since(before.0)
      #expect(done.writes == 10 && done.syncs == (setup.syncMethod.isDurableOnWrite ? 0 : 10))
      // In place: no hand-off to another thread, and no submission to a ring.
      #expect(after.1 - before.1 == done.writes + done.syncs)
    }
  }

  @Test("io_wal_pad_partial lets every flush end at a page's end, by records that mean nothing")
  func padding() throws {
    for setup in WALSetup.some {
      let rig = try WALRig(setup) { $0.padsPartialPages = true }
      // Every room that can be left on a page, as far as a record's header fits.
      for length in stride(from: 0, to: 8100, by: 8) {
        let (_, end) = try rig.insert(Array(repeating: 1, count: length))
        try rig.log.flush(upTo: end, backend: rig.backend)
        let room = 8192 - rig.log.flushedPosition.rawValue % 8192
        #expect(room == 8192 || room < 24)
      }
      let statistics = rig.log.statistics()
      #expect(statistics.padded > 900 && statistics.paddedBytes > 0)
      let image = rig.image()
      #expect(image.records.count == Int(statistics.records), "\(image.reason)")
    }
  }
}
