import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

@Suite struct DatabaseTests {
  static let variants = MethodsHere.usable([
    ["io_method=sync"], ["io_method=worker"], ["io_method=io_uring"], ["io_method=posix_aio"],
    ["io_method=worker", "io_direct=data,wal,wal_init"],
    ["io_method=io_uring", "io_direct=data,wal", "wal_sync_method=open_datasync"],
  ])

  @Test("commit_delay waits for transactions that run, if there are commit_siblings of them")
  func commitDelay() throws {
    let rig = try EngineRig(seed: 1, ["commit_delay=1", "commit_siblings=2"])
    let database = try rig.open()
    let sessions = try (0..<4).map { try database.makeSession("session \($0)") }
    let table = try SampleTable.create(sessions[0])
    func begin(_ number: Int) throws {
      try sessions[number].begin()
      _ = try table.insert(.init(id: Int32(number), value: 0, body: []), sessions[number])
    }
    for number in 0..<3 { try begin(number) }
    let before = database.log.statistics().commitDelays
    // Two others, one, none.
    try sessions[0].commit()
    #expect(database.log.statistics().commitDelays == before + 1)
    try sessions[1].commit()
    try sessions[2].commit()
    // Who only reads has no number.
    try sessions[3].begin()
    _ = try table.rows(sessions[3])
    try begin(0)
    try begin(1)
    try sessions[0].commit()
    #expect(database.log.statistics().commitDelays == before + 1)
    try sessions[1].rollback()
    try sessions[3].rollback()
    for session in sessions { session.close() }
    try database.close()
  }

  @Test(
    "what was committed is there after closing, and after a crash; PostgreSQL's programs agree", arguments: variants)
  func lifeCycle(settings: [String]) throws {
    let rig = try EngineRig(settings)
    let number: UInt32
    do {
      let database = try rig.open()
      #expect(!database.recovery.wasNeeded)
      let session = try database.makeSession("test")
      let table = try SampleTable.create(session)
      number = table.relation.locator.relNumber
      try session.begin()
      for id in 0..<500 { _ = try table.insert(.init(id: Int32(id), value: 1, body: Array("row \(id)".utf8)), session) }
      try session.commit()
      try session.begin()
      for (place, row) in try table.places(session) where row.id % 3 == 0 {
        var row = row
        row.value = 2
        let result = try table.update(place, to: row, session)
        guard case .done = result else { Issue.record("\(result)"); return }
      }
      try session.advanceCommand()
      for (place, row) in try table.places(session) where row.id % 5 == 0 {
        guard case .done = try session.delete(place, from: table.relation) else { Issue.record("not deleted"); return }
      }
      try session.commit()
      session.close()
      try database.close()
    }
    try check(rig, number, isClean: true)
    do {
      let database = try rig.open()
      #expect(!database.recovery.wasNeeded)
      let session = try database.makeSession("test")
      let table = SampleTable(try database.relation(number))
      try session.begin()
      #expect(try table.rows(session).map(\.id) == (0..<500).filter { $0 % 5 != 0 })
      #expect(try table.rows(session).allSatisfy { $0.value == ($0.id % 3 == 0 ? 2 : 1) })
      for id in 1000..<1100 { _ = try table.insert(.init(id: Int32(id), value: 3, body: []), session) }
      try session.commit()
      try session.begin()
      for id in 2000..<2100 { _ = try table.insert(.init(id: Int32(id), value: 4, body: []), session) }
      database.crash()
    }
    do {
      let database = try rig.open()
      #expect(database.recovery.wasNeeded)
      let session = try database.makeSession("test")
      let table = SampleTable(try database.relation(number))
      try session.begin()
      #expect(try table.rows(session).map(\.id) == (0..<500).filter { $0 % 5 != 0 } + (1000..<1100))
      try session.rollback()
      session.close()
      try database.close()
    }
    try check(rig, number, isClean: true)
  }

  /// What PostgreSQL's own programs say.
  private func check(_ rig: EngineRig, _ number: UInt32, isClean: Bool) throws {
    guard PostgresInstallation.isExpected(18) else { return }
    let postgres = try PostgresInstallation.required(18)
    try rig.giveToServer()
    let control = try postgres.run("pg_controldata", ["-D", rig.path]).output
    #expect(control.contains(/Database cluster state: +shut down\n/))
    let sums = try postgres.run("pg_checksums", ["--check", "-D", rig.path])
    #expect(sums.output.contains(/Bad checksums: +0\n/))
    let dump = try postgres.run("pg_waldump", ["-p", rig.path + "/pg_wal", "-s", "0/100028"], mayFail: true)
    #expect(dump.output.contains("desc: CHECKPOINT_SHUTDOWN"))
    #expect(dump.output.contains("desc: INSERT+INIT off: 1, flags: 0x00, blkref #0: rel 1663/5/\(number) blk 0"))
    #expect(dump.errors.contains("invalid record length") && !dump.output.contains("UNKNOWN"), "\(dump.errors)")
  }

  @Test("a second database on the same directory is refused")
  func lock() throws {
    let rig = try EngineRig()
    let database = try rig.open()
    #expect { try rig.open() } throws: { "\($0)".contains("is in use by another database of this process") }
    try database.close()
    try rig.open().close()
  }

  @Test("a simulated disk that nobody gave back keeps no other from being used")
  func leftLocks() throws {
    for seed in 0..<64 as Range<UInt64> {
      // As after a run that failed. What comes next may be where this was in memory.
      _ = try LockFile(SimulatedDisk(seed: seed), directory: "data", time: 0)
    }
  }
}
