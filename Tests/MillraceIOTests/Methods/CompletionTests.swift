import CMillrace
import Testing

@testable import MillraceIO

@Suite("layered completions on every method")
struct CompletionTests {
  private static let block = 8192

  @Test("completions run once each, the last registered first, with their own datum", arguments: TestSetup.all)
  func runsInLayers(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let log = Shared<[RecordingCompletion.Call]>([])
    // The lowest layer turns bytes into blocks, the next one finds fault, the third lets it pass.
    let ids = [
      RecordingCompletion("caller", log: log),
      RecordingCompletion("buffer", log: log) { outcome, id in
        IOOutcome(.warning, result: outcome.result, decidedBy: id, detail: 7)
      },
      RecordingCompletion("file", log: log) { outcome, id in
        IOOutcome(.ok, result: outcome.result / 8192, decidedBy: id)
      },
    ].map(bench.engine.register)
    for count in 0...3 {
      log.value = []
      var outcome = IOOutcome.unknown
      var reference = IOReference.none
      withUnsafeMutablePointer(to: &outcome) { slot in
        let handle = backend.acquire()
        handle.returns(to: slot)
        for layer in 0..<count { handle.add(ids[layer], datum: UInt8(layer + 10)) }
        handle.vectors[0] = IOVector(base: memory.baseAddress, byteCount: Self.block)
        for position in 0..<5 { handle.data[position] = UInt32(position * 100) }
        reference = handle.start(.readv, file, at: Int64(Self.block), vectorCount: 1, dataCount: 5)
        backend.wait(for: reference)
      }
      let raw = IOOutcome(.ok, result: Int32(Self.block))
      let blocks = IOOutcome(.ok, result: 1, decidedBy: ids[2])
      let told = [[], [raw], [raw, IOOutcome(.warning, result: 8192, decidedBy: ids[1], detail: 7)]]
      let final = count == 0 ? raw : count == 1 ? raw : count == 2 ? told[2][1] : nil
      if let final { #expect(outcome == final) }

      let calls = log.value
      let names = ["caller", "buffer", "file"].prefix(count).reversed()
      for kind in [RecordingCompletion.Call.Kind.stage, .complete, .completeLocal] {
        let these = calls.filter { $0.kind == kind }
        #expect(these.map(\.name) == Array(names))
        #expect(these.map(\.datum) == (0..<count).reversed().map { UInt8($0 + 10) })
        #expect(these.allSatisfy { $0.data == [0, 100, 200, 300, 400] })
        #expect(these.allSatisfy { $0.reference == reference })
      }
      // All stage before any completes, all complete before any completes locally.
      #expect(calls.map { "\($0.kind)" } == calls.map { "\($0.kind)" }.sorted { $0.order < $1.order })
      #expect(calls.filter { $0.kind != .complete }.allSatisfy { $0.thread == millrace_thread_id() })
      if count == 3 {
        let completions = calls.filter { $0.kind == .complete }
        #expect(
          completions.map(\.outcome) == [raw, blocks, IOOutcome(.warning, result: 1, decidedBy: ids[1], detail: 7)])
        #expect(outcome == IOOutcome(.warning, result: 1, decidedBy: ids[1], detail: 7))
        // Local completions start from what the shared ones made of it.
        #expect(calls.filter { $0.kind == .completeLocal }.allSatisfy { $0.outcome == outcome })
      }
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("the local part runs on the owner, whoever completes", arguments: TestSetup.shared)
  func runsLocallyOnOwner(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 64 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let log = Shared<[RecordingCompletion.Call]>([])
    let id = bench.engine.register(RecordingCompletion("layer", log: log))
    let batch = backend.batch()
    let references = (0..<16).map { place in
      let handle = backend.acquire()
      handle.add(id, datum: UInt8(place))
      return handle.start(
        .readv, file, at: Int64(2 * place * Self.block), memory: memory.piece(place * Self.block, Self.block))
    }
    // Another thread submits and waits for all of it.
    let engine = bench.engine
    try TestThread("stranger") { for reference in references { engine.wait(for: reference) } }.join()
    let completed = log.value
    #expect(Set(completed.filter { $0.kind == .complete }.map(\.datum)) == Set(0..<16))
    if setup.kind != .sync { #expect(!completed.contains { $0.kind == .completeLocal }) }
    batch.submit()
    backend.reap(atLeast: 16)
    let local = log.value.filter { $0.kind == .completeLocal }
    #expect(Set(local.map(\.datum)) == Set(0..<16))
    #expect(local.allSatisfy { $0.thread == millrace_thread_id() })
    #expect(backend.statistics.foreignCompletedTotal == (setup.kind == .sync ? 0 : 16))
    backend.close()
    bench.engine.close(file)
  }

  /// Notes what it is given to work on.
  private final class ContextReader: IOCompletion, @unchecked Sendable {
    // Safe because the log is locked.
    let seen = Shared<[UnsafeRawPointer?]>([])
    override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
      let context = Handed(io.context)
      seen.update { $0.append(context.value) }
      return outcome
    }
  }

  @Test("what one I/O's completions work on is not there for the next use of the handle", arguments: TestSetup.all)
  func forgetsContext(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let reader = ContextReader()
    let id = bench.engine.register(reader)
    for given in [memory.baseAddress, nil, memory.baseAddress + 1, nil] {
      let handle = backend.acquire()
      handle.add(id)
      if let given { handle.setContext(given) }
      backend.wait(for: handle.start(.readv, file, at: 0, memory: memory.bytes))
      #expect(reader.seen.update { $0.popLast() } == UnsafeRawPointer(given))
    }
    // Given, and let go of unused.
    let unused = backend.acquire()
    unused.setContext(memory.baseAddress)
    _ = consume unused
    let handle = backend.acquire()
    handle.add(id)
    backend.wait(for: handle.start(.readv, file, at: 0, memory: memory.bytes))
    #expect(reader.seen.update { $0.popLast() } == .some(nil))
    backend.close()
    bench.engine.close(file)
  }

  @Test("a layer sees a failure as the engine does")
  func seesFailure() throws {
    let bench = try TestBench(TestSetup(kind: .worker), injection: TestInjection { _, _ in -5 })
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: Self.block)
    let log = Shared<[RecordingCompletion.Call]>([])
    let id = bench.engine.register(RecordingCompletion("layer", log: log))
    let handle = backend.acquire()
    handle.add(id)
    backend.wait(for: handle.start(.fsync, file))
    #expect(log.value.first { $0.kind == .complete }?.outcome == IOOutcome(.failed, result: 0, detail: 5))
    backend.close()
    bench.engine.close(file)
  }

  @Test("a completion is known by one number, and there is room for 31")
  func numbersCompletions() async throws {
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let completions = (0..<31).map { _ in IOCompletion() }
    let ids = completions.map(engine.register)
    #expect(ids.map(\.rawValue) == Array(1...31))
    #expect(completions.map(engine.register) == ids)
    await #expect(processExitsWith: .failure) {
      let engine = try IOEngine(IOConfiguration(method: .sync))
      for _ in 0..<32 { _ = engine.register(IOCompletion()) }
    }
  }
}

extension String {
  /// The place of a kind of call in the life of an I/O.
  fileprivate var order: Int { ["stage", "complete", "completeLocal"].firstIndex(of: self) ?? -1 }
}
