import Foundation
import MillraceStorage
import Testing

/// Against clusters that real servers made. PostgreSQL's own programs say what is right.
@Suite(
  .serialized,
  .enabled(if: !PostgresInstallation.expectedVersions.isEmpty, "neither PostgreSQL 15 nor PostgreSQL 18 is installed"))
struct PostgresClusterTests {
  @Test(.enabled(if: PostgresInstallation.isExpected(15), "PostgreSQL 15 is not installed"))
  func `PostgreSQL 15 takes part`() throws {
    _ = try SharedCluster.of(15)
  }

  @Test(.enabled(if: PostgresInstallation.isExpected(18), "PostgreSQL 18 is not installed"))
  func `PostgreSQL 18 takes part`() throws {
    _ = try SharedCluster.of(18)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `the control file says what pg_controldata says`(version: Int) throws {
    let cluster = try SharedCluster.of(version)
    let directory = try cluster.open()
    #expect(directory.majorVersion == version)
    let output = try cluster.installation.run("pg_controldata", [cluster.path]).output
    let printed = Dictionary(
      uniqueKeysWithValues: output.split(separator: "\n").compactMap { line -> (String, String)? in
        guard let colon = line.firstIndex(of: ":") else { return nil }
        return (String(line[..<colon]), line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
      })
    let expected = ControlFileReport.lines(of: directory.controlFile)
    for (label, value) in expected {
      #expect(printed[label] == value, "\(label)")
    }
    #expect(Set(printed.keys).subtracting(expected.keys) == [], "every line that is printed was compared")
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `every page is sound, and as many are seen as pg_checksums scans`(version: Int) throws {
    let cluster = try SharedCluster.of(version)
    let directory = try cluster.open()
    let listing = try directory.relations()
    let scan = try ClusterScan(directory, listing)
    let report = try ChecksumsReport(cluster)
    #expect(scan.blockCount == report.blocksScanned && scan.fileCount == report.filesScanned)
    #expect(listing.storedBlockCount == scan.blockCount)
    #expect(scan.blockCount > 3000)
    #expect(scan.bad.isEmpty && report.bad.isEmpty)
    #expect(scan.otherLayout.isEmpty)
    #expect(listing.anomalies.isEmpty && listing.unrecognized.isEmpty)
    #expect(try directory.serverStatus() == .notRunning)
    #expect(directory.controlFile.state == .shutDown && directory.controlFile.checksumsEnabled)
    // Both tablespaces, and a database whose default one of them is.
    #expect(Set(listing.forks.map(\.locator.tablespace)).count == 4)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `the listed relations are those that the server knows, under the server's paths`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    let paths = try cluster.whileRunning {
      try cluster.query("SELECT pg_relation_filepath(oid) FROM pg_class WHERE pg_relation_filepath(oid) IS NOT NULL")
    }
    let directory = try cluster.open()
    let database = try #require(paths.first { $0.hasPrefix("base/") }?.split(separator: "/")[1])
    let listing = try directory.relations()
    let listed = listing.forks.filter { fork in
      let owner = fork.locator.database
      return fork.fork == .main && (owner == 0 || String(owner) == database)
    }
    #expect(Set(listed.map(\.path)) == Set(paths))
    for path in paths {
      let selection = try directory.selection(for: path)
      #expect(RelationPath(selection.locator).formatted(versionDirectory: directory.versionDirectory) == path)
    }
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `flipped bits are found where pg_checksums finds them, with the same sums`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    let directory = try cluster.open()
    var random = SeededGenerator(for: "flipped bits in PostgreSQL \(version)")
    let forks = try directory.relations().forks.filter { $0.blockCount > 0 && !$0.path.hasPrefix("pg_tblspc") }
    var damaged: Set<String> = []
    for _ in 0..<60 {
      let fork = forks[random.below(forks.count)]
      let block = random.below(Int(fork.blockCount))
      try cluster.edit(fork.path) { bytes in
        // A page that was never filled has no checksum; it stays as it is.
        guard PageView.isInitialized(bytes, block: block) else { return }
        // Anywhere but in pd_upper, where a change may make the page look uninitialized to pg_checksums.
        var byte = random.below(8192)
        while byte == 14 || byte == 15 { byte = random.below(8192) }
        bytes[block * 8192 + byte] ^= 1 << random.below(8)
        damaged.insert("\(fork.path):\(block)")
      }
    }
    let scan = try ClusterScan(directory, directory.relations())
    let report = try ChecksumsReport(cluster)
    #expect(report.bad.count > 40)
    let found = Set(scan.bad.map { "\($0.path):\($0.block)" })
    // Sixteen bits of checksum miss a flip now and then, and a second flip may undo the first.
    #expect(found.isSubset(of: damaged) && found.count >= damaged.count - 2, "seed \(random.seed)")
    #expect(
      Set(
        scan.bad.map {
          ChecksumsReport.BadBlock(path: $0.path, block: $0.block, expected: $0.expected, found: $0.found)
        })
        == report.bad, "seed \(random.seed)")
    #expect(scan.blockCount == report.blocksScanned)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `each sort of damage is called what it is`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    var directory = try cluster.open()
    let many = try #require(try largestHeap(of: directory))
    let last = Int(many.blockCount) - 1
    try cluster.edit(many.path) { bytes in
      for byte in 2 * 8192 + 2048..<2 * 8192 + 6144 { bytes[byte] = 0 }
      for byte in 3 * 8192 + 4096..<4 * 8192 { bytes[byte] = 0 }
      for byte in 4 * 8192..<4 * 8192 + 4096 { bytes[byte] = 0 }
      for byte in 0..<8192 { bytes.swapAt(5 * 8192 + byte, 100 * 8192 + byte) }
      bytes[6 * 8192 + 11] |= 0x40
      bytes.removeLast(1000)
    }
    directory = try cluster.open()
    let listing = try directory.relations()
    #expect(
      listing.anomalies == [
        .partialPage(path: many.path, block: BlockNumber(UInt32(last)), presentBytes: 7192)
      ])
    let scan = try ClusterScan(directory, listing)
    func problems(_ block: Int) -> [PageProblem] {
      // The sums are compared with pg_checksums' in another test.
      (scan.diagnoses["\(many.path):\(block)"]?.problems ?? []).filter {
        if case .checksum = $0 { return false } else { return true }
      }
    }
    #expect(problems(2) == [.zeroed(2048..<6144)])
    #expect(problems(3) == [.zeroedTail(from: 4096)])
    #expect(problems(4).contains(.zeroed(0..<4096)))
    #expect(problems(5) == [.misplaced(belongsTo: BlockNumber(100), confirmed: true)])
    #expect(problems(100) == [.misplaced(belongsTo: BlockNumber(5), confirmed: true)])
    guard case .header(.unknownFlags)? = problems(6).first else {
      Issue.record("the damaged flags were not named")
      return
    }
    #expect(Set(scan.bad.map(\.block)) == [2, 3, 4, 5, 6, 100] && Set(scan.bad.map(\.path)) == [many.path])
  }

  /// The table `many`, by its size.
  private func largestHeap(of directory: DataDirectory) throws -> RelationFork? {
    try directory.relations().forks.filter { $0.fork == .main && $0.path.hasPrefix("base/5/") }
      .max { $0.blockCount < $1.blockCount }
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `the files of temporary relations are scanned as pg_checksums scans them`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    try cluster.write(try cluster.read("base/5/1259"), to: "base/5/t3_99999")
    let directory = try cluster.open()
    let scan = try ClusterScan(directory, directory.relations())
    let report = try ChecksumsReport(cluster)
    #expect(scan.blockCount == report.blocksScanned && scan.fileCount == report.filesScanned)
    #expect(scan.bad.isEmpty && report.bad.isEmpty)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `block numbers count across segments as they do for pg_checksums`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    // One segment of holes, as long as they get, and a page behind it that is right at block 131,072 only.
    try cluster.write([], to: "base/5/99999")
    #expect(truncate(cluster.path + "/base/5/99999", 131_072 * 8192) == 0)
    try cluster.write(PageVerifierTests.page(block: 131_072), to: "base/5/99999.1")

    let directory = try cluster.open()
    let listing = try directory.relations()
    let report = try ChecksumsReport(cluster)
    #expect(report.bad.isEmpty)
    #expect(listing.storedBlockCount == report.blocksScanned)
    let fork = try #require(listing.forks.first { $0.locator.relNumber == 99999 })
    #expect(fork.blockCount == 131_073 && fork.anomalies.isEmpty)
    #expect(fork.firstBlock(ofSegment: 1) == BlockNumber(131_072))
    let pages = try directory.relations(in: RelationSelection(fork.locator))
    let scan = try ClusterScan(directory, pages)
    #expect(scan.bad.isEmpty && scan.blockCount == 131_073 && scan.newCount == 131_072)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `the server reads sample pages as its own rows`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    let blocks = 40
    let path = try cluster.whileRunning {
      try cluster.query(
        "CREATE TABLE sample (id int4, value int4, body text)", "SELECT pg_relation_filepath('sample')")
    }.last
    try cluster.edit(try #require(path)) { bytes in
      bytes = [UInt8](repeating: 0, count: blocks * 8192)
      bytes.withUnsafeMutableBytes { bytes in
        for block in 0..<blocks {
          let page = UnsafeMutableRawBufferPointer(rebasing: bytes[block * 8192..<(block + 1) * 8192])
          SampleRelation(seed: 7).fill(page, block: BlockNumber(UInt32(block)))
        }
      }
    }
    #expect(try ChecksumsReport(cluster).bad.isEmpty)
    let rows = try cluster.whileRunning {
      let rows = try cluster.query("SELECT ctid, id, value, body FROM sample ORDER BY id")
      // Writing to the pages must work, too.
      try cluster.query("UPDATE sample SET value = 0 WHERE id < 10", "VACUUM sample")
      return rows
    }
    let expected = (0..<Int32(blocks * SampleRelation.rowsPerPage)).map { id in
      let row = SampleRelation(seed: 7).row(id)
      let place = "(\(Int(id) / SampleRelation.rowsPerPage),\(Int(id) % SampleRelation.rowsPerPage + 1))"
      return "\(place)|\(row.id)|\(row.value)|\(row.body)"
    }
    #expect(rows == expected)
    #expect(try ChecksumsReport(cluster).bad.isEmpty)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `a running server is seen, and its files can be listed`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    let directory = try cluster.open()
    try cluster.whileRunning {
      let postmaster = try String(contentsOfFile: cluster.path + "/postmaster.pid", encoding: .utf8)
      let pid = try #require(postmaster.split(separator: "\n").first.flatMap { Int32($0) })
      #expect(try directory.serverStatus() == .running(processID: pid))
      #expect(try cluster.open().controlFile.state == .inProduction)
      // Everything can be listed and looked at while the server runs.
      let listing = try directory.relations()
      #expect(listing.forks.count > 500 && listing.anomalies.isEmpty)
    }
    #expect(try directory.serverStatus() == .notRunning)
    #expect(try cluster.open().controlFile.state == .shutDown)
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `a cluster without checksums says so, and its headers are sound`(version: Int) throws {
    let cluster = try PostgresCluster(PostgresInstallation.required(version), checksums: false)
    let directory = try cluster.open()
    #expect(!directory.controlFile.checksumsEnabled)
    let scan = try ClusterScan(directory, directory.relations())
    #expect(scan.blockCount > 2000 && scan.bad.isEmpty && scan.otherLayout.isEmpty)
    // What is left of a damaged page's header is all there is to see, and it is seen.
    try cluster.edit("base/1/1259") { $0[8192 + 16] = 3 }
    let damaged = try ClusterScan(directory, directory.relations())
    #expect(damaged.bad.map(\.path) == ["base/1/1259"] && damaged.bad.map(\.block) == [1])
  }
}
