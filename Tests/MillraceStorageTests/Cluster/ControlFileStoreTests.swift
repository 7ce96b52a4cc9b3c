import Foundation
import MillraceIO
import MillraceSimulation
import Testing

@testable import MillraceStorage

/// A control file that is changed while its cluster is in use.
@Suite struct ControlFileStoreTests {
  static let new = ControlFile(newCluster: 7_000_000_000_000_000_001, time: 1_700_000_000)

  static func places() throws -> [(fileSystem: IOFileSystem, root: String, keep: TemporaryDirectory?)] {
    let directory = try TemporaryDirectory()
    return [(LocalFileSystem(), directory.path, directory), (SimulatedDisk(seed: 1), "data", nil)]
  }

  @Test func changesAreDatedAndFoundAgain() throws {
    for (files, root, keep) in try Self.places() {
      try files.makeDirectories("\(root)/global")
      let store = try ControlFileStore(creating: Self.new, in: root, fileSystem: files, clock: { 1_800_000_000 })
      #expect(store.current == Self.new)
      #expect(throws: IOError.self) { try ControlFileStore(creating: Self.new, in: root, fileSystem: files) }
      try store.enterProduction()
      #expect(store.current.state == .inProduction)
      #expect(store.current.modificationTime == 1_800_000_000)
      #expect(try files.readAll("\(root)/global/pg_control").count == ControlFile.fileSize)
      let again = try ControlFileStore(reading: root, fileSystem: files)
      #expect(again.current == store.current)
      withExtendedLifetime(keep) {}
    }
  }

  @Test func aCheckpointIsRecordedWithWhatFollowsFromIt() throws {
    let disk = SimulatedDisk(seed: 1)
    let store = try ControlFileStore(creating: Self.new, in: "data", fileSystem: disk, clock: { 5 })
    try store.beginCrashRecovery()
    try store.update { $0.recovery.minimumPoint = LogSequenceNumber(77) }
    var checkpoint = Self.new.checkpoint
    checkpoint.redo = LogSequenceNumber(0x200_0028)
    checkpoint.nextXID = 4000
    let location = LogSequenceNumber(0x200_0060)
    try store.recordCheckpoint(at: location, checkpoint, isShutdown: false, unloggedLSN: LogSequenceNumber(5000))
    #expect(store.current.state == .inCrashRecovery)
    #expect(store.current.checkpoint == checkpoint && store.current.checkpointLocation == location)
    #expect(store.current.recovery.minimumPoint == .invalid)
    #expect(store.current.unloggedLSN == LogSequenceNumber(1000))
    try store.beginShutdown()
    #expect(try ControlFileStore(reading: "data", fileSystem: disk).current.state == .shuttingDown)
    try store.recordCheckpoint(at: location, checkpoint, isShutdown: true, unloggedLSN: LogSequenceNumber(5000))
    let found = try ControlFileStore(reading: "data", fileSystem: disk).current
    #expect(found == store.current)
    #expect(found.state.isClean && found.unloggedLSN == LogSequenceNumber(5000))
  }

  @Test func whatIsMissingOrDamagedIsSaid() throws {
    for (files, root, keep) in try Self.places() {
      try files.makeDirectories("\(root)/global")
      let path = "\(root)/global/pg_control"
      #expect(throws: ClusterError.controlFile(path: path, .missing)) {
        try ControlFileStore(reading: root, fileSystem: files)
      }
      var bytes = Self.new.encoded()
      bytes[100] ^= 1
      try files.writeDurably(path, bytes)
      do {
        _ = try ControlFileStore(reading: root, fileSystem: files)
        Issue.record("a damaged control file was accepted")
      } catch {
        #expect("\(error)".contains("the control file is damaged: its CRC is"))
      }
      try files.writeDurably(path, [1, 2, 3])
      #expect(throws: ClusterError.controlFile(path: path, .tooShort(length: 3, needed: 296))) {
        try ControlFileStore(reading: root, fileSystem: files)
      }
      withExtendedLifetime(keep) {}
    }
  }

  /// Whatever a crash does to the write, the old contents are there or the new.
  @Test func aTornWriteIsSurvived() throws {
    var seen: Set<ControlFile.State> = []
    for seed in UInt64(0)..<300 {
      let disk = SimulatedDisk(seed: seed, sectorSize: seed % 2 == 0 ? 512 : 4096)
      let store = try ControlFileStore(creating: Self.new, in: "data", fileSystem: disk, clock: { 5 })
      try disk.syncDirectory("data")
      var faults = FaultModel()
      (faults.losesUnsyncedWrites, faults.tearsUnsyncedWrites) = (true, true)
      (faults.writeErrors, faults.syncErrors, faults.shortTransfers, faults.tryAgain) = (3, 2, 3, 3)
      disk.faults = faults
      let isDone = (try? store.enterProduction()) != nil
      disk.crash()
      disk.faults = .none
      let found = try ControlFileStore(reading: "data", fileSystem: disk).current
      #expect(found == Self.new || found.state == .inProduction && found.modificationTime == 5)
      if isDone { #expect(found.state == .inProduction) }
      seen.insert(found.state)
    }
    #expect(seen == [.shutDown, .inProduction])
  }

  @Test(.enabled(if: PostgresInstallation.isExpected(18), "PostgreSQL 18 is not installed"))
  func pgControldataReadsEveryState() throws {
    let installation = try PostgresInstallation.required(18)
    let temporary = try TemporaryDirectory()
    try temporary.createDirectory("global")
    let store = try ControlFileStore(creating: Self.new, in: temporary.path)
    try PostgresCluster.giveToServer(temporary.path)
    var checkpoint = Self.new.checkpoint
    (checkpoint.redo, checkpoint.nextXID, checkpoint.nextOID) = (LogSequenceNumber(0x300_0028), 1 << 32 | 77, 20_000)
    let steps: [(ControlFileStore) throws -> Void] = [
      { try $0.enterProduction() },
      {
        try $0.recordCheckpoint(at: LogSequenceNumber(0x300_0060), checkpoint, isShutdown: false, unloggedLSN: .invalid)
      },
      { try $0.beginCrashRecovery() },
      { try $0.beginShutdown() },
      {
        try $0.recordCheckpoint(
          at: LogSequenceNumber(0x300_0100), checkpoint, isShutdown: true, unloggedLSN: LogSequenceNumber(0x2000))
      },
      {
        try $0.update {
          $0.recovery.minimumPoint = LogSequenceNumber(0x300_0200); $0.state = .inArchiveRecovery
        }
      },
    ]
    for step in steps {
      try step(store)
      let outcome = try installation.run("pg_controldata", [temporary.path])
      #expect(outcome.errors == "")
      for (label, value) in ControlFileReport.lines(of: store.current) {
        let printed = outcome.output.split(separator: "\n").first { $0.hasPrefix(label + ":") }
        #expect(printed?.dropFirst(label.count + 1).trimmingCharacters(in: .whitespaces) == value, "\(label)")
      }
    }
  }
}
