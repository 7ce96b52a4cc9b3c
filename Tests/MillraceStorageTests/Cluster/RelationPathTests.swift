import Testing

@testable import MillraceStorage

@Suite struct RelationPathTests {
  static let versionDirectory = "PG_15_202209061"

  static let examples: [(path: RelationPath, text: String)] = [
    (path(1663, 5, 16384), "base/5/16384"),
    (path(1663, 5, 16384, fork: .freeSpaceMap), "base/5/16384_fsm"),
    (path(1663, 5, 16384, fork: .visibilityMap, segment: 3), "base/5/16384_vm.3"),
    (path(1663, 16384, .max, fork: .initialization), "base/16384/4294967295_init"),
    (path(1663, 5, 16384, segment: 1), "base/5/16384.1"),
    (path(1663, 5, 16384, backend: 3), "base/5/t3_16384"),
    (path(1663, 5, 16384, backend: 0, fork: .freeSpaceMap, segment: 10), "base/5/t0_16384_fsm.10"),
    (path(1664, 0, 1260), "global/1260"),
    (path(1664, 0, 1260, fork: .visibilityMap), "global/1260_vm"),
    (path(16400, 5, 16384, fork: .freeSpaceMap), "pg_tblspc/16400/PG_15_202209061/5/16384_fsm"),
  ]

  static func path(
    _ tablespace: OID, _ database: OID, _ relNumber: OID, backend: UInt32? = nil, fork: ForkNumber = .main,
    segment: UInt32 = 0
  ) -> RelationPath {
    let locator = RelationLocator(tablespace: tablespace, database: database, relNumber: relNumber)
    return RelationPath(locator, backend: backend, fork: fork, segment: segment)
  }

  @Test func `paths are PostgreSQL's, and come back`() {
    for (path, text) in Self.examples {
      #expect(path.formatted(versionDirectory: Self.versionDirectory) == text)
      #expect(RelationPath(parsing: text, versionDirectory: Self.versionDirectory) == path)
    }
  }

  @Test(arguments: [
    "", "/", "base", "base/5", "base/5/", "base//16384", "base/05/16384", "base/x/16384", "base/5/16384/1",
    "/base/5/16384", "global/5/16384", "pg_tblspc/16400/5/16384", "pg_tblspc/16400/PG_16_202307071/5/16384",
    "pg_wal/000000010000000000000001", "base/4294967296/1", "other/5/16384",
  ])
  func `other paths are not relations`(text: String) {
    #expect(RelationPath(parsing: text, versionDirectory: Self.versionDirectory) == nil)
  }

  @Test(arguments: [
    "", "0", "016384", "-1", "+1", " 1", "1 ", "16384.", "16384.0", "16384.01", "16384.x", "16384.1.2", "16384_",
    "16384_main", "16384_FSM", "16384_fsm_vm", "16384_fsm.", "_fsm", ".1", "t_16384", "t3", "t3_", "t03_16384",
    "tt3_16384", "t3_16384_", "4294967296", "99999999999999999999", "16384.4294967296", "pg_filenode.map", "PG_VERSION",
    "१२३", "16384\u{301}",
  ])
  func `other names are not those of relations' files`(name: String) {
    #expect(RelationFileName(name) == nil)
  }

  @Test func `every name made from numbers comes back`() {
    var random = SeededGenerator(for: "relation file names")
    for _ in 0..<500 {
      let name = RelationFileName(
        backend: random.below(3) == 0 ? UInt32(random.below(1000)) : nil,
        relNumber: UInt32(truncatingIfNeeded: random.next()) | 1,
        fork: ForkNumber.allCases[random.below(4)],
        segment: random.below(2) == 0 ? 0 : UInt32(random.below(40_000)))
      #expect(RelationFileName(name.description) == name, "seed \(random.seed)")
    }
  }
}
