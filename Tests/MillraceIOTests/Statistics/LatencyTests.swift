import Histogram
import Testing

@testable import MillraceIO

@Suite("latencies")
struct LatencyTests {
  /// Every value up to a mebi-nanosecond, then around every edge of every bucket above.
  private static let durations: [UInt64] = {
    var durations = Array(UInt64(0)..<1 << 16)
    for octave in UInt64(16)..<36 {
      for position in UInt64(0)..<32 {
        let edge = (32 + position) << (octave - 5)
        durations += [edge - 1, edge, edge + 1]
      }
    }
    return durations
  }()

  @Test("a bucket's value is within 1/32 of every duration in it")
  func isPrecise() {
    for duration in Self.durations {
      let value = LatencyRecorder.value(of: LatencyRecorder.bucket(of: duration))
      let distance = value > duration ? value - duration : duration - value
      #expect(distance * 32 <= duration, "\(duration) is counted as \(value)")
    }
  }

  @Test("buckets and their values rise with durations, and no bucket is left out")
  func isMonotone() {
    let sorted = Self.durations.sorted()
    var last = -1
    for duration in sorted {
      let bucket = LatencyRecorder.bucket(of: duration)
      #expect(bucket == last || bucket == last + 1, "at \(duration)")
      last = bucket
    }
    var lastValue: UInt64?
    for bucket in 0...last {
      let value = LatencyRecorder.value(of: bucket)
      #expect(LatencyRecorder.bucket(of: value) == bucket)
      if let lastValue { #expect(value > lastValue) }
      lastValue = value
    }
    // What takes longer than there are buckets for is in the last.
    #expect(LatencyRecorder.bucket(of: .max) == LatencyRecorder.bucket(of: .max - 1))
    #expect(LatencyRecorder.bucket(of: .max) >= last)
  }

  @Test("every I/O is counted once, by operation and by who executed it", arguments: TestSetup.plain)
  func countsAll(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 64 * 8192)
    let memory = try IOMemory(byteCount: 16 * 8192)
    for _ in 0..<10 {
      let batch = backend.batch()
      for place in 0..<16 { _ = backend.start(.readv, file, at: 2 * place * 8192, memory.piece(place * 8192, 8192)) }
      batch.submit()
      backend.reap(atLeast: 16)
    }
    for _ in 0..<5 { backend.perform(.writev, file, at: 0, memory.piece(0, 8192), flags: .synchronous) }
    backend.perform(.fsync, file)
    let isSync = setup.kind == .sync
    #expect(bench.engine.latencies(of: .readv).totalCount == 160)
    #expect(bench.engine.latencies(of: .readv, inPlace: true).totalCount == (isSync ? 160 : 0))
    #expect(bench.engine.latencies(of: .writev, inPlace: true).totalCount == 5)
    #expect(bench.engine.latencies(of: .writev, inPlace: false).totalCount == 0)
    #expect(bench.engine.latencies(of: .fsync).totalCount == 1)
    #expect(bench.engine.latencies(of: .allocate).totalCount == 0)
    // None took so long as a test may.
    for operation in IOOperation.allCases { #expect(bench.engine.latencies(of: operation).max < 60_000_000_000) }
    backend.close()
    bench.engine.close(file)
  }

  @Test("what seems to have ended before it began took no time")
  func neverTakesCenturies() throws {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let slot = engine.table[0]
    slot.pointee.description.relaxed = HandleSlot.pack(.readv, [], vectors: 1, data: 0, priority: .query)
    slot.pointee.submittedAt.relaxed = 1000
    slot.pointee.completedAt.relaxed = 999
    #expect(engine.latencies.record(0, in: engine.table) == 0)
    #expect(engine.latencies(of: .readv).max == 0)
    #expect(engine.latencies(of: .readv).totalCount == 1)
  }
}
