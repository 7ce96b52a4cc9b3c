@testable import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceSimulation
import MillraceStorage
import MillraceWAL
import Testing

/// A process that is killed leaves what it wrote in the system's cache, where recovery finds it; and then the machine
/// loses its power. What recovery has built on must be durable by then.
@Suite struct RecoveryDurabilityTests {
  private static let rowCount: Int32 = 1200

  /// A cluster whose process has been killed.
  /// - Parameter work: what was done in a table before; what it logs, and does not flush, is in the system's cache.
  /// - Returns: with the relation's number.
  private func killed(
    seed: UInt64, _ work: (Database, Session, SampleTable) throws -> Void
  ) throws -> (rig: EngineRig, relation: UInt32) {
    // Without images a page that has its changes already is left alone by recovery.
    let rig = try EngineRig(seed: seed, ["shared_buffers=128", "wal_buffers=1MB", "full_page_writes=off"])
    let database = try rig.open()
    let session = try database.makeSession("client")
    let table = try SampleTable.create(session)
    try database.checkpoint()
    try work(database, session, table)
    let backend = try database.engine.makeBackend("walwriter")
    let writer = WALWriter(database.log, backend: backend)
    // Too early for a flush.
    try writer.round(now: 0)
    rig.simulation?.kill()
    backend.close()
    database.crash()
    return (rig, table.relation.locator.relNumber)
  }

  private func insertRows(_ session: Session, _ table: SampleTable) throws {
    try session.begin()
    for id in 0..<Self.rowCount {
      _ = try table.insert(.init(id: id, value: 1, body: [UInt8](repeating: 7, count: 200)), session)
    }
  }

  private func losePower(_ rig: EngineRig) throws {
    let disk = try #require(rig.disk)
    disk.faults.losesUnsyncedWrites = true
    disk.faults.losesUnsyncedNames = true
    rig.simulation?.crash()
    disk.faults = .none
  }

  @Test("no page is on disk whose log is not", arguments: 1...60)
  func logFirst(moment: Int) throws {
    let seed = UInt64(moment)
    let (rig, number) = try killed(seed: seed) { _, session, table in try insertRows(session, table) }
    // Few buffers: redo itself has pages written out.
    rig.assignments.append(try .init("shared_buffers=16"))
    let disk = try #require(rig.disk)
    try rig.restart(seed: seed)
    // Somewhere in recovery, or behind its end.
    disk.powerOff(after: moment * 4)
    let recovered = try? rig.open()
    try losePower(rig)
    recovered?.crash()

    let bytes = try #require(disk.contents(of: "cluster/base/5/\(number)"))
    let lsns = stride(from: 0, to: bytes.count, by: PageLayout.blockSize).map { start in
      bytes.withUnsafeBytes { memory in memory.baseAddress.map { PageHeader.lsn(of: $0 + start) } ?? .invalid }
    }
    try rig.restart(seed: seed + 1)
    let database = try rig.open()
    for (block, lsn) in lsns.enumerated() { #expect(lsn <= database.recovery.endPosition, "block \(block)") }
    try database.close()
  }

  @Test(
    "a page that recovery found changed already is durable with its end", arguments: [false, true],
    1...5 as ClosedRange<UInt64>)
  func pagesThatAreDone(losesPowerDuringRecovery: Bool, seed: UInt64) throws {
    let (rig, number) = try killed(seed: seed) { database, session, table in
      try insertRows(session, table)
      try session.commit()
      try database.checkpoint()
      try session.begin()
      for (place, row) in try table.places(session) where row.id % 2 == 0 {
        _ = try session.delete(place, from: table.relation)
      }
      try session.commit()
      // As the background writer does; no checkpoint makes it durable.
      try database.pool.flush(table.relation.fork, session.backend)
    }
    try rig.restart(seed: seed)
    if losesPowerDuringRecovery { rig.disk?.powerOff(after: Int(seed) * 40) }
    let recovered = try? rig.open()
    try losePower(rig)
    recovered?.crash()

    try rig.restart(seed: seed + 1)
    let database = try rig.open()
    let session = try database.makeSession("reader")
    try session.begin()
    let rows = try SampleTable(try database.relation(number)).rows(session)
    #expect(rows.map(\.id) == (0..<Self.rowCount).filter { $0 % 2 == 1 })
    try session.rollback()
    session.close()
    try database.close()
  }
}
