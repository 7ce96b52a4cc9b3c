import Foundation
import MillraceStorage
import Testing

@Suite struct RelationListingTests {
  static func summary(_ listing: RelationListing) -> [String] {
    listing.forks.map { fork in
      "\(fork.path) \(fork.fork) \(fork.segments.map { "\($0.number):\($0.blockCount)" }.joined(separator: " "))"
    }
  }

  @Test func `files are grouped into forks and sorted`() throws {
    let image = try DataDirectoryImage(segmentBlocks: 4)
    let tablespace = "pg_tblspc/16400/PG_18_202506291"
    for (path, blocks) in [
      ("base/5/16384.2", 1), ("base/5/16384", 4), ("base/5/16384.10", 0), ("base/5/16384.1", 4),
      ("base/5/16384_fsm", 3), ("base/5/16384_vm", 1), ("base/5/2619", 2), ("base/5/16390_init", 1),
      ("base/5/16390", 0), ("base/5/t3_16384", 2), ("base/16385/1259", 4), ("global/1260", 1),
      (tablespace + "/5/16401", 2), ("pg_tblspc/16400/PG_17_202406281/5/16402", 9),
    ] {
      try image.write(blocks: blocks, to: path)
    }
    let listing = try image.open().relations()
    #expect(
      Self.summary(listing) == [
        "base/5/2619 main 0:2",
        "base/5/16384 main 0:4 1:4 2:1 10:0",
        "base/5/16384_fsm fsm 0:3",
        "base/5/16384_vm vm 0:1",
        "base/5/t3_16384 main 0:2",
        "base/5/16390 main 0:0",
        "base/5/16390_init init 0:1",
        "base/16385/1259 main 0:4",
        "global/1260 main 0:1",
        "pg_tblspc/16400/PG_18_202506291/5/16401 main 0:2",
      ])
    #expect(listing.storedBlockCount == 25)
    #expect(listing.anomalies.isEmpty && listing.unrecognized.isEmpty)
    #expect(listing.forks.filter { $0.backend != nil }.map(\.backend) == [3])
    #expect(listing.forks.last?.locator == RelationLocator(tablespace: 16400, database: 5, relNumber: 16401))
  }

  @Test func `what is not pages is left out, and what nobody knows is named`() throws {
    let image = try DataDirectoryImage()
    for name in [
      "PG_VERSION", "pg_filenode.map", "pg_internal.init", "pg_internal.init.4711", ".hidden", "pgsql_tmp4711.0",
    ] {
      try image.write(blocks: 1, to: "base/5/\(name)")
    }
    try image.write(blocks: 1, to: "base/pgsql_tmp/pgsql_tmp4711.0")
    try image.write(blocks: 1, to: "global/pg_control.old")
    for name in ["notes.txt", "16384.bak", "16384_xyz", "016384", "16384.0", "16384.4294967295", "16384.40000"] {
      try image.write(blocks: 1, to: "base/5/\(name)")
    }
    try image.createDirectory("base/5/16390")
    try image.createDirectory("base/lost+found")
    try image.write(blocks: 1, to: "base/16391")
    try image.write(blocks: 1, to: "pg_tblspc/16392")
    #expect(mkfifo(image.path + "/base/5/16393", 0o600) == 0)

    let listing = try image.open().relations()
    #expect(listing.forks.isEmpty)
    #expect(
      listing.unrecognized == [
        "base/16391", "base/5/016384", "base/5/16384.0", "base/5/16384.40000", "base/5/16384.4294967295",
        "base/5/16384.bak", "base/5/16384_xyz", "base/5/16390", "base/5/16393", "base/5/notes.txt", "base/lost+found",
        "global/pg_control.old", "pg_tblspc/16392",
      ])
  }

  @Test func `tablespaces are followed through their links, and one that leads nowhere is an anomaly`() throws {
    let image = try DataDirectoryImage()
    let outside = try TemporaryDirectory()
    try outside.writeSparse(length: 8192, to: "PG_18_202506291/5/16401")
    try image.createLink("pg_tblspc/16400", to: outside.path)
    try image.createLink("pg_tblspc/16402", to: outside.path + "/gone")
    try image.createDirectory("pg_tblspc/16403")
    let listing = try image.open().relations()
    #expect(Self.summary(listing) == ["pg_tblspc/16400/PG_18_202506291/5/16401 main 0:1"])
    #expect(
      listing.anomalies
        == [16402, 16403].map {
          .tablespaceMissing(tablespace: $0, path: "pg_tblspc/\($0)/PG_18_202506291")
        })
  }

  @Test func `anomalies of all forks are collected`() throws {
    let image = try DataDirectoryImage(segmentBlocks: 4)
    try image.write(blocks: 2, bytes: 8, to: "base/5/16384")
    try image.write(blocks: 4, to: "base/5/16385_fsm")
    try image.write(blocks: 1, to: "base/5/16385_fsm.2")
    let listing = try image.open().relations()
    #expect(
      listing.anomalies == [
        .partialPage(path: "base/5/16384", block: BlockNumber(2), presentBytes: 8),
        .segmentsMissing(path: "base/5/16385_fsm.1", count: 1, followedBy: 2),
      ])
    #expect(listing.storedBlockCount == 7)
  }

  @Test func `listing changes nothing`() throws {
    let image = try DataDirectoryImage()
    try image.write(blocks: 3, to: "base/5/16384")
    let before = try image.temporary.fingerprint()
    let directory = try image.open()
    _ = try directory.relations()
    _ = try directory.selection(for: "16384")
    _ = try directory.serverStatus()
    #expect(try image.temporary.fingerprint() == before)
  }
}

@Suite struct RelationSelectionTests {
  static func locator(_ database: OID, _ relNumber: OID) -> RelationLocator {
    RelationLocator(tablespace: 1663, database: database, relNumber: relNumber)
  }

  static func image() throws -> DataDirectoryImage {
    let image = try DataDirectoryImage()
    for path in [
      "base/5/16384", "base/5/16384.1", "base/5/16384_vm", "base/5/1259", "base/4/1259", "global/1260",
      "base/5/t3_16399",
    ] {
      try image.write(blocks: 1, to: path)
    }
    return image
  }

  @Test func `a relation is found by number and by every form of path`() throws {
    let image = try Self.image()
    let directory = try image.open()
    let whole = RelationSelection(Self.locator(5, 16384))
    for text in [
      "16384", "base/5/16384", "./base/5/16384", "base/5//16384", "base/5/16384.1", "base/5/16384.7",
      image.path + "/base/5/16384", image.path + "/base/../base/5/16384",
    ] {
      #expect(try directory.selection(for: text) == whole, "\(text)")
    }
    #expect(
      try directory.selection(for: "base/5/16384_vm")
        == RelationSelection(Self.locator(5, 16384), fork: .visibilityMap))
    #expect(
      try directory.selection(for: "base/5/t3_16399") == RelationSelection(Self.locator(5, 16399), backend: 3))
    #expect(
      try directory.selection(for: "1260").locator
        == RelationLocator(tablespace: RelationLocator.globalTablespace, database: 0, relNumber: 1260))
  }

  @Test func `a selection lists its own files only`() throws {
    let image = try Self.image()
    let directory = try image.open()
    let whole = try directory.relations(in: RelationSelection(Self.locator(5, 16384)))
    #expect(whole.forks.map(\.path) == ["base/5/16384", "base/5/16384_vm"])
    #expect(whole.forks.first?.segments.count == 2)
    let fork = try directory.relations(in: RelationSelection(Self.locator(5, 16384), fork: .visibilityMap))
    #expect(fork.forks.map(\.path) == ["base/5/16384_vm"])
    #expect(try directory.relations(in: RelationSelection(Self.locator(77, 16384))).forks.isEmpty)
  }

  @Test func `a data directory can be entered through links`() throws {
    let image = try Self.image()
    let outside = try TemporaryDirectory()
    try outside.writeSparse(length: 8192, to: "place/PG_18_202506291/5/16401")
    try image.createLink("pg_tblspc/16400", to: outside.path + "/place")
    try outside.createLink("data", to: image.path)

    let directory = try image.open()
    let inTablespace = RelationSelection(RelationLocator(tablespace: 16400, database: 5, relNumber: 16401))
    #expect(try directory.selection(for: outside.path + "/place/PG_18_202506291/5/16401") == inTablespace)
    #expect(try directory.selection(for: "pg_tblspc/16400/PG_18_202506291/5/16401") == inTablespace)
    #expect(try directory.selection(for: "16401") == inTablespace)

    let whole = RelationSelection(Self.locator(5, 16384))
    #expect(try directory.selection(for: outside.path + "/data/base/5/16384") == whole)
    #expect(try DataDirectory(path: outside.path + "/data").selection(for: image.path + "/base/5/16384") == whole)
  }

  @Test func `what means no relation, or several, is an error that says so`() throws {
    let image = try Self.image()
    let directory = try image.open()
    func error(_ text: String) -> ClusterError? {
      do throws(ClusterError) {
        _ = try directory.selection(for: text)
        return nil
      } catch {
        return error
      }
    }
    #expect(error("1259") == .ambiguousRelation(fileNumber: 1259, candidates: ["base/4/1259", "base/5/1259"]))
    for text in ["99999", "base/5/99999", "base/77/16384", "base/4/16384_vm", image.path + "/base/5/99999"] {
      #expect(error(text) == .relationMissing(text, dataDirectory: image.path), "\(text)")
    }
    for text in ["", "0", "01", "99999999999", "pg_class", "5/16384", "base/5", "base/5/16384_xyz", "../x"] {
      #expect(error(text) == .notARelation(text), "\(text)")
    }
    for text in ["/", "/nowhere/at/all", "/etc/passwd"] {
      #expect(error(text) == .outsideDataDirectory(path: text, dataDirectory: image.path), "\(text)")
    }
  }
}
