import Foundation
@testable import MillraceEngine
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import MillraceWAL
import Testing

/// PostgreSQL 18 itself recovers a cluster that we left as a crash does. What it makes of the log, we must make of it.
@Suite(.enabled(if: PostgresInstallation.isExpected(18))) struct PostgresRecoveryTests {
  @Test(
    "PostgreSQL recovers our log to the same pages and the same commit log", arguments: 1...3 as ClosedRange<UInt64>)
  func sameBytes(seed: UInt64) throws {
    let rig = try EngineRig(["shared_buffers=4MB"], segmentBlocks: 131_072)
    let numbers = try work(rig, seed: seed)
    let postgres = try PostgresInstallation.required(18)
    let temporary = try TemporaryDirectory()
    let copy = temporary.path + "/data"
    try FileManager.default.copyItem(atPath: rig.path, toPath: copy)
    try recover(copy, below: temporary, postgres)
    try rig.giveToServer()
    let segments = try FileManager.default.contentsOfDirectory(atPath: rig.path + "/pg_wal")
      .filter { $0.count == 24 }.sorted()
    let dump = try postgres.run(
      "pg_waldump", ["-p", "\(rig.path)/pg_wal"] + [segments.first, segments.last].compactMap(\.self), mayFail: true)
    let missing = Self.kinds.filter { !dump.output.contains("desc: \($0)") }
    #expect(missing == [])

    let database = try rig.open()
    #expect(database.recovery.wasNeeded)
    #expect(database.recovery.recordCount > 500)
    try database.close()
    for name in numbers.flatMap({ ["base/5/\($0)", "base/5/\($0)_vm"] }) {
      guard FileManager.default.fileExists(atPath: "\(rig.path)/\(name)") else {
        #expect(name.hasSuffix("_vm"))
        continue
      }
      let ours = try masked("\(rig.path)/\(name)")
      let theirs = try masked("\(copy)/\(name)")
      #expect(ours.count == theirs.count && !ours.isEmpty, "\(name)")
      let difference = zip(ours, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      #expect(difference == nil, "\(name), byte \(difference ?? 0), block \((difference ?? 0) / PageLayout.blockSize)")
    }
    let commitLogs = try [rig.path, copy].map { try Data(contentsOf: URL(fileURLWithPath: $0 + "/pg_xact/0000")) }
    #expect(commitLogs[0] == commitLogs[1])
    let sums = try postgres.run("pg_checksums", ["--check", "-D", copy])
    #expect(sums.output.contains(/Bad checksums: +0\n/))
  }

  /// What the log has to have been made of.
  private static let kinds = [
    "LOCK", "LOCK_UPDATED", "VISIBLE", "PRUNE_VACUUM_SCAN", "PRUNE_VACUUM_CLEANUP", "CREATE_ID", "ZERO_OFF_PAGE",
    "ZERO_MEM_PAGE", "TRUNCATE", "HOT_UPDATE", "COMMIT", "ABORT",
  ]

  /// A relation's pages without what has no meaning, and is therefore different: what lies between line pointers and
  /// items, and behind each item up to the next, where PostgreSQL leaves what was there; and the checksum of all that.
  private func masked(_ path: String) throws -> [UInt8] {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    for start in stride(from: 0, to: bytes.count, by: PageLayout.blockSize) {
      let page = Array(bytes[start..<start + PageLayout.blockSize])
      var kept = [UInt8](repeating: 0, count: PageLayout.blockSize)
      page.withUnsafeBytes { memory in
        let view = PageView(memory)
        let header = view.header
        guard !path.hasSuffix("_vm") else {
          kept = page
          kept.replaceSubrange(8..<10, with: [0, 0])
          return
        }
        kept.replaceSubrange(0..<Int(header.lower), with: page[0..<Int(header.lower)])
        kept.replaceSubrange(8..<10, with: [0, 0])
        for number in 1..<view.itemCount + 1 {
          let pointer = view.linePointer(number)
          let item = pointer.offset..<pointer.offset + pointer.length
          if pointer.state == .normal { kept.replaceSubrange(item, with: page[item]) }
        }
      }
      bytes.replaceSubrange(start..<start + PageLayout.blockSize, with: kept)
    }
    return bytes
  }

  /// Everything that is logged: single rows and many, updates on a page and off it, deletions, pruning, a rollback, a
  /// table that comes and goes. - Returns: the tables that are left.
  private func work(_ rig: EngineRig, seed: UInt64) throws -> [UInt32] {
    var random = SeededGenerator(seed: seed)
    let database = try rig.open()
    let session = try database.makeSession("test")
    let table = try SampleTable.create(session)
    let loaded = try session.transaction { session throws(EngineError) in
      let loaded = try session.createRelation(fillFactor: 70)
      let loader = BulkLoader(loaded, session)
      for id in 0..<2000 {
        try loader.append(attributeCount: 2, hasNulls: id % 7 == 0) { row in
          row.append(Int32(id))
          if id % 7 == 0 { row.appendNull() } else { row.append(text: [UInt8](repeating: 65, count: id % 200)) }
        }
      }
      try loader.finish()
      return loaded
    }
    let dropped = try SampleTable.create(session)
    try session.transaction { session throws(EngineError) in try session.drop(dropped.relation) }
    for round in 0..<30 {
      try session.begin()
      for id in 0..<40 {
        let row = SampleTable.Row(id: Int32(round * 100 + id), value: 0, body: random.bytes(random.below(200)))
        _ = try table.insert(row, session)
      }
      try session.advanceCommand()
      for (place, row) in try table.places(session) where random.below(4) == 0 {
        if random.below(5) == 0 {
          _ = try session.delete(place, from: table.relation)
        } else {
          var row = row
          row.body = random.bytes(random.below(200))
          _ = try table.update(place, to: row, session)
        }
      }
      if random.below(4) == 0 { try session.rollback() } else { try session.commit() }
      if round == 15 { try database.checkpoint() }
    }
    try share(table, session, database)
    let emptied = try vacuum(session)
    _ = try HeapVacuum(table.relation, session).run()
    _ = try HeapVacuum(loaded, session, frozen).run()
    // What has not ended is lost.
    try session.begin()
    _ = try table.insert(.init(id: -1, value: 0, body: []), session)
    try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
    database.crash()
    return [table.relation.locator.relNumber, loaded.locator.relNumber, emptied.locator.relNumber]
  }

  private var frozen: VacuumOptions {
    var options = VacuumOptions()
    options.freezesAll = true
    return options
  }

  /// Rows that several transactions have at the same time, and nested ones.
  private func share(_ table: SampleTable, _ session: Session, _ database: Database) throws {
    let other = try database.makeSession("other")
    for round in 0..<6 {
      try session.begin()
      try other.begin()
      for (index, (place, row)) in try table.places(session).prefix(40).enumerated() {
        switch (index + round) % 5 {
        case 0:
          _ = try session.lock(place, of: table.relation, .share)
          _ = try other.lock(place, of: table.relation, .keyShare)
        case 1:
          _ = try session.lock(place, of: table.relation, .keyShare)
          _ = try table.update(place, to: row, other)
        case 2:
          // The lock follows the row to its new version.
          _ = try table.update(place, to: row, other)
          _ = try session.lock(place, of: table.relation, .keyShare)
        case 3: _ = try session.lock(place, of: table.relation, .update)
        default:
          try session.beginNested()
          _ = try session.lock(place, of: table.relation, .noKeyUpdate)
          _ = try table.update(place, to: row, session)
          if index % 2 == 0 { try session.rollbackNested() } else { try session.commitNested() }
        }
      }
      try session.commit()
      if round % 3 == 2 { try other.rollback() } else { try other.commit() }
    }
    other.close()
  }

  /// A table with an index, vacuumed in all ways, and cut off.
  private func vacuum(_ session: Session) throws -> HeapRelation {
    var table = try IndexedTable(session)
    try session.begin()
    for id in 0..<1500 as Range<Int32> {
      table.index.add(
        id, try table.table.insert(.init(id: id, value: 0, body: [UInt8](repeating: 7, count: 50)), session))
    }
    try session.commit()
    try session.begin()
    for (place, row) in try table.table.places(session) where row.id > 500 || row.id % 3 == 0 {
      _ = try session.delete(place, from: table.table.relation)
    }
    try session.commit()
    let result = try HeapVacuum(table.table.relation, indexes: [table.index], session).run()
    #expect(result.wasTruncated && result.indexScans == 1)
    _ = try HeapVacuum(table.table.relation, indexes: [table.index], session, frozen).run()
    try session.begin()
    for (place, row) in try table.table.places(session).prefix(20) {
      if row.id % 2 == 0 { _ = try session.lock(place, of: table.table.relation, .share) }
      if row.id % 5 == 0 { _ = try session.delete(place, from: table.table.relation) }
    }
    try session.commit()
    table.rows = [:]
    return table.table.relation
  }

  func recover(
    _ path: String, below temporary: TemporaryDirectory, _ postgres: PostgresInstallation
  ) throws {
    try? FileManager.default.removeItem(atPath: path + "/postmaster.pid")
    for (name, text) in [
      ("postgresql.conf", "listen_addresses = ''\nautovacuum = off\nmax_logical_replication_workers = 0\n"),
      ("pg_hba.conf", "local all all trust\n"), ("pg_ident.conf", ""),
    ] { try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8) }
    try PostgresCluster.giveToServer(temporary.path)
    // Without catalogs nobody can connect, which is how the start is waited for; its recovery is over all the same.
    try postgres.run(
      "pg_ctl",
      ["-D", path, "-W", "-s", "-l", temporary.path + "/log", "-o", "-k \(temporary.path)", "start"])
    while !(try log(temporary).contains("ready to accept connections")) {
      let text = try log(temporary)
      try #require(!text.contains("FATAL"), "\(text)")
      sched_yield()
    }
    try postgres.run("pg_ctl", ["-D", path, "-w", "-s", "-m", "fast", "stop"])
    #expect(try log(temporary).contains("redo done at"))
  }

  private func log(_ temporary: TemporaryDirectory) throws -> String {
    (try? String(contentsOfFile: temporary.path + "/log", encoding: .utf8)) ?? ""
  }
}
