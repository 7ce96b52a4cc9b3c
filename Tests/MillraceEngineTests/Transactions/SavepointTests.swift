@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

@Suite struct SavepointTests {
  private func withSession(
    _ settings: [String] = [], _ body: (Database, Session, SampleTable, Session) throws -> Void
  ) throws {
    let rig = try EngineRig(["io_method=sync"] + settings)
    let database = try rig.open()
    let (session, other) = (try database.makeSession("test"), try database.makeSession("other"))
    let table = try SampleTable.create(session)
    try body(database, session, table, other)
    session.close()
    other.close()
    try database.close()
  }

  private func ids(_ table: SampleTable, _ session: Session) throws -> [Int32] {
    guard !session.isInTransaction else {
      try session.advanceCommand()
      return try table.rows(session).map(\.id)
    }
    try session.begin()
    defer { try? session.rollback() }
    return try table.rows(session).map(\.id)
  }

  private func add(_ id: Int32, _ table: SampleTable, _ session: Session) throws {
    _ = try table.insert(.init(id: id, value: 0, body: []), session)
  }

  @Test("what was done since a savepoint goes, what was done before stays, and others see the rest at the commit")
  func rollbackTo() throws {
    try withSession { _, session, table, other in
      try session.begin()
      try add(1, table, session)
      try session.savepoint("a")
      try add(2, table, session)
      try session.savepoint("b")
      try add(3, table, session)
      try session.rollback(toSavepoint: "b")
      #expect(try ids(table, session) == [1, 2])
      try add(4, table, session)
      try session.releaseSavepoint("b")
      #expect(try ids(table, session) == [1, 2, 4])
      try session.rollback(toSavepoint: "a")
      #expect(try ids(table, session) == [1])
      try add(5, table, session)
      try session.savepoint("a")
      try add(6, table, session)
      // The inner one of the same name.
      try session.rollback(toSavepoint: "a")
      #expect(try ids(table, session) == [1, 5])
      #expect(try ids(table, other) == [])
      try session.commit()
      #expect(try ids(table, other) == [1, 5])
      #expect(session.nestingLevel == 0)
    }
  }

  @Test("a savepoint that is not there, or has gone, is refused by name")
  func unknown() throws {
    try withSession { _, session, _, _ in
      try session.begin()
      try session.savepoint("a")
      try session.savepoint("b")
      try session.rollback(toSavepoint: "a")
      for name in ["b", "c"] {
        do throws(EngineError) {
          try session.releaseSavepoint(name)
          Issue.record("\(name) was there")
        } catch {
          #expect(error.code == .invalidSavepoint && error.message == "savepoint \"\(name)\" does not exist")
        }
      }
      try session.releaseSavepoint("a")
      #expect(session.nestingLevel == 1)
      try session.rollback()
    }
  }

  @Test(
    "random nesting leaves what a stack of sets leaves, also after a crash", arguments: 1...8 as ClosedRange<UInt64>)
  func random(seed: UInt64) throws {
    let rig = try EngineRig(["io_method=sync"])
    var random = SeededGenerator(seed: seed)
    var committed: Set<Int32> = []
    var number: UInt32 = 0
    do {
      let database = try rig.open()
      let (session, other) = (try database.makeSession("test"), try database.makeSession("other"))
      let table = try SampleTable.create(session)
      number = table.relation.locator.relNumber
      var next: Int32 = 0
      for _ in 0..<12 {
        try session.begin()
        var stack: [Set<Int32>] = [committed]
        for _ in 0..<30 {
          switch random.below(6) {
          case 0 where stack.count < 9:
            try session.beginNested()
            stack.append(stack[stack.count - 1])
          case 1 where stack.count > 1:
            try session.commitNested()
            let inner = stack.removeLast()
            stack[stack.count - 1] = inner
          case 2 where stack.count > 1:
            try session.rollbackNested()
            stack.removeLast()
          case 3:
            let places = try table.places(session)
            guard !places.isEmpty else { break }
            let (place, row) = places[random.below(places.count)]
            guard case .done = try session.delete(place, from: table.relation) else {
              Issue.record("a row that is seen could not be deleted")
              break
            }
            stack[stack.count - 1].remove(row.id)
            try session.advanceCommand()
          default:
            next += 1
            try add(next, table, session)
            stack[stack.count - 1].insert(next)
            try session.advanceCommand()
          }
          #expect(try Set(table.rows(session).map(\.id)) == stack[stack.count - 1], "seed \(seed)")
        }
        #expect(try Set(ids(table, other)) == committed, "seed \(seed)")
        if random.below(4) == 0 {
          try session.rollback()
        } else {
          try session.commit()
          committed = stack[stack.count - 1]
        }
        #expect(try Set(ids(table, other)) == committed, "seed \(seed)")
        if random.below(4) == 0 { try database.checkpoint() }
      }
      try session.begin()
      try session.beginNested()
      try add(10_000, table, session)
      try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
      database.crash()
    }
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = SampleTable(try database.relation(number))
    #expect(try Set(ids(table, session)) == committed, "seed \(seed)")
    session.close()
    try database.close()
  }

  @Test("a relation that a savepoint made goes with it")
  func relations() throws {
    try withSession { database, session, _, _ in
      try session.begin()
      let kept = try session.createRelation()
      try session.beginNested()
      let lost = try session.createRelation()
      try session.rollbackNested()
      // Its name goes with the next checkpoint.
      try database.checkpoint()
      #expect(throws: EngineError.self) { try database.relation(lost.locator.relNumber) }
      try session.commit()
      _ = try database.relation(kept.locator.relNumber)
    }
  }
}
