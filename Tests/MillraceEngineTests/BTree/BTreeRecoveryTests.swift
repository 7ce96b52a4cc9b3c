import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

/// What recovery makes of the log of our indexes: the same as they were, and the same as PostgreSQL 18 makes of it.
@Suite struct BTreeRecoveryTests {
  /// Everything that is logged. - Returns: what should be in each index.
  private func work(_ database: Database, _ session: Session, seed: UInt64) throws -> [IndexRig] {
    var random = SeededGenerator(seed: seed)
    let rigs = try [
      IndexRig.create(session, IndexRig.definition(IndexColumn(.int4))),
      IndexRig.create(session, IndexRig.definition(IndexColumn(.int4), IndexColumn(.text, isDescending: true))),
      IndexRig.create(session, IndexRig.definition(IndexColumn(.text), isUnique: true)),
    ]
    var number = 0
    for round in 0..<14 {
      try session.begin()
      for _ in 0..<350 {
        number += 1
        let heapTID = HeapTID(random.below(2) == 0 ? number : 1_000_000 - number)
        let key = Int64(random.below(round < 7 ? 20 : 50_000))
        try rigs[0].insert([random.below(30) == 0 ? .null : .number(key)], heapTID, session)
        try rigs[1].insert([.number(key % 100), .text(random.bytes(random.below(600)))], heapTID, session)
        try rigs[2].insert([.text(random.bytes(random.below(300)))], heapTID, session)
      }
      try session.commit()
      if round == 5 { try database.checkpoint() }
      if round % 4 == 3 { try remove(rigs, round, &random, session) }
      if round == 9 { try killSome(rigs[0], session) }
    }
    try session.begin()
    let built = IndexRig(try session.createIndexFile(IndexRig.definition(IndexColumn(.int8))))
    let build = try IndexBuild(built.index, session)
    for number in 0..<4000 { try built.add([.number(Int64(random.below(900)))], HeapTID(number), to: build) }
    try build.finish()
    try session.commit()
    return rigs + [built]
  }

  private func remove(
    _ rigs: [IndexRig], _ round: Int, _ random: inout SeededGenerator, _ session: Session
  ) throws {
    for rig in rigs {
      let sorted = rig.sorted
      let start = sorted.count / 10
      var dead = Set(sorted[start..<sorted.count * 8 / 10].map(\.heapTID))
      for entry in sorted where random.below(5) == 0 { dead.insert(entry.heapTID) }
      _ = try session.vacuum(rig.index) { dead.contains(HeapTID($0)) }
      rig.entries.removeAll { dead.contains($0.heapTID) }
    }
    try session.transaction { session throws(EngineError) in _ = try session.requireTransactionID() }
    for rig in rigs { _ = try session.cleanUp(rig.index) }
  }

  /// Finds some entries dead, which the next one who needs room then deletes.
  private func killSome(_ rig: IndexRig, _ session: Session) throws {
    let scan = BTreeScan(rig.index, session)
    var killed: Set<HeapTID> = []
    while let place = try scan.next() {
      guard place.block.rawValue % 3 != 0 else { continue }
      scan.killCurrent()
      killed.insert(HeapTID(place))
    }
    scan.restart()
    let left = Set(try rig.scan(session))
    rig.entries.removeAll { !left.contains($0.heapTID) && killed.contains($0.heapTID) }
  }

  @Test("after a crash every index is sound and has what was committed", arguments: 1...4 as ClosedRange<UInt64>)
  func crash(seed: UInt64) throws {
    let rig = try EngineRig(seed: seed)
    var database = try rig.open()
    var session = try database.makeSession("test")
    let rigs = try work(database, session, seed: seed)
    let expected = try rigs.map { try $0.scan(session) }
    try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
    session.close()
    database.crash()
    rig.disk?.crash()
    try rig.restart(seed: seed + 100)
    database = try rig.open()
    session = try database.makeSession("test")
    #expect(database.recovery.wasNeeded)
    for (number, old) in rigs.enumerated() {
      let test = IndexRig(try database.index(old.index.locator.relNumber, old.index.definition))
      var checker = BTreeChecker(test.index, session)
      #expect(try checker.run(), "seed \(seed), index \(number): \(checker.problems.prefix(5))")
      // Hints need not survive; what was found dead may be back.
      let found = try test.scan(session)
      if number == 0 {
        #expect(Set(expected[number]).isSubset(of: Set(found)))
      } else {
        #expect(found == expected[number], "seed \(seed), index \(number)")
      }
    }
    session.close()
    try database.close()
  }

  @Test(
    "PostgreSQL recovers our log to the same pages", .enabled(if: PostgresInstallation.isExpected(18)),
    arguments: 1...3 as ClosedRange<UInt64>)
  func sameBytes(seed: UInt64) throws {
    let rig = try EngineRig(["shared_buffers=8MB"], segmentBlocks: 131_072)
    var database = try rig.open()
    let session = try database.makeSession("test")
    let rigs = try work(database, session, seed: seed)
    try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
    session.close()
    database.crash()
    let postgres = try PostgresInstallation.required(18)
    let temporary = try TemporaryDirectory()
    let copy = temporary.path + "/data"
    try FileManager.default.copyItem(atPath: rig.path, toPath: copy)
    try PostgresRecoveryTests().recover(copy, below: temporary, postgres)
    database = try rig.open()
    #expect(database.recovery.wasNeeded)
    try database.close()
    for test in rigs {
      let name = "base/5/\(test.index.locator.relNumber)"
      let ours = try pages("\(rig.path)/\(name)")
      let theirs = try pages("\(copy)/\(name)")
      #expect(ours.count == theirs.count && ours.count > 5, "\(name)")
      for (block, (left, right)) in zip(ours, theirs).enumerated() {
        let difference = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        #expect(difference == nil, "seed \(seed), \(name), block \(block), byte \(difference ?? 0)")
      }
    }
    let kinds = try compareWithWaldump(rig, postgres)
    #expect(kinds.count >= 7, "\(kinds.sorted())")
  }

  /// The pages of a file, without what lies between line pointers and items, and without the checksum of that.
  private func pages(_ path: String) throws -> [[UInt8]] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return stride(from: 0, to: bytes.count, by: PageLayout.blockSize).map { start in
      var page = Array(bytes[start..<start + PageLayout.blockSize])
      page.withUnsafeMutableBytes { memory in
        guard let base = memory.baseAddress else { return }
        let editor = PageEditor(base)
        memory.storeBytes(of: 0, toByteOffset: 8, as: UInt16.self)
        guard !editor.isNew, editor.lower <= editor.upper else { return }
        for position in editor.lower..<editor.upper { memory[position] = 0 }
      }
      return page
    }
  }

  /// Compares what we say of each record with what `pg_waldump` says. - Returns: the kinds of records that there were.
  private func compareWithWaldump(_ rig: EngineRig, _ postgres: PostgresInstallation) throws -> Set<String> {
    let directory = rig.path + "/pg_wal"
    let segments = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.count == 24 }.sorted()
    let first = try #require(segments.first)
    try rig.giveToServer()
    let dump = try postgres.run("pg_waldump", ["-p", directory, "-r", "Btree", first], mayFail: true)
    let manager = BTreeResourceManager()
    var kinds: Set<String> = []
    let lines = dump.output.split(separator: "\n")
    let engine = try IOEngine(IOConfiguration())
    let backend = try engine.makeBackend("reader")
    defer { backend.close() }
    let start = try #require(lines.first?.firstMatch(of: /lsn: 0\/([0-9A-F]+)/)?.output.1)
    let position = try #require(UInt64(start, radix: 16))
    let reader = try WALRecordReader(
      backend: backend, fileSystem: LocalFileSystem(), directory: directory, timeline: 1, segmentSize: 1 << 20,
      systemIdentifier: nil, start: LogSequenceNumber(position))
    var next = 0
    while let record = try reader.next() {
      guard record.resourceManager == .btree else { continue }
      let name = manager.identify(record.info) ?? "UNKNOWN"
      let text = "desc: \(name) \(manager.describe(record))"
      let line = lines.indices.contains(next) ? String(lines[next]) : ""
      next += 1
      guard line.contains(text) else {
        Issue.record("pg_waldump says \(line), we say \(text)")
        break
      }
      kinds.insert(name)
    }
    #expect(next == lines.count)
    return kinds
  }
}
