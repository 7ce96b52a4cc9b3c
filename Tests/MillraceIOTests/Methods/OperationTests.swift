import Glibc
import Testing

@testable import MillraceIO

@Suite("operations on every method")
struct OperationTests {
  private static let block = 8192

  @Test("reads with one to sixteen pieces of memory", arguments: TestSetup.all)
  func readsVectors(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 32 * Self.block)
    let memory = try IOMemory(byteCount: 32 * Self.block)
    for count in 1...16 {
      memory.bytes.initializeMemory(as: UInt8.self, repeating: 0xEE)
      var outcome = IOOutcome.unknown
      withUnsafeMutablePointer(to: &outcome) { slot in
        let handle = backend.acquire()
        handle.returns(to: slot)
        for position in 0..<count {
          // Every second block of memory, last first, so that no two pieces are one.
          handle.vectors[position] = IOVector(
            base: memory.baseAddress + (count - 1 - position) * 2 * Self.block, byteCount: Self.block)
        }
        backend.wait(for: handle.start(.readv, file, at: Int64(count * Self.block), vectorCount: count))
      }
      #expect(outcome == IOOutcome(.ok, result: Int32(count * Self.block)))
      for position in 0..<count {
        let piece = memory.piece((count - 1 - position) * 2 * Self.block, Self.block)
        #expect(Pattern().matches(piece, from: (count + position) * Self.block), "piece \(position) of \(count)")
        let gap = memory.piece((count - 1 - position) * 2 * Self.block + Self.block, Self.block)
        #expect(
          gap[0] == 0xEE && gap[Self.block - 1] == 0xEE,
          "memory that was not asked for, behind piece \(position) of \(count)")
      }
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("writes with one to sixteen pieces of memory", arguments: TestSetup.all)
  func writesVectors(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 40 * Self.block)
    let memory = try IOMemory(byteCount: 32 * Self.block)
    let new = Pattern(seed: 2)
    var expected = Pattern().bytes(0..<40 * Self.block)
    for count in 1...16 {
      let start = count * Self.block
      let handle = backend.acquire()
      for position in 0..<count {
        let piece = memory.piece((count - 1 - position) * 2 * Self.block, Self.block)
        new.fill(piece, from: start + position * Self.block + count)
        handle.vectors[position] = IOVector(base: piece.baseAddress, byteCount: Self.block)
      }
      backend.wait(for: handle.start(.writev, file, at: Int64(start), vectorCount: count))
      expected.replaceSubrange(
        start..<start + count * Self.block, with: new.bytes(start + count..<start + count + count * Self.block))
    }
    backend.perform(.fsync, file)
    #expect(try bench.contents() == expected)
    backend.close()
    bench.engine.close(file)
  }

  @Test("syncs, flushes and extends", arguments: TestSetup.all)
  func syncsFlushesExtends(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 2 * Self.block)
    let done = IOOutcome(.ok, result: 0)
    #expect(backend.perform(.fsync, file) == done)
    #expect(backend.perform(.fdatasync, file) == done)
    #expect(backend.perform(.flushRange, file, at: 0, length: Self.block) == done)
    #expect(backend.perform(.allocate, file, at: Self.block, length: 3 * Self.block) == done)
    #expect(try file.size() == Int64(4 * Self.block))
    #expect(
      try bench.contents() == Pattern().bytes(0..<2 * Self.block) + [UInt8](repeating: 0, count: 2 * Self.block))
    backend.close()
    bench.engine.close(file)
  }

  @Test("a read that meets the end of the file is partial, one beyond it is empty", arguments: TestSetup.all)
  func readsAtEnd(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    // Three blocks and a bit, of a length that no alignment divides.
    let length = 3 * Self.block + 4096 + 123
    let file = try bench.makeFile(byteCount: length)
    let memory = try IOMemory(byteCount: 8 * Self.block)
    for start in 0...5 {
      let offset = start * Self.block
      let outcome = backend.perform(.readv, file, at: offset, memory.piece(0, 2 * Self.block))
      let expected = min(max(length - offset, 0), 2 * Self.block)
      #expect(outcome.status == (expected == 2 * Self.block ? .ok : .partial), "from \(offset)")
      #expect(outcome.result == Int32(expected), "from \(offset)")
      #expect(Pattern().matches(memory.piece(0, expected), from: offset), "from \(offset)")
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("an empty read and an empty write do nothing and succeed", arguments: TestSetup.all)
  func movesNothing(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: Self.block)
    let empty = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    for operation in [IOOperation.readv, .writev] {
      // Two in one batch, so that they could be merged.
      let outcomes = Outcomes(2)
      let batch = backend.batch()
      for index in 0..<2 { _ = backend.start(operation, file, at: 0, empty, to: outcomes.slots + index) }
      batch.submit()
      backend.reap(atLeast: 2)
      #expect(outcomes.areWhole(2, bytes: 0))
    }
    #expect(try bench.contents() == Pattern().bytes(0..<Self.block))
    backend.close()
    bench.engine.close(file)
  }

  @Test("what the caller waits for at once is executed in place, on every method", arguments: TestSetup.all)
  func executesSynchronousInPlace(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    for block in 0..<4 {
      let outcome = backend.perform(.readv, file, at: block * Self.block, memory.bytes, flags: .synchronous)
      #expect(outcome == IOOutcome(.ok, result: Int32(Self.block)))
      #expect(Pattern().matches(memory.bytes, from: block * Self.block))
    }
    #expect(backend.statistics.inPlaceTotal == 4)
    #expect(backend.statistics.bytesRead == UInt64(4 * Self.block))
    backend.close()
    bench.engine.close(file)
  }

  @Test("a single staged I/O that its owner waits for is executed in place", arguments: TestSetup.all)
  func executesSingleInPlace(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let batch = backend.batch()
    backend.wait(for: backend.start(.readv, file, at: Self.block, memory.bytes))
    #expect(backend.statistics.inPlaceTotal == 1)
    #expect(Pattern().matches(memory.bytes, from: Self.block))
    batch.submit()
    backend.close()
    bench.engine.close(file)
  }
}
