@testable import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Synchronization
import Testing

@Suite struct DatabaseFailureTests {
  @Test("a sync that fails stops the database: every session gets an error, and recovery has all that was acknowledged")
  func syncFailure() throws {
    let rig = try EngineRig(seed: 1)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    try session.transaction { session throws(EngineError) in
      do { _ = try table.insert(.init(id: 1, value: 1, body: []), session) } catch {
        throw EngineError(.io, "\(error)")
      }
    }
    var faults = FaultModel.none
    faults.syncErrors = 1
    rig.disk?.faults = faults
    #expect { try database.checkpoint() } throws: { ($0 as? EngineError)?.code == .stopped }
    rig.disk?.faults = .none
    #expect(!database.isRunning)
    #expect { try session.begin() } throws: { ($0 as? EngineError)?.code == .stopped }
    #expect { try database.makeSession("late") } throws: { ($0 as? EngineError)?.code == .stopped }
    session.close()
    #expect { try database.close() } throws: { ($0 as? EngineError)?.code == .stopped }

    try rig.restart(seed: 2)
    let again = try rig.open()
    #expect(again.recovery.wasNeeded)
    let check = try again.makeSession("check")
    try check.begin()
    #expect(try SampleTable(try again.relation(table.relation.locator.relNumber)).rows(check).map(\.id) == [1])
    try check.rollback()
    check.close()
    try again.close()
  }

  @Test(
    "what the kernel fails to write out early stops the database at once, unless data_sync_retry is on",
    arguments: [false, true], [false, true])
  func flushFailure(retries: Bool, inBackground: Bool) throws {
    let rig = try EngineRig(seed: 1, ["data_sync_retry=\(retries ? "on" : "off")", "checkpoint_flush_after=8kB"])
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    try session.begin()
    _ = try table.insert(.init(id: 1, value: 1, body: []), session)
    try session.commit()
    rig.disk?.faults.flushErrors = 1
    if inBackground {
      let backend = try database.engine.makeBackend("bgwriter")
      var stream = WriteStreamConfiguration()
      stream.flushAfter = 1
      // As the background writer does, which only logs what its stream says.
      _ = try? database.pool.flush(table.relation.fork, backend, configuration: stream)
      backend.close()
    } else {
      _ = try? database.checkpoint()
    }
    #expect(rig.disk?.faultCounts.flushErrors ?? 0 > 0)
    #expect(database.isRunning == retries)
    if !retries {
      #expect {
        try session.begin()
      } throws: {
        guard let error = $0 as? EngineError else { return false }
        return error.code == .stopped
          && error.message.hasPrefix("could not flush dirty data of file \"base/5/16384\": Input/output error")
      }
    }
    rig.disk?.faults.flushErrors = 0
    session.close()
    if retries { try database.close() } else { database.crash() }
  }

  @Test("a commit whose record cannot be made durable is not acknowledged")
  func logFailure() throws {
    let rig = try EngineRig(seed: 3)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    try session.begin()
    _ = try table.insert(.init(id: 1, value: 1, body: []), session)
    var faults = FaultModel.none
    faults.syncErrors = 1
    rig.disk?.faults = faults
    #expect { try session.commit() } throws: { ($0 as? EngineError)?.code == .stopped }
    #expect(!database.isRunning)
    session.close()
    database.crash()
  }

  @Test("a full disk fails the statement, and the database lives on")
  func fullDisk() throws {
    let rig = try EngineRig(seed: 4)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    let disk = try #require(rig.disk)
    var faults = FaultModel.none
    faults.isBounded = true
    disk.capacity = disk.usedBytes + 100_000
    disk.faults = faults
    let body = [UInt8](repeating: 1, count: 3000)
    #expect {
      try session.transaction { session throws(EngineError) in
        let loader = BulkLoader(table.relation, session)
        for id in 0..<1000 {
          try loader.append(attributeCount: 3) { row in
            row.append(Int32(id))
            row.append(Int64(0))
            row.append(text: body)
          }
        }
        try loader.finish()
      }
    } throws: { "\($0)".contains("No space left on device") }
    #expect(database.isRunning && !session.isInTransaction)
    disk.faults = .none
    try session.begin()
    #expect(try table.rows(session).isEmpty)
    _ = try table.insert(.init(id: 7, value: 1, body: body), session)
    try session.commit()
    try session.begin()
    #expect(try table.rows(session).map(\.id) == [7])
    try session.rollback()
    session.close()
    try database.close()
  }

  @Test(
    "sessions on threads of their own, with checkpoints all the while, lose nothing",
    arguments: MethodsHere.usable([
      ["io_method=sync", "io_direct=data,wal"], ["io_method=worker"], ["io_method=worker", "io_direct=data"],
      ["io_method=worker", "io_direct=data,wal"], ["io_method=io_uring"], ["io_method=io_uring", "io_direct=data,wal"],
      ["io_method=posix_aio"],
    ]))
  func threads(settings: [String]) throws {
    let rig = try EngineRig(settings + ["max_wal_size=4MB", "shared_buffers=512kB"])
    let database = try rig.open()
    let setup = try database.makeSession("setup")
    let table = try SampleTable.create(setup)
    setup.close()
    let relation = table.relation
    let failures = Mutex<[String]>([])
    let threads = try (0..<4).map { client in
      try NamedThread("client \(client)") {
        do {
          let session = try database.makeSession("client \(client)")
          defer { session.close() }
          let mine = SampleTable(relation)
          for number in 0..<150 {
            try session.begin()
            let row = SampleTable.Row(
              id: Int32(client * 1000 + number), value: 0, body: [UInt8](repeating: 3, count: 90))
            let place = try mine.insert(row, session)
            try session.advanceCommand()
            var newer = row
            newer.value = 1
            guard case .done = try mine.update(place, to: newer, session) else { throw EngineError(.conflict, "lost") }
            if number % 10 == 9 { try session.rollback() } else { try session.commit() }
            if number % 50 == 25 { try database.checkpoint() }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
    database.crash()
    let again = try rig.open()
    let session = try again.makeSession("check")
    try session.begin()
    let rows = try SampleTable(try again.relation(relation.locator.relNumber)).rows(session)
    let expected = (0..<4).flatMap { client in
      (0..<150).filter { $0 % 10 != 9 }.map { Int32(client * 1000 + $0) }
    }
    #expect(rows.map(\.id) == expected && rows.allSatisfy { $0.value == 1 })
    try session.rollback()
    session.close()
    try again.close()
  }
}
