import Foundation
import MillraceStorage
import Testing

@Suite struct ControlFileEncodingTests {
  /// The image has every field at the place that it has in PostgreSQL's C structure.
  @Test(arguments: [17, 18])
  func `an encoded control file has the bytes of PostgreSQL's`(majorVersion: Int) throws {
    var image = ControlFileImage(majorVersion: majorVersion)
    // The checkpoint has a copy of wal_level, which the image fixes at logical.
    image.walLevel = 2
    let control = try ControlFileTests.parse(image).get()
    #expect(control.encoded() == image.bytes)
  }

  @Test(arguments: 14...18)
  func `encoding and parsing are inverse`(majorVersion: Int) throws {
    let control = try ControlFileTests.parse(ControlFileImage(majorVersion: majorVersion)).get()
    #expect(try ControlFileTests.parse(control.encoded()).get() == control)
  }

  @Test(arguments: [true, false])
  func `a new cluster's control file is accepted`(checksums: Bool) throws {
    let control = ControlFile(newCluster: 42, time: 1_700_000_000, checksums: checksums, segmentBlocks: 16)
    let parsed = try ControlFileTests.parse(control.encoded()).get()
    #expect(parsed == control)
    #expect(parsed.checksumsEnabled == checksums && parsed.segmentBlocks == 16 && parsed.state == .shutDown)
  }

  @Test(.enabled(if: PostgresInstallation.isExpected(18), "PostgreSQL 18 is not installed"))
  func `pg_controldata of PostgreSQL 18 reads a new cluster's control file`() throws {
    let installation = try PostgresInstallation.required(18)
    let temporary = try TemporaryDirectory()
    let control = ControlFile(newCluster: 7_000_000_000_000_000_001, time: 1_700_000_000)
    try temporary.write(control.encoded(), to: "global/pg_control")
    try PostgresCluster.giveToServer(temporary.path)
    let outcome = try installation.run("pg_controldata", [temporary.path])
    #expect(outcome.errors == "")
    for (label, value) in ControlFileReport.lines(of: control) {
      let printed = outcome.output.split(separator: "\n").first { $0.hasPrefix(label + ":") }
      #expect(printed?.dropFirst(label.count + 1).trimmingCharacters(in: .whitespaces) == value, "\(label)")
    }
  }
}
