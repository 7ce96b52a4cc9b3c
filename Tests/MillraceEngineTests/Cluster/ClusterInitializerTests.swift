import Foundation
import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import Testing

@Suite struct ClusterInitializerTests {
  private static func options(segmentSize: UInt64 = 16 << 20) -> ClusterInitializer.Options {
    var options = ClusterInitializer.Options(microseconds: 1_790_000_000_123_456, processID: 4711)
    options.walSegmentSize = segmentSize
    return options
  }

  @Test(
    "PostgreSQL's own programs accept a new cluster", .enabled(if: PostgresInstallation.isExpected(18)),
    arguments: [1 << 20, 16 << 20] as [UInt64])
  func referees(segmentSize: UInt64) throws {
    let postgres = try PostgresInstallation.required(18)
    let temporary = try TemporaryDirectory()
    let path = temporary.path + "/data"
    try ClusterInitializer(LocalFileSystem(), path: path, Self.options(segmentSize: segmentSize)).run()
    try PostgresCluster.giveToServer(temporary.path)

    let control = try postgres.run("pg_controldata", ["-D", path]).output
    #expect(control.contains(/Database cluster state: +shut down\n/))
    #expect(control.contains("Bytes per WAL segment:                \(segmentSize)\n"))
    #expect(control.contains(/Data page checksum version: +1\n/))
    #expect(!control.contains("WARNING"))

    let check = try postgres.run("pg_checksums", ["--check", "-D", path])
    #expect(check.output.contains(/Bad checksums: +0\n/))

    let dump = try postgres.run(
      "pg_waldump", ["-p", path + "/pg_wal", "-s", "0/\(String(segmentSize, radix: 16))"], mayFail: true)
    #expect(dump.output.contains("CHECKPOINT_SHUTDOWN redo 0/\(String(segmentSize + 40, radix: 16)); tli 1"))
    #expect(dump.output.split(separator: "\n").count == 1)
  }

  @Test("a new cluster opens as a data directory, for its owner only")
  func opens() throws {
    let temporary = try TemporaryDirectory()
    let path = temporary.path + "/deep/er/data/"
    var options = Self.options()
    options.configuration = ["shared_buffers = 1MB"]
    try ClusterInitializer(LocalFileSystem(), path: path, options).run()
    let directory = try DataDirectory(path: path)
    #expect(directory.controlFile.systemIdentifier == options.systemIdentifier)
    #expect(directory.controlFile.state == .shutDown)
    #expect(try String(contentsOfFile: path + "millrace.conf", encoding: .utf8).hasSuffix("\nshared_buffers = 1MB\n"))
    for entry in try FileManager.default.subpathsOfDirectory(atPath: path) {
      let attributes = try FileManager.default.attributesOfItem(atPath: path + entry)
      let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
      #expect(attributes[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(entry)")
    }
  }

  @Test("an empty directory is used, one that is not empty refused and left as it is")
  func refusesNonEmpty() throws {
    let temporary = try TemporaryDirectory()
    try ClusterInitializer(LocalFileSystem(), path: temporary.path, Self.options()).run()
    let before = try temporary.fingerprint()
    #expect {
      try ClusterInitializer(LocalFileSystem(), path: temporary.path, Self.options()).run()
    } throws: { "\($0)" == "directory \"\(temporary.path)\" exists but is not empty; choose another, or empty it" }
    #expect(try temporary.fingerprint() == before)
  }

  @Test("whenever it is cancelled, nothing is left behind")
  func cancellation() throws {
    let temporary = try TemporaryDirectory()
    for path in [temporary.path + "/new/data", temporary.path] {
      var questions = 0
      // Ever later, until it is not asked any more.
      for limit in 0..<20 {
        questions = 0
        do {
          try ClusterInitializer(LocalFileSystem(), path: path, Self.options(segmentSize: 2 << 20)).run {
            questions += 1
            return questions > limit
          }
          break
        } catch {
          #expect(error.code == .cancelled)
          #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.path).isEmpty)
        }
      }
      #expect(questions > 3)
      try FileManager.default.removeItem(atPath: temporary.path)
      try FileManager.default.createDirectory(atPath: temporary.path, withIntermediateDirectories: true)
    }
  }

  @Test("on a full disk, nothing is left behind; after a crash, all or no cluster is there", arguments: 1...40)
  func faults(seed: UInt64) throws {
    let disk = SimulatedDisk(seed: seed)
    var faults = FaultModel.none
    faults.isBounded = true
    disk.faults = faults
    disk.capacity = Int(seed) * 100_000
    do {
      try ClusterInitializer(disk, path: "cluster", Self.options(segmentSize: 1 << 20)).run()
      #expect(seed > 10)
    } catch {
      #expect(error.description.contains("No space left on device"))
      #expect(disk.usedBytes == 0)
      #expect(!disk.exists("cluster"))
      return
    }
    faults = .none
    faults.losesUnsyncedWrites = true
    faults.tearsUnsyncedWrites = true
    faults.losesUnsyncedNames = true
    disk.faults = faults
    disk.crash()
    let bytes = try #require(disk.contents(of: "cluster/global/pg_control"))
    let controlFile = try bytes.withUnsafeBytes { try ControlFile(parsing: $0) }
    #expect(controlFile.state == .shutDown)
    #expect(disk.contents(of: "cluster/pg_wal/000000010000000000000001")?.count == 1 << 20)
  }
}
