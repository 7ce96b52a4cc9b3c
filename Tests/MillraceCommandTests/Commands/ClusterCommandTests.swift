import Foundation
import MillraceStorage
import MillraceTestSupport
import Testing

/// init, recover and the benches that write, as a user runs them.
@Suite struct ClusterCommandTests {
  private static func cluster(_ settings: String...) throws -> (TemporaryDirectory, String) {
    let temporary = try TemporaryDirectory()
    let path = temporary.path + "/data"
    let words = (["shared_buffers=4MB", "huge_pages=off"] + settings).flatMap { ["-c", $0] }
    let outcome = try Millrace.run(["init", "-D", path, "--wal-segsize", "1MB"] + words)
    #expect(outcome.status == 0 && outcome.output == "made a cluster in \(path)\n", "\(outcome.errors)")
    return (temporary, path)
  }

  private static let small = ["-c", "shared_buffers=8MB"]

  @Test("init refuses what it cannot make, and leaves it as it is")
  func initRefusals() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write([1], to: "full/file")
    let before = try temporary.fingerprint()
    let path = temporary.path
    try Millrace.run("init", "-D", path + "/full").expectRefusal("exists but is not empty", path + "/full")
    try Millrace.run("init", "-D", path + "/new", "-c", "no_such=1").expectRefusal("no_such")
    try Millrace.run("init", "-D", path + "/new", "--wal-segsize", "3MB").expectRefusal("power of two")
    try Millrace.run("init", "-D", path + "/new", "-c", "shared_buffers=1kB").expectRefusal("shared_buffers")
    #expect(try temporary.fingerprint() == before)
  }

  @Test("what is killed is recovered, once", arguments: [[], ["--io-direct", "data,wal,wal_init"]])
  func recover(words: [String]) throws {
    let (temporary, path) = try Self.cluster()
    defer { _ = temporary }
    let crashed = try Millrace.json(
      try Millrace.run(["bench", "wal", "-D", path, "--stop-after-wal", "3MiB", "--json"] + words))
    #expect(try #require(crashed["row_inserts"] as? Int) > 1000)
    #expect(try #require(crashed["row_updates"] as? Int) > 1000)
    let first = try Millrace.json(try Millrace.run(["recover", "-D", path, "--json"] + words))
    #expect(first["was_needed"] as? Bool == true)
    #expect(try #require(first["wal_bytes"] as? Int) > 3 << 20)
    #expect(try #require(first["records"] as? Int) > 2000)
    let second = try Millrace.run("recover", "-D", path)
    #expect(second.output == "\(path) was closed in order; there was nothing to recover\n")
    try Self.check(path, temporary)
  }

  @Test("check finds nothing in a new cluster, and an index that lacks a page")
  func checkCommand() throws {
    let (temporary, path) = try Self.cluster()
    defer { _ = temporary }
    let clean = try Millrace.run(["check", "-D", path] + Self.small)
    #expect(clean.status == 0 && clean.output.contains("in 3 databases"), "\(clean.errors)")
    #expect(clean.output.hasSuffix(": all agrees\n"))
    // That of functions by their names, which nobody needs to open a cluster.
    let index = URL(fileURLWithPath: path + "/base/5/2691")
    var bytes = try Data(contentsOf: index)
    bytes.replaceSubrange(8192..<16_384, with: Data(count: 8192))
    try bytes.write(to: index)
    let damaged = try Millrace.run(["check", "-D", path, "--json"] + Self.small)
    #expect(damaged.status == 1)
    let document = try #require(JSONSerialization.jsonObject(with: Data(damaged.output.utf8)) as? [String: Any])
    let problems = try #require(document["problems"] as? [[String: Any]])
    #expect(!problems.isEmpty)
    #expect(problems.allSatisfy { $0["relation"] as? String == "pg_catalog.pg_proc_proname_args_nsp_index" })
    #expect(problems.allSatisfy { $0["database"] as? String == "postgres" && $0["path"] as? String == "base/5/2691" })
    try Millrace.run("check", "-D", path + "/nowhere").expectRefusal("nowhere")
  }

  @Test("benches measure, and leave a cluster that PostgreSQL's programs accept")
  func benches() throws {
    let (temporary, path) = try Self.cluster()
    let wal = try Millrace.json(
      try Millrace.run(
        ["bench", "wal", "-D", path, "--clients", "1,3", "--runtime", "100ms", "--json"] + Self.small))
    let results = try #require(wal["results"] as? [[String: Any]])
    #expect(results.map { $0["clients"] as? Int } == [1, 3])
    for result in results {
      #expect(try #require(result["commits"] as? Int) > 0)
      #expect(try #require(result["flushes_per_commit"] as? Double) <= 1)
    }
    let load = try Millrace.json(
      try Millrace.run(["bench", "load", "-D", path, "--rows", "5000", "--json"] + Self.small))
    #expect(load["rows"] as? Int == 5000)
    #expect(try #require(load["pages"] as? Int) > 5000 * 108 / 8192)
    let checkpoint = try Millrace.json(
      try Millrace.run(
        ["bench", "checkpoint", "-D", path, "--dirty", "2MiB", "--json", "-c", "shared_buffers=16MB"]))
    #expect(try #require(checkpoint["dirty_pages"] as? Int) >= 256)
    #expect(try #require(checkpoint["average_write_blocks"] as? Double) > 8)
    try Self.check(path, temporary)
  }

  @Test("wal_sync_method=auto measures the volume once, and says what it took and why")
  func syncMethod() throws {
    let (temporary, path) = try Self.cluster()
    defer { _ = temporary }
    for when in ["measured now", "measured earlier on this volume"] {
      let outcome = try Millrace.run(
        ["bench", "wal", "-D", path, "--clients", "1", "--runtime", "50ms", "--wal-sync-method", "auto", "--json"]
          + Self.small)
      let report = try Millrace.json(outcome, mayHaveNotes: true)
      let method = try #require(report["wal_sync_method"] as? String)
      #expect(["fdatasync", "open_datasync"].contains(method))
      let reason = try #require(report["wal_sync_method_reason"] as? String)
      #expect(reason.contains("µs") && reason.hasSuffix(when))
      #expect(outcome.errors.contains("wal_sync_method=auto uses \(method): \(reason)"))
    }
    // As a setting of the cluster as well.
    let (other, place) = try Self.cluster("wal_sync_method=auto")
    defer { _ = other }
    let load = try Millrace.run(["bench", "load", "-D", place, "--rows", "10", "--json"] + Self.small)
    #expect(load.errors.contains("wal_sync_method=auto uses"))
  }

  @Test("each refusal is one sentence")
  func refusals() throws {
    let (temporary, path) = try Self.cluster()
    defer { _ = temporary }
    try Millrace.run("recover", "-D", path + "/none").expectRefusal("is not a data directory")
    try Millrace.run("bench", "wal", "-D", path, "--clients", "0").expectRefusal("--clients")
    try Millrace.run("bench", "wal", "-D", path, "--io-direct", "everything").expectRefusal("io_direct")
    try Millrace.run("bench", "load", "-D", path, "--payload", "9000").expectRefusal("--payload")
    try Millrace.run("bench", "checkpoint", "-D", path, "--dirty", "1kB").expectRefusal("--dirty")
    // A cluster of PostgreSQL's own is not for writing.
    try FileManager.default.removeItem(atPath: path + "/millrace.conf")
    try Millrace.run("recover", "-D", path).expectRefusal("millrace init")
  }

  @Test("two processes cannot have the cluster at once")
  func locking() throws {
    let (temporary, path) = try Self.cluster()
    defer { _ = temporary }
    let first = try Millrace.start(["bench", "wal", "-D", path, "--clients", "1", "--runtime", "30s"] + Self.small)
    while !FileManager.default.fileExists(atPath: path + "/postmaster.pid") { sched_yield() }
    // It may be between making the file and locking it.
    var second = try Millrace.run("recover", "-D", path)
    while second.status == 0 { second = try Millrace.run("recover", "-D", path) }
    second.expectRefusal("postmaster.pid")
    first.send(SIGINT)
    #expect(try first.wait().status == 130)
    #expect(try Millrace.run("recover", "-D", path).output.contains("closed in order"))
  }

  private static func check(_ path: String, _ temporary: TemporaryDirectory) throws {
    guard PostgresInstallation.isExpected(18) else { return }
    let postgres = try PostgresInstallation.required(18)
    try PostgresCluster.giveToServer(temporary.path)
    #expect(try postgres.run("pg_controldata", ["-D", path]).output.contains(/cluster state: +shut down\n/))
    #expect(try postgres.run("pg_checksums", ["--check", "-D", path]).output.contains(/Bad checksums: +0\n/))
  }
}
