import MillraceIO
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("recovery with a thread that reads the log")
struct RedoPipelineTests {
  /// A cluster directory with nothing but a log.
  private final class Rig {
    private let directory: TemporaryDirectory
    let backend: IOBackend
    let storage: StorageManager
    let pool: BufferPool
    let manager = ModelManager()
    private let control: ControlFile
    private let path: String

    init(_ method: IOMethodKind, _ cluster: SmallCluster) throws {
      directory = try TemporaryDirectory()
      (path, control) = (directory.path, cluster.control)
      try cluster.log.write(to: directory)
      try directory.write([], to: "base/5/.keep")
      let engine = try IOEngine(IOConfiguration(method: method))
      storage = StorageManager(engine: engine, directory: path, fileSystem: LocalFileSystem(), isWritable: true)
      pool = try BufferPool(engine: engine, count: 256)
      backend = try engine.makeBackend("startup")
    }

    deinit { backend.close() }

    func recover(onThread: Bool, batchBytes: Int) throws -> RecoveryReport {
      var configuration = RecoveryConfiguration()
      (configuration.readsOnThread, configuration.batchBytes) = (onThread, batchBytes)
      return try Recovery(
        controlFile: control, storage: storage, pool: pool, backend: backend, fileSystem: LocalFileSystem(),
        walDirectory: "\(path)/pg_wal", resourceManagers: ResourceManagerTable([manager]),
        configuration: configuration
      ).run()
    }

    /// The byte that is written to each block.
    func bytes() throws -> [UInt8] {
      let fork = storage.open(ModelChange.locator(SmallCluster.relation))
      return try (0..<fork.blockCount()).map { block in
        try pool.read(fork, BlockNumber(block), backend).bytes.load(fromByteOffset: 5000, as: UInt8.self)
      }
    }
  }

  /// A relation of so many blocks that are written again and again, with records in between that end batches.
  private func cluster(blocks: UInt32, rounds: UInt8) throws -> SmallCluster {
    let cluster = try SmallCluster(blocks: 0)
    cluster.log.append(.storage, info: StorageRecordKind.create.rawValue) {
      StorageCreateRecord(ModelChange.locator(SmallCluster.relation), .main).append(to: $0)
    }
    for block in 0..<blocks { cluster.initialize(block, 1) }
    for round in 0..<rounds {
      for block in 0..<blocks { cluster.write(block, round &+ UInt8(truncatingIfNeeded: block)) }
      if round % 3 == 0 { cluster.log.append(.xlog, info: XLOGRecordKind.noop.rawValue) }
    }
    return cluster
  }

  @Test(
    "pages and report are those of recovery on one thread",
    arguments: [IOMethodKind.sync, .worker], [1, 5000, 1 << 20])
  func same(method: IOMethodKind, batchBytes: Int) throws {
    let cluster = try cluster(blocks: 60, rounds: 20)
    let (alone, together) = (try Rig(method, cluster), try Rig(method, cluster))
    let expected = try alone.recover(onThread: false, batchBytes: batchBytes)
    let report = try together.recover(onThread: true, batchBytes: batchBytes)
    #expect(try together.bytes() == (UInt8(0)..<60).map { 19 + $0 })
    #expect(try together.bytes() == alone.bytes())
    #expect(report.recordCount == expected.recordCount && report.recordCounts == expected.recordCounts)
    #expect(report.redoStart == expected.redoStart && report.redoDone == expected.redoDone)
    #expect(report.endPosition == expected.endPosition && report.problem == expected.problem)
    #expect(report.state == expected.state)
    #expect(report.pages.batches == expected.pages.batches)
  }

  @Test("where redo fails, or the log ends too early, nothing is left running", arguments: [0, 1, 700, 1259])
  func fails(changes: Int) throws {
    let rig = try Rig(.worker, cluster(blocks: 60, rounds: 20))
    rig.manager.recordsUntilFailure = changes
    let error = #expect(throws: RecoveryError.self) { try rig.recover(onThread: true, batchBytes: 3000) }
    #expect(error?.message.hasPrefix("interrupted; CONTEXT: WAL redo at ") == true)
    #expect(rig.backend.outstandingCount == 0)
    // The reader's backend has gone: there is only this one.
    #expect(rig.pool.engine.backendsInUse().map(\.name) == ["startup"])
  }
}
