import Glibc
import MillraceIO
import MillraceSimulation
import MillraceStorage
import Synchronization
import Testing

@testable import MillraceWAL

@Suite("WAL that cannot be written")
struct FailureTests {
  /// Fails the I/O of an operation from a number on.
  private static func injection(_ operation: IOOperation, from first: Int, errno: Int32) -> TestInjection {
    let seen = Atomic<Int>(0)
    return TestInjection { raw, attempt in
      guard attempt.operation == operation, attempt.path.contains("/0000") else { return raw }
      return seen.wrappingAdd(1, ordering: .relaxed).oldValue >= first ? -Int64(errno) : raw
    }
  }

  @Test("a write that fails stops the log", arguments: WALSetup.some)
  func write(setup: WALSetup) throws {
    let rig = try WALRig(setup, injection: Self.injection(.writev, from: 1, errno: EIO))
    let (_, first) = try rig.insert([1])
    try rig.log.flush(upTo: first, backend: rig.backend)
    let (_, second) = try rig.insert([2])
    let failure = #expect(throws: WALError.self) { try rig.log.flush(upTo: second, backend: rig.backend) }
    #expect(failure?.code == .stopped)
    #expect(failure?.message.hasPrefix("could not write to log file \"000000010000000000000001\": ") == true)
    #expect(rig.log.flushedPosition == first)
    #expect(rig.log.failure == failure)
    // From then on nothing is acknowledged, taken or started.
    #expect(throws: WALError.self) { try rig.insert([3]) }
    #expect(throws: WALError.self) { try rig.log.flush(upTo: second, backend: rig.backend) }
    #expect(throws: WALError.self) { try rig.log.startFlush(upTo: second, backend: rig.backend) }
    #expect(throws: WALError.self) { try rig.log.waitForFlush(beyond: first) }
    #expect(rig.log.flushedPosition == first)
    rig.log.close(backend: rig.backend)
  }

  @Test("a flush that fails stops the log", arguments: WALSetup.kinds, [WALSyncMethod.fsync, .fdatasync])
  func flush(kind: IOMethodKind, method: WALSyncMethod) async throws {
    let operation: IOOperation = method == .fsync ? .fsync : .fdatasync
    // Making the segment has flushed as well, under another name.
    let rig = try WALRig(
      WALSetup(kind: kind, syncMethod: method), injection: Self.injection(operation, from: 0, errno: EIO))
    let (_, end) = try rig.insert([1])
    let log = rig.log
    let follower = Task { try await log.flushed(upTo: end) }
    let failure = #expect(throws: WALError.self) { try log.flush(upTo: end, backend: rig.backend) }
    #expect(failure?.message.hasPrefix("could not fsync log file") == true)
    #expect(log.flushedPosition.rawValue == WALRig.segmentSize)
    await #expect(throws: WALError.self) { try await follower.value }
    log.close(backend: rig.backend)
  }

  @Test("a write that ends early for want of space stops the log")
  func noSpace() throws {
    let rig = try WALRig(WALSetup(kind: .simulation))
    let (_, end) = try rig.insert([1])
    try rig.log.flush(upTo: end, backend: rig.backend)
    let disk = try #require(rig.disk)
    disk.faults.isBounded = true
    disk.capacity = disk.usedBytes + 100_000
    // The next segment cannot be made.
    let last = try rig.insert(Array(repeating: 2, count: 50_000)).end
    try rig.log.flush(upTo: last, backend: rig.backend)
    var acknowledged = last
    let failure = #expect(throws: WALError.self) {
      while true {
        let (_, end) = try rig.insert(Array(repeating: 3, count: 50_000))
        try rig.log.flush(upTo: end, backend: rig.backend)
        acknowledged = end
      }
    }
    #expect(failure?.message.contains("No space left on device") == true)
    // What was acknowledged is there, and the temporary file is not.
    #expect(rig.names == ["000000010000000000000001"])
    #expect(rig.image().end >= acknowledged.rawValue)
    rig.log.close(backend: rig.backend)
  }

  @Test(
    "everybody who waits gets the error: committers, inserters without space, followers", arguments: WALSetup.threaded)
  func everybody(setup: WALSetup) throws {
    let rig = try WALRig(setup, injection: Self.injection(.writev, from: 3, errno: EIO)) { $0.bufferPages = 4 }
    let log = rig.log
    do {
      let count = SharedCount()
      let threads = try (0..<6).map { number in
        let backend = Handed(try rig.engine.makeBackend("committer"))
        return try TestThread("committer") {
          let builder = WALRecordBuilder()
          do {
            while true {
              let data = Array(repeating: UInt8(number), count: number * 3000)
              let (_, end) = try WALRig.insert(data, log, builder, backend.value)
              if number % 2 == 0 { try log.flush(upTo: end, backend: backend.value) }
            }
          } catch is WALError {
            count.add()
          }
          backend.value.close()
        }
      }
      let follower = try TestThread("follower") {
        do {
          var seen = LogSequenceNumber.invalid
          while true { seen = try log.waitForFlush(beyond: seen) }
        } catch is WALError {
          count.add()
        }
      }
      for thread in threads { try thread.join() }
      try follower.join()
      #expect(count.value == 7)
    }
    log.close(backend: rig.backend)
  }
}

/// A number that threads add to.
final class SharedCount: Sendable {
  private let count = Atomic<Int>(0)
  func add() { count.wrappingAdd(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}
