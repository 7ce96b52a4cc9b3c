import Foundation
import MillraceStorage
import Testing

@Suite struct DataDirectoryTests {
  static func error(opening path: String) -> ClusterError? {
    do throws(ClusterError) {
      _ = try DataDirectory(path: path)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: 14...18)
  func `every supported version opens`(majorVersion: Int) throws {
    let image = try DataDirectoryImage(
      ControlFileImage(majorVersion: majorVersion), version: "\(majorVersion)\n")
    let directory = try DataDirectory(path: image.path + "//")
    #expect(directory.path == image.path)
    #expect(directory.majorVersion == majorVersion)
    #expect(directory.versionDirectory == "PG_\(majorVersion)_\(directory.controlFile.catalogVersion)")
    #expect(try directory.relations().forks.isEmpty)
  }

  @Test func `what is no data directory is refused, saying what it is`() throws {
    let temporary = try TemporaryDirectory()
    #expect(Self.error(opening: "") == .dataDirectoryMissing(path: ""))
    let missing = temporary.path + "/missing"
    #expect(Self.error(opening: missing) == .dataDirectoryMissing(path: missing))
    #expect(Self.error(opening: missing)?.description == "data directory \"\(missing)\" does not exist")

    try temporary.write([1], to: "file")
    #expect(Self.error(opening: temporary.path + "/file") == .notADirectory(path: temporary.path + "/file"))
    #expect(Self.error(opening: temporary.path) == .notADataDirectory(path: temporary.path))
  }

  @Test(arguments: [("13\n", "13"), ("19\n", "19"), ("9.6\n", "9.6"), ("18beta1\n", "18beta1"), ("", ""), ("x", "x")])
  func `other versions are refused, naming what was found and what is supported`(contents: String, found: String) throws
  {
    let image = try DataDirectoryImage(version: contents)
    #expect(Self.error(opening: image.path) == .unsupportedVersion(path: image.path, found: found))
    #expect(Self.error(opening: image.path)?.description.hasSuffix("\"\(found)\"; supported are 14 to 18") == true)
  }

  @Test func `a bad control file is refused, saying why`() throws {
    let image = try DataDirectoryImage()
    let path = image.path + "/global/pg_control"
    func error(_ bytes: [UInt8]) throws -> ClusterError? {
      try image.write(bytes, to: "global/pg_control")
      return Self.error(opening: image.path)
    }
    #expect(try error([1, 2, 3]) == .controlFile(path: path, .tooShort(length: 3, needed: 296)))
    #expect(
      try error(ControlFileImage(majorVersion: 17).bytes)
        == .controlFile(path: path, .versionMismatch(controlVersion: 1300, majorVersion: 18)))
    var damaged = ControlFileImage().bytes
    damaged[100] ^= 1
    guard case .controlFile(path, .checksumMismatch)? = try error(damaged) else {
      Issue.record("the damaged control file was not refused for its CRC")
      return
    }
    try FileManager.default.removeItem(atPath: path)
    #expect(Self.error(opening: image.path) == .controlFile(path: path, .missing))
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(Self.error(opening: image.path) == .notARegularFile(path: path))
  }

  @Test func `a pipe in a file's place is refused without waiting for a writer`() throws {
    let image = try DataDirectoryImage()
    let path = image.path + "/PG_VERSION"
    try FileManager.default.removeItem(atPath: path)
    #expect(mkfifo(path, 0o600) == 0)
    #expect(Self.error(opening: image.path) == .notARegularFile(path: path))
  }

  @Test func `a directory that may not be read is an error with the system's words`() async throws {
    let image = try DataDirectoryImage()
    #expect(chmod(image.temporary.path, 0o755) == 0)
    #expect(chmod(image.path + "/base/5", 0) == 0)
    // Root may read everything, so the look is taken by a process that gives root up.
    await #expect(processExitsWith: .success) { [path = image.path as String] in
      if geteuid() == 0 { try #require(seteuid(65_534) == 0) }
      let directory = try DataDirectory(path: path)
      let error = #expect(throws: ClusterError.self) { try directory.relations() }
      #expect(error == .unreadable(path: path + "/base/5", code: EACCES))
      #expect(error?.description == "cannot read \"\(path)/base/5\": Permission denied")
    }
    #expect(chmod(image.path + "/base/5", 0o700) == 0)
  }

  @Test func `a directory that every cluster has must be there`() throws {
    let image = try DataDirectoryImage()
    let directory = try image.open()
    try FileManager.default.removeItem(atPath: image.path + "/base")
    #expect(throws: ClusterError.missing(path: image.path + "/base")) { try directory.relations() }
  }

  @Test func `a running server is told from one that is gone`() throws {
    let image = try DataDirectoryImage()
    let directory = try image.open()
    #expect(try directory.serverStatus() == .notRunning)

    // Our parent lives as long as we do. PostgreSQL's single-user mode writes a negative number.
    for pid in [getppid(), -getppid()] {
      try image.write(Array("\(pid)\n/data\n".utf8), to: "postmaster.pid")
      #expect(try directory.serverStatus() == .running(processID: getppid()))
    }
    // No process has a number beyond the kernel's limit.
    try image.write(Array("4194305\n".utf8), to: "postmaster.pid")
    #expect(try directory.serverStatus() == .stale(processID: 4_194_305))
    try image.write(Array("\(getpid())\n".utf8), to: "postmaster.pid")
    #expect(try directory.serverStatus() == .stale(processID: getpid()))

    for contents in ["", "\n", "x\n", "0\n", "99999999999\n"] {
      try image.write(Array(contents.utf8), to: "postmaster.pid")
      #expect(throws: ClusterError.malformedPIDFile(path: image.path + "/postmaster.pid")) {
        try directory.serverStatus()
      }
    }
  }
}
