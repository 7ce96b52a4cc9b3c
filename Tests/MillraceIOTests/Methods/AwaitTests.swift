import Glibc
import Testing

@testable import MillraceIO

@Suite("awaiting I/O on every method")
struct AwaitTests {
  private static let block = 8192

  @Test("tasks await I/O that nobody else waits for", arguments: TestSetup.shared)
  func awaits(setup: TestSetup) async throws {
    let bench = try TestBench(setup)
    let backend = Handed(try bench.makeBackend())
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let engine = bench.engine
    for _ in 0..<10 {
      let references = (0..<16).map { place in
        backend.value.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
      }
      await withTaskGroup(of: Void.self) { group in
        // Each by two tasks.
        for place in 0..<32 {
          group.addTask {
            await #expect(throws: Never.self) { try await engine.completion(of: references[place % 16]) }
            #expect(
              Pattern().matches(
                memory.piece(place % 16 * Self.block, Self.block), from: 2 * (place % 16) * Self.block))
          }
        }
      }
      #expect(references.allSatisfy(engine.isCompleted))
      backend.value.reap(atLeast: 16)
      #expect(backend.value.outstandingCount == 0)
    }
    backend.value.close()
    bench.engine.close(file)
  }

  @Test("awaiting staged I/O submits it", arguments: TestSetup.shared)
  func awaitsStaged(setup: TestSetup) async throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let (staged, goOn) = (Signal(), Signal())
    let reference = Shared(IOReference.none)
    let owner = try TestThread("owner") {
      let backend = try bench.makeBackend()
      let batch = backend.batch()
      reference.value = backend.start(.readv, file, at: Self.block, memory.bytes)
      staged.send()
      goOn.wait()
      batch.submit()
      backend.close()
    }
    staged.wait()
    try await bench.engine.completion(of: reference.value)
    #expect(Pattern().matches(memory.bytes, from: Self.block))
    // Over by now: at once.
    try await bench.engine.completion(of: reference.value)
    try await bench.engine.completion(of: .none)
    goOn.send()
    try owner.join()
    bench.engine.close(file)
  }

  @Test("awaiting ends when an exclusive backend's own thread reaps")
  func awaitsExclusive() async throws {
    for setup in TestSetup.plain where setup.isExclusive {
      let bench = try TestBench(setup)
      let file = try bench.makeFile(byteCount: 64 * Self.block)
      let memory = try IOMemory(byteCount: Self.block)
      let (staged, goOn) = (Signal(), Signal())
      let reference = Shared(IOReference.none)
      let owner = try TestThread("owner") {
        let backend = try bench.makeBackend()
        let batch = backend.batch()
        reference.value = backend.start(.readv, file, at: Self.block, memory.bytes)
        staged.send()
        goOn.wait()
        batch.submit()
        backend.reap(atLeast: 1)
        backend.close()
      }
      staged.wait()
      let engine = bench.engine
      let awaited = Task { try await engine.completion(of: reference.value) }
      goOn.send()
      try await awaited.value
      try owner.join()
      #expect(Pattern().matches(memory.bytes, from: Self.block))
      bench.engine.close(file)
    }
  }

  @Test("a cancelled wait ends at once; the I/O goes on and can be waited for", arguments: TestSetup.shared)
  func cancels(setup: TestSetup) async throws {
    // Held up where it completes: on a thread of its own, not on this one.
    let proceed = Signal()
    let injection = TestInjection { raw, attempt in
      if attempt.number == 0 { proceed.wait() }
      return raw
    }
    let bench = try TestBench(setup, injection: injection)
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let reference = Shared(IOReference.none)
    let started = Signal()
    let owner = try TestThread("owner") {
      let backend = try bench.makeBackend()
      started.send()
      reference.value = backend.start(.readv, file, at: Self.block, memory.bytes)
      backend.wait(for: reference.value)
      backend.close()
    }
    started.wait()
    let engine = bench.engine
    while reference.value.isNone, engine.snapshot().isEmpty { await Task.yield() }
    // What `start` returns only after it has ended is known by the snapshot.
    let named = IOReference(index: 0, generation: 1)
    let task = Task { () -> IOError? in
      do throws(IOError) {
        try await engine.completion(of: named)
        return nil
      } catch {
        return error
      }
    }
    task.cancel()
    let error = await task.value
    #expect(error?.code == .cancelled)
    #expect(error?.description == "waiting for an I/O was cancelled; the I/O goes on")
    #expect(!engine.isCompleted(named))
    proceed.send()
    try owner.join()
    #expect(engine.isCompleted(named))
    #expect(Pattern().matches(memory.bytes, from: Self.block))
    bench.engine.close(file)
  }

  @Test("tasks that are cancelled at any moment leave no wait behind", arguments: TestSetup.shared)
  func cancelsAnytime(setup: TestSetup) async throws {
    let bench = try TestBench(setup)
    let backend = Handed(try bench.makeBackend())
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let engine = bench.engine
    for round in 0..<30 {
      let references = (0..<16).map { place in
        backend.value.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
      }
      let tasks = references.map { reference in
        Task { () -> Bool in
          do throws(IOError) {
            try await engine.completion(of: reference)
            return engine.isCompleted(reference)
          } catch {
            return error.code == .cancelled
          }
        }
      }
      for (place, task) in tasks.enumerated() where (place + round) % 3 != 0 { task.cancel() }
      for task in tasks { #expect(await task.value) }
      backend.value.reap(atLeast: 16)
      #expect(
        (0..<16).allSatisfy {
          Pattern().matches(memory.piece($0 * Self.block, Self.block), from: 2 * $0 * Self.block)
        })
    }
    backend.value.close()
    bench.engine.close(file)
  }

  /// Tells a task which I/O it is before that I/O is staged.
  private final class Announcing: IOCompletion, @unchecked Sendable {
    // Safe because the closure is Sendable.
    let announce: @Sendable (IOReference) -> Void
    init(_ announce: @escaping @Sendable (IOReference) -> Void) { self.announce = announce }
    override func stage(_ io: borrowing CompletionContext) { announce(io.reference) }
  }

  @Test("an I/O that is awaited before it is staged is submitted all the same", arguments: TestSetup.shared)
  func awaitsUnstaged(setup: TestSetup) async throws {
    let bench = try TestBench(setup)
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let engine = bench.engine
    let announced = Shared<Task<Void, any Error>?>(nil)
    let goOn = Signal()
    let id = engine.register(
      Announcing { reference in
        announced.value = Task { try await engine.completion(of: reference) }
        // Goes on when the task has said that it waits.
        while !engine.table.word(reference.index).has(HandleWord.awaiters) { sched_yield() }
      })
    let owner = try TestThread("owner") {
      let backend = try bench.makeBackend()
      let batch = backend.batch()
      let handle = backend.acquire()
      handle.add(id)
      _ = handle.start(.readv, file, at: Int64(Self.block), memory: memory.bytes)
      goOn.wait()
      batch.submit()
      backend.close()
    }
    while announced.value == nil { await Task.yield() }
    try await announced.value?.value
    #expect(Pattern().matches(memory.bytes, from: Self.block))
    goOn.send()
    try owner.join()
    bench.engine.close(file)
  }

  @Test("an engine ends although its I/O was awaited", arguments: TestSetup.shared)
  func endsAfterwards(setup: TestSetup) async throws {
    weak var ended: IOEngine?
    do {
      let bench = try TestBench(setup)
      ended = bench.engine
      let backend = Handed(try bench.makeBackend())
      let file = try bench.makeFile(byteCount: Self.block)
      let memory = try IOMemory(byteCount: Self.block)
      try await bench.engine.completion(of: backend.value.start(.readv, file, at: 0, memory.bytes))
      backend.value.close()
      bench.engine.close(file)
    }
    #expect(ended == nil)
  }
}
