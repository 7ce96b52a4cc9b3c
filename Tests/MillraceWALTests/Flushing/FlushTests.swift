import Dispatch
import MillraceIO
import MillraceStorage
import Synchronization
import Testing

@testable import MillraceWAL

@Suite("making WAL durable")
struct FlushTests {
  @Test("each advance of the durable position is published once", arguments: WALSetup.all)
  func publication(setup: WALSetup) throws {
    let rig = try WALRig(setup)
    for number in 1...20 {
      let (_, end) = try rig.insert(Array(repeating: UInt8(number), count: number * 137))
      try rig.log.flush(upTo: end, backend: rig.backend)
      #expect(rig.log.flushedPosition == end)
      #expect(rig.log.writtenPosition == end)
      #expect(rig.log.statistics().publications == UInt64(number))
      // Asked again, nothing happens.
      try rig.log.flush(upTo: end, backend: rig.backend)
      #expect(rig.log.statistics().publications == UInt64(number))
    }
    let statistics = rig.log.statistics()
    #expect(statistics.writes >= 20)
    #expect(statistics.syncs == (setup.syncMethod.isDurableOnWrite || !setup.isFsyncEnabled ? 0 : 20))
    #expect(rig.image().records.count == 20)
    #expect(rig.backend.outstandingCount == 0)
  }

  /// The wiki's item about WAL senders that `open_datasync` forgot, for each `wal_sync_method` by name.
  @Test("fsync wakes who follows", arguments: WALSetup.all.filter { $0.syncMethod == .fsync && $0.isFsyncEnabled })
  func fsyncWakes(setup: WALSetup) async throws { try await expectWakeUps(setup) }

  @Test(
    "fdatasync wakes who follows", arguments: WALSetup.all.filter { $0.syncMethod == .fdatasync && $0.isFsyncEnabled })
  func fdatasyncWakes(setup: WALSetup) async throws { try await expectWakeUps(setup) }

  @Test("open_sync wakes who follows", arguments: WALSetup.all.filter { $0.syncMethod == .openSync })
  func openSyncWakes(setup: WALSetup) async throws { try await expectWakeUps(setup) }

  @Test("open_datasync wakes who follows", arguments: WALSetup.all.filter { $0.syncMethod == .openDatasync })
  func openDatasyncWakes(setup: WALSetup) async throws { try await expectWakeUps(setup) }

  @Test("fsync off wakes who follows", arguments: WALSetup.all.filter { !$0.isFsyncEnabled })
  func fsyncOffWakes(setup: WALSetup) async throws { try await expectWakeUps(setup) }

  /// A thread and a task that follow the position see every advance, and do nothing for it.
  private func expectWakeUps(_ setup: WALSetup) async throws {
    let rig = try WALRig(setup)
    let log = rig.log
    let seen = DispatchSemaphore(value: 0)
    let first = log.flushedPosition
    let follower = try TestThread("follower") {
      var position = first
      for _ in 1...5 {
        position = try log.waitForFlush(beyond: position)
        seen.signal()
      }
    }
    for number in 1...5 {
      let (_, end) = try rig.insert([UInt8(number)])
      let task = Task { try await log.flushed(upTo: end) }
      try rig.log.flush(upTo: end, backend: rig.backend)
      try await task.value
      // Each advance is waited for, so none can stand in for another.
      while seen.wait(timeout: .now()) == .timedOut { await Task.yield() }
    }
    try follower.join()
    #expect(log.statistics().publications == 5)
  }

  @Test("an asynchronous flush is ended by whoever waits", arguments: WALSetup.all)
  func asynchronous(setup: WALSetup) throws {
    let rig = try WALRig(setup)
    for number in 1...10 {
      let (_, end) = try rig.insert(Array(repeating: 7, count: number * 1000))
      try rig.log.startFlush(upTo: end, backend: rig.backend)
      let other = try rig.engine.makeBackend("other")
      try rig.log.flush(upTo: end, backend: number % 2 == 0 ? rig.backend : other)
      #expect(rig.log.flushedPosition >= end)
      other.close()
    }
    rig.log.close(backend: rig.backend)
    #expect(rig.image().records.count == 10)
  }

  @Test("much WAL is written by many writes of io_wal_target_blocks in flight together")
  func depth() throws {
    let rig = try WALRig(WALSetup(kind: .simulation, isDirect: true)) { $0.bufferPages = 128 }
    let (_, end) = try rig.insert(Array(repeating: 1, count: 600_000))
    try rig.log.flush(upTo: end, backend: rig.backend)
    let statistics = rig.log.statistics()
    #expect(statistics.writes >= 9 && statistics.writeDepthReached >= 8)
    #expect(statistics.syncs == 1)
  }

  @Test("segments that were filled are made durable together with the last")
  func acrossSegments() throws {
    for isDurableOnWrite in [false, true] {
      let rig = try WALRig(
        WALSetup(kind: .simulation, syncMethod: isDurableOnWrite ? .openDatasync : .fdatasync, isDirect: true)
      ) { $0.bufferPages = 512 }
      let (_, end) = try rig.insert(Array(repeating: 1, count: 2_500_000))
      try rig.log.flush(upTo: end, backend: rig.backend)
      #expect(rig.log.statistics().syncs == (isDurableOnWrite ? 0 : 3))
      #expect(rig.image().records.count == 1)
      #expect(rig.names.filter { !$0.hasPrefix("x") }.count == 3)
    }
  }

  @Test("a position that no record has is refused")
  func beyondEnd() throws {
    let rig = try WALRig(WALSetup(kind: .sync))
    let (start, end) = try rig.insert([1])
    #expect(throws: WALError.self) {
      try rig.log.flush(upTo: LogSequenceNumber(end.rawValue + 8), backend: rig.backend)
    }
    // The place behind a page's header means the page's start.
    try rig.log.flush(upTo: start, backend: rig.backend)
    #expect(rig.log.flushedPosition.rawValue == WALRig.segmentSize)
  }

  @Test("a task that is cancelled stops waiting; the log goes on")
  func cancelled() async throws {
    let rig = try WALRig(WALSetup(kind: .sync))
    let (_, end) = try rig.insert([1])
    let log = rig.log
    let task = Task { try await log.flushed(upTo: end) }
    task.cancel()
    await #expect(throws: WALError.self) { try await task.value }
    try rig.log.flush(upTo: end, backend: rig.backend)
    try await log.flushed(upTo: end)
  }

  @Test("the WAL writer makes durable what was committed in the background, and drives what was started")
  func writer() throws {
    for setup in WALSetup.some {
      let rig = try WALRig(setup)
      let writer = WALWriter(rig.log, backend: rig.backend)
      let (_, first) = try rig.insert([1])
      rig.log.commitInBackground(first)
      #expect(try writer.round(now: 0))
      #expect(rig.log.flushedPosition == first)
      // Whole pages are written at once, and flushed when the delay is over.
      let (_, second) = try rig.insert(Array(repeating: 2, count: 20_000))
      try writer.round(now: 0)
      #expect(rig.log.writtenPosition.rawValue == second.rawValue / 8192 * 8192)
      try writer.round(now: .max)
      #expect(rig.log.flushedPosition.rawValue == second.rawValue / 8192 * 8192)
      try rig.log.startFlush(upTo: second, backend: rig.backend)
      try writer.round(now: 0)
      #expect(rig.log.flushedPosition == second)
      #expect(rig.log.segments.statistics.created >= 2)
      #expect(try !writer.round(now: 0))
    }
  }
}
