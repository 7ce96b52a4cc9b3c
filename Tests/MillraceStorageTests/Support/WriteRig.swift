import Foundation
import Glibc
import MillraceSimulation
import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// A place to write to: a directory of this machine, or a simulated disk.
struct WriteSetup: Sendable, CustomTestStringConvertible {
  /// Nil on the simulated disk.
  var reads: ReadSetup?
  var direct = false
  var extendMethod = FileExtendMethod.allocate

  var testDescription: String {
    "\(reads.map { "\($0.kind)\($0.exclusive ? " exclusive" : "")" } ?? "simulated disk")"
      + " \(direct ? "direct" : "buffered") \(extendMethod.rawValue)"
  }

  static let all: [WriteSetup] = (ReadSetup.methods.map(Optional.some) + [nil]).flatMap { reads in
    [false, true].flatMap { direct in
      FileExtendMethod.allCases.map { WriteSetup(reads: reads, direct: direct, extendMethod: $0) }
    }
  }

  /// One real file system, and the simulated one.
  static let places = [WriteSetup(reads: ReadSetup(kind: .sync)), WriteSetup(reads: nil)]
}

/// Forks to write to, in small segments.
final class WriteRig: @unchecked Sendable {
  // Safe because all of it is immutable; what it refers to guards itself.

  static let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)

  let setup: WriteSetup
  let engine: IOEngine
  let storage: StorageManager
  let fileSystem: IOFileSystem
  let disk: SimulatedDisk?
  /// The cluster's directory.
  let root: String
  private let directory: TemporaryDirectory?
  private let log = LogRecorder()

  init(
    _ setup: WriteSetup, seed: UInt64 = 1, blocksPerSegment: UInt32 = 4, syncPolicy: SyncPolicy = .failureIsFinal,
    disk given: SimulatedDisk? = nil, faults: FaultModel = .none, filesMax: Int = 1000
  ) throws {
    self.setup = setup
    if let reads = setup.reads {
      let directory = try TemporaryDirectory()
      (self.directory, disk, fileSystem, root) = (directory, nil, LocalFileSystem(), directory.path)
      engine = try IOEngine(reads.configuration)
    } else {
      let disk = given ?? SimulatedDisk(seed: seed)
      (directory, self.disk, fileSystem, root) = (nil, disk, disk, "data")
      engine = try SimulatedEngine(seed: seed, disk: disk).engine
    }
    if given == nil {
      disk?.requiresDirectories = true
      for path in ["base/5", "global", "pg_tblspc/16400/PG_18_1"] { try fileSystem.makeDirectories("\(root)/\(path)") }
      try disk?.syncDirectory(".")
      for path in ["", "/base", "/pg_tblspc", "/pg_tblspc/16400"] { try fileSystem.syncDirectory(root + path) }
      disk?.faults = faults
    }
    storage = StorageManager(
      engine: engine, directory: root, versionDirectory: "PG_18_1", blocksPerSegment: blocksPerSegment,
      isDirect: setup.direct, filesMax: filesMax, fileSystem: fileSystem, isWritable: true,
      extendMethod: setup.extendMethod, syncPolicy: syncPolicy)
  }

  func backend(_ name: String = "test") throws -> IOBackend {
    try engine.makeBackend(name, exclusive: setup.reads?.exclusive ?? false)
  }

  /// Lengths of the files below a directory of the cluster, in blocks, by name.
  func lengths(_ directory: String = "base/5") throws -> [String: Int] {
    var lengths: [String: Int] = [:]
    for name in try fileSystem.list("\(root)/\(directory)") {
      let file = try fileSystem.open("\(root)/\(directory)/\(name)", [])
      lengths[name] = Int(try file.size()) / PageLayout.blockSize
      file.close()
    }
    return lengths
  }

  /// Writes a page full of one byte, as a pool would.
  func write(
    _ fork: StoredFork, _ block: UInt32, _ byte: UInt8, _ backend: IOBackend, withoutSync: Bool = false
  ) throws(IOError) {
    let memory = try IOMemory(byteCount: PageLayout.blockSize)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: byte)
    let completion = engine.register(SegmentWriteCompletion.shared)
    var outcome = IOOutcome.unknown
    try withUnsafeMutablePointer(to: &outcome) { slot throws(IOError) in
      let reference = try fork.withSegment(Int(block / fork.blocksPerSegment)) { file throws(IOError) in
        let handle = backend.acquire()
        handle.returns(to: slot)
        handle.add(completion, datum: withoutSync ? SegmentWriteCompletion.withoutSync : 0)
        let offset = Int64(block % fork.blocksPerSegment) * Int64(PageLayout.blockSize)
        return handle.start(.writev, file, at: offset, memory: memory.bytes)
      }
      backend.wait(for: reference)
    }
    if outcome.status != .ok {
      throw IOError(.systemCall, errno: Int32(bitPattern: outcome.detail), message: "could not write")
    }
  }

  /// The first byte of each block of a file.
  func firstBytes(_ name: String, _ directory: String = "base/5") throws -> [UInt8] {
    let bytes = try fileSystem.readAll("\(root)/\(directory)/\(name)")
    return stride(from: 0, to: bytes.count, by: PageLayout.blockSize).map { bytes[$0] }
  }
}
