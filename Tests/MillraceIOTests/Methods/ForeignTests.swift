import Glibc
import Testing

@testable import MillraceIO

@Suite("I/O of other threads, on every method on which any thread can complete it")
struct ForeignTests {
  private static let block = 8192

  /// A backend on a thread of its own that has started I/O and sleeps until it is told to go on.
  private final class Sleeper {
    let references: [IOReference]
    let memory: IOMemory
    private let thread: TestThread<Void>
    private let goOn = Signal()
    /// What it found when it went on.
    let statistics = Shared<IOBackendStatistics?>(nil)

    /// - Parameter isStaged: the I/O waits in an open batch.
    init(_ bench: TestBench, _ file: IOFile, count: Int, isStaged: Bool, reapsOwn: Bool = true) throws {
      let memory = try IOMemory(byteCount: count * block)
      let (started, goOn) = (Signal(), goOn)
      let references = Shared<[IOReference]>([])
      let statistics = statistics
      thread = try TestThread("sleeper") {
        let backend = try bench.makeBackend("sleeper")
        if isStaged {
          let batch = backend.batch()
          references.value = Self.start(backend, file, memory, count: count)
          started.send()
          goOn.wait()
          batch.submit()
        } else {
          references.value = Self.start(backend, file, memory, count: count)
          started.send()
          goOn.wait()
        }
        if reapsOwn { backend.reap(atLeast: count) }
        statistics.value = backend.statistics
        backend.close()
      }
      started.wait()
      (self.memory, self.references) = (memory, references.value)
    }

    private static func start(_ backend: IOBackend, _ file: IOFile, _ memory: IOMemory, count: Int) -> [IOReference] {
      (0..<count).map { place in
        backend.start(.readv, file, at: 2 * place * block, memory.piece(place * block, block))
      }
    }

    func isRead(_ place: Int) -> Bool {
      Pattern().matches(memory.piece(place * block, block), from: 2 * place * block)
    }

    func finish() throws {
      goOn.send()
      try thread.join()
    }
  }

  enum Waiting: CaseIterable, Sendable { case withoutBackend, withBackend, polling }

  private func wait(_ waiting: Waiting, for references: [IOReference], _ bench: TestBench) throws {
    switch waiting {
    case .withoutBackend:
      for reference in references { bench.engine.wait(for: reference) }
    case .withBackend:
      let backend = try bench.makeBackend("waiter")
      for reference in references { backend.wait(for: reference) }
      #expect(backend.outstandingCount == 0)
      backend.close()
    case .polling:
      let backend = try bench.makeBackend("poller")
      for reference in references { while !backend.isCompleted(reference) { sched_yield() } }
      #expect(backend.outstandingCount == 0)
      backend.close()
    }
  }

  // Facts, scenarios 10, 28 and 29.
  @Test("what another has in flight while it sleeps can be waited for", arguments: TestSetup.shared, Waiting.allCases)
  func waitsForSleeper(setup: TestSetup, waiting: Waiting) throws {
    let bench = try TestBench(setup) { $0.ringsMax = 1 }
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let sleeper = try Sleeper(bench, file, count: 16, isStaged: false)
    try wait(waiting, for: sleeper.references.reversed(), bench)
    #expect((0..<16).allSatisfy(sleeper.isRead))
    try sleeper.finish()
    #expect(sleeper.statistics.value?.outstanding == 0)
    #expect(sleeper.statistics.value?.executedTotal == 16)
    bench.engine.close(file)
  }

  // Facts, scenarios 32 and 33.
  @Test(
    "what another has staged and does not submit can be waited for", arguments: TestSetup.shared,
    [Waiting.withoutBackend, .withBackend])
  func waitsForStaged(setup: TestSetup, waiting: Waiting) throws {
    let bench = try TestBench(setup) { $0.ringsMax = 2 }
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let first = try bench.makeBackend("first on the other ring")
    let sleeper = try Sleeper(bench, file, count: 16, isStaged: true)
    try wait(waiting, for: sleeper.references.reversed(), bench)
    #expect((0..<16).allSatisfy(sleeper.isRead))
    try sleeper.finish()
    #expect(sleeper.statistics.value?.outstanding == 0)
    #expect(sleeper.statistics.value?.executedTotal == 16)
    first.close()
    bench.engine.close(file)
  }

  @Test("who submits for another leaves its handles to it", arguments: TestSetup.shared)
  func leavesHandles(setup: TestSetup) throws {
    // From the page cache, too, where a worker's submitter reads by itself.
    for isDirect in [false, true] {
      let bench = try TestBench(setup)
      let file = try bench.makeFile(byteCount: 4 * Self.block, isDirect: isDirect)
      let backend = try bench.makeBackend()
      let memory = try IOMemory(byteCount: Self.block)
      let batch = backend.batch()
      let reference = backend.start(.readv, file, at: Self.block, memory.bytes)
      let before = backend.outstandingCount
      let engine = bench.engine
      try TestThread("stranger") { engine.wait(for: reference) }.join()
      #expect(engine.isCompleted(reference))
      #expect(backend.outstandingCount == before)
      batch.submit()
      backend.reap(atLeast: 1)
      #expect(backend.outstandingCount == 0)
      #expect(Pattern().matches(memory.bytes, from: Self.block))
      backend.close()
      bench.engine.close(file)
    }
  }

  @Test("many can wait for the same I/O", arguments: TestSetup.shared)
  func waitsTogether(setup: TestSetup) throws {
    let bench = try TestBench(setup) { $0.ringsMax = 1 }
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let sleeper = try Sleeper(bench, file, count: 16, isStaged: true)
    let engine = bench.engine
    let references = sleeper.references
    let waiters = try (0..<4).map { number in
      try TestThread("waiter") {
        for place in 0..<16 { engine.wait(for: references[number % 2 == 0 ? place : 15 - place]) }
      }
    }
    for waiter in waiters { try waiter.join() }
    #expect((0..<16).allSatisfy(sleeper.isRead))
    try sleeper.finish()
    bench.engine.close(file)
  }

  @Test("two that wait for each other's staged I/O both get it", arguments: TestSetup.shared)
  func crossesBatches(setup: TestSetup) throws {
    // The wiki's deadlock: A staged 1 and waits for 2, B staged 2 and waits for 1.
    for _ in 0..<20 {
      let bench = try TestBench(setup)
      let file = try bench.makeFile(byteCount: 64 * Self.block)
      let staged = [Shared(IOReference.none), Shared(IOReference.none)]
      let ready = [Signal(), Signal()]
      let threads = try [0, 1].map { number in
        try TestThread("crosser \(number)") {
          let backend = try bench.makeBackend("crosser")
          let memory = try IOMemory(byteCount: 2 * Self.block)
          let batch = backend.batch()
          staged[number].value = backend.start(
            .readv, file, at: 2 * number * Self.block, memory.piece(0, Self.block))
          ready[number].send()
          ready[1 - number].wait()
          bench.engine.wait(for: staged[1 - number].value)
          batch.submit()
          backend.close()
          #expect(Pattern().matches(memory.piece(0, Self.block), from: 2 * number * Self.block))
        }
      }
      for thread in threads { try thread.join() }
      bench.engine.close(file)
    }
  }

  // Facts, scenarios 10 and 29: the thread ends, its backend goes to another one.
  @Test("I/O of a thread that ended completes", arguments: TestSetup.shared)
  func outlivesThread(setup: TestSetup) throws {
    for _ in 0..<20 {
      let bench = try TestBench(setup)
      let file = try bench.makeFile(byteCount: 64 * Self.block)
      let memory = try IOMemory(byteCount: 16 * Self.block)
      let backend = Handed(try bench.makeBackend("orphan"))
      let references = Shared<[IOReference]>([])
      let starter = try TestThread("starter") {
        references.value = (0..<16).map { place in
          backend.value.start(
            .readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
        }
      }
      let engine = bench.engine
      try starter.join()
      let waiter = try TestThread("waiter") {
        for reference in references.value { engine.wait(for: reference) }
        #expect(
          (0..<16).allSatisfy {
            Pattern().matches(memory.piece($0 * Self.block, Self.block), from: 2 * $0 * Self.block)
          })
      }
      try waiter.join()
      backend.value.close()
      #expect(bench.engine.snapshot().isEmpty)
      bench.engine.close(file)
    }
  }

  // Facts, scenario 21: B, which reaps A's failing read, sees nothing of it.
  @Test("whoever completes another's failure does not get it", arguments: TestSetup.shared)
  func keepsFailureToOwner(setup: TestSetup) throws {
    let injection = TestInjection { raw, attempt in attempt.offset == 0 ? -Int64(EIO) : raw }
    let bench = try TestBench(setup, injection: injection)
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let owner = try bench.makeBackend("owner")
    let memory = try IOMemory(byteCount: 2 * Self.block)
    let outcomes = Outcomes(2)
    let batch = owner.batch()
    let reference = owner.start(.readv, file, at: 0, memory.piece(0, Self.block), to: outcomes.slots)
    let engine = bench.engine
    try TestThread("waiter") {
      let backend = try bench.makeBackend("waiter")
      let own = try IOMemory(byteCount: Self.block)
      backend.wait(for: reference)
      #expect(engine.isCompleted(reference))
      #expect(backend.perform(.readv, file, at: Self.block, own.bytes).status == .ok)
      backend.close()
    }.join()
    batch.submit()
    owner.reap(atLeast: 1)
    #expect(outcomes[0] == IOOutcome(.failed, result: 0, detail: UInt32(EIO)))
    owner.close()
    bench.engine.close(file)
  }

  @Test("an exclusive backend's I/O can be waited for while its thread reaps")
  func waitsForExclusive() throws {
    for setup in TestSetup.plain where setup.isExclusive {
      let bench = try TestBench(setup)
      let file = try bench.makeFile(byteCount: 64 * Self.block)
      let backend = try bench.makeBackend()
      let memory = try IOMemory(byteCount: 16 * Self.block)
      let engine = bench.engine
      for _ in 0..<50 {
        let batch = backend.batch()
        let references = (0..<16).map { place in
          backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
        }
        // Staged still, and bound to this thread: the stranger sleeps.
        let waiting = Signal()
        let stranger = try TestThread("stranger") {
          waiting.send()
          for reference in references { engine.wait(for: reference) }
        }
        waiting.wait()
        batch.submit()
        backend.reap(atLeast: 16)
        try stranger.join()
        #expect(references.allSatisfy(engine.isCompleted))
      }
      backend.close()
      bench.engine.close(file)
    }
  }
}
