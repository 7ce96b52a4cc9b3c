import Glibc
import Logging
import MillraceSimulation
import Testing

@testable import MillraceIO

@Suite("the worker pool")
struct WorkerPoolTests {
  private static let block = 8192

  private func makeBench(
    _ workers: WorkerPoolConfiguration, injection: IOInjection? = nil, logger: Logger? = nil
  ) throws -> TestBench {
    try TestBench(TestSetup(kind: .worker, isDirect: true), injection: injection) { configuration in
      configuration.workers = workers
      if let logger { configuration.logger = logger }
    }
  }

  private func pool(min: Int, max: Int, idleTimeout: Int = 0, launchInterval: Int = 0) -> WorkerPoolConfiguration {
    var pool = WorkerPoolConfiguration()
    (pool.workersMin, pool.workersMax) = (min, max)
    (pool.idleTimeoutMilliseconds, pool.launchIntervalMilliseconds) = (idleTimeout, launchInterval)
    return pool
  }

  private func statistics(_ bench: TestBench) throws -> WorkerPoolStatistics {
    try #require(bench.engine.workerPoolStatistics())
  }

  /// Waits until the pool has so many workers, which it gets to by itself.
  private func waitForCount(_ count: Int, _ bench: TestBench) throws {
    while try statistics(bench).workerCount != count { sched_yield() }
  }

  @Test("a fixed pool has its size from the start", arguments: [1, 2, 5, 32])
  func isFixed(count: Int) throws {
    let bench = try makeBench(WorkerPoolConfiguration(fixed: count))
    let statistics = try statistics(bench)
    #expect(statistics.workerCount == count)
    #expect(statistics.launched == UInt64(count))
    #expect(statistics.left == 0)
  }

  @Test("other methods have no pool")
  func hasNoPool() throws {
    let bench = try TestBench(TestSetup(kind: .sync))
    #expect(bench.engine.workerPoolStatistics() == nil)
    try bench.engine.resizeWorkers(WorkerPoolConfiguration(fixed: 3))
  }

  // Facts, scenario 74.
  @Test("a minimum above the maximum is one warning, and the maximum holds")
  func warnsOfCrossedBounds() throws {
    let log = Shared<[String]>([])
    var logger = Logger(label: "test") { _ in RecordingLogHandler(log: log) }
    logger.logLevel = .info
    let bench = try makeBench(pool(min: 5, max: 3), logger: logger)
    #expect(try statistics(bench).workerCount == 3)
    #expect(
      log.value == [
        "\"io_min_workers\" (5) should be less than or equal to \"io_max_workers\" (3); the pool will have 3 workers"
      ])
  }

  /// Holds workers up until it is told to let them go on.
  private final class Barrier: Sendable {
    let arrived = Shared(0)
    private let isOpen = Shared(false)
    private let goOn = Signal()

    func pass() {
      arrived.update { $0 += 1 }
      if isOpen.value { return }
      goOn.wait()
      goOn.send()
    }

    func open() {
      isOpen.value = true
      goOn.send()
    }
  }

  // Facts, scenario 76.
  @Test("the pool grows while work piles up, to its maximum, and shrinks to its minimum when idle")
  func growsAndShrinks() throws {
    let barrier = Barrier()
    let bench = try makeBench(
      pool(min: 1, max: 4),
      injection: TestInjection { raw, _ in
        barrier.pass()
        return raw
      })
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 32 * Self.block)
    #expect(try statistics(bench).workerCount == 1)
    let batch = backend.batch()
    for place in 0..<31 {
      _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    // All of the pool is held up, in as many I/Os.
    while barrier.arrived.value < 4 { sched_yield() }
    var seen = try statistics(bench)
    #expect(seen.workerCount == 4)
    #expect(seen.idleCount == 0)
    #expect(seen.queueDepth == 27)
    #expect(seen.refusedAtMaximum > 0)
    barrier.open()
    backend.reap(atLeast: 31)
    try waitForCount(1, bench)
    seen = try statistics(bench)
    #expect(seen.launched == 4)
    #expect(seen.left == 3)
    #expect(seen.executed + seen.helped == 31)
    #expect(seen.queueDepth == 0)
    #expect(
      (0..<31).allSatisfy {
        Pattern().matches(memory.piece($0 * Self.block, Self.block), from: 2 * $0 * Self.block)
      })
    backend.close()
    bench.engine.close(file)
  }

  @Test("between two launches there is the interval")
  func keepsInterval() throws {
    let barrier = Barrier()
    // An hour: only the first launch above the minimum is in time.
    let bench = try makeBench(
      pool(min: 1, max: 8, idleTimeout: 3_600_000, launchInterval: 3_600_000),
      injection: TestInjection { raw, _ in
        barrier.pass()
        return raw
      })
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 32 * Self.block)
    let batch = backend.batch()
    for place in 0..<31 {
      _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    while barrier.arrived.value < 2 { sched_yield() }
    barrier.open()
    backend.reap(atLeast: 31)
    let seen = try statistics(bench)
    #expect(seen.workerCount == 2)
    #expect(seen.deferredByInterval > 0)
    #expect(seen.left == 0)
    backend.close()
    bench.engine.close(file)
  }

  @Test("who waits for many completions executes itself what no worker has come to")
  func helping() throws {
    let barrier = Barrier()
    let submitter = currentThread()
    let bench = try makeBench(
      WorkerPoolConfiguration(fixed: 1),
      injection: TestInjection { raw, _ in
        if currentThread() != submitter { barrier.pass() }
        return raw
      })
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 8 * Self.block)
    let batch = backend.batch()
    for place in 0..<8 {
      _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    while barrier.arrived.value == 0 { sched_yield() }
    // The one worker is held up all the while.
    #expect(backend.reap(atLeast: 7) == 7)
    #expect(try statistics(bench).helped == 7)
    barrier.open()
    backend.reap(atLeast: 1)
    #expect(try statistics(bench).executed == 1)
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 75.
  @Test("what the queue has no room for is executed by its submitter")
  func overflows() throws {
    let barrier = Barrier()
    let own = Shared(0)
    let submitter = currentThread()
    let bench = try makeBench(
      WorkerPoolConfiguration(fixed: 1),
      injection: TestInjection { raw, _ in
        if currentThread() == submitter { own.update { $0 += 1 } } else { barrier.pass() }
        return raw
      })
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let backends = [try bench.makeBackend("first"), try bench.makeBackend("second")]
    let memory = try IOMemory(byteCount: 100 * Self.block)
    let outcomes = Outcomes(100)
    // The one worker is held up with the first; 64 fit into the queue.
    for place in 0..<100 {
      _ = backends[place % 2].start(
        .readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block), to: outcomes.slots + place)
      if place == 0 { while barrier.arrived.value == 0 { sched_yield() } }
    }
    #expect(try statistics(bench).overflows == 35)
    #expect(try statistics(bench).queueDepth == 64)
    #expect(own.value == 35)
    barrier.open()
    for backend in backends { backend.reap(atLeast: 100) }
    #expect(outcomes.areWhole(100, bytes: Self.block))
    #expect(Pattern().matches(memory.bytes, from: 0))
    let seen = try statistics(bench)
    #expect(seen.executed + seen.helped == 65)
    for backend in backends { backend.close() }
    bench.engine.close(file)
  }

  // Facts, scenarios 72 and 76: lost wake-ups show as I/O that nobody executes.
  @Test("the pool is resized at random under load")
  func resizesUnderLoad() throws {
    let bench = try makeBench(pool(min: 1, max: 4))
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let isOver = Shared(false)
    let users = try (0..<2).map { number in
      try TestThread("user \(number)") {
        let backend = try bench.makeBackend("user \(number)")
        let memory = try IOMemory(byteCount: 16 * Self.block)
        var random = SimulationRandom(seed: UInt64(number))
        var rounds = 0
        while !isOver.value || rounds < 50 {
          let count = random.number(in: 1...16)
          let batch = backend.batch()
          for place in 0..<count {
            _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
          }
          batch.submit()
          backend.reap(atLeast: count)
          #expect(
            (0..<count).allSatisfy {
              Pattern().matches(memory.piece($0 * Self.block, Self.block), from: 2 * $0 * Self.block)
            })
          rounds += 1
        }
        backend.close()
      }
    }
    var random = SimulationRandom(seed: 76)
    for _ in 0..<100 {
      let (least, most) = (random.number(in: 1...32), random.number(in: 1...32))
      try bench.engine.resizeWorkers(pool(min: min(least, most), max: max(least, most)))
      #expect(try statistics(bench).workerCount >= 1)
    }
    isOver.value = true
    for user in users { try user.join() }
    // At rest the pool is what was asked for, whichever way it has to go.
    for count in [32, 1, 7, 2] {
      try bench.engine.resizeWorkers(WorkerPoolConfiguration(fixed: count))
      try waitForCount(count, bench)
    }
    let seen = try statistics(bench)
    #expect(seen.launched - seen.left == 2)
    #expect(workerNumbers(bench) == [0, 1], "numbers without a gap")
    bench.engine.close(file)
  }

  private func workerNumbers(_ bench: TestBench) -> [Int] {
    (bench.engine.method as? MethodWorker)?.workerNumbers ?? []
  }

  @Test("out of range is refused while running, and nothing changes")
  func refusesResize() throws {
    let bench = try makeBench(WorkerPoolConfiguration(fixed: 2))
    let error = #expect(throws: IOError.self) { try bench.engine.resizeWorkers(WorkerPoolConfiguration(fixed: 33)) }
    #expect(error?.description == "33 is outside the valid range for parameter \"io_min_workers\" (1 .. 32)")
    #expect(try statistics(bench).workerCount == 2)
  }

  @Test("reads of cached data are done by who submits them, until they are not cached")
  func readsFromCache() throws {
    let bench = try makeBench(WorkerPoolConfiguration(fixed: 1))
    // Just written, so the page cache has all of it.
    let cached = try bench.makeFile(byteCount: 64 * Self.block, isDirect: false)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 64 * Self.block)
    let iovecs = IOVector(base: memory.baseAddress, byteCount: Self.block)
    let canAsk = withUnsafePointer(to: iovecs) { cached.readCached($0, count: 1, at: 0) } == Int64(Self.block)
    if canAsk {
      for place in 0..<64 {
        let reference = backend.start(
          .readv, cached, at: place * Self.block, memory.piece(place * Self.block, Self.block))
        #expect(bench.engine.isCompleted(reference), "a cached read was given to a worker")
      }
      #expect(Pattern().matches(memory.bytes.prefixBytes(64 * Self.block), from: 0))
      #expect(try statistics(bench).executed == 0)
      #expect(backend.statistics.completedSelfTotal == 64)
    }
    // Direct I/O is never tried that way.
    let direct = try DescriptorFile.open(bench.directory.path("data"), [.direct])
    #expect(backend.perform(.readv, direct, at: 0, memory.piece(0, Self.block)).status == .ok)
    #expect(try statistics(bench).executed == 1)
    backend.close()
    bench.engine.close(cached)
    bench.engine.close(direct)
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate func prefixBytes(_ count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[..<count])
  }
}

private func currentThread() -> UInt { UInt(pthread_self()) }
