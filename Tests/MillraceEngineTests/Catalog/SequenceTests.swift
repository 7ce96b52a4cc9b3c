@testable import MillraceEngine
import MillraceStorage
import MillraceTypes
import Testing

@Suite struct SequenceTests {
  private func create(
    _ rig: CatalogRig, _ definition: SequenceDefinition, _ name: String = "s"
  ) throws -> UInt32 {
    try rig.transaction { catalog throws(EngineError) in
      try catalog.createSequence(name, namespace: SystemOID.publicNamespace, definition)
    }
  }

  private func next(_ rig: CatalogRig, _ oid: UInt32) throws -> Int64 {
    try rig.transaction { catalog throws(EngineError) in try catalog.nextValue(of: oid) }
  }

  @Test("a sequence counts, logs 32 values ahead, and says where it stands")
  func counts() throws {
    let rig = try CatalogRig()
    let oid = try create(rig, SequenceDefinition())
    try expectError("55000", "currval of sequence \"s\" is not yet defined in this session") {
      try rig.transaction { catalog throws(EngineError) in try catalog.currentValue(of: oid) }
    }
    #expect(try (0..<3).map { _ in try next(rig, oid) } == [1, 2, 3])
    let state = try rig.transaction { catalog throws(EngineError) in try catalog.sequenceState(oid) }
    #expect(state.lastValue == 3 && state.logCount == 30 && state.isCalled)
    #expect(try rig.transaction { catalog throws(EngineError) in try catalog.currentValue(of: oid) } == 3)
    #expect(try rig.transaction { catalog throws(EngineError) in try catalog.lastValue() } == 3)
    for _ in 0..<40 { _ = try next(rig, oid) }
    #expect(try next(rig, oid) == 44)
    try rig.close()
  }

  @Test("a rollback takes no value back, and two sessions get different ones")
  func rollback() throws {
    let rig = try CatalogRig()
    let other = try rig.connect()
    let oid = try create(rig, SequenceDefinition(cache: 5))
    try rig.session.begin()
    #expect(try rig.catalog.nextValue(of: oid) == 1)
    try rig.session.rollback()
    #expect(try next(rig, oid) == 2)
    let theirs = try other.transaction { session throws(EngineError) in try session.catalog.nextValue(of: oid) }
    #expect(theirs == 6)
    #expect(try next(rig, oid) == 3)
    other.close()
    try rig.close()
  }

  @Test("at its end a sequence stops or begins anew")
  func ends() throws {
    let rig = try CatalogRig()
    let short = try create(rig, SequenceDefinition(maximum: 2))
    #expect(try [next(rig, short), next(rig, short)] == [1, 2])
    try expectError("2200H", "nextval: reached maximum value of sequence \"s\" (2)") { try next(rig, short) }
    let cycling = try create(rig, SequenceDefinition(increment: -3, minimum: -5, maximum: 4, isCycling: true), "c")
    #expect(try (0..<5).map { _ in try next(rig, cycling) } == [4, 1, -2, -5, 4])
    let edge = try create(rig, SequenceDefinition(start: .max - 1), "e")
    #expect(try [next(rig, edge), next(rig, edge)] == [.max - 1, .max])
    try expectError("2200H", "nextval: reached maximum value of sequence \"e\" (9223372036854775807)") {
      try next(rig, edge)
    }
    try rig.close()
  }

  @Test("setval is for all at once; a restart is undone by a rollback")
  func set() throws {
    let rig = try CatalogRig()
    let oid = try create(rig, SequenceDefinition())
    try rig.transaction { catalog throws(EngineError) in try catalog.setValue(of: oid, to: 100) }
    #expect(try next(rig, oid) == 101)
    try rig.transaction { catalog throws(EngineError) in try catalog.setValue(of: oid, to: 7, isCalled: false) }
    #expect(try next(rig, oid) == 7)
    try rig.session.begin()
    try rig.catalog.alterSequence(oid, try SequenceDefinition(), restart: 1)
    #expect(try rig.catalog.nextValue(of: oid) == 1)
    try rig.session.rollback()
    #expect(try next(rig, oid) == 8)
    try expectError(
      "22003", "setval: value 0 is out of bounds for sequence \"s\" (1..9223372036854775807)"
    ) {
      try rig.transaction { catalog throws(EngineError) in try catalog.setValue(of: oid, to: 0) }
    }
    try rig.close()
  }

  @Test("after a crash no value comes twice")
  func crash() throws {
    let rig = try CatalogRig()
    let oid = try create(rig, SequenceDefinition())
    var last: Int64 = 0
    for _ in 0..<10 { last = try next(rig, oid) }
    rig.session.close()
    rig.database.crash()
    let database = try rig.rig.open()
    let session = try database.makeSession("again")
    try session.connect(to: "postgres")
    let value = try session.transaction { session throws(EngineError) in try session.catalog.nextValue(of: oid) }
    #expect(value > last && value <= last + 33)
    session.close()
    try database.close()
  }
}
