import Dispatch
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Synchronization
import Testing

@testable import MillraceWAL

@Suite("group commit")
struct GroupCommitTests {
  /// Holds the completions of an operation up, one by one.
  private final class Gate: Sendable {
    let arrived = DispatchSemaphore(value: 0)
    let opened = DispatchSemaphore(value: 0)
    let isOpen = Atomic<Bool>(false)

    func pass() {
      if isOpen.load(ordering: .acquiring) { return }
      arrived.signal()
      opened.wait()
    }

    func open(_ count: Int) {
      isOpen.store(true, ordering: .releasing)
      for _ in 0..<count { opened.signal() }
    }
  }

  @Test("committers that wait together cost one flush", arguments: WALSetup.threaded, [1, 7])
  func oneFlush(setup: WALSetup, committers: Int) throws {
    let gate = Gate()
    let operation: IOOperation = setup.syncMethod.isDurableOnWrite ? .writev : .fdatasync
    let injection = TestInjection { raw, attempt in
      if attempt.operation == operation, attempt.path.contains("00000001") { gate.pass() }
      return raw
    }
    let rig = try WALRig(setup, injection: injection) { $0.commitBatchesMax = 1 }
    // One commit is under way.
    let (_, first) = try rig.insert([0])
    let log = rig.log
    func committer(_ end: LogSequenceNumber) throws -> TestThread<Void> {
      let backend = Handed(try rig.engine.makeBackend("committer"))
      return try TestThread("committer") {
        try log.flush(upTo: end, backend: backend.value)
        backend.value.close()
      }
    }
    var threads = [try committer(first)]
    gate.arrived.wait()
    let before = log.statistics()
    // More come, and wait together.
    for number in 1...committers {
      let (_, end) = try rig.insert([UInt8(number)])
      threads.append(try committer(end))
    }
    gate.open(1)
    for thread in threads { try thread.join() }
    let after = log.statistics()
    if setup.syncMethod.isDurableOnWrite {
      #expect(after.writes - before.writes == 1)
    } else {
      #expect(after.syncs - before.syncs == 1)
    }
    #expect(after.commitBatches == 2 && after.publications == 2)
    #expect(rig.image().records.count == committers + 1)
  }

  @Test("two groups are in flight together, and the second is not durable before the first")
  func prefix() throws {
    let gate = Gate()
    let injection = TestInjection { raw, attempt in
      // The first flush is held up; later ones pass.
      if attempt.operation == .fdatasync { gate.pass() }
      return raw
    }
    let rig = try WALRig(WALSetup(kind: .worker), injection: injection) {
      $0.commitBatchesMax = 2
      $0.learnsCommitDepth = false
    }
    let log = rig.log
    let (_, first) = try rig.insert([1])
    let backend = Handed(try rig.engine.makeBackend("first"))
    let thread = try TestThread("first") { try log.flush(upTo: first, backend: backend.value) }
    gate.arrived.wait()
    gate.isOpen.store(true, ordering: .releasing)
    let (_, second) = try rig.insert([2])
    try log.startFlush(upTo: second, backend: rig.backend)
    // The second flush ends before the first, and says nothing.
    while log.flushes.startedCount < 2 { try log.startFlush(upTo: second, backend: rig.backend) }
    rig.backend.reap(atLeast: rig.backend.outstandingCount)
    #expect(log.statistics().syncDepthReached == 2)
    #expect(log.flushedPosition.rawValue == WALRig.segmentSize)
    gate.open(1)
    try thread.join()
    try log.flush(upTo: second, backend: rig.backend)
    #expect(log.flushedPosition == second)
    #expect(log.statistics().publications <= 2)
  }

  @Test("commit_delay lets others join", arguments: WALSetup.threaded)
  func commitDelay(setup: WALSetup) throws {
    let rig = try WALRig(setup) {
      $0.commitDelay = 1000
      $0.commitSiblings = 1
    }
    let (_, end) = try rig.insert([1])
    try rig.log.flush(upTo: end, backend: rig.backend, siblings: 0)
    let log = rig.log
    let threads = try (0..<4).map { number in
      let backend = Handed(try rig.engine.makeBackend("committer"))
      return try TestThread("committer") {
        let builder = WALRecordBuilder()
        for _ in 0..<10 {
          let (_, end) = try WALRig.insert([UInt8(number)], log, builder, backend.value)
          try log.flush(upTo: end, backend: backend.value, siblings: 3)
          #expect(log.flushedPosition >= end)
        }
      }
    }
    for thread in threads { try thread.join() }
    #expect(rig.image().records.count == 41)
    #expect(log.statistics().commitBatches <= 41)
  }

  /// Many threads insert, commit, start flushes and follow; every acknowledged record is in the file.
  @Test("random use by many threads", arguments: WALSetup.threaded)
  func stress(setup: WALSetup) throws {
    for (number, (bufferPages, batches, target)) in [(64, 8, 8), (4, 1, 1), (8, 2, 2), (64, 4, 8)].enumerated() {
      let rig = try WALRig(setup) {
        $0.bufferPages = bufferPages
        $0.commitBatchesMax = batches
        $0.learnsCommitDepth = number == 0
        $0.ioTargetPages = target
        $0.ioConcurrency = 4
      }
      let log = rig.log
      let writerBackend = Handed(try rig.engine.makeBackend("WAL writer"))
      let writer = try TestThread("WAL writer") {
        WALWriter(log, backend: writerBackend.value).run()
        writerBackend.value.close()
      }
      let threads = try (0..<6).map { number in
        let backend = Handed(try rig.engine.makeBackend("committer"))
        return try TestThread("committer") {
          var random = SeededGenerator(seed: UInt64(number + 1))
          let builder = WALRecordBuilder()
          for step in 0..<60 {
            let length = random.below(20) == 0 ? random.below(60_000) : random.below(400)
            let data = [UInt8(number), UInt8(step)] + Array(repeating: UInt8(step), count: length)
            let (_, end) = try WALRig.insert(data, log, builder, backend.value)
            switch random.below(5) {
            case 0: break
            case 1: log.commitInBackground(end)
            case 2: try log.startFlush(upTo: end, backend: backend.value)
            default:
              try log.flush(upTo: end, backend: backend.value)
              #expect(log.flushedPosition >= end)
            }
          }
          backend.value.close()
        }
      }
      for thread in threads { try thread.join() }
      log.stopWriter()
      try writer.join()
      try log.flush(upTo: log.reservedPosition, backend: rig.backend)
      log.close(backend: rig.backend)
      let image = rig.image()
      #expect(image.records.count == 6 * 60, "\(image.reason)")
      for number in 0..<6 {
        let own = image.records.map(\.data).filter { $0.first == UInt8(number) }
        #expect(own.map { $0[1] } == (0..<60).map { UInt8($0) })
        #expect(own.allSatisfy { data in data.dropFirst(2).allSatisfy { $0 == data[1] } })
      }
      #expect(rig.backend.outstandingCount == 0)
    }
  }
}
