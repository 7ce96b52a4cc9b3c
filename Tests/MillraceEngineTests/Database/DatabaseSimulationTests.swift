@testable import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

/// The whole engine on a simulated disk, in one thread: several sessions take turns, the machine loses its power now
/// and then, and what was acknowledged must be there, and nothing else.
@Suite struct DatabaseSimulationTests {
  @Test("what was acknowledged survives, what was not committed is not seen", arguments: 1...25 as ClosedRange<UInt64>)
  func crashes(seed: UInt64) throws {
    var faults = FaultModel.none
    faults.losesUnsyncedWrites = true
    faults.tearsUnsyncedWrites = seed % 2 == 0
    faults.losesUnsyncedNames = seed % 3 == 0
    faults.shortTransfers = seed % 4 == 0 ? 20 : 0
    faults.tryAgain = seed % 5 == 0 ? 20 : 0
    var simulation = try DatabaseSimulation(seed: seed, faults: faults)
    for _ in 0..<4 { try simulation.round() }
    try simulation.finish()
  }

  @Test("a crash during recovery, and recovery after it, change nothing")
  func recoveryTwice() throws {
    var faults = FaultModel.none
    faults.losesUnsyncedWrites = true
    for seed in 100..<110 as Range<UInt64> {
      var simulation = try DatabaseSimulation(seed: seed, faults: faults)
      try simulation.round()
      try simulation.recoverAndCrash()
      try simulation.recoverAndCrash()
      try simulation.round()
      try simulation.finish()
    }
  }

  @Test("the same seed gives the same run, to the byte")
  func determinism() throws {
    func images() throws -> [String: [UInt8]] {
      var simulation = try DatabaseSimulation(seed: 7, faults: .none)
      try simulation.round()
      try simulation.finish()
      var found: [String: [UInt8]] = [:]
      for name in ["cluster/pg_xact/0000", "cluster/base/5/16384", "cluster/pg_wal/000000010000000000000001"] {
        found[name] = simulation.rig.disk?.contents(of: name)
      }
      return found
    }
    let (first, second) = (try images(), try images())
    #expect(first.keys.sorted() == second.keys.sorted())
    for (name, bytes) in first { #expect(bytes == second[name], "\(name)") }
  }
}

struct DatabaseSimulation {
  let rig: EngineRig
  private var random: SeededGenerator
  private let seed: UInt64
  private var restarts: UInt64 = 0
  private var number: UInt32?
  /// What has been acknowledged.
  private var committed: [Int32: SampleTable.Row] = [:]
  private var nextID: Int32 = 0

  init(seed: UInt64, faults: FaultModel) throws {
    (self.seed, random) = (seed, SeededGenerator(seed: seed))
    let direct = ["io_direct=", "io_direct=data", "io_direct=wal", "io_direct=data,wal,wal_init"]
    let methods = ["wal_sync_method=fdatasync", "wal_sync_method=open_datasync", "wal_sync_method=fsync"]
    rig = try EngineRig(
      seed: seed, faults: faults,
      [
        direct[Int(seed) % 4], methods[Int(seed) % 3], "shared_buffers=\(seed % 2 == 0 ? 32 : 128)",
        "full_page_writes=on", "max_wal_size=4MB",
      ])
  }

  private mutating func open() throws -> Database {
    restarts += 1
    try rig.restart(seed: seed &* 1000 &+ restarts)
    return try rig.open()
  }

  private mutating func crash(_ database: Database) throws {
    database.crash()
    rig.simulation?.crash()
  }

  /// Opens, works, and ends in one way or another.
  mutating func round() throws {
    let database = try open()
    try check(database)
    try work(database)
    if random.below(4) == 0 { try database.close() } else { try crash(database) }
  }

  mutating func recoverAndCrash() throws { try crash(try open()) }

  mutating func finish() throws {
    let database = try open()
    try check(database)
    try database.close()
    let again = try open()
    #expect(!again.recovery.wasNeeded)
    try check(again)
    #expect(again.pool.pinCount == 0)
    try again.close()
  }

  private mutating func check(_ database: Database) throws {
    guard let number else { return }
    let session = try database.makeSession("check")
    let table = SampleTable(try database.relation(number))
    try session.begin()
    let rows = try table.rows(session)
    #expect(rows == committed.values.sorted(), "seed \(seed), restart \(restarts)")
    try session.rollback()
    session.close()
  }

  private struct Client {
    let session: Session
    var changes: [Int32: SampleTable.Row?] = [:]
  }

  private mutating func work(_ database: Database) throws {
    var clients: [Client] = []
    for index in 0..<3 { clients.append(Client(session: try database.makeSession("client \(index)"))) }
    if number == nil {
      number = try SampleTable.create(clients[0].session).relation.locator.relNumber
    }
    let table = SampleTable(try database.relation(try #require(number)))
    for _ in 0..<random.below(300) + 20 {
      let index = random.below(clients.count)
      try step(&clients[index], table)
      if random.below(60) == 0 { try database.checkpoint() }
    }
    for client in clients { client.session.close() }
  }

  private mutating func step(_ client: inout Client, _ table: SampleTable) throws {
    let session = client.session
    if !session.isInTransaction {
      try session.begin()
      client.changes = [:]
    }
    switch random.below(12) {
    case 0..<5:
      let length = random.below(random.below(10) == 0 ? 1500 : 90)
      let row = SampleTable.Row(id: nextID, value: Int64(random.below(100)), body: random.bytes(length))
      nextID += 1
      _ = try table.insert(row, session)
      client.changes[row.id] = row
      try session.advanceCommand()
    case 5..<8: try change(&client, table, isDeletion: false)
    case 8: try change(&client, table, isDeletion: true)
    case 9, 10:
      try session.commit()
      for (id, row) in client.changes { committed[id] = row }
    default:
      try session.rollback()
    }
  }

  private mutating func change(_ client: inout Client, _ table: SampleTable, isDeletion: Bool) throws {
    let places = try table.places(client.session)
    guard !places.isEmpty else { return }
    var (place, row) = places[random.below(places.count)]
    row.value += 1
    row.body = random.bytes(random.below(90))
    let result =
      isDeletion
      ? try client.session.delete(place, from: table.relation, .noWait)
      : try table.update(place, to: row, client.session, .noWait)
    guard case .done = result else {
      // Somebody else was first: the transaction gives up.
      try client.session.rollback()
      return
    }
    client.changes[row.id] = isDeletion ? .some(nil) : row
    try client.session.advanceCommand()
  }
}
