import Foundation
import MillraceTestSupport
import Testing

@testable import MillraceCommand

/// Directories that cannot be worked with: what, where, in one sentence, by all commands alike.
@Suite struct DataDirectoryRefusalTests {
  /// Every command that takes a data directory, given that one.
  static func commands(_ directory: String) -> [[String]] {
    [
      ["verify", "-D", directory], ["bench", "scan", "-D", directory, "--relation", "16384"],
      ["demo", "--pgdata", directory, "--report", "/dev/shm/millrace-test-\(getpid()).html"],
    ]
  }

  @Test func `a path that is not there`() throws {
    for command in Self.commands("/nonexistent/data") {
      try Millrace.run(command).expectRefusal("/nonexistent/data", "does not exist")
    }
    try Millrace.run("doctor", "/nonexistent/data").expectRefusal("/nonexistent/data", "No such file")
    try Millrace.run("bench", "io", "--file", "/nonexistent/x").expectRefusal("/nonexistent/x", "No such file")
  }

  @Test func `a file, and a directory that is not a cluster's`() throws {
    let temporary = try TemporaryDirectory()
    try temporary.write([1], to: "file")
    for command in Self.commands(temporary.path + "/file") {
      try Millrace.run(command).expectRefusal("not a directory")
    }
    for command in Self.commands(temporary.path) { try Millrace.run(command).expectRefusal("PG_VERSION") }
    try Millrace.run("bench", "io", "--file", temporary.path).expectRefusal("not a regular file")
  }

  @Test func `another version, and a control file that is damaged or missing`() throws {
    let sample = try SampleDirectory(blocks: 4)
    try sample.write("13\n", to: "PG_VERSION")
    for command in Self.commands(sample.path) { try Millrace.run(command).expectRefusal("\"13\"", "14 to 18") }
    try sample.write("18\n", to: "PG_VERSION")
    try sample.edit("global/pg_control") { $0[100] ^= 1 }
    for command in Self.commands(sample.path) { try Millrace.run(command).expectRefusal("pg_control", "CRC") }
    try FileManager.default.removeItem(atPath: sample.path + "/global/pg_control")
    for command in Self.commands(sample.path) { try Millrace.run(command).expectRefusal("pg_control", "missing") }
  }

  @Test func `no permission`() throws {
    let sample = try SampleDirectory(blocks: 4)
    for place in ["", "/global/pg_control", "/base"] {
      #expect(chmod(sample.path + place, 0) == 0)
      for command in Self.commands(sample.path) {
        try Millrace.runWithoutPrivilege(command).expectRefusal(sample.path, "Permission denied")
      }
      #expect(chmod(sample.path + place, 0o700) == 0)
    }
    #expect(chmod(sample.path + "/base/5/16384", 0) == 0)
    try Millrace.runWithoutPrivilege(["doctor", sample.path + "/base/5/16384"]).expectRefusal("Permission denied")
    try Millrace.runWithoutPrivilege(["bench", "io", "--file", sample.path + "/base/5/16384"])
      .expectRefusal("Permission denied")
    try Millrace.runWithoutPrivilege(["bench", "scan", "-D", sample.path, "--relation", "16384"])
      .expectRefusal("Permission denied")
  }

  @Test func `a relation that is not there, is none, or has no pages`() throws {
    let sample = try SampleDirectory(blocks: 4)
    try sample.write("", to: "base/5/16385")
    for relation in ["16399", "base/5/16399", "/etc/passwd", "no/thing"] {
      try Millrace.run("bench", "scan", "-D", sample.path, "--relation", relation).expectRefusal(relation)
      try Millrace.run("verify", "-D", sample.path, "--relation", relation).expectRefusal(relation)
    }
    try Millrace.run("bench", "scan", "-D", sample.path, "--relation", "16385").expectRefusal("no pages")
    try Millrace.run("bench", "scan", "-D", sample.path, "--relation", "16384", "--random", "5")
      .expectRefusal("(1 .. 4")
  }
}
