import Glibc
import Testing

@testable import MillraceIO

@Suite("handles, references and waiting on every method")
struct WaitTests {
  private static let block = 8192

  // Facts, scenario 9.
  @Test("a reference is good long after its handle has been used again", arguments: TestSetup.all)
  func waitsLongAfter(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    var references: [IOReference] = []
    for round in 0..<200 {
      let reference = backend.start(.readv, file, at: round % 4 * Self.block, memory.bytes)
      backend.wait(for: reference)
      references.append(reference)
    }
    #expect(Set(references).count == 200)
    for reference in references {
      #expect(!backend.wait(for: reference))
      #expect(!bench.engine.wait(for: reference))
      #expect(backend.isCompleted(reference))
      #expect(bench.engine.isCompleted(reference))
    }
    #expect(!backend.wait(for: .none))
    #expect(bench.engine.isCompleted(.none))
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenarios 3 and 6.
  @Test("a handle that is let go of unused comes back under a new generation", arguments: TestSetup.all)
  func dropsHandles(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    var seen: Set<IOReference> = []
    for _ in 0..<100 {
      let handle = backend.acquire()
      let word = bench.engine.table.word(handle.index)
      let reference = IOReference(index: handle.index, generation: word.generation)
      #expect(word.state == .handedOut)
      #expect(seen.insert(reference).inserted)
      _ = consume handle
      #expect(bench.engine.isCompleted(reference))
      #expect(!bench.engine.wait(for: reference))
    }
    #expect(backend.perform(.readv, file, at: 0, memory.bytes).status == .ok)
    #expect(backend.statistics.executedTotal == 1)
    #expect(bench.engine.snapshot().isEmpty)
    backend.close()
    bench.engine.close(file)
  }

  @Test("asking again and again completes an I/O in the end", arguments: TestSetup.all)
  func polls(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    let count = min(4, setup.handles)
    let batch = backend.batch()
    let references = (0..<count).map { place in
      backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    batch.submit()
    for place in (0..<count).reversed() {
      while !backend.isCompleted(references[place]) { sched_yield() }
      #expect(Pattern().matches(memory.piece(place * Self.block, Self.block), from: 2 * place * Self.block))
    }
    #expect(backend.outstandingCount == 0)
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 7.
  @Test("without a free handle, acquiring waits for one, and asking for one does not", arguments: TestSetup.all)
  func runsOutOfHandles(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let memory = try IOMemory(byteCount: 64 * Self.block)
    // Staged, not submitted, as far as there are handles and room in a batch.
    let batch = backend.batch()
    let staged = min(setup.handles, IOBackend.batchMax - 1)
    var references = (0..<staged).map { place in
      backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    if setup.handles <= staged, setup.kind != .sync { #expect(!hasIdleHandle(backend)) }
    for place in 0..<64 {
      references.append(
        backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block)))
    }
    batch.submit()
    backend.reap(atLeast: 64)
    #expect(references.allSatisfy(bench.engine.isCompleted))
    #expect(hasIdleHandle(backend))
    #expect(
      (0..<64).allSatisfy { Pattern().matches(memory.piece($0 * Self.block, Self.block), from: 2 * $0 * Self.block) })
    backend.close()
    bench.engine.close(file)
  }

  private func hasIdleHandle(_ backend: IOBackend) -> Bool {
    // Let go of at once, it is idle again.
    if let handle = backend.acquireIfIdle() {
      _ = consume handle
      return true
    }
    return false
  }

  // Facts, scenario 11.
  @Test("the outcome of an abandoned I/O is written nowhere", arguments: TestSetup.asynchronous)
  func abandons(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    let outcomes = Outcomes(4)
    let batch = backend.batch()
    let references = (0..<4).map { place in
      backend.start(
        .readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block),
        to: outcomes.slots + place)
    }
    // One staged, one in flight; one that is not this backend's.
    backend.abandon(references[0])
    batch.submit()
    let open = references.filter { !bench.engine.isCompleted($0) }
    backend.abandon(references[2])
    let stranger = try bench.makeBackend("stranger")
    stranger.abandon(references[3])
    stranger.close()
    backend.reap(atLeast: 4)
    #expect(outcomes[0] == .unknown)
    if open.contains(references[2]) { #expect(outcomes[2] == .unknown) }
    #expect(outcomes[1].status == .ok)
    #expect(outcomes[3].status == .ok)
    // The reads themselves were done.
    for place in 0..<4 {
      #expect(Pattern().matches(memory.piece(place * Self.block, Self.block), from: 2 * place * Self.block))
    }
    // Over and used again: nothing to abandon.
    backend.abandon(references[0])
    backend.close()
    bench.engine.close(file)
  }

  @Test("closing a backend waits for what it has staged and in flight", arguments: TestSetup.all)
  func closesBackend(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 8 * Self.block)
    let outcomes = Outcomes(8)
    for letsGo in [false, true] {
      var references: [IOReference] = []
      do {
        let backend = try bench.makeBackend()
        for place in 0..<4 {
          references.append(
            backend.start(
              .readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block),
              to: outcomes.slots + place))
        }
        let batch = backend.batch()
        for place in 4..<8 {
          references.append(
            backend.start(
              .readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block),
              to: outcomes.slots + place))
        }
        if !letsGo {
          backend.close()
          #expect(backend.outstandingCount == 0)
          // Once more does nothing.
          backend.close()
        }
        batch.submit()
      }
      #expect(references.allSatisfy(bench.engine.isCompleted))
      #expect(outcomes.areWhole(8, bytes: Self.block))
      #expect(bench.engine.backendStatistics().isEmpty)
      #expect(bench.engine.snapshot().isEmpty)
    }
    bench.engine.close(file)
  }

  // Facts, scenario 20.
  @Test("closing a file settles what uses it, and nothing is left of it", arguments: TestSetup.all)
  func closesFile(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let other = try bench.makeFile("other", byteCount: 16 * Self.block, seed: 2)
    let memory = try IOMemory(byteCount: 8 * Self.block)
    let outcomes = Outcomes(8)
    // In flight, and staged in an open batch; every second one on another file.
    let inFlight = min(setup.handles, 4)
    func start(_ place: Int) -> IOReference {
      backend.start(
        .readv, place % 2 == 0 ? file : other, at: 2 * place * Self.block,
        memory.piece(place * Self.block, Self.block), to: outcomes.slots + place)
    }
    var references = (0..<inFlight).map(start)
    let batch = backend.batch()
    for place in inFlight..<8 { references.append(start(place)) }
    bench.engine.close(file, by: backend)
    #expect(stride(from: 0, to: 8, by: 2).allSatisfy { bench.engine.isCompleted(references[$0]) })
    batch.submit()
    backend.reap(atLeast: 8)
    #expect(outcomes.areWhole(8, bytes: Self.block))
    for place in 0..<8 {
      let pattern = Pattern(seed: place % 2 == 0 ? 1 : 2)
      #expect(pattern.matches(memory.piece(place * Self.block, Self.block), from: 2 * place * Self.block))
    }
    bench.engine.close(other)
    backend.close()
  }

  @Test("closing a file does not wait for I/O on another")
  func closesOnlyFile() throws {
    let (paused, proceed) = (Signal(), Signal())
    let injection = TestInjection { raw, attempt in
      if attempt.path.hasSuffix("other") {
        paused.send()
        proceed.wait()
      }
      return raw
    }
    // A worker is held up with the other file's I/O.
    let bench = try TestBench(TestSetup(kind: .worker, isDirect: true), injection: injection)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let other = try bench.makeFile("other", byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 2 * Self.block)
    let heldUp = backend.start(.readv, other, at: 0, memory.piece(0, Self.block))
    paused.wait()
    let reference = backend.start(.readv, file, at: 0, memory.piece(Self.block, Self.block))
    bench.engine.close(file)
    #expect(bench.engine.isCompleted(reference))
    #expect(!bench.engine.isCompleted(heldUp))
    proceed.send()
    backend.wait(for: heldUp)
    backend.close()
    bench.engine.close(other)
  }

  @Test("all places for backends taken is an error that says so, and they can be used again")
  func limitsBackends() throws {
    let bench = try TestBench(TestSetup(kind: .sync)) { $0.backendsMax = 2 }
    let first = try bench.makeBackend("first")
    let second = try bench.makeBackend("second")
    let error = #expect(throws: IOError.self) { try bench.makeBackend("third") }
    #expect(error?.code == .tooManyBackends)
    #expect(error?.description == "all 2 places for backends are taken; raise backendsMax or close one")
    first.close()
    let third = try bench.makeBackend("third")
    #expect(bench.engine.backendStatistics().map(\.name) == ["third", "second"])
    second.close()
    third.close()
  }

  @Test("a backend's counters begin with it", arguments: TestSetup.plain)
  func countsAnew(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    for _ in 0..<3 {
      let backend = try bench.makeBackend()
      #expect(backend.statistics.executedTotal == 0)
      #expect(backend.perform(.readv, file, at: 0, memory.bytes).status == .ok)
      let statistics = backend.statistics
      #expect(statistics.executedTotal == 1)
      #expect(statistics.completedSelfTotal + statistics.foreignCompletedTotal == 1)
      #expect(statistics.bytesRead == UInt64(Self.block))
      #expect(statistics.outstanding == 0)
      backend.close()
    }
    bench.engine.close(file)
  }

  // MARK: Misuse

  // Facts, scenario 3.
  @Test("a second handle while one is out ends the process with PostgreSQL's words")
  func refusesSecondHandle() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let backend = try IOEngine(IOConfiguration(method: .sync)).makeBackend("test")
      let first = backend.acquire()
      let second = backend.acquire()
      _ = consume first
      _ = consume second
    }
    expect(result, "API violation: Only one IO can be handed out")
  }

  @Test("a fifth completion ends the process")
  func refusesFifthCompletion() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let engine = try IOEngine(IOConfiguration(method: .sync))
      let completion = engine.register(IOCompletion())
      let backend = try engine.makeBackend("test")
      let handle = backend.acquire()
      for _ in 0..<5 { handle.add(completion) }
      _ = consume handle
      backend.close()
    }
    expect(result, "a handle was given a fifth completion")
  }

  @Test("more pieces of memory than a handle has room for end the process")
  func refusesTooManyVectors() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let backend = try IOEngine(IOConfiguration(method: .sync)).makeBackend("test")
      let file = try DescriptorFile.open("/dev/zero", [])
      _ = backend.acquire().start(.readv, file, at: 0, vectorCount: 17)
    }
    expect(result, "more pieces of memory than a handle has room for")
  }

  @Test("closing a backend with a handle out ends the process")
  func refusesClosingWithHandle() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let backend = try IOEngine(IOConfiguration(method: .sync)).makeBackend("test")
      let handle = backend.acquire()
      backend.close()
      _ = consume handle
    }
    expect(result, "a backend was closed with a handle handed out")
  }

  @Test("letting go of a file with I/O in flight ends the process")
  func refusesLosingFile() async throws {
    let result = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      let backend = try IOEngine(IOConfiguration(method: .worker)).makeBackend("test")
      let memory = try IOMemory(byteCount: 4096)
      let batch = backend.batch()
      _ = try backend.acquire().start(.readv, DescriptorFile.open("/dev/zero", []), at: 0, memory: memory.bytes)
      batch.submit()
    }
    expect(result, "a file was released with I/O in flight; close it first")
  }

  private func expect(_ result: ExitTest.Result, _ words: String) {
    let output = String(decoding: result.standardErrorContent, as: UTF8.self)
    #expect(output.contains(words), "\(output)")
  }
}
