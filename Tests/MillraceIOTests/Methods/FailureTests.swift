import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO

@Suite("errors and retries on every method")
struct FailureTests {
  private static let block = 8192

  private func expectFailure(_ outcome: IOOutcome, _ number: Int32, _ comment: Comment? = nil) {
    #expect(outcome == IOOutcome(.failed, result: 0, detail: UInt32(number)), comment)
  }

  @Test("writing to a file that was opened for reading fails, and nothing else does", arguments: TestSetup.all)
  func refusesWrite(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block, isWritable: false)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    let outcomes = Outcomes(4)
    let batch = backend.batch()
    for place in 0..<4 {
      _ = backend.start(
        place % 2 == 0 ? .readv : .writev, file, at: place * Self.block, memory.piece(place * Self.block, Self.block),
        to: outcomes.slots + place)
    }
    batch.submit()
    backend.reap(atLeast: 4)
    for place in [0, 2] { #expect(outcomes[place] == IOOutcome(.ok, result: Int32(Self.block))) }
    for place in [1, 3] { expectFailure(outcomes[place], EBADF) }
    #expect(try bench.contents() == Pattern().bytes(0..<4 * Self.block))
    backend.close()
    bench.engine.close(file)
  }

  @Test("reading a directory fails", arguments: TestSetup.roomy.filter { !$0.usesSimulatedDisk && !$0.isDirect })
  func refusesDirectory(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let directory = try DescriptorFile.open(bench.directory.path, [])
    let memory = try IOMemory(byteCount: Self.block)
    expectFailure(backend.perform(.readv, directory, at: 0, memory.bytes), EISDIR)
    backend.close()
    bench.engine.close(directory)
  }

  @Test("a full disk fails a write", arguments: TestSetup.roomy.filter { !$0.isDirect })
  func meetsFullDisk(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let memory = try IOMemory(byteCount: 2 * Self.block)
    let file: IOFile
    if let disk = bench.disk {
      file = try bench.makeFile(byteCount: 2 * Self.block)
      disk.capacity = 3 * Self.block
      disk.faults.isBounded = true
    } else {
      file = try DescriptorFile.open("/dev/full", [.write])
    }
    // On the simulated disk the first half fits, and the engine goes on with the rest.
    expectFailure(backend.perform(.writev, file, at: 2 * Self.block, memory.bytes), ENOSPC)
    if bench.disk != nil {
      expectFailure(backend.perform(.allocate, file, at: 0, length: 9 * Self.block), ENOSPC)
      #expect(backend.statistics.retryTotal == 1)
    }
    backend.close()
    bench.engine.close(file)
  }

  @Test("direct I/O that is not aligned is an error with the system's own text", arguments: TestSetup.plain)
  func refusesMisaligned(setup: TestSetup) throws {
    let bench = try TestBench(setup)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile("base", byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: 2 * Self.block)
    try #require(file.alignment.offset > 1)
    for operation in [IOOperation.readv, .writev] {
      expectFailure(backend.perform(operation, file, at: 100, memory.piece(0, Self.block)), EINVAL, "offset")
      expectFailure(backend.perform(operation, file, at: 0, memory.piece(0, 100)), EINVAL, "length")
    }
    let request = IORequest(.readv, file: file, offset: Int64(Self.block), length: Self.block)
    let outcome = backend.perform(.readv, file, at: Self.block + 1, memory.piece(0, Self.block))
    let error = #expect(throws: IOError.self) { try request.bytes(outcome) }
    #expect(error?.description == "could not read blocks 1..1 in file \"\(file.path)\": Invalid argument")
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenarios 17 and 18.
  @Test("an error is reported to whom it concerns each time, and is gone with its cause", arguments: TestSetup.all)
  func reportsErrors(setup: TestSetup) throws {
    let failing = Shared<Int32>(0)
    let injection = TestInjection { raw, attempt in
      let number = failing.value
      return number != 0 && attempt.offset == Int64(Self.block) ? -Int64(number) : raw
    }
    let bench = try TestBench(setup, injection: injection)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let request = IORequest(.readv, path: "base/5/1259", offset: Int64(Self.block), length: Self.block, firstBlock: 2)
    for (number, text) in [(EIO, "Input/output error"), (EIO, "Input/output error"), (EROFS, "Read-only file system")] {
      failing.value = number
      let outcome = backend.perform(.readv, file, at: Self.block, memory.bytes)
      expectFailure(outcome, number)
      let error = #expect(throws: IOError.self) { try request.bytes(outcome) }
      #expect(error?.description == "could not read blocks 3..3 in file \"base/5/1259\": \(text)")
      #expect(error?.errno == number)
    }
    #expect(backend.statistics.retryTotal == 0)
    failing.value = 0
    #expect(try request.bytes(backend.perform(.readv, file, at: Self.block, memory.bytes)) == Self.block)
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 22: the causes of retries one by one; all mixed are the simulation's.
  @Test("what is told to try again, interrupted or cancelled is tried again, and counted", arguments: TestSetup.all)
  func retries(setup: TestSetup) throws {
    for number in [EAGAIN, EINTR, ECANCELED] {
      for operation in [IOOperation.readv, .writev] {
        // Three times in vain.
        let injection = TestInjection { raw, attempt in attempt.number < 3 ? -Int64(number) : raw }
        let bench = try TestBench(setup, injection: injection)
        let backend = try bench.makeBackend()
        let file = try bench.makeFile(byteCount: 4 * Self.block)
        let memory = try IOMemory(byteCount: Self.block)
        Pattern().fill(memory.bytes, from: Self.block)
        let outcome = backend.perform(operation, file, at: Self.block, memory.bytes)
        #expect(outcome == IOOutcome(.ok, result: Int32(Self.block)))
        #expect(Pattern().matches(memory.bytes, from: Self.block))
        #expect(backend.statistics.retryTotal == 3)
        #expect(backend.statistics.executedTotal == 1)
        backend.close()
        bench.engine.close(file)
      }
    }
  }

  @Test("what is told to try again for ever fails with that", arguments: TestSetup.plain)
  func givesUp(setup: TestSetup) throws {
    let bench = try TestBench(setup, injection: TestInjection { _, _ in -Int64(EAGAIN) })
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    expectFailure(backend.perform(.fsync, file), EAGAIN)
    #expect(backend.statistics.retryTotal == 64)
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 15, and 13: a whole result forced on one block is simply that.
  @Test("a short transfer is continued to its end", arguments: TestSetup.all, [1, 2, 3, 4])
  func continuesShort(setup: TestSetup, blocks: Int) throws {
    // The first attempt ends after so many blocks of four; the next attempts do what is left.
    let injection = TestInjection { raw, attempt in attempt.number == 0 ? Int64(blocks * Self.block) : raw }
    let bench = try TestBench(setup, injection: injection)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 8 * Self.block)
    let memory = try IOMemory(byteCount: 8 * Self.block)
    // Four pieces of memory, so that the rest begins in the middle of them.
    var outcome = IOOutcome.unknown
    withUnsafeMutablePointer(to: &outcome) { slot in
      let handle = backend.acquire()
      handle.returns(to: slot)
      for place in 0..<4 {
        handle.vectors[place] = IOVector(base: memory.baseAddress + 2 * place * Self.block, byteCount: Self.block)
      }
      backend.wait(for: handle.start(.readv, file, at: Int64(Self.block), vectorCount: 4))
    }
    #expect(outcome == IOOutcome(.ok, result: Int32(4 * Self.block)))
    for place in 0..<4 {
      #expect(Pattern().matches(memory.piece(2 * place * Self.block, Self.block), from: (place + 1) * Self.block))
    }
    #expect(backend.statistics.retryTotal == (blocks < 4 ? 1 : 0))
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 14: fractions of a block count as nothing in the message.
  @Test("a transfer that ends for good within a block is short by that block", arguments: TestSetup.plain)
  func endsWithinBlock(setup: TestSetup) throws {
    let injection = TestInjection { _, attempt in attempt.number == 0 ? 17 : 0 }
    let bench = try TestBench(setup, injection: injection)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    let outcome = backend.perform(.readv, file, at: Self.block, memory.bytes)
    #expect(outcome == IOOutcome(.partial, result: 17))
    let request = IORequest(.readv, path: "base/5/1259", offset: Int64(2 * Self.block), length: Self.block)
    let error = request.shortTransfer(transferred: try request.bytes(outcome) / Self.block * Self.block)
    #expect(error.description == "could not read blocks 2..2 in file \"base/5/1259\": read only 0 of 8192 bytes")
    #expect(error.code == .shortTransfer)
    backend.close()
    bench.engine.close(file)
  }

  // Facts, scenario 23.
  @Test("a write that moves nothing is a full disk, not an endless loop", arguments: TestSetup.all)
  func writesNothing(setup: TestSetup) throws {
    let bench = try TestBench(setup, injection: TestInjection { _, _ in 0 })
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: Self.block)
    expectFailure(backend.perform(.writev, file, at: 0, memory.bytes), ENOSPC)
    #expect(backend.statistics.retryTotal == 0)
    backend.close()
    bench.engine.close(file)
  }

  @Test("of a merge that fails, only the member at fault fails", arguments: TestSetup.asynchronous, [0, 1, 2, 3])
  func failsOnlyMember(setup: TestSetup, culprit: Int) throws {
    // The first attempt is the merge; what follows are its members by themselves.
    let injection = TestInjection { raw, attempt in
      attempt.number == 0 || attempt.offset == Int64(culprit * Self.block) ? -Int64(EIO) : raw
    }
    let bench = try TestBench(setup, injection: injection)
    let backend = try bench.makeBackend()
    let file = try bench.makeFile(byteCount: 4 * Self.block)
    let memory = try IOMemory(byteCount: 4 * Self.block)
    let outcomes = Outcomes(4)
    let batch = backend.batch()
    for place in 0..<4 {
      _ = backend.start(
        .readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block), to: outcomes.slots + place)
    }
    batch.submit()
    backend.reap(atLeast: 4)
    for place in 0..<4 {
      if place == culprit {
        expectFailure(outcomes[place], EIO, "member \(place)")
      } else {
        #expect(outcomes[place] == IOOutcome(.ok, result: Int32(Self.block)), "member \(place)")
        #expect(Pattern().matches(memory.piece(place * Self.block, Self.block), from: place * Self.block))
      }
    }
    #expect(backend.statistics.issuedTotal == 1)
    #expect(backend.statistics.retryTotal == 4)
    backend.close()
    bench.engine.close(file)
  }

  @Test("a merge that ends early anywhere is finished member by member", arguments: TestSetup.asynchronous)
  func continuesShortMerge(setup: TestSetup) throws {
    for bytes in stride(from: 4096, through: 4 * Self.block, by: 4096) {
      let injection = TestInjection { raw, attempt in attempt.number == 0 ? Int64(bytes) : raw }
      let bench = try TestBench(setup, injection: injection)
      let backend = try bench.makeBackend()
      let file = try bench.makeFile(byteCount: 4 * Self.block)
      let memory = try IOMemory(byteCount: 4 * Self.block)
      let outcomes = Outcomes(4)
      let batch = backend.batch()
      for place in 0..<4 {
        _ = backend.start(
          .readv, file, at: place * Self.block, memory.piece(place * Self.block, Self.block),
          to: outcomes.slots + place)
      }
      batch.submit()
      backend.reap(atLeast: 4)
      #expect(outcomes.areWhole(4, bytes: Self.block), "after \(bytes) bytes")
      #expect(Pattern().matches(memory.bytes, from: 0), "after \(bytes) bytes")
      backend.close()
      bench.engine.close(file)
    }
  }
}
