import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO

@Suite("snapshots of the handles in use")
struct SnapshotTests {
  private static let block = 8192

  @Test("a handle is shown in each of its states with what is known by then")
  func showsStates() throws {
    let (paused, proceed) = (Signal(), Signal())
    let injection = TestInjection { raw, attempt in
      if attempt.number == 0 {
        paused.send()
        proceed.wait()
      }
      return raw
    }
    let bench = try TestBench(TestSetup(kind: .worker, isDirect: true), injection: injection)
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 2 * Self.block)
    #expect(bench.engine.snapshot() == [])

    let handle = backend.acquire()
    var row = try #require(bench.engine.snapshot().first)
    #expect(row.state == .handedOut && row.operation == nil && row.offset == nil && row.targetDescription == nil)
    #expect(row.backend == 0 && row.ioID == 0 && row.ioGeneration == 1 && row.age == nil)

    let batch = backend.batch()
    handle.vectors[0] = IOVector(base: memory.baseAddress, byteCount: Self.block)
    handle.data[0] = 7
    let reference = handle.start(
      .readv, file, at: Int64(3 * Self.block), vectorCount: 1, dataCount: 1, flags: .referencesLocal)
    row = try #require(bench.engine.snapshot().first)
    #expect(row.state == .staged && row.operation == .readv && row.offset == 24576 && row.length == 8192)
    #expect(row.targetDescription == "block 3 in file \"\(file.path)\"")
    #expect(row.handleDataLength == 1 && row.flags == .referencesLocal)
    #expect(
      row.rawResult == nil && row.result == .unknown && row.age == nil && row.ring == nil && row.mergedInto == nil)

    batch.submit()
    paused.wait()
    row = try #require(bench.engine.snapshot().first)
    #expect(row.state == .submitted && row.age != nil && row.rawResult == nil && row.result == .unknown)

    proceed.send()
    bench.engine.wait(for: reference)
    row = try #require(bench.engine.snapshot().first)
    #expect(row.state == .completedShared && row.rawResult == 8192 && row.result == .ok)
    backend.reap(atLeast: 1)
    #expect(bench.engine.snapshot() == [])

    // In place: said by a flag. Buffered: too.
    let buffered = try bench.makeFile("other", byteCount: Self.block, isDirect: false)
    let inner = backend.batch()
    _ = backend.start(.readv, buffered, at: 0, memory.piece(0, Self.block))
    #expect(bench.engine.snapshot().first?.flags == .buffered)
    inner.submit()
    backend.close()
    bench.engine.close(file)
    bench.engine.close(buffered)
  }

  @Test("merged I/Os name the one that carries them")
  func showsMerges() throws {
    let (paused, proceed) = (Signal(), Signal())
    let injection = TestInjection { raw, attempt in
      if attempt.number == 0 {
        paused.send()
        proceed.wait()
      }
      return raw
    }
    let bench = try TestBench(TestSetup(kind: .worker, isDirect: true), injection: injection)
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 3 * Self.block)
    let batch = backend.batch()
    for place in 0..<3 {
      _ = backend.start(.readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    paused.wait()
    #expect(bench.engine.snapshot().map(\.mergedInto) == [nil, 0, 0])
    #expect(bench.engine.snapshot().map(\.length) == [8192, 8192, 8192])
    proceed.send()
    backend.reap(atLeast: 3)
    backend.close()
    bench.engine.close(file)
  }

  @Test("states and results have PostgreSQL's names")
  func hasNames() {
    #expect(
      IOHandleState.allCases.map(\.description) == [
        "IDLE", "HANDED_OUT", "DEFINED", "STAGED", "SUBMITTED", "COMPLETED_IO", "COMPLETED_SHARED", "COMPLETED_LOCAL",
      ])
    #expect(
      [IOOutcome.Status.unknown, .ok, .partial, .warning, .failed].map(\.description) == [
        "UNKNOWN", "OK", "PARTIAL", "WARNING", "ERROR",
      ])
    #expect(
      IOOperation.allCases.map(\.description) == ["readv", "writev", "fsync", "fdatasync", "flush_range", "allocate"])
  }

  /// What the load does, so that every row can be told to be of one I/O: file `f` is used at blocks of which `f` is the
  /// remainder by four, with lengths that follow from the block.
  private struct Load {
    static let fileCount = 4
    static func length(block: Int) -> Int { (block / 4 % 3 + 1) * 4096 }
    static func operation(file: Int) -> IOOperation { file < 2 ? .readv : .writev }
  }

  private func problem(_ row: IOSnapshot, _ names: [String]) -> String? {
    guard row.state.rawValue >= IOHandleState.defined.rawValue else {
      return row.operation == nil && row.offset == nil && row.rawResult == nil && row.age == nil
        ? nil : "fields too early"
    }
    guard let offset = row.offset, let length = row.length, let operation = row.operation else {
      return "fields missing"
    }
    let block = Int(offset) / Self.block
    let file = block % Load.fileCount
    if Int(offset) % Self.block != 0 || Int(length) != Load.length(block: block) { return "offset and length" }
    if operation != Load.operation(file: file) { return "operation and offset" }
    if row.targetDescription.map({ !$0.hasSuffix(names[file]) }) ?? true { return "file and offset" }
    if row.state.rawValue >= IOHandleState.completedIO.rawValue, row.rawResult != length { return "result and length" }
    if row.state.rawValue < IOHandleState.completedIO.rawValue, row.rawResult != nil { return "result too early" }
    if row.state.rawValue >= IOHandleState.completedShared.rawValue, row.result != .ok { return "outcome" }
    if let age = row.age, age > 60_000_000_000 { return "age of another I/O" }
    if row.state == .staged, row.age != nil { return "age too early" }
    return nil
  }

  // Facts, scenario 89.
  @Test(
    "no row under load mixes two I/Os", arguments: TestSetup.all.filter { !$0.isDirect && $0.handles != 1 })
  func neverMixes(setup: TestSetup) throws {
    // Few handles, which are used again all the time, and looked at all the time.
    let bench = try TestBench(setup) { configuration in
      configuration.ringsMax = 1
      configuration.backendsMax = 2
    }
    let files = try (0..<Load.fileCount).map { try bench.makeFile("file \($0)", byteCount: 64 * Self.block) }
    let names = files.map { "in file \"\($0.path)\"" }
    let isOver = Shared(false)
    let threads = try (0..<2).map { number in
      try TestThread("load \(number)") {
        let backend = try bench.makeBackend("load \(number)")
        let memory = try IOMemory(byteCount: 32 * Self.block)
        var random = SimulationRandom(seed: UInt64(number) + 89)
        while !isOver.value {
          let batch = backend.batch()
          var blocks: Set<Int> = []
          for place in 0..<random.number(in: 1...min(setup.handles, 16)) {
            // Each thread has blocks of its own, and none twice in flight.
            let block = random.below(8) * 8 + number * 4 + random.below(4)
            guard blocks.insert(block).inserted else { continue }
            _ = backend.start(
              Load.operation(file: block % 4), files[block % 4], at: block * Self.block,
              memory.piece(2 * place * Self.block, Load.length(block: block)))
          }
          if random.oneIn(8) { _ = backend.acquireIfIdle() }
          batch.submit()
          backend.reap(atLeast: .max)
        }
        backend.close()
      }
    }
    var rows = 0
    while rows < 10_000, !isOver.value {
      for row in bench.engine.snapshot() {
        rows += 1
        guard let problem = problem(row, names) else { continue }
        Issue.record("\(problem): \(row)")
        isOver.value = true
        break
      }
    }
    isOver.value = true
    for thread in threads { try thread.join() }
    for file in files { bench.engine.close(file) }
  }
}
