import Foundation
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceEngine

@Suite("Replication slots")
struct ReplicationSlotTests {
  private func slots(_ directory: TemporaryDirectory, max: Int = 3) throws -> ReplicationSlots {
    try ReplicationSlots(LocalFileSystem(), directory: directory.path, max: max)
  }

  @Test("PostgreSQL 18's own file is read, and written to the byte", .enabled(if: PostgresInstallation.isExpected(18)))
  func format() throws {
    let cluster = try PostgresCluster(try PostgresInstallation.required(18))
    try cluster.whileRunning {
      try cluster.query("select pg_create_physical_replication_slot('a_slot', true)")
    }
    let bytes = try cluster.read("pg_replslot/a_slot/state")
    let slot = try ReplicationSlotFile.decode(bytes)
    #expect(slot.name == "a_slot" && slot.persistency == .persistent && slot.restartPosition != .invalid)
    #expect(ReplicationSlotFile.encode(slot) == bytes)
  }

  @Test("a slot that we wrote is PostgreSQL 18's", .enabled(if: PostgresInstallation.isExpected(18)))
  func referee() throws {
    let cluster = try PostgresCluster(try PostgresInstallation.required(18))
    let position = try cluster.whileRunning { try cluster.query("select pg_current_wal_lsn()") }[0]
    let parts = position.split(separator: "/").compactMap { UInt64($0, radix: 16) }
    let slots = try ReplicationSlots(LocalFileSystem(), directory: cluster.path + "/pg_replslot", max: 3)
    try slots.create("ours", .persistent, restartPosition: LogSequenceNumber(parts[0] << 32 | parts[1]))
    try PostgresCluster.giveToServer(cluster.path + "/pg_replslot")
    let rows = try cluster.whileRunning {
      try cluster.query("select slot_name, slot_type, restart_lsn, wal_status from pg_replication_slots")
    }
    #expect(rows == ["ours|physical|\(position)|reserved"])
  }

  @Test("a file that is damaged anywhere is refused")
  func damage() throws {
    let slot = ReplicationSlot(name: "s", persistency: .persistent, restartPosition: LogSequenceNumber(77))
    let bytes = ReplicationSlotFile.encode(slot)
    #expect(try ReplicationSlotFile.decode(bytes) == slot)
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 0x10
      #expect(throws: ReplicationSlotError.self) { try ReplicationSlotFile.decode(damaged) }
      #expect(throws: ReplicationSlotError.self) { try ReplicationSlotFile.decode(Array(bytes[..<index])) }
    }
  }

  @Test("slots come back as they were; temporary ones, and what a crash left half done, do not")
  func persistence() throws {
    let directory = try TemporaryDirectory()
    let first = try slots(directory)
    try first.create("a", .persistent, restartPosition: LogSequenceNumber(100))
    try first.create("b", .temporary, by: 7)
    try first.create("c", .persistent)
    first.advance("a", to: LogSequenceNumber(200))
    first.advance("a", to: LogSequenceNumber(150))
    #expect(try first.checkpoint(givingUpBefore: .invalid) == LogSequenceNumber(200))
    first.advance("a", to: LogSequenceNumber(300))
    try directory.write([1], to: "d.tmp/state")
    let second = try slots(directory)
    #expect(second.all.map(\.name) == ["a", "c"])
    // Not newer than the last checkpoint, and never older.
    #expect(second["a"]?.restartPosition == LogSequenceNumber(200))
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/d.tmp"))
    try second.drop("a")
    #expect(try slots(directory).all.map(\.name) == ["c"])
  }

  @Test("names, doubles, limits and use are checked in PostgreSQL's words")
  func refusals() throws {
    let directory = try TemporaryDirectory()
    let slots = try slots(directory, max: 2)
    func problem(_ body: () throws(ReplicationSlotError) -> Void) -> ReplicationSlotError? {
      do throws(ReplicationSlotError) { try body() } catch { return error }
      return nil
    }
    #expect(problem { () throws(ReplicationSlotError) in try slots.create("A", .persistent) }?.code == .invalidName)
    #expect(problem { () throws(ReplicationSlotError) in try slots.create("", .persistent) }?.code == .invalidName)
    try slots.create("a", .persistent)
    #expect(
      problem { () throws(ReplicationSlotError) in try slots.create("a", .persistent) }?.message
        == "replication slot \"a\" already exists")
    try slots.create("b", .persistent)
    #expect(problem { () throws(ReplicationSlotError) in try slots.create("c", .persistent) }?.code == .tooMany)
    _ = try slots.acquire("a", by: 5)
    #expect(problem { () throws(ReplicationSlotError) in _ = try slots.acquire("a", by: 6) }?.code == .inUse)
    #expect(
      problem { () throws(ReplicationSlotError) in try slots.drop("a") }?.message
        == "replication slot \"a\" is active for PID 5")
    slots.release("a")
    try slots.drop("a")
    #expect(problem { () throws(ReplicationSlotError) in try slots.drop("a") }?.code == .undefined)
  }

  @Test("a slot that needs too much is given up, and says so to whoever comes for it")
  func invalidation() throws {
    let directory = try TemporaryDirectory()
    let slots = try slots(directory)
    try slots.create("old", .persistent, restartPosition: LogSequenceNumber(100))
    try slots.create("new", .persistent, restartPosition: LogSequenceNumber(900))
    #expect(try slots.checkpoint(givingUpBefore: LogSequenceNumber(500)) == LogSequenceNumber(900))
    #expect(throws: ReplicationSlotError.self) { try slots.acquire("old", by: 1) }
    #expect(try slots.acquire("new", by: 1).name == "new")
  }
}
