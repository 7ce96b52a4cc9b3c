import Testing

@testable import MillraceIO

@Suite("batches and merging")
struct BatchTests {
  private static let block = 8192

  // Facts, scenario 8: more starts in one batch than are submitted together.
  @Test("a batch of any size is read rightly, whatever the number of handles", arguments: TestSetup.all)
  func readsBatches(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 80 * Self.block)
    let memory = try IOMemory(byteCount: 33 * Self.block)
    for size in 0...33 {
      memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
      let outcomes = Outcomes(max(size, 1))
      let batch = backend.batch()
      for place in 0..<size {
        // Every second block, last first, so that nothing merges.
        _ = backend.start(
          .readv, file, at: (79 - 2 * place) * Self.block, memory.piece(place * Self.block, Self.block),
          to: outcomes.slots + place)
      }
      batch.submit()
      backend.reap(atLeast: size)
      #expect(backend.outstandingCount == 0)
      #expect(outcomes.areWhole(size, bytes: Self.block), "batch of \(size)")
      for place in 0..<size {
        let piece = memory.piece(place * Self.block, Self.block)
        #expect(Pattern().matches(piece, from: (79 - 2 * place) * Self.block), "\(place) of \(size)")
      }
    }
    let statistics = backend.statistics
    #expect(statistics.executedTotal == UInt64((0...33).reduce(0, +)))
    #expect(statistics.completedSelfTotal + statistics.foreignCompletedTotal == statistics.executedTotal)
    backend.close()
    bench.engine.close(file)
  }

  @Test("reaping any number returns that many and leaves the rest", arguments: TestSetup.roomy)
  func reapsSome(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 80 * Self.block)
    let memory = try IOMemory(byteCount: 33 * Self.block)
    for size in 1...12 {
      for wanted in 0...size + 1 {
        let batch = backend.batch()
        for place in 0..<size {
          _ = backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
        }
        batch.submit()
        // Those that ended within the submission have been taken back by it.
        let left = backend.outstandingCount
        let reaped = backend.reap(atLeast: wanted)
        #expect(reaped >= min(wanted, left))
        #expect(backend.outstandingCount == left - reaped)
        backend.reap(atLeast: size)
        #expect(backend.outstandingCount == 0)
      }
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("a batch submits once; what is started outside of one, each by itself", arguments: TestSetup.asynchronous)
  func countsSubmissions(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 80 * Self.block)
    let memory = try IOMemory(byteCount: 40 * Self.block)
    func start(_ place: Int) -> IOReference {
      backend.start(.readv, file, at: 2 * place * Self.block, memory.piece(place * Self.block, Self.block))
    }
    let batch = backend.batch()
    let inner = backend.batch()
    for place in 0..<20 { _ = start(place) }
    inner.submit()
    #expect(backend.statistics.submissionsTotal == 0, "an inner batch submitted")
    batch.submit()
    #expect(backend.statistics.submissionsTotal == 1)
    backend.reap(atLeast: 20)
    for place in 0..<3 { _ = start(place) }
    #expect(backend.statistics.submissionsTotal == 4)
    backend.reap(atLeast: 3)
    // 33 are one more than go together.
    let large = backend.batch()
    for place in 0..<33 { _ = start(place) }
    #expect(backend.statistics.submissionsTotal == 5)
    large.submit()
    backend.reap(atLeast: 33)
    #expect(backend.statistics.submissionsTotal == 6)
    #expect(backend.statistics.executedTotal == 56)
    backend.close()
    bench.engine.close(file)
  }

  @Test("1,000 neighbouring reads in batches of 16 are 63 I/Os", arguments: TestSetup.asynchronous)
  func mergesNeighbours(setup: TestSetup) throws {
    let bench = try TestBench(setup) { $0.mergedBytesMax = 128 << 10 }
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 128 * Self.block)
    let memory = try IOMemory(byteCount: 16 * Self.block)
    let outcomes = Outcomes(16)
    var done = 0
    while done < 1000 {
      let count = min(16, 1000 - done)
      // Round and round, so that the file need not be large; each round begins where a batch does.
      let first = done % 128
      let batch = backend.batch()
      for place in 0..<count {
        _ = backend.start(
          .readv, file, at: (first + place) * Self.block, memory.piece(place * Self.block, Self.block),
          to: outcomes.slots + place)
      }
      batch.submit()
      backend.reap(atLeast: count)
      #expect(outcomes.areWhole(count, bytes: Self.block))
      #expect(Pattern().matches(memory.piece(0, count * Self.block), from: first * Self.block))
      done += count
    }
    #expect(backend.statistics.executedTotal == 1000)
    #expect(backend.statistics.issuedTotal == 63)
    #expect(backend.statistics.submissionsTotal == 63)
    #expect(backend.statistics.bytesRead == UInt64(1000 * Self.block))
    backend.close()
    bench.engine.close(file)
  }

  /// What a batch of two becomes.
  struct Pair: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let second: IOOperation
    var first: IOOperation = .readv
    var secondOffset = 8192
    var isOtherFile = false
    var mergedBytesMax = 128 << 10
    let issued: UInt64
  }

  static let pairs = [
    Pair(testDescription: "neighbours", second: .readv, issued: 1),
    Pair(testDescription: "neighbouring writes", second: .writev, first: .writev, issued: 1),
    Pair(testDescription: "a gap", second: .readv, secondOffset: 16384, issued: 2),
    Pair(testDescription: "an overlap", second: .readv, secondOffset: 4096, issued: 2),
    Pair(testDescription: "the same twice", second: .readv, secondOffset: 0, issued: 2),
    Pair(testDescription: "the wrong order", second: .readv, secondOffset: -8192, issued: 2),
    Pair(testDescription: "read and write", second: .writev, issued: 2),
    Pair(testDescription: "two files", second: .readv, isOtherFile: true, issued: 2),
    Pair(testDescription: "beyond the limit", second: .readv, mergedBytesMax: 16383, issued: 2),
    Pair(testDescription: "exactly the limit", second: .readv, mergedBytesMax: 16384, issued: 1),
  ]

  @Test("only neighbours of one kind in one file merge, up to the limit", arguments: pairs, TestSetup.asynchronous)
  func mergesOnlyNeighbours(pair: Pair, setup: TestSetup) throws {
    let bench = try TestBench(setup) { $0.mergedBytesMax = pair.mergedBytesMax }
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let other = try bench.makeFile("other", byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 2 * Self.block)
    Pattern().fill(memory.bytes, from: 4 * Self.block)
    let outcomes = Outcomes(2)
    let batch = backend.batch()
    _ = backend.start(pair.first, file, at: 4 * Self.block, memory.piece(0, Self.block), to: outcomes.slots)
    _ = backend.start(
      pair.second, pair.isOtherFile ? other : file, at: 4 * Self.block + pair.secondOffset,
      memory.piece(Self.block, Self.block), to: outcomes.slots + 1)
    batch.submit()
    backend.reap(atLeast: 2)
    #expect(outcomes.areWhole(2, bytes: Self.block))
    #expect(backend.statistics.issuedTotal == pair.issued)
    backend.close()
    bench.engine.close(file)
    bench.engine.close(other)
  }

  @Test("a merge has no more pieces of memory than a handle has room for", arguments: TestSetup.asynchronous)
  func mergesUpToVectors(setup: TestSetup) throws {
    let bench = try TestBench(setup) { $0.vectorsPerHandle = 4 }
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 32 * Self.block)
    // Apart in memory: four go together. Next to each other: all are one piece.
    for (stride, issued) in [(2, 3), (1, 1)] {
      let before = backend.statistics.issuedTotal
      let batch = backend.batch()
      for place in 0..<10 {
        _ = backend.start(
          .readv, file, at: place * Self.block, memory.piece(place * stride * Self.block, Self.block))
      }
      batch.submit()
      backend.reap(atLeast: 10)
      #expect(backend.statistics.issuedTotal - before == UInt64(issued))
      for place in 0..<10 {
        #expect(Pattern().matches(memory.piece(place * stride * Self.block, Self.block), from: place * Self.block))
      }
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("every member of a merge can be waited for first", arguments: TestSetup.plain)
  func waitsForAnyMember(setup: TestSetup) throws {
    // Two rings where there are rings: the second backend's I/O is not on the first.
    let bench = try TestBench(setup) { $0.ringsMax = 2 }
    let first = try bench.makeBackend("first")
    let second = try bench.makeBackend("second")
    let file = try bench.makeFile(byteCount: 16 * Self.block)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    for backend in [first, second] {
      for waitedFor in 0..<4 {
        let batch = backend.batch()
        let references = (0..<4).map { place in
          backend.start(.readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block))
        }
        batch.submit()
        backend.wait(for: references[waitedFor])
        #expect(Pattern().matches(memory.piece(waitedFor * Self.block, Self.block), from: waitedFor * Self.block))
        backend.reap(atLeast: 4)
        #expect(references.allSatisfy(bench.engine.isCompleted))
      }
      backend.close()
    }
    bench.engine.close(file)
  }

  @Test("a merge that meets the end of the file gives each member its part", arguments: TestSetup.roomy)
  func mergesAcrossEnd(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 2 * Self.block + 4096 + 5)
    let memory = try IOMemory(byteCount: 5 * Self.block)
    let outcomes = Outcomes(5)
    let batch = backend.batch()
    for place in 0..<5 {
      _ = backend.start(
        .readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block), to: outcomes.slots + place)
    }
    batch.submit()
    backend.reap(atLeast: 5)
    #expect((0..<5).map { outcomes[$0].result } == [8192, 8192, 4101, 0, 0])
    #expect((0..<5).map { outcomes[$0].status } == [.ok, .ok, .partial, .partial, .partial])
    backend.close()
    bench.engine.close(file)
  }
}
