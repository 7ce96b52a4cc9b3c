import Foundation
import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@Suite struct VerifyTests {
  /// Flips a byte, zeroes the middle of a page, swaps two, and cuts two segments short.
  static func damage(_ sample: SampleDirectory) throws {
    try sample.edit("base/5/16384") { bytes in
      bytes[5 * 8192 + 5000] ^= 0x10
      // A header's field.
      bytes[9 * 8192 + 14] = 0xFF
      for index in 20 * 8192 + 2048..<20 * 8192 + 6144 { bytes[index] = 0 }
    }
    try sample.edit("base/5/16384.1") { bytes in
      let (left, right) = (Array(bytes[6 * 8192..<7 * 8192]), Array(bytes[11 * 8192..<12 * 8192]))
      bytes.replaceSubrange(6 * 8192..<7 * 8192, with: right)
      bytes.replaceSubrange(11 * 8192..<12 * 8192, with: left)
      bytes.removeLast(10 * 8192)
    }
    try sample.edit("base/5/16384.2") { $0.removeLast(3 * 8192 + 100) }
  }

  @Test(arguments: VerifyRun.Way.all)
  func `exactly what was damaged is reported, whatever way it is read`(way: VerifyRun.Way) throws {
    if let obstacle = MethodSelection.obstacle(to: way.method) {
      try Millrace.run(["verify", "-D", SampleDirectory().path] + way.arguments).expectRefusal(obstacle)
      return
    }
    let sample = try SampleDirectory()
    let clean = try VerifyRun(sample.path, way.arguments)
    #expect(clean.damages == [] && clean.number("pages") == 160 && clean.number("files") == 3)
    #expect(clean.document["io_method"] as? String == way.method.rawValue)
    #expect(clean.document["direct"] as? Bool == way.isDirect)

    try Self.damage(sample)
    let damaged = try VerifyRun(sample.path, way.arguments)
    let blocks = Set(damaged.damages.map { "\($0.path):\($0.block.map(String.init) ?? "")" })
    #expect(
      blocks == [
        "base/5/16384:5", "base/5/16384:9", "base/5/16384:20", "base/5/16384.1:70", "base/5/16384.1:75",
        "base/5/16384.1:", "base/5/16384.2:156",
      ])
    // The page that is cut off is not one.
    #expect(damaged.number("pages") == 160 - 10 - 4)
    // What is wrong is the same, too.
    #expect(try damaged.damages == VerifyRun(sample.path, ["--io-method", "sync"]).damages)
  }

  @Test func `the text says where and what`() throws {
    let sample = try SampleDirectory()
    try Self.damage(sample)
    let outcome = try Millrace.run("verify", "-D", sample.path)
    #expect(outcome.status == 1 && outcome.errors == "")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 8)
    #expect(lines.contains { $0.hasPrefix("base/5/16384 block 5: ") && $0.contains("checksum") })
    #expect(lines.contains { $0.hasPrefix("base/5/16384.2 block 156 (main fork, segment 2): partial page") })
    #expect(lines.last?.hasSuffix("7 damaged") == true)
  }

  @Test func `one relation can be chosen by number or path, and jobs and rate change nothing`() throws {
    let sample = try SampleDirectory()
    try Self.damage(sample)
    let all = try VerifyRun(sample.path)
    for more in [
      ["--relation", "16384"], ["--relation", "base/5/16384"], ["--jobs", "1"], ["--jobs", "8"],
      ["--rate", "1GB/s"], ["-c", "io_combine_limit=1"], ["-c", "maintenance_io_concurrency=0"],
    ] {
      #expect(try VerifyRun(sample.path, more).damages == all.damages, "\(more)")
    }
  }

  @Test func `without checksums headers are checked, and that is said`() throws {
    let sample = try SampleDirectory(blocks: 8)
    let control = ControlFile(newCluster: 1, time: 1_700_000_000, checksums: false, segmentBlocks: 64)
    try sample.temporary.write(control.encoded(), to: "data/global/pg_control")
    try sample.edit("base/5/16384") { bytes in
      bytes[2 * 8192 + 5000] ^= 1
      bytes[3 * 8192 + 14] = 0xFF
      bytes[3 * 8192 + 15] = 0xFF
    }
    let run = try VerifyRun(sample.path)
    #expect(run.damages.map(\.block) == [3] && run.document["checksums"] as? Bool == false)
    #expect(try Millrace.run("verify", "-D", sample.path).output.contains("only page headers were checked"))
  }

  @Test func `a running server is refused unless online`() throws {
    let sample = try SampleDirectory(blocks: 8)
    try sample.write("\(getpid())\n\(sample.path)\n", to: "postmaster.pid")
    try Millrace.run("verify", "-D", sample.path).expectRefusal("process \(getpid())", "--online")
    #expect(try VerifyRun(sample.path, ["--online"]).damages == [])
    // A server that is gone is no obstacle, and a file that says nothing is.
    try sample.write("2147483646\n", to: "postmaster.pid")
    #expect(try VerifyRun(sample.path).damages == [])
    try sample.write("nonsense\n", to: "postmaster.pid")
    try Millrace.run("verify", "-D", sample.path).expectRefusal("postmaster.pid")
  }

  @Test func `online, a page that stays damaged is reported`() throws {
    let sample = try SampleDirectory(blocks: 32)
    try sample.edit("base/5/16384") { $0[7 * 8192 + 5000] ^= 1 }
    let run = try VerifyRun(sample.path, ["--online"])
    #expect(run.damages.map(\.block) == [7] && run.number("reread") == 0)
  }

  @Test(arguments: VerifyRun.Way.all.filter { MethodSelection.obstacle(to: $0.method) == nil })
  func `nothing in the directory is changed`(way: VerifyRun.Way) throws {
    let sample = try SampleDirectory()
    try Self.damage(sample)
    let before = try sample.temporary.fingerprint()
    _ = try VerifyRun(sample.path, way.arguments)
    #expect(try sample.temporary.fingerprint() == before)
    #expect(before.count > 5)
  }

  @Test func `JSON has the documented keys`() throws {
    let sample = try SampleDirectory(blocks: 8)
    let document = try VerifyRun(sample.path).document
    #expect(
      Set(document.keys) == [
        "directory", "io_method", "postgres_version", "direct", "online", "checksums", "jobs", "files", "pages",
        "bytes", "damaged", "reread", "reads", "retries", "seconds", "mib_per_s", "damages", "unrecognized",
      ])
  }
}
