import Foundation
import Histogram
import MillraceIO

/// A load on one file: a number of reads or writes in flight for some time, from one thread.
struct FileLoad {
  enum Pattern: String, CaseIterable, Sendable {
    case randread, seqread, randwrite, seqwrite
    var isRead: Bool { self == .randread || self == .seqread }
    var isRandom: Bool { self == .randread || self == .randwrite }
  }

  let pattern: Pattern
  let blockSize: Int
  /// I/Os in flight.
  let ioDepth: Int
  /// I/Os that are submitted together, and waited for together.
  let batch: Int
  let runtime: Double
  let seed: UInt64

  /// What a load came to.
  struct Result: Sendable {
    var operations = 0
    var bytes = 0
    var seconds = 0.0
    var cpuSeconds = 0.0
    var submitCalls = 0
    /// Nanoseconds at these percentiles.
    var latencies: [(percentile: Double, nanoseconds: UInt64)] = []
    var latencyMaximum: UInt64 = 0
  }

  /// Runs the load.
  /// - Parameters:
  ///   - backend: with at least `ioDepth` handles.
  ///   - fileSize: bytes of the file that are used; at least one block.
  ///   - memory: `ioDepth` blocks.
  /// - Throws: ``IOError`` for the first I/O that fails, or ``Interruption/Requested``.
  func run(on backend: IOBackend, _ file: IOFile, fileSize: Int, memory: IOMemory) throws -> Result {
    let places = Places(count: ioDepth)
    let completion = backend.engine.register(places)
    let operation: IOOperation = pattern.isRead ? .readv : .writev
    let blockCount = UInt64(fileSize / blockSize)
    var random = XorShift(seed: seed)
    var nextBlock: UInt64 = 0
    var result = Result()
    let cpuBefore = CPUTime.ofProcess
    let clock = ContinuousClock()
    let start = clock.now
    let end = start + .seconds(runtime)

    let openBatch = backend.batch()
    while true {
      // No more than the depth at once: a method that executes in place gives the places back at once.
      for _ in 0..<ioDepth {
        guard let place = places.take() else { break }
        let block = pattern.isRandom ? random.next(below: blockCount) : nextBlock
        nextBlock = block + 1 == blockCount ? 0 : block + 1
        let handle = backend.acquire()
        handle.data[0] = place
        handle.add(completion)
        handle.vectors[0] = IOVector(base: memory.baseAddress + Int(place) * blockSize, byteCount: blockSize)
        _ = handle.start(operation, file, at: Int64(block) * Int64(blockSize), vectorCount: 1, dataCount: 1)
      }
      backend.reap(atLeast: batch)
      if let failed = places.failure {
        backend.reap(atLeast: backend.outstandingCount)
        throw failed.error(operation, file)
      }
      if Interruption.isRequested || clock.now >= end { break }
    }
    backend.reap(atLeast: backend.outstandingCount)
    openBatch.submit()
    result.operations = places.completedCount
    try Interruption.check()

    result.seconds = (clock.now - start) / .seconds(1)
    result.cpuSeconds = CPUTime.ofProcess - cpuBefore
    result.bytes = result.operations * blockSize
    // What is executed in place is a system call of its own.
    result.submitCalls = Int(backend.statistics.submissionsTotal + backend.statistics.inPlaceTotal)
    let histogram = backend.engine.latencies(of: operation)
    result.latencies = [50, 95, 99, 99.9].map { ($0, histogram.valueAtPercentile($0)) }
    result.latencyMaximum = histogram.max
    return result
  }
}

/// Marsaglia's xorshift64* (2003, Vigna 2016): enough to spread reads, and the same for the same seed.
struct XorShift {
  private var state: UInt64

  init(seed: UInt64) { state = seed | 1 }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 2_685_821_657_736_338_717
  }

  mutating func next(below limit: UInt64) -> UInt64 { next().multipliedFullWidth(by: limit).high }
}

/// User and system time of this process, all threads.
enum CPUTime {
  static var ofProcess: Double {
    var usage = rusage()
    getrusage(Int32(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}
