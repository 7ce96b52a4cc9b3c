import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceEngine
@testable import MillraceWAL

/// PostgreSQL 18's own `pg_waldump` says of each of our records what we say of it: kind, lengths, links, blocks, images
/// and description.
@Suite(.enabled(if: PostgresInstallation.isExpected(18))) struct WaldumpTests {
  /// Every kind of record that the engine writes or understands, with what `pg_waldump` calls it.
  private static let kinds: Set<String> = [
    "Heap/INSERT", "Heap/INSERT+INIT", "Heap/DELETE", "Heap/UPDATE", "Heap/UPDATE+INIT", "Heap/HOT_UPDATE",
    "Heap2/MULTI_INSERT", "Heap2/MULTI_INSERT+INIT", "Heap2/PRUNE_ON_ACCESS", "Transaction/COMMIT",
    "Transaction/ABORT", "Storage/CREATE", "Storage/TRUNCATE", "CLOG/ZEROPAGE", "CLOG/TRUNCATE", "XLOG/NEXTOID",
    "XLOG/NOOP", "XLOG/SWITCH", "XLOG/FPI", "XLOG/FPI_FOR_HINT", "XLOG/FPW_CHANGE", "XLOG/PARAMETER_CHANGE",
    "XLOG/END_OF_RECOVERY", "XLOG/CHECKPOINT_REDO", "XLOG/CHECKPOINT_ONLINE", "XLOG/CHECKPOINT_SHUTDOWN",
  ]

  @Test("every kind of record is described as pg_waldump does", arguments: [false, true])
  func descriptions(fullPageWrites: Bool) throws {
    let rig = try EngineRig(
      ["shared_buffers=4MB", "full_page_writes=\(fullPageWrites ? "on" : "off")", "io_method=sync"],
      segmentBlocks: 131_072)
    let database = try rig.open()
    let session = try database.makeSession("test")
    var seen: Set<String> = []
    // A checkpoint lets old segments go, so that each stretch is looked at before the next one.
    var start = database.log.redoPosition
    func compare() throws {
      try database.log.flush(upTo: database.log.reservedPosition, backend: session.backend)
      try seen.formUnion(expectSameDescriptions(rig, database, from: start, to: database.log.reservedPosition))
      start = database.log.insertPosition
    }
    let table = try workload(database, session)
    for _ in 0..<3 {
      try compare()
      try database.checkpoint()
      try compare()
      try setHints(on: table, session)
    }
    try byHand(database, session)
    try compare()
    session.close()
    let commitLog = database.commitLog
    let end = database.log
    try database.close()
    try seen.formUnion(expectSameDescriptions(rig, commitLog, end, from: start, to: end.reservedPosition))
    #expect(Self.kinds.subtracting(seen).isEmpty, "missing: \(Self.kinds.subtracting(seen).sorted())")
  }

  // MARK: What is logged

  private func workload(_ database: Database, _ session: Session) throws -> SampleTable {
    var random = SeededGenerator(seed: 5)
    let table = try SampleTable.create(session)
    let loaded = try session.transaction { session throws(EngineError) in
      let loaded = try session.createRelation(fillFactor: 70)
      for size in [2000, 3] {
        let loader = BulkLoader(loaded, session)
        for id in 0..<size {
          try loader.append(attributeCount: 2, hasNulls: id % 7 == 0) { row in
            row.append(Int32(id))
            if id % 7 == 0 { row.appendNull() } else { row.append(text: [UInt8](repeating: 65, count: id % 200)) }
          }
        }
        try loader.finish()
      }
      return loaded
    }
    for round in 0..<20 {
      try session.begin()
      for id in 0..<40 {
        _ = try table.insert(
          .init(id: Int32(round * 100 + id), value: 0, body: random.bytes(random.below(200))), session)
      }
      try session.advanceCommand()
      for (place, row) in try table.places(session) where random.below(3) == 0 {
        if random.below(5) == 0 {
          _ = try session.delete(place, from: table.relation)
        } else {
          var row = row
          row.body = random.bytes(random.below(random.below(9) == 0 ? 3000 : 200))
          _ = try table.update(place, to: row, session)
        }
      }
      if round % 4 == 3 { try session.rollback() } else { try session.commit() }
    }
    // A table that a transaction made and another drops, and one that was never made.
    let dropped = try SampleTable.create(session)
    try session.transaction { session throws(EngineError) in
      try session.drop(dropped.relation)
      try session.drop(loaded)
    }
    try session.begin()
    let never = try session.createRelation()
    _ = try SampleTable(never).insert(.init(id: 1, value: 1, body: []), session)
    try session.rollback()
    return table
  }

  /// Sets hint bits on pages that have not been logged since the checkpoint, prunes some, and leaves more to do.
  private func setHints(on table: SampleTable, _ session: Session) throws {
    try session.begin()
    _ = try table.rows(session)
    try session.commit()
    try session.begin()
    for (place, row) in try table.places(session).prefix(200) { _ = try table.update(place, to: row, session) }
    try session.commit()
  }

  /// Records that only large clusters, other configurations and recovery come to.
  private func byHand(_ database: Database, _ session: Session) throws {
    let builder = session.builder
    let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)
    let tablespace = RelationLocator(tablespace: 16_400, database: 5, relNumber: 16_500)
    func log(_ manager: ResourceManagerID, _ info: UInt8, _ build: (WALRecordBuilder) -> Void) throws {
      builder.begin(manager, info: info, xid: 7)
      build(builder)
      _ = try session.log()
    }
    try log(.commitLog, CommitLogRecordInfo.zeroPage) { $0.appendData(Int64(12)) }
    try log(.commitLog, CommitLogRecordInfo.truncate) {
      $0.appendData(Int64(3))
      $0.appendData(UInt32(98_304))
      $0.appendData(UInt32(5))
    }
    for forks in [StorageTruncateRecord.Forks.heap, .all] {
      try log(.storage, StorageRecordKind.truncate.rawValue | WALRecordInfo.specialRelationUpdate) {
        StorageTruncateRecord(locator, to: 17, forks: forks).append(to: $0)
      }
    }
    for fork in ForkNumber.allCases {
      try log(.storage, StorageRecordKind.create.rawValue | WALRecordInfo.specialRelationUpdate) {
        StorageCreateRecord(tablespace, fork).append(to: $0)
      }
    }
    var ended = TransactionEndRecord(time: 815_000_000_123_456)
    ended.subtransactions = [TransactionID(9), TransactionID(10)]
    ended.relations = [locator, tablespace]
    for info in [TransactionRecordInfo.commit, TransactionRecordInfo.abort] {
      ended.write(to: builder, info, xid: TransactionID(8))
      _ = try session.log()
    }
    let page = MemoryPage(block: 3)
    let change = HeapChange(builder: builder, locator: locator, xid: TransactionID(8))
    for count in [2, 5] {
      let memory = (0..<count).map { _ in RowMemory() }
      let rows = try memory.map { try $0.row(1, 2, [3]) }
      #expect(change.multiInsert(rows, on: page.page) == count)
      _ = try session.log()
    }
    try log(.xlog, XLOGRecordKind.fullPageImage.rawValue) {
      $0.registerBlock(
        0, locator, .initialization, BlockNumber(3), page: page.page.editor.base, flags: [.forceImage, .standard])
    }
    try log(.xlog, XLOGRecordKind.fullPageWritesChange.rawValue) { $0.appendData(UInt8(1)) }
    try log(.xlog, XLOGRecordKind.noop.rawValue) { _ in }
    try log(.xlog, XLOGRecordKind.nextOID.rawValue) { $0.appendData(UInt32(32_768)) }
    let settings = database.controlFile.current.settings
    try log(.xlog, XLOGRecordKind.parameterChange.rawValue) {
      ParameterChangeRecord(settings: settings).append(to: $0)
    }
    try log(.xlog, XLOGRecordKind.endOfRecovery.rawValue) {
      EndOfRecoveryRecord(time: 1, timeline: 1, previousTimeline: 1, walLevel: .replica).append(to: $0)
    }
    _ = try database.log.switchSegment(builder, backend: session.backend)
  }

  // MARK: What is said of it

  private func expectSameDescriptions(
    _ rig: EngineRig, _ database: Database, from start: LogSequenceNumber, to end: LogSequenceNumber
  ) throws -> Set<String> {
    try expectSameDescriptions(rig, database.commitLog, database.log, from: start, to: end)
  }

  /// - Returns: the kinds of records that there were.
  private func expectSameDescriptions(
    _ rig: EngineRig, _ commitLog: CommitLog, _ log: WriteAheadLog, from start: LogSequenceNumber,
    to end: LogSequenceNumber
  ) throws -> Set<String> {
    try rig.giveToServer()
    let directory = rig.path + "/pg_wal"
    let dump = try Waldump(
      PostgresInstallation.required(18), directory: directory, start: start,
      segments: [start, LogSequenceNumber(end.rawValue - 1)].map {
        WALSegmentName(timeline: 1, holding: $0, segmentSize: log.geometry.segmentSize).description
      }, end: end)
    #expect(dump.errors == "")
    let managers = ResourceManagerTable([
      TransactionResourceManager(commitLog), CommitLogResourceManager(commitLog), HeapResourceManager(.heap),
      HeapResourceManager(.heap2),
    ])
    let engine = try IOEngine(IOConfiguration(method: .sync))
    let backend = try engine.makeBackend("reader")
    let reader = try WALRecordReader(
      backend: backend, fileSystem: LocalFileSystem(), directory: directory, timeline: 1,
      segmentSize: log.geometry.segmentSize, systemIdentifier: nil, start: start)
    defer { reader.close() }
    var seen: Set<String> = []
    for expected in dump.records {
      let record = try #require(try reader.next())
      let manager = try #require(managers[record.resourceManager], "\(expected)")
      let name = manager.identify(record.info) ?? "UNKNOWN"
      let ours = [name, manager.describe(record)].filter { $0 != "" }.joined(separator: " ")
      #expect(ours == expected.description, "at \(expected.lsn)")
      #expect(record.resourceManager.description == expected.resourceManager)
      #expect(record.start.waldump == expected.lsn && record.header.previous.waldump == expected.previous)
      #expect(record.header.xid == expected.xid && Int(record.header.totalLength) == expected.totalLength)
      let blocks = record.blocks.map { block in
        Waldump.Block(
          id: block.id, relation: "\(block.locator.tablespace)/\(block.locator.database)/\(block.locator.relNumber)",
          fork: block.fork.description, block: block.block.rawValue, hasImage: block.image != nil)
      }
      #expect(blocks == expected.blocks)
      seen.insert("\(expected.resourceManager)/\(name)")
    }
    #expect(dump.records.count > 0)
    return seen
  }
}
