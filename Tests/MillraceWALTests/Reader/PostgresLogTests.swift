import Foundation
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

/// The log that a real PostgreSQL 18 wrote, read by us and by its own `pg_waldump`.
@Suite("PostgreSQL's log", .enabled(if: PostgresInstallation.isExpected(18)))
struct PostgresLogTests {
  /// Something of every resource manager that a server without extensions uses.
  static let workload = [
    """
    CREATE TABLE many (id int PRIMARY KEY, word text, place point, tags int[], span int4range);
    INSERT INTO many SELECT i, md5(i::text), point(i, i % 100), ARRAY[i % 7, i % 11], int4range(i, i + 10)
      FROM generate_series(1, 3000) i;
    CREATE INDEX many_hash ON many USING hash (word);
    CREATE INDEX many_gist ON many USING gist (place);
    CREATE INDEX many_gin ON many USING gin (tags);
    CREATE INDEX many_brin ON many USING brin (id);
    CREATE INDEX many_spgist ON many USING spgist (span);
    """,
    "CHECKPOINT",
    """
    UPDATE many SET word = word || 'x' WHERE id % 10 = 0;
    UPDATE many SET id = id + 10000 WHERE id % 13 = 0;
    DELETE FROM many WHERE id % 9 = 0;
    SELECT count(*) FROM (SELECT * FROM many FOR UPDATE) x;
    """,
    "VACUUM many", "SELECT pg_switch_wal()", "SET wal_compression = pglz; UPDATE many SET word = 'y' || word",
    "CHECKPOINT", "SET wal_compression = pglz; UPDATE many SET word = 'z' || word WHERE id % 3 = 0", "VACUUM FULL many",
    """
    CREATE TABLE wide (id int, body text);
    ALTER TABLE wide ALTER body SET STORAGE EXTERNAL;
    INSERT INTO wide SELECT i, repeat(md5(i::text), 1000) FROM generate_series(1, 30) i;
    CREATE SEQUENCE counter;
    SELECT nextval('counter');
    """,
    "BEGIN; INSERT INTO wide VALUES (1, 'a'); SAVEPOINT s; DELETE FROM wide; ROLLBACK TO s; COMMIT",
    "BEGIN; DELETE FROM wide; ROLLBACK", "TRUNCATE wide", "DROP TABLE wide",
    "SELECT pg_logical_emit_message(false, 'prefix', repeat('message', 5000))",
    "SELECT pg_create_restore_point('here')", "CREATE DATABASE other STRATEGY file_copy", "DROP DATABASE other",
    "CREATE TABLESPACE within LOCATION ''",
    "DELETE FROM many WHERE id > 100", "VACUUM many",
    "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()", "CHECKPOINT",
    "ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()", "CHECKPOINT", "VACUUM FREEZE",
    "SELECT pg_log_standby_snapshot()",
  ]

  /// A cluster with a workload behind it, and where its log begins.
  private func cluster(segmentSize: UInt64) throws -> (PostgresCluster, start: LogSequenceNumber) {
    let cluster = try PostgresCluster(
      PostgresInstallation.required(18), options: ["--wal-segsize=\(segmentSize >> 20)"],
      settings: [
        "wal_keep_size = 1GB", "max_wal_size = 1GB", "wal_level = logical", "track_commit_timestamp = on",
        "wal_log_hints = on",
      ])
    let start = try cluster.open().controlFile.checkpoint.redo
    try cluster.whileRunning { for statement in Self.workload { try cluster.query(statement) } }
    return (cluster, start)
  }

  @Test("every record is what pg_waldump says, every image the page that it saves", arguments: [1, 16] as [UInt64])
  func golden(megabytes: UInt64) throws {
    let segmentSize = megabytes << 20
    let (cluster, start) = try cluster(segmentSize: segmentSize)
    let saved = try cluster.makeDirectory("images")
    try FileManager.default.removeItem(atPath: saved)
    let dump = try Waldump(
      cluster.installation, directory: cluster.path + "/pg_wal", start: start, savingImagesTo: saved)
    #expect(dump.records.count > 5000)

    for method in [IOMethodKind.sync, .worker] {
      let bench = try LogBench(method, directory: cluster.path + "/pg_wal")
      let identifier = try cluster.open().controlFile.systemIdentifier
      let reader = try bench.reader(start, segmentSize: segmentSize, systemIdentifier: identifier)
      var imageCount = 0
      var managers: Set<ResourceManagerID> = []
      var position = 0
      var kinds: Set<String> = []
      let table = ResourceManagerTable()
      while let record = try reader.next() {
        guard position < dump.records.count else { break }
        let expected = dump.records[position]
        position += 1
        managers.insert(record.resourceManager)
        let found = try ReadRecord(record)
        if !found.matches(expected) { Issue.record("\(found.start) is not \(expected)") }
        if let manager = table[record.resourceManager] {
          kinds.insert(expected.description.split(separator: " ").first.map(String.init) ?? "")
          let text = [manager.identify(record.info) ?? "UNKNOWN", manager.describe(record)].filter { $0 != "" }
          if text.joined(separator: " ") != expected.description {
            Issue.record("\(text.joined(separator: " ")) is not \(expected.description)")
          }
        }
        for block in found.blocks {
          guard let page = block.page else { continue }
          imageCount += 1
          let name = block.imageName(timeline: 1, found.start)
          let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: saved + "/" + name)))
          if page != expected { Issue.record("image \(name) is not what pg_waldump makes of it") }
        }
      }
      #expect(position == dump.records.count)
      #expect(try reader.next() == nil)
      let end = try #require(reader.end)
      #expect(dump.errors.contains(end.problem.description), "\(dump.errors)")
      #expect(imageCount > 300)
      #expect(
        managers.isSuperset(of: [
          .xlog, .transaction, .storage, .database, .tablespace, .standby, .heap2, .heap, .btree, .hash, .gin, .gist,
          .sequence, .spGist, .brin, .logicalMessage,
        ]))
      #expect(
        kinds == [
          "CHECKPOINT_SHUTDOWN", "CHECKPOINT_ONLINE", "CHECKPOINT_REDO", "NEXTOID", "SWITCH", "PARAMETER_CHANGE",
          "RESTORE_POINT", "FPI", "FPI_FOR_HINT", "FPW_CHANGE", "CREATE", "TRUNCATE",
        ])
      reader.close()
    }
  }
}

extension ReadRecord {
  func matches(_ record: Waldump.Record) -> Bool {
    header.resourceManager.description == record.resourceManager && Int(header.totalLength) == record.totalLength
      && Int(header.totalLength) - imageBytes == record.length && header.xid == record.xid
      && start.waldump == record.lsn && header.previous.waldump == record.previous
      && blocks.map(\.waldump) == record.blocks
  }
}

extension ReadRecord.Block {
  var waldump: Waldump.Block {
    Waldump.Block(
      id: id, relation: "\(locator.tablespace)/\(locator.database)/\(locator.relNumber)", fork: fork.description,
      block: block, hasImage: hasImage)
  }

  /// The name under which `pg_waldump --save-fullpage` saves it.
  func imageName(timeline: UInt32, _ lsn: LogSequenceNumber) -> String {
    func digits(_ value: UInt64) -> String {
      let digits = String(value, radix: 16, uppercase: true)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }
    return "\(digits(UInt64(timeline)))-\(digits(lsn.rawValue >> 32))-\(digits(lsn.rawValue & 0xFFFF_FFFF))."
      + "\(locator.tablespace).\(locator.database).\(locator.relNumber).\(block)_\(fork)"
  }
}
