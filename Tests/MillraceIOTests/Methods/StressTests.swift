import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO

/// Several threads, each with a backend, in random order: start, batch, reap, wait for their own and each other's I/O,
/// ask after it, abandon it, have tasks await and cancel, end with I/O in flight. Whatever they read is checked.
@Suite("random use by many threads, on every method")
struct StressTests {
  private static let block = 8192
  private static let threadCount = 4
  private static let stepsPerThread = 1500

  /// What the threads of one run share.
  private final class Arena: Sendable {
    let bench: TestBench
    let file: IOFile
    let written: IOFile
    /// The last references of each thread, for the others to wait for.
    let published = Shared<[IOReference]>([])
    let failures = Shared<[String]>([])

    init(_ setup: TestSetup) throws {
      bench = try TestBench(setup) { configuration in
        configuration.ringsMax = 1
        configuration.workers.workersMax = 4
        configuration.workers.launchIntervalMilliseconds = 0
      }
      file = try bench.makeFile(byteCount: 64 * block)
      written = try bench.makeFile("written", byteCount: threadCount * 16 * block, seed: 2)
    }

    func fail(_ words: String) { failures.update { $0.append(words) } }
  }

  /// One thread's part.
  private struct Player {
    let arena: Arena
    let number: Int
    var random: SimulationRandom
    let backend: IOBackend
    let memory: IOMemory
    let outcomes = Outcomes(16)
    /// What is in flight in each of sixteen pieces of memory; nil where it is free.
    var pieces: [(reference: IOReference, block: Int, isWrite: Bool, isAbandoned: Bool)?] = Array(
      repeating: nil, count: 16)

    init(_ arena: Arena, number: Int, seed: UInt64, backend: IOBackend) throws {
      (self.arena, self.number, self.backend) = (arena, number, backend)
      random = SimulationRandom(seed: seed)
      memory = try IOMemory(byteCount: 16 * block)
    }

    mutating func run() {
      for _ in 0..<stepsPerThread {
        switch random.below(10) {
        case 0...3: startBatch(random.number(in: 1...6))
        case 4: backend.reap(atLeast: random.below(backend.outstandingCount + 1))
        case 5: if let reference = own() { backend.wait(for: reference) }
        case 6: if let reference = others() { backend.wait(for: reference) }
        case 7: if let reference = others() { arena.bench.engine.wait(for: reference) }
        case 8: if let reference = random.oneIn(2) ? own() : others() { _ = backend.isCompleted(reference) }
        default: if let reference = own() { haveTaskAwait(reference) }
        }
        if random.oneIn(20) { abandonOne() }
        harvest()
      }
    }

    private mutating func own() -> IOReference? {
      let busy = pieces.compactMap { $0?.reference }
      return busy.isEmpty ? nil : random.element(of: busy)
    }

    private mutating func others() -> IOReference? {
      let published = arena.published.value
      return published.isEmpty ? nil : random.element(of: published)
    }

    private mutating func startBatch(_ count: Int) {
      let batch = backend.batch()
      let isWrite = random.oneIn(4)
      var at = random.below(isWrite ? 16 : 64)
      for _ in 0..<count {
        guard let piece = pieces.firstIndex(where: { $0 == nil }) else { break }
        if !isWrite || !pieces.contains(where: { $0?.isWrite == true && $0?.block == at }) {
          start(piece, block: at, isWrite: isWrite)
        }
        // Mostly neighbours, so that they merge.
        at = random.oneIn(4) ? random.below(isWrite ? 16 : 64) : (at + 1) % (isWrite ? 16 : 64)
      }
      // Some stays staged while others are waited for.
      if random.oneIn(4), let reference = others() { backend.wait(for: reference) }
      batch.submit()
    }

    private mutating func start(_ piece: Int, block at: Int, isWrite: Bool) {
      let bytes = memory.piece(piece * block, block)
      let offset = isWrite ? (number * 16 + at) * block : at * block
      if isWrite { Pattern(seed: 2).fill(bytes, from: offset) }
      outcomes.slots[piece] = .unknown
      let reference = backend.start(
        isWrite ? .writev : .readv, isWrite ? arena.written : arena.file, at: offset, bytes,
        to: outcomes.slots + piece)
      pieces[piece] = (reference, at, isWrite, false)
      arena.published.update { published in
        if published.count < 64 {
          published.append(reference)
        } else {
          published[Int(reference.rawValue % 64)] = reference
        }
      }
    }

    private mutating func abandonOne() {
      guard let piece = pieces.firstIndex(where: { $0 != nil }), outcomes[piece] == .unknown else { return }
      pieces[piece].map { backend.abandon($0.reference) }
      pieces[piece]?.isAbandoned = true
    }

    private mutating func haveTaskAwait(_ reference: IOReference) {
      let (engine, arena) = (arena.bench.engine, arena)
      let isCancelled = random.oneIn(2)
      let task = Task {
        do throws(IOError) {
          try await engine.completion(of: reference)
          if !engine.isCompleted(reference) { arena.fail("an await ended before its I/O") }
        } catch {
          if error.code != .cancelled { arena.fail("an await failed: \(error)") }
        }
      }
      if isCancelled { task.cancel() }
    }

    /// Looks at what has ended.
    private mutating func harvest() {
      for piece in 0..<16 {
        guard let io = pieces[piece], arena.bench.engine.isCompleted(io.reference) else { continue }
        backend.wait(for: io.reference)
        pieces[piece] = nil
        if io.isAbandoned {
          if outcomes[piece] != .unknown { arena.fail("an abandoned outcome was written") }
        } else if outcomes[piece] != IOOutcome(.ok, result: Int32(block)) {
          arena.fail("outcome \(outcomes[piece]) of block \(io.block)")
        }
        if !io.isWrite, !Pattern().matches(memory.piece(piece * block, block), from: io.block * block) {
          arena.fail("block \(io.block) has wrong bytes")
        }
      }
    }

    /// Everything in flight is seen through to its end.
    mutating func finish() {
      backend.reap(atLeast: backend.outstandingCount)
      harvest()
      if pieces.contains(where: { $0 != nil }) { arena.fail("I/O was outstanding after all was reaped") }
    }
  }

  @Test("everything that is read is right, and everything ends", arguments: TestSetup.shared, [UInt64(1), 2])
  func survives(setup: TestSetup, seed: UInt64) throws {
    let arena = try Arena(setup)
    // Thread 0 ends with I/O in flight; the test's own thread sees it through.
    let orphan = Shared<Handed<Player>?>(nil)
    let threads = try (0..<Self.threadCount).map { number in
      try TestThread("player \(number)") {
        let backend = try arena.bench.makeBackend("player \(number)")
        var player = try Player(arena, number: number, seed: seed &* 100 &+ UInt64(number), backend: backend)
        player.run()
        if number == 0 {
          orphan.value = Handed(player)
        } else {
          player.finish()
          backend.close()
        }
      }
    }
    for thread in threads { try thread.join() }
    var last = try #require(orphan.value).value
    orphan.value = nil
    last.finish()
    last.backend.close()

    #expect(arena.failures.value == [], "seed \(seed)")
    #expect(arena.bench.engine.snapshot() == [])
    #expect(try arena.bench.contents("written") == Pattern(seed: 2).bytes(0..<Self.threadCount * 16 * Self.block))
    arena.bench.engine.close(arena.file)
    arena.bench.engine.close(arena.written)
  }
}
