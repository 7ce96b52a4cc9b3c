import Foundation
import MillraceIO
import MillraceTestSupport
import Testing

/// Disks that are full, read-only or broken.
@Suite struct FaultyStorageTests {
  @Test(
    .enabled(if: FaultyMount.isExpected, "needs root, /dev/fuse and faultfs"),
    arguments: VerifyRun.Way.all.filter { MethodSelection.obstacle(to: $0.method) == nil })
  func `a block that cannot be read is reported, and all others are verified`(way: VerifyRun.Way) throws {
    let sample = try SampleDirectory(blocks: 64)
    try sample.edit("base/5/16384") { $0[40 * 8192 + 5000] ^= 1 }
    let mount = try FaultyMount(
      sample.path, rules: "read base/5/16384 \(33 * 8192) \(34 * 8192 - 1) error EIO 1 -1")
    let run = try VerifyRun(mount.path, way.arguments)
    #expect(Set(run.damages.compactMap(\.block)) == [33, 40] && run.number("pages") == 64)
    let unreadable = run.damages.first { $0.block == 33 }
    #expect(unreadable?.problems == ["unreadable: Input/output error"])

    let scan = try Millrace.run(
      "bench", "scan", "-D", mount.path, "--relation", "16384", "--methods", way.method.rawValue)
    scan.expectRefusal("base/5/16384", "Input/output error")
    let io = try Millrace.run(
      "bench", "io", "--file", mount.path + "/base/5/16384", "--pattern", "seqread", "--io-method",
      way.method.rawValue)
    io.expectRefusal("block", "Input/output error")
  }

  @Test(.enabled(if: FaultyMount.isExpected, "needs root, /dev/fuse and faultfs"))
  func `online, a page that was being written is read again and not reported`() throws {
    let sample = try SampleDirectory(blocks: 64)
    let at = 21 * 8192 + 5000
    let rule = "read base/5/16384 \(at) \(at) flip \(at) 1 1"
    let online = try FaultyMount(sample.path, rules: rule)
    let run = try VerifyRun(online.path, ["--online"])
    #expect(run.damages == [] && run.number("reread") == 1 && run.number("pages") == 64)
    // Where no server runs, what is read once is what is there.
    let offline = try FaultyMount(sample.path, rules: rule)
    #expect(try VerifyRun(offline.path).damages.map(\.block) == [21])
  }

  @Test(.enabled(if: FaultyMount.isExpected, "needs root, /dev/fuse and faultfs"))
  func `a disk that fills up while the demo's table is written is an error, and nothing is left`() throws {
    let temporary = try TemporaryDirectory()
    let mount = try FaultyMount(temporary.path, rules: "write 16384 1048576 -1 error ENOSPC 1 -1")
    let outcome = try Millrace.run(
      "demo", "--size", "4MiB", "--directory", mount.path, "--report", temporary.path + "/report.html")
    // The database has its own lines before that: pages stay in memory that cannot be written.
    let errors = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("millrace: error: ") }
    #expect(outcome.status == 2 && errors.count == 1 && errors.allSatisfy { $0.contains("No space left on device") })
    #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path) == [])
  }

  @Test(.enabled(if: Mounts.obstacle == nil, "needs to be able to mount"))
  func `a full disk is an error of bench io and demo, and nothing is left`() throws {
    let mounted = "mkdir A && mount -t tmpfs -o size=4m none A &&"
    let bench = try Mounts.run("\(mounted) ($MILLRACE bench io --file A/x --size 64MiB || echo $?); ls -A A")
    #expect(bench.output == "2\n" && bench.errorLines.count == 1 && bench.errors.contains("No space left on device"))
    let demo = try Mounts.run("\(mounted) ($MILLRACE demo --directory A --report r.html || echo $?); ls -A A")
    #expect(demo.output == "2\n" && demo.errorLines.count == 1 && demo.errors.contains("4 MiB free"))
  }

  @Test(.enabled(if: Mounts.obstacle == nil, "needs to be able to mount"))
  func `a read-only disk is an error of what writes, and none of what reads`() throws {
    let sample = try SampleDirectory(blocks: 64)
    let mounted = "mkdir A && mount --bind \(sample.path) A && mount -o remount,ro,bind A &&"
    for command in [
      "bench io --file A/x --size 1MiB", "demo --directory A --report r.html", "demo --size 1MiB --report A/r.html",
      "bench scan -D A --relation 16384 --report A/r.html",
    ] {
      try Mounts.run("\(mounted) exec $MILLRACE \(command)").expectRefusal("A", "Read-only file system")
    }
    for command in ["verify -D A", "bench scan -D A --relation 16384 --rounds 1", "demo --pgdata A --report r.html"] {
      let outcome = try Mounts.run("\(mounted) exec $MILLRACE \(command)")
      #expect(outcome.status == 0 && outcome.errors == "")
    }
  }
}
