import Foundation
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import Synchronization
import Testing

@testable import MillraceIO
@testable import MillraceWAL

/// A log of its own for one test: an engine, a directory, real or simulated, and the log.
final class WALRig {
  let setup: WALSetup
  let engine: IOEngine
  let backend: IOBackend
  let simulation: SimulatedEngine?
  let disk: SimulatedDisk?
  let directory: DiskDirectory?
  private(set) var configuration: WALConfiguration
  private(set) var log: WriteAheadLog
  let builder = WALRecordBuilder()
  let start: WALResumePoint

  static let segmentSize: UInt64 = 1 << 20

  init(
    _ setup: WALSetup, injection: IOInjection? = nil, backends: Int = 16, handles: Int = 32,
    configure: (inout WALConfiguration) -> Void = { _ in }
  ) throws {
    self.setup = setup
    var io = IOConfiguration(method: setup.kind)
    io.backendsMax = backends
    io.handlesPerBackend = handles
    io.workers = WorkerPoolConfiguration(fixed: 2)
    if setup.usesSimulatedDisk {
      let disk = SimulatedDisk(seed: 1)
      try disk.makeDirectory("pg_wal")
      let simulation = try SimulatedEngine(seed: 1, configuration: io, disk: disk, latency: nil, injection: injection)
      (self.simulation, self.disk, engine, directory) = (simulation, disk, simulation.engine, nil)
      configuration = WALConfiguration(directory: "pg_wal", systemIdentifier: 0x1234_5678_9ABC_DEF0)
      configuration.fileSystem = disk
    } else {
      engine = try IOEngine(io, method: MethodSelection.make(io), injection: injection)
      let directory = try DiskDirectory()
      (simulation, disk, self.directory) = (nil, nil, directory)
      configuration = WALConfiguration(directory: directory.path, systemIdentifier: 0x1234_5678_9ABC_DEF0)
    }
    configuration.segmentSize = Self.segmentSize
    configuration.bufferPages = 16
    configuration.hugePages = .off
    configuration.syncMethod = setup.syncMethod
    configuration.isFsyncEnabled = setup.isFsyncEnabled
    configuration.isDirect = setup.isDirect
    configure(&configuration)
    let size = configuration.segmentSize
    start = WALResumePoint(
      position: LogSequenceNumber(size), lastRecord: LogSequenceNumber(40), redoPosition: LogSequenceNumber(size))
    backend = try engine.makeBackend("test")
    log = try WriteAheadLog(engine: engine, configuration, at: start, backend: backend)
  }

  /// Goes on with the log where it has been found to end.
  func reopen(at end: WALResumePoint, configure: (inout WALConfiguration) -> Void = { _ in }) throws {
    log.close(backend: backend)
    configure(&configuration)
    log = try WriteAheadLog(engine: engine, configuration, at: end, backend: backend)
  }

  // MARK: Inserting

  /// Inserts a NOOP record with so many bytes of data.
  @discardableResult
  func insert(_ data: [UInt8]) throws -> (start: LogSequenceNumber, end: LogSequenceNumber) {
    try Self.insert(data, log, builder, backend)
  }

  static func insert(
    _ data: [UInt8], _ log: WriteAheadLog, _ builder: WALRecordBuilder, _ backend: IOBackend
  ) throws -> (start: LogSequenceNumber, end: LogSequenceNumber) {
    builder.begin(.xlog, info: 0x20)
    data.withUnsafeBytes { builder.appendData(copying: $0) }
    return try log.insert(builder, backend: backend)
  }

  // MARK: Looking

  /// What a segment's file holds now, past the engine; nil where there is none.
  func contents(_ segment: UInt64) -> [UInt8]? {
    let path = "\(configuration.directory)/\(log.segments.name(segment))"
    if let disk { return disk.contents(of: path) }
    return (try? Data(contentsOf: URL(fileURLWithPath: path))).map { [UInt8]($0) }
  }

  /// What the files hold.
  func image() -> LogImage {
    LogImage(log.geometry, from: start.position.rawValue, previous: 40) { [self] in contents($0) }
  }

  /// I/Os of the test's backend that were executed in place.
  var inPlace: UInt64? { engine.backendStatistics().first { $0.name == backend.name }?.inPlaceTotal }

  var names: [String] { (try? configuration.fileSystem.list(configuration.directory)) ?? [] }
}

/// An attempt whose raw result can be replaced.
struct InjectedAttempt: Sendable {
  let operation: IOOperation
  let offset: Int64
  let length: Int
  let path: String
}

/// Replaces raw results as a closure says. The closure may also hold the completion up.
final class TestInjection: IOInjection, @unchecked Sendable {
  // Safe because the closure is Sendable.

  private let replace: @Sendable (Int64, InjectedAttempt) -> Int64

  init(_ replace: @escaping @Sendable (Int64, InjectedAttempt) -> Int64) { self.replace = replace }

  override func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 {
    replace(raw, InjectedAttempt(operation: io.operation, offset: io.offset, length: io.length, path: path))
  }
}
