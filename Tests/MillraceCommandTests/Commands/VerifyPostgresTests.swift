import Foundation
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

/// Against clusters that real servers made, with PostgreSQL's own pg_checksums as the referee.
@Suite(
  .serialized,
  .enabled(if: !PostgresInstallation.expectedVersions.isEmpty, "neither PostgreSQL 15 nor PostgreSQL 18 is installed"))
struct VerifyPostgresTests {
  @Test(arguments: PostgresInstallation.expectedVersions)
  func `a sound cluster is clean, and as many pages are seen as pg_checksums scans`(version: Int) throws {
    let cluster = try SharedCluster.of(version)
    let report = try ChecksumsReport(cluster)
    let before = try cluster.temporary.fingerprint()
    for way in VerifyRun.Way.all where MethodSelection.obstacle(to: way.method) == nil {
      let run = try VerifyRun(cluster.path, way.arguments)
      #expect(run.damages == [] && run.number("pages") == Int(report.blocksScanned), "\(way.testDescription)")
      #expect(run.number("files") == report.filesScanned && run.number("postgres_version") == version)
    }
    #expect(try cluster.temporary.fingerprint() == before, "nothing was written")
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `damaged pages are those that pg_checksums finds, with the same sums`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    let directory = try cluster.open()
    var random = SeededGenerator(for: "verify and pg_checksums, PostgreSQL \(version)")
    let forks = try directory.relations().forks.filter { $0.path.hasPrefix("base/") && $0.blockCount >= 4 }
    for _ in 0..<40 {
      let fork = forks[random.below(forks.count)]
      try cluster.edit(fork.path) { bytes in
        let page = random.below(bytes.count / 8192) * 8192
        switch random.below(3) {
        case 0:
          // In the body: a header of which too much is wrong may make a page look new to one and not to the other.
          bytes[page + 24 + random.below(8192 - 24)] ^= UInt8(1 << random.below(8))
        case 1:
          for index in page + 2048..<page + 6144 { bytes[index] = 0 }
        default:
          let other = random.below(bytes.count / 8192) * 8192
          for index in 0..<8192 { bytes.swapAt(page + index, other + index) }
        }
      }
    }
    let report = try ChecksumsReport(cluster)
    #expect(report.bad.count > 10)
    for way in VerifyRun.Way.all where MethodSelection.obstacle(to: way.method) == nil {
      let found = try VerifyRun(cluster.path, way.arguments).damages.compactMap { damage in
        damage.expected.map {
          ChecksumsReport.BadBlock(
            path: damage.path, block: UInt32(damage.block ?? -1), expected: UInt16($0),
            found: UInt16(damage.found ?? 0))
        }
      }
      #expect(Set(found) == report.bad, "\(way.testDescription)")
    }
  }

  @Test(arguments: PostgresInstallation.expectedVersions)
  func `beside a server that writes nothing is reported`(version: Int) throws {
    let cluster = try PostgresCluster(copying: try SharedCluster.of(version))
    try cluster.whileRunning {
      try Millrace.run("verify", "-D", cluster.path).expectRefusal("--online")
      for _ in 0..<3 {
        try cluster.query("UPDATE many SET word = word || 'y'", "CHECKPOINT", "UPDATE many SET word = md5(word)")
        let run = try VerifyRun(cluster.path, ["--online"])
        #expect(run.damages == [])
        #expect((run.number("pages") ?? 0) > 3000)
      }
    }
  }

  @Test(.enabled(if: PostgresInstallation.isExpected(18), "PostgreSQL 18 is not installed"))
  func `pg_checksums of PostgreSQL 18 takes a sample cluster for one of its own`() throws {
    let installation = try PostgresInstallation.required(18)
    let sample = try SampleDirectory(blocks: 200, segmentBlocks: 131_072)
    try PostgresCluster.giveToServer(sample.temporary.path)
    let outcome = try installation.run("pg_checksums", ["--check", "-D", sample.path], mayFail: true)
    #expect(outcome.status == 0 && outcome.errors == "")
    #expect(outcome.output.contains("Bad checksums:  0") && outcome.output.contains("Blocks scanned:  200"))
  }
}
