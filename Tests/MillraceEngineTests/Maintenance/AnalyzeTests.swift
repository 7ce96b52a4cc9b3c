import Foundation
@testable import MillraceEngine
import MillraceStorage
import MillraceTestSupport
import MillraceTypes
import MillraceWAL
import Testing

/// A table with a column of each kind of type.
struct AnalyzedTable {
  static let types: [(name: String, type: TypeID)] = [
    ("id", .int4), ("few", .int4), ("skewed", .int8), ("word", .text), ("price", .numeric), ("ratio", .float8),
    ("time", .timestampTZ), ("flag", .bool), ("key", .uuid), ("code", .varchar), ("label", .name), ("owner", .oid),
    ("day", .date), ("rare", .text), ("wide", .text), ("empty", .int4), ("list", .int4Array), ("point", .xid),
  ]

  let oid: UInt32

  init(_ rig: CatalogRig, rows: Int, seed: UInt64) throws {
    oid = try rig.transaction { catalog throws(EngineError) in
      try catalog.createTable(
        TableDefinition(
          "t", namespace: SystemOID.publicNamespace, columns: Self.types.map { ColumnDefinition($0.name, $0.type) }))
    }
    var random = SeededGenerator(seed: seed)
    try rig.session.transaction { [oid] session throws(EngineError) in
      let relation = try session.catalog.requiredRelation(oid)
      guard let heap = relation.heap else { return }
      let slot = TupleSlot(count: Self.types.count)
      let arena = Arena()
      let writer = RowWriter(relation, session)
      for id in 0..<rows {
        arena.reset()
        for (column, type) in Self.types.enumerated() {
          let text = Self.value(type.name, id, &random)
          do {
            slot[column] = try text.map { try (TypeDescriptor.builtIn[type.type] ?? .text).value(of: $0, in: arena) }
          } catch {
            throw EngineError(.corrupted, "\(error)")
          }
        }
        try session.insert(try writer.form(slot), into: heap)
      }
    }
  }

  private static func value(_ name: String, _ id: Int, _ random: inout SeededGenerator) -> String? {
    switch name {
    case "id": return "\(id)"
    case "few": return random.below(10) == 0 ? nil : "\(random.below(12))"
    case "skewed": return "\(random.below(1 + random.below(400)))"
    case "word": return ["red", "green", "blue", "", "Grün"][random.below(5)] + "\(random.below(40))"
    case "price": return "\(random.below(5000)).\(random.below(10))"
    case "ratio": return "\(Double(random.below(1_000_000)) / 7)"
    case "time": return "2026-01-\(10 + random.below(20)) 12:00:\(10 + random.below(50))+00"
    case "flag": return random.below(3) == 0 ? "t" : "f"
    case "key": return String(format: "%08x-0000-4000-8000-%012x", random.below(300), random.below(3))
    case "code": return "c\(id / 3)"
    case "label": return "l\(random.below(90))"
    case "owner": return "\(random.below(200) + 4_000_000_000)"
    case "day": return "2025-0\(1 + random.below(9))-1\(random.below(10))"
    case "rare": return random.below(50) == 0 ? "\(random.below(3))" : nil
    case "wide": return random.below(4) == 0 ? String(repeating: "w\(id)", count: 700) : "n\(random.below(900))"
    case "list": return "{\(random.below(4)),\(random.below(2))}"
    case "point": return "\(3 + random.below(70))"
    default: return nil
    }
  }
}

@Suite struct AnalyzeTests {
  @Test("a large table's sample gives good estimates, and sessions see them when they are there")
  func estimates() throws {
    let rig = try CatalogRig(["shared_buffers=16MB"])
    let table = try AnalyzedTable(rig, rows: 4000, seed: 3)
    let other = try rig.connect()
    try other.begin()
    #expect(try other.catalog.columnStatistics(of: table.oid).isEmpty)
    #expect(try other.catalog.requiredRelation(table.oid).statistics.tuples == -1)
    try other.commit()
    var options = AnalyzeOptions()
    options.target = 5
    try rig.session.transaction { session throws(EngineError) in
      let result = try session.analyze(table.oid, options)
      #expect(result?.sampledRows == 1500)
      #expect(abs((result?.liveRows ?? 0) - 4000) < 200)
    }
    try other.begin()
    let columns = try other.catalog.columnStatistics(of: table.oid)
    let tuples = try other.catalog.requiredRelation(table.oid).statistics.tuples
    #expect(abs(tuples - 4000) < 200)
    #expect(columns.count == AnalyzedTable.types.count)
    #expect(columns[0]?.distinctCount == -1 && columns[0]?.histogramBounds.count == 6)
    #expect((columns[0]?.correlation ?? 0) > 0.99)
    // Zero is far more common than any other.
    #expect(columns[2]?.commonValues.first?.int64 == 0 && (columns[2]?.commonValues.count ?? 9) <= 5)
    #expect(abs((columns[2]?.commonFrequencies.first ?? 0) - 0.016) < 0.012)
    #expect(abs((columns[1]?.nullFraction ?? 0) - 0.1) < 0.05)
    #expect(columns[15]?.nullFraction == 1 && columns[15]?.distinctValues(rows: 10) == nil)
    #expect(columns[0]?.distinctValues(rows: 1000) == 1000)
    try other.commit()
    // A column's statistics go with it, a table's with the table.
    try rig.transaction { catalog throws(EngineError) in
      _ = try catalog.dropColumn("few", of: table.oid, .restrict)
      #expect(try catalog.columnStatistics(of: table.oid)[1] == nil)
      try catalog.drop([.relation(table.oid)], .restrict)
      #expect(try catalog.rows(CatalogColumns.Statistic.self).isEmpty)
    }
    other.close()
    try rig.close()
  }

  @Test("the number of pages and rows stays though the transaction is rolled back, the statistics do not")
  func rollback() throws {
    let rig = try CatalogRig()
    let table = try AnalyzedTable(rig, rows: 100, seed: 4)
    try rig.session.begin()
    _ = try rig.session.analyze(table.oid)
    #expect(try rig.catalog.columnStatistics(of: table.oid).count == AnalyzedTable.types.count)
    try rig.session.rollback()
    try rig.transaction { catalog throws(EngineError) in
      #expect(try catalog.columnStatistics(of: table.oid).isEmpty)
      #expect(try catalog.requiredRelation(table.oid).statistics.tuples == 100)
    }
    try rig.database.log.flush(upTo: rig.database.log.reservedPosition, backend: rig.session.backend)
    rig.database.crash()
    let database = try rig.rig.open()
    let session = try database.makeSession("after")
    try session.connect(to: "postgres")
    try session.begin()
    #expect(try session.catalog.requiredRelation(table.oid).statistics.tuples == 100)
    try session.commit()
    session.close()
    try database.close()
  }
}

/// PostgreSQL's own ANALYZE, of the same rows.
@Suite(.enabled(if: PostgresInstallation.isExpected(18))) struct AnalyzePostgresTests {
  @Test(
    "of a table that is sampled as a whole it finds what we find, in every column",
    arguments: 1...3 as ClosedRange<UInt64>)
  func sameStatistics(seed: UInt64) throws {
    let rig = try CatalogRig(["shared_buffers=16MB"])
    let table = try AnalyzedTable(rig, rows: 1000 * Int(seed), seed: seed)
    try rig.session.transaction { session throws(EngineError) in _ = try session.analyze(table.oid) }
    try rig.close()
    let server = try DirectoryServer(rig)
    try server.whileRunning {
      let sizes = "SELECT relpages, reltuples FROM pg_class WHERE relname = 't'"
      // Of arrays PostgreSQL counts the elements as well, in the last two slots.
      let columns = """
        SELECT CASE WHEN staattnum = 17 THEN ROW(staattnum, stanullfrac, stawidth, stadistinct, stakind1, stakind2,
          staop1, staop2, stanumbers1, stanumbers2, stavalues1, stavalues2)::text ELSE s::text END
        FROM pg_statistic s WHERE starelid = 't'::regclass ORDER BY staattnum
        """
      let ours = try [sizes, columns].map { try server.query($0) }
      #expect(ours[1].count == AnalyzedTable.types.count)
      _ = try server.query("ANALYZE t")
      let theirs = try [sizes, columns].map { try server.query($0) }
      for (ours, theirs) in zip(ours, theirs) {
        #expect(ours.count == theirs.count)
        for (one, other) in zip(ours, theirs) { #expect(one == other) }
      }
    }
  }
}
