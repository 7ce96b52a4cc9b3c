@testable import MillraceEngine
import MillraceIO
import MillraceTestSupport
import Testing

@Suite struct SnapshotTests {
  @Test("a snapshot has exactly those for running that had not ended, whoever took the last one", arguments: 1...20)
  func contents(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let manager = TransactionManager(
      next: FullTransactionID(1000), oldest: TransactionID(3), sessionsMax: 8)
    let places = (0..<8).compactMap { _ in manager.addSession() }
    var last = places.map { _ in
      TransactionManager.SharedSnapshot(completions: 0, xmin: .invalid, xmax: .invalid, running: [])
    }
    var running: [Int: TransactionID] = [:]
    var ended: Set<UInt32> = []
    for _ in 0..<400 {
      let place = places[random.below(8)]
      switch random.below(4) {
      case 0:
        if let xid = running[place] {
          manager.end(xid)
          ended.insert(xid.rawValue)
          running[place] = nil
        } else {
          running[place] = try manager.assign(to: place) { (_) throws(EngineError) in }
        }
      case 1: manager.setHorizon(nil, of: place)
      default:
        manager.takeSnapshot(for: place, &last[place])
        let snapshot = Snapshot(xmin: last[place].xmin, xmax: last[place].xmax, running: last[place].running)
        for number in 1000..<manager.next.short.rawValue {
          #expect(snapshot.isInProgress(TransactionID(number)) == !ended.contains(number), "seed \(seed)")
        }
        #expect(!snapshot.xmin.precedes(manager.removalHorizon()), "seed \(seed)")
      }
      for (place, xid) in running {
        #expect(manager.isRunning(xid) && manager.owner(of: xid) == place)
        #expect(!xid.precedes(manager.removalHorizon()), "seed \(seed)")
      }
    }
  }

  @Test("what a registered snapshot sees is held back until the last such is given up")
  func horizons() throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let (reader, writer) = (try database.makeSession("reader"), try database.makeSession("writer"))
    func advance() throws {
      try writer.begin()
      _ = try writer.requireTransactionID()
      try writer.commit()
    }
    try advance()
    try reader.begin()
    let first = try reader.snapshot()
    let cursor = reader.register(first)
    try advance()
    try reader.advanceCommand()
    let second = try reader.snapshot()
    #expect(first.xmin.precedes(second.xmin))
    try advance()
    #expect(database.transactions.removalHorizon() == first.xmin)
    reader.unregister(cursor)
    #expect(database.transactions.removalHorizon() == second.xmin)
    reader.releaseSnapshot()
    #expect(second.xmin.precedes(database.transactions.removalHorizon()))
    try reader.commit()

    try reader.begin(.repeatableRead)
    let fixed = try reader.snapshot()
    try advance()
    try reader.advanceCommand()
    #expect(try reader.snapshot().xmin == fixed.xmin)
    #expect(database.transactions.removalHorizon() == fixed.xmin)
    try reader.commit()
    reader.close()
    writer.close()
    try database.close()
  }

  @Test("numbers run out with a warning first, and go on once the oldest is known to be younger")
  func wraparound() throws {
    let notes = Locked<[String]>([])
    let box = NoteBox(notes)
    let start = UInt64(Int32.max) - 3_000_000 + 3 - 20
    let manager = TransactionManager(
      next: FullTransactionID(start), oldest: TransactionID(3), sessionsMax: 1
    ) { note in box.notes.withLock { $0.append(note) } }
    let place = try #require(manager.addSession())
    var given = 0
    do {
      while given < 100 {
        let xid = try manager.assign(to: place) { (_) throws(EngineError) in }
        manager.end(xid)
        given += 1
      }
    } catch {
      #expect(error.code == .exhausted)
      #expect(error.message.hasPrefix("database is not accepting commands that assign new transaction IDs"))
    }
    #expect((10...30).contains(given), "\(given)")
    #expect(box.notes.withLock { $0.count } == given)
    manager.setOldest(TransactionID(1_000_000_000), database: 5)
    _ = try manager.assign(to: place) { (_) throws(EngineError) in }
  }
}

final class NoteBox: Sendable {
  let notes: Locked<[String]>
  init(_ notes: consuming Locked<[String]>) { self.notes = notes }
}
