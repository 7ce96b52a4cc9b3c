import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO

@Suite("priority classes")
struct PriorityTests {
  private static let block = 8192

  @Test("have the names of their column")
  func hasNames() {
    #expect(IOPriority.allCases.map(\.description) == ["query", "wal", "checkpoint", "vacuum", "prewarm"])
    #expect(IOPriority.allCases.filter(\.isForeground) == [.query, .wal])
  }

  @Test("count operations and bytes of their backends, also of those that have gone", arguments: TestSetup.all)
  func counts(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 8 * Self.block)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    for (number, priority) in IOPriority.allCases.enumerated() {
      let backend = try bench.engine.makeBackend("\(priority)", exclusive: setup.isExclusive, priority: priority)
      #expect(backend.priority == priority)
      for place in 0...number {
        _ = backend.start(.readv, file, at: 2 * (place % 4) * Self.block, memory.piece(0, Self.block))
        backend.reap(atLeast: 1)
      }
      _ = backend.perform(.writev, file, at: 0, memory.piece(Self.block, 2 * Self.block))
      _ = backend.perform(.fsync, file)
      backend.close()
    }
    for (number, statistics) in bench.engine.priorityStatistics().enumerated() {
      #expect(statistics.priority.rawValue == number)
      #expect(statistics.operations == UInt64(number + 3))
      #expect(statistics.bytesRead == UInt64((number + 1) * Self.block))
      #expect(statistics.bytesWritten == UInt64(2 * Self.block))
    }
    #expect(bench.engine.foregroundPressure == ForegroundPressure(inFlight: 0, completedTotal: 3 + 4))
    bench.engine.close(file)
  }

  @Test("a handle can be put into another class than its backend's, once", arguments: TestSetup.plain)
  func overrides(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 8 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: Self.block)
    let handle = backend.acquire()
    handle.setPriority(.wal)
    backend.wait(for: handle.start(.readv, file, at: 0, memory: memory.bytes))
    do {
      // One that is given back forgets it.
      let unused = backend.acquire()
      unused.setPriority(.vacuum)
    }
    _ = backend.perform(.readv, file, at: 0, memory.bytes)
    let statistics = bench.engine.priorityStatistics()
    #expect(statistics.map(\.operations) == [1, 1, 0, 0, 0])
    backend.close()
    bench.engine.close(file)
  }

  @Test("views show the class, and I/Os of different classes are not merged", arguments: TestSetup.asynchronous)
  func isShown(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 8 * Self.block)
    let backend = try bench.engine.makeBackend("test", exclusive: setup.isExclusive, priority: .vacuum)
    let memory = try IOMemory(byteCount: 3 * Self.block)
    let batch = backend.batch()
    for place in 0..<3 {
      let handle = backend.acquire()
      if place > 0 { handle.setPriority(.wal) }
      _ = handle.start(
        .readv, file, at: Int64(place * Self.block), memory: memory.piece(place * Self.block, Self.block))
    }
    #expect(bench.engine.snapshot().map(\.priority) == [.vacuum, .wal, .wal])
    let handedOut = backend.acquire()
    #expect(bench.engine.snapshot().map(\.priority) == [.vacuum, .wal, .wal, nil])
    _ = consume handedOut
    batch.submit()
    backend.reap(atLeast: 3)
    #expect(backend.statistics.executedTotal == 3)
    #expect(backend.statistics.issuedTotal == 2)
    backend.close()
    bench.engine.close(file)
  }

  @Test("pressure is what foreground backends have in flight", arguments: TestSetup.asynchronous)
  func showsPressure(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let backends = try IOPriority.allCases.map {
      try bench.engine.makeBackend("\($0)", exclusive: setup.isExclusive, priority: $0)
    }
    for (number, backend) in backends.enumerated() {
      // Staged is in flight for whoever waits for it, and does not end by itself.
      let batch = backend.batch()
      for place in 0..<3 {
        _ = backend.start(
          .readv, file, at: 2 * place * Self.block, memory.piece((number * 3 + place) * Self.block, Self.block))
      }
      #expect(bench.engine.foregroundPressure.inFlight == (backend.priority.isForeground ? 3 : 0))
      // Nobody else is there to wait for.
      if number == 0 { #expect(backends[2].yieldToForeground(keeping: 0) == false) }
      batch.submit()
      backend.reap(atLeast: 3)
      #expect(bench.engine.foregroundPressure.inFlight == 0)
    }
    #expect(bench.engine.foregroundPressure.completedTotal == 6)
    for backend in backends { backend.close() }
    bench.engine.close(file)
  }

  @Test("who can wait gives way while somebody has foreground I/O in flight", arguments: TestSetup.shared)
  func yields(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let query = try bench.engine.makeBackend("query")
    let writer = try bench.engine.makeBackend("checkpointer", priority: .checkpoint)
    let batch = writer.batch()
    for place in 0..<6 {
      _ = writer.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    // With nobody else there is no reason to wait.
    #expect(!writer.yieldToForeground(keeping: 2))
    let queries = query.batch()
    _ = query.start(.readv, file, at: 0, memory.piece(8 * Self.block, Self.block))
    #expect(!writer.yieldToForeground(keeping: 6))
    let before = writer.outstandingCount
    #expect(writer.yieldToForeground(keeping: 2) == (before > 2))
    #expect(writer.outstandingCount <= 2)
    queries.submit()
    query.reap(atLeast: 1)
    batch.submit()
    writer.close()
    query.close()
    bench.engine.close(file)
  }

  // MARK: The worker pool

  /// Notes in which order I/Os are executed, and holds each up until it is let go on.
  private final class Recorder: Sendable {
    let offsets = Shared<[Int64]>([])
    let isOpen = Shared(false)
    let goOn = Signal()

    func note(_ offset: Int64) {
      offsets.update { $0.append(offset) }
      if isOpen.value { return }
      goOn.wait()
      goOn.send()
    }

    func open() {
      isOpen.value = true
      goOn.send()
    }

    func waitForCount(_ count: Int) { while offsets.value.count < count { sched_yield() } }
  }

  private func makeBench(workers: Int, _ recorder: Recorder) throws -> TestBench {
    try TestBench(
      TestSetup(kind: .worker, isDirect: true),
      injection: TestInjection { raw, attempt in
        recorder.note(attempt.offset)
        return raw
      },
      configure: { $0.workers = WorkerPoolConfiguration(fixed: workers) })
  }

  @Test("a worker takes what is waited for before what is not, and that after sixteen at the latest")
  func takesForegroundFirst() throws {
    let recorder = Recorder()
    let bench = try makeBench(workers: 1, recorder)
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let memory = try IOMemory(byteCount: 64 * Self.block)
    let query = try bench.engine.makeBackend("query")
    let writer = try bench.engine.makeBackend("checkpointer", priority: .checkpoint)
    func start(_ backend: IOBackend, _ places: Range<Int>) {
      let batch = backend.batch()
      for place in places {
        _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
      }
      batch.submit()
    }
    // The only worker is at work.
    start(query, 0..<1)
    recorder.waitForCount(1)
    start(writer, 1..<4)
    start(query, 4..<24)
    recorder.open()
    // Who reaps would help.
    recorder.waitForCount(24)
    query.reap(atLeast: 21)
    writer.reap(atLeast: 3)
    let order = recorder.offsets.value.map { Int($0) / 2 / Self.block }
    #expect(order == [0] + Array(4..<20) + [1] + Array(20..<24) + [2, 3])
    query.close()
    writer.close()
    bench.engine.close(file)
  }

  @Test("a worker stays free of what can wait")
  func keepsAWorkerFree() throws {
    let recorder = Recorder()
    let bench = try makeBench(workers: 3, recorder)
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let memory = try IOMemory(byteCount: 64 * Self.block)
    let query = try bench.engine.makeBackend("query")
    let writer = try bench.engine.makeBackend("vacuum", priority: .vacuum)
    let batch = writer.batch()
    for place in 0..<10 {
      _ = writer.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    recorder.waitForCount(2)
    // Were all three at work for the other, this would wait for one of them.
    _ = query.start(.readv, file, at: 60 * Self.block, memory.piece(60 * Self.block, Self.block))
    recorder.waitForCount(3)
    let order = recorder.offsets.value.map { Int($0) / Self.block }
    #expect(Set(order) == [0, 2, 60])
    #expect(bench.engine.workerPoolStatistics()?.queueDepth == 8)
    recorder.open()
    query.reap(atLeast: 1)
    writer.reap(atLeast: 10)
    query.close()
    writer.close()
    bench.engine.close(file)
  }
}
