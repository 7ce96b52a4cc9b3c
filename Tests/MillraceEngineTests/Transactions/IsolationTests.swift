import Glibc
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Synchronization
import Testing

/// Concurrent transactions from seeds, held against what their isolation level promises.
///
/// The table has accounts, whose values are moved about and whose sum never changes; and a counter, which only ever
/// grows by one. Every value that a transaction writes before it rolls back is beyond a million, which nobody may ever
/// see. Each version of a row has a number of its own in its last column.
@Suite struct IsolationHistoryTests {
  private static let accounts: Int32 = 6
  private static let total: Int64 = 600
  private static let counter: Int32 = 100
  private static let poison: Int64 = 1_000_001

  /// What the clients of a run have seen and done.
  private final class Findings: Sendable {
    struct State {
      var history = HistoryChecker()
      var increments: Int64 = 0
      var serializationFailures = 0
      var wrong: [String] = []
    }
    let state = Locked(State())
    private let versions = Atomic<Int64>(1000)

    func report(_ text: String) { state.withLock { $0.wrong.append(text) } }

    func nextVersion() -> Int64 { versions.add(1, ordering: .relaxed).newValue }
  }

  private static func row(_ id: Int32, _ value: Int64, version: Int64) -> SampleTable.Row {
    .init(id: id, value: value, body: withUnsafeBytes(of: version) { Array($0) })
  }

  @Test(
    "no dirty reads, no lost updates, every read of one moment; at repeatable read nothing changes under a reader",
    arguments: [IsolationLevel.readCommitted, .repeatableRead], 1...4 as ClosedRange<UInt64>)
  func histories(level: IsolationLevel, seed: UInt64) throws {
    let rig = try EngineRig(["io_method=sync"])
    let database = try rig.open()
    let setup = try database.makeSession("setup")
    let table = try SampleTable.create(setup)
    var first: [Int32: Int64] = [:]
    try setup.begin()
    for id in Array(0..<Self.accounts) + [Self.counter] {
      first[id] = Int64(id)
      _ = try table.insert(Self.row(id, id == Self.counter ? 0 : 100, version: Int64(id)), setup)
    }
    try setup.commit()
    let findings = Findings()
    let relation = table.relation
    let threads = try (0..<5 as Range<UInt64>).map { client in
      try LockThread { () throws(EngineError) in
        let session = try database.makeSession("client \(client)")
        defer { session.close() }
        session.synchronousCommit = .off
        session.waitLimits.deadlockTimeout = 5
        // Nobody waits as long as that, unless something is wrong.
        session.waitLimits.lockTimeout = 60_000
        var random = SeededGenerator(seed: seed * 10 + client)
        let actor = Client(session: session, table: SampleTable(relation), level: level, findings: findings)
        for _ in 0..<60 { try actor.step(&random) }
        return true
      }
    }
    for thread in threads { #expect(try thread.join()?.get() == true) }
    try setup.begin()
    let rows = try table.rows(setup)
    try setup.commit()
    let found = findings.state.withLock { $0 }
    #expect(found.wrong == [], "seed \(seed)")
    #expect(found.history.check(first: first) == [], "seed \(seed)")
    #expect(found.history.writers.count > 20 && found.history.reads.count > 20)
    #expect(rows.filter { $0.id < Self.accounts }.reduce(0) { $0 + $1.value } == Self.total, "seed \(seed)")
    #expect(rows.first { $0.id == Self.counter }?.value == found.increments, "seed \(seed)")
    #expect(found.increments > 10)
    if level == .readCommitted { #expect(found.serializationFailures == 0) }
    setup.close()
    try database.close()
  }

  @Test("the checker finds a lost update, half a transaction, and an effect without its cause")
  func checker() {
    let first: [Int32: Int64] = [0: 0, 1: 1]
    var history = HistoryChecker()
    history.commit(.init(writes: [0: (0, 10), 1: (1, 11)]))
    history.commit(.init(writes: [1: (11, 21)]))
    history.note([0: 10, 1: 21])
    #expect(history.check(first: first) == [])
    var torn = history
    torn.note([0: 10, 1: 1])
    #expect(torn.check(first: first) == ["a read has one half of transaction 0"])
    var lost = history
    lost.commit(.init(writes: [1: (11, 31)]))
    #expect(lost.check(first: first).first == "an update of row 1 was lost: version 11 was replaced twice")
    var dirty = history
    dirty.note([0: 99])
    #expect(dirty.check(first: first) == ["row 0 was read in a version that nobody committed"])
    var causeless = history
    causeless.commit(.init(writes: [0: (10, 40)], reads: [[0: 10, 1: 21]]))
    causeless.note([0: 40, 1: 11])
    #expect(
      causeless.check(first: first) == ["a read has transaction 2, but not 1, which it was built upon"])
  }

  /// A row as a client has seen it.
  private struct Seen {
    var place: TupleIdentifier
    var value: Int64
    var version: Int64
  }

  /// One client, on its thread.
  private struct Client {
    let session: Session
    let table: SampleTable
    let level: IsolationLevel
    let findings: Findings

    func step(_ random: inout SeededGenerator) throws(EngineError) {
      try session.begin(level)
      do throws(EngineError) {
        switch random.below(4) {
        case 0: try increment()
        case 1: try read(&random)
        default: try move(&random)
        }
      } catch {
        if session.isInTransaction { try session.rollback() }
        switch error.code {
        case .serializationFailure: findings.state.withLock { $0.serializationFailures += 1 }
        case .deadlock: break
        default: throw error
        }
      }
    }

    /// All rows, by one command.
    private func look() throws(EngineError) -> [Int32: Seen] {
      var found: [Int32: Seen] = [:]
      let scan = try HeapScan(table.relation, session)
      while let tuple = try scan.next() {
        let (id, seen) = Self.seen(tuple, scan.identifier)
        if found.updateValue(seen, forKey: id) != nil { findings.report("row \(id) was seen twice") }
        if seen.value >= IsolationHistoryTests.poison { findings.report("a value was seen that was rolled back") }
      }
      if found.count != Int(IsolationHistoryTests.accounts) + 1 { findings.report("\(found.count) rows were seen") }
      let sum = found.reduce(0) { $0 + ($1.key < IsolationHistoryTests.accounts ? $1.value.value : 0) }
      if sum != IsolationHistoryTests.total { findings.report("a sum of \(sum)") }
      return found
    }

    private static func seen(_ tuple: HeapTuple, _ place: TupleIdentifier) -> (Int32, Seen) {
      var reader = TupleReader(tuple)
      let id = reader.next(Int32.self) ?? -1
      let value = reader.next(Int64.self) ?? 0
      let version = reader.nextText()?.loadUnaligned(as: Int64.self) ?? -1
      return (id, Seen(place: place, value: value, version: version))
    }

    private func read(_ random: inout SeededGenerator) throws(EngineError) {
      let first = try look()
      try session.advanceCommand()
      for _ in 0..<random.below(5) { sched_yield() }
      let second = try look()
      let versions = [first, second].map { $0.mapValues(\.version) }
      if level == .repeatableRead, versions[0] != versions[1] { findings.report("a snapshot changed") }
      findings.state.withLock { state in
        for read in versions { state.history.note(read) }
      }
      try session.commit()
    }

    /// Changes a row to what `change` makes of its newest version, as EvalPlanQual does.
    private func update(
      _ id: Int32, _ seen: [Int32: Seen], _ writer: inout HistoryChecker.Writer, _ change: (Int64) -> Int64
    ) throws(EngineError) {
      guard var row = seen[id] else { return findings.report("row \(id) was not seen") }
      let version = findings.nextVersion()
      for _ in 0..<1000 {
        let new = IsolationHistoryTests.row(id, change(row.value), version: version)
        switch try engineError({ try table.update(row.place, to: new, session) }) {
        case .done:
          writer.writes[id] = (writer.writes[id]?.replaced ?? row.version, version)
          return
        case .updated(let next, let by):
          guard let newest = try lockNewest(next, by) else { return findings.report("row \(id) has gone") }
          row = newest
          if row.value >= IsolationHistoryTests.poison { findings.report("a value was changed that was rolled back") }
        case let result: return findings.report("row \(id): \(result)")
        }
      }
      findings.report("row \(id) could not be had in a thousand attempts")
    }

    /// Follows a row's versions to the one that can be locked.
    private func lockNewest(_ first: TupleIdentifier, _ writer: TransactionID) throws(EngineError) -> Seen? {
      var (place, writer) = (first, writer)
      for _ in 0..<1000 {
        switch try session.lock(place, of: table.relation, .noKeyUpdate, replacing: writer) {
        case .done:
          return try HeapFetcher(table.relation, session).version(at: place).map { Self.seen($0, place).1 }
        case .updated(let next, let other): (place, writer) = (next, other)
        default: return nil
        }
      }
      return nil
    }

    /// A test's own helpers throw anything.
    private func engineError<Result>(_ body: () throws -> Result) throws(EngineError) -> Result {
      do { return try body() } catch { throw error as? EngineError ?? EngineError(.corrupted, "\(error)") }
    }

    private func commit(_ writer: HistoryChecker.Writer, isIncrement: Bool = false) throws(EngineError) {
      try session.commit()
      findings.state.withLock { state in
        state.history.commit(writer)
        if isIncrement { state.increments += 1 }
      }
    }

    private func increment() throws(EngineError) {
      let seen = try look()
      var writer = HistoryChecker.Writer(reads: [seen.mapValues(\.version)])
      try update(IsolationHistoryTests.counter, seen, &writer) { $0 + 1 }
      try commit(writer, isIncrement: true)
    }

    private func move(_ random: inout SeededGenerator) throws(EngineError) {
      let count = IsolationHistoryTests.accounts
      let from = Int32(random.below(Int(count)))
      let to = (from + 1 + Int32(random.below(Int(count) - 1))) % count
      let amount = Int64(random.below(20))
      var seen = try look()
      var writer = HistoryChecker.Writer(reads: [seen.mapValues(\.version)])
      if random.below(4) == 0 {
        // What a savepoint takes back nobody sees either, the own transaction included.
        var undone = writer
        try session.beginNested()
        try update(from, seen, &undone) { _ in IsolationHistoryTests.poison }
        try session.rollbackNested()
        try session.advanceCommand()
        seen = try look()
      }
      try update(from, seen, &writer) { $0 - amount }
      try session.advanceCommand()
      if random.below(6) == 0 {
        try update(to, seen, &writer) { _ in IsolationHistoryTests.poison + 1000 }
        return try session.rollback()
      }
      try update(to, seen, &writer) { $0 + amount }
      try commit(writer)
    }
  }
}

/// The anomalies of Berenson and others, "A Critique of ANSI SQL Isolation Levels" (1995), one by one.
@Suite struct AnomalyTests {
  static let levels = [IsolationLevel.readCommitted, .repeatableRead]

  private func values(_ rig: SessionRig, _ session: Session) throws -> [Int32: Int64] {
    try session.advanceCommand()
    return Dictionary(uniqueKeysWithValues: try rig.table.rows(session).map { ($0.id, $0.value) })
  }

  private func set(_ id: Int32, _ value: Int64, _ rig: SessionRig, _ session: Session) throws -> Session.ChangeResult {
    try rig.table.update(try rig.place(id, session), to: .init(id: id, value: value, body: []), session)
  }

  private func write(_ id: Int32, _ value: Int64, _ rig: SessionRig, _ session: Session) throws {
    guard case .done = try set(id, value, rig, session) else {
      Issue.record("row \(id) was in somebody's way")
      return
    }
  }

  @Test("a dirty read never comes", arguments: levels)
  func dirtyRead(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (reader, writer) = (rig.sessions[0], rig.sessions[1])
    try reader.begin(level)
    try writer.begin()
    try write(0, 1, rig, writer)
    #expect(try values(rig, reader)[0] == 100)
    try writer.rollback()
    #expect(try values(rig, reader)[0] == 100)
    try reader.commit()
    try rig.close()
  }

  @Test("a row read twice changes at read committed, and not at repeatable read", arguments: levels)
  func nonRepeatableRead(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (reader, writer) = (rig.sessions[0], rig.sessions[1])
    try reader.begin(level)
    #expect(try values(rig, reader)[0] == 100)
    try writer.begin()
    try write(0, 1, rig, writer)
    try writer.commit()
    #expect(try values(rig, reader)[0] == (level == .readCommitted ? 1 : 100))
    try reader.commit()
    try rig.close()
  }

  @Test("phantoms, new rows and gone ones, come at read committed, and not at repeatable read", arguments: levels)
  func phantom(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (reader, writer) = (rig.sessions[0], rig.sessions[1])
    try reader.begin(level)
    #expect(try values(rig, reader).keys.sorted() == [0, 1, 2])
    try writer.begin()
    _ = try rig.table.insert(.init(id: 50, value: 0, body: []), writer)
    _ = try writer.delete(try rig.place(2, writer), from: rig.table.relation)
    try writer.commit()
    #expect(try values(rig, reader).keys.sorted() == (level == .readCommitted ? [0, 1, 50] : [0, 1, 2]))
    try reader.commit()
    try rig.close()
  }

  @Test("of two who change what both have read, the second is told so", arguments: levels)
  func lostUpdate(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    try first.begin(level)
    try second.begin(level)
    _ = try values(rig, first)
    _ = try values(rig, second)
    let place = try rig.place(0, second)
    try write(0, 110, rig, first)
    try first.commit()
    let row = SampleTable.Row(id: 0, value: 120, body: [])
    switch level {
    case .readCommitted:
      guard case .updated = try rig.table.update(place, to: row, second) else {
        Issue.record("an update was lost")
        return
      }
      try second.rollback()
    case .repeatableRead:
      do {
        _ = try rig.table.update(place, to: row, second)
        Issue.record("an update was lost")
      } catch let error as EngineError {
        #expect(error.code == .serializationFailure)
      }
      try second.rollback()
    }
    try first.begin()
    #expect(try values(rig, first)[0] == 110)
    try first.commit()
    try rig.close()
  }

  @Test("read skew comes at read committed, and not at repeatable read", arguments: levels)
  func readSkew(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (reader, writer) = (rig.sessions[0], rig.sessions[1])
    try reader.begin(level)
    let before = try #require(try values(rig, reader)[0])
    try writer.begin()
    try write(0, 50, rig, writer)
    try write(1, 150, rig, writer)
    try writer.commit()
    let after = try #require(try values(rig, reader)[1])
    #expect(before + after == (level == .readCommitted ? 250 : 200))
    try reader.commit()
    try rig.close()
  }

  @Test("write skew comes at both: only a serial order forbids it, which neither promises", arguments: levels)
  func writeSkew(level: IsolationLevel) throws {
    let rig = try SessionRig(2)
    let (first, second) = (rig.sessions[0], rig.sessions[1])
    try first.begin(level)
    try second.begin(level)
    #expect(try values(rig, first)[1] == 100)
    #expect(try values(rig, second)[0] == 100)
    try write(0, 0, rig, first)
    try write(1, 0, rig, second)
    try first.commit()
    try second.commit()
    try first.begin()
    let found = try values(rig, first)
    #expect(found[0] == 0 && found[1] == 0)
    try first.commit()
    try rig.close()
  }
}
