import Foundation
import MillraceTestSupport
import Testing

@Suite struct DemoTests {
  @Test func `the demo tells the whole story and leaves nothing but the report`() throws {
    let temporary = try TemporaryDirectory()
    let outcome = try Millrace.run(
      "demo", "--size", "2MiB", "--no-keep", "--directory", temporary.path, "--report",
      temporary.path + "/report.html")
    #expect(outcome.status == 0 && outcome.errors == "")
    for line in [
      "14,848 rows in ", "$ millrace doctor ", "$ millrace bench scan ", "$ millrace verify ", ": no damage",
      " durable commits a second", "it had been told of ",
    ] {
      #expect(outcome.output.contains(line), "\(line) in \(outcome.output)")
    }
    #expect(outcome.output.hasSuffix("the comparison with charts: \(temporary.path)/report.html\n"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == ["report.html"])
  }

  @Test func `the database stays for psql, and every commit that was acknowledged is in it`() throws {
    let temporary = try TemporaryDirectory()
    let document = try Millrace.json(
      Millrace.run(
        "demo", "--size", "1MiB", "--directory", temporary.path, "--json", "--report",
        temporary.path + "/report.html"))
    #expect(Set(document.keys) == ["changes", "doctor", "scan", "verify", "report"])
    let changes = try #require(document["changes"] as? [String: Any])
    let (acknowledged, recovered) = (changes["acknowledged"] as? Int ?? -1, changes["recovered"] as? Int ?? -2)
    #expect(acknowledged > 0 && recovered >= acknowledged && recovered <= acknowledged + 1)
    let names = try FileManager.default.contentsOfDirectory(atPath: temporary.path)
    let database = try #require(names.first { $0.hasPrefix("millrace-demo-") })
    #expect(try VerifyRun(temporary.path + "/" + database).damages == [])
  }

  @Test func `a directory of one's own is only read, and damage in it is reported`() throws {
    let sample = try SampleDirectory(blocks: 64)
    try sample.edit("base/5/16384") { $0[7 * 8192 + 5000] ^= 1 }
    // A scan cannot read a page that is damaged: that is an error of the scan.
    let report = "/dev/shm/millrace-test-\(getpid())-demo.html"
    defer { unlink(report) }
    let before = try sample.temporary.fingerprint()
    let damaged = try Millrace.run("demo", "--pgdata", sample.path, "--report", report)
    #expect(damaged.status == 2 && damaged.errorLines.count == 1 && damaged.errors.contains("base/5/16384"))
    #expect(try sample.temporary.fingerprint() == before)
    #expect(access(report, F_OK) != 0)

    let clean = try SampleDirectory(blocks: 64)
    let unchanged = try clean.temporary.fingerprint()
    let outcome = try Millrace.run("demo", "--pgdata", clean.path, "--report", report)
    #expect(outcome.status == 0 && outcome.output.contains("64 pages in 1 files"))
    #expect(try clean.temporary.fingerprint() == unchanged)
  }

  @Test func `places that cannot be used are refused before anything is made`() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write([1], to: "file")
    try Millrace.run("demo", "--directory", "/nonexistent").expectRefusal("/nonexistent", "No such file")
    try Millrace.run("demo", "--directory", temporary.path + "/file").expectRefusal("not a directory")
    try Millrace.run("demo", "--report", "/nonexistent/x.html").expectRefusal("/nonexistent/x.html", "No such file")
    try Millrace.run("demo", "--report", temporary.path).expectRefusal("not a regular file")
    try Millrace.run("demo", "--pgdata", temporary.path, "--directory", temporary.path).expectRefusal("--pgdata")
    try temporary.createDirectory("closed")
    #expect(chmod(temporary.path + "/closed", 0o500) == 0)
    let report = temporary.path + "/report.html"
    try Millrace.runWithoutPrivilege(["demo", "--directory", temporary.path + "/closed", "--report", report])
      .expectRefusal("closed", "Permission denied")
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).sorted() == ["closed", "file"])
  }
}
