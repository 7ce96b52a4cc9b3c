import MillraceIO
import MillraceSimulation
import MillraceStorage

@testable import MillraceWAL

/// A machine that comes up on a disk with a past: an engine, a pool, and recovery.
final class RecoveryRig {
  let simulation: SimulatedEngine
  let storage: StorageManager
  let pool: BufferPool
  let backend: IOBackend
  let control: ControlFile
  let manager = ModelManager()

  init(
    seed: UInt64, disk: SimulatedDisk, control: ControlFile, buffers: Int = 512, latency: LatencyModel? = nil
  ) throws {
    simulation = try SimulatedEngine(seed: seed, disk: disk, latency: latency)
    storage = StorageManager(
      engine: simulation.engine, directory: "", fileSystem: disk, isWritable: true)
    pool = try BufferPool(engine: simulation.engine, count: buffers)
    backend = try simulation.engine.makeBackend("startup")
    self.control = control
  }

  deinit { backend.close() }

  func recovery(_ change: (inout RecoveryConfiguration) -> Void = { _ in }) -> Recovery {
    var configuration = RecoveryConfiguration()
    change(&configuration)
    return Recovery(
      controlFile: control, storage: storage, pool: pool, backend: backend, fileSystem: simulation.disk,
      walDirectory: "pg_wal", resourceManagers: ResourceManagerTable([manager]), configuration: configuration)
  }

  /// The pages of a relation, as the pool has them, checksums left out.
  func pages(_ relation: UInt32) throws -> [[UInt8]] {
    let fork = storage.open(ModelChange.locator(relation))
    return try (0..<fork.blockCount()).map { block in
      let buffer = try pool.read(fork, BlockNumber(block), backend)
      return Array(UnsafeRawBufferPointer(start: buffer.bytes, count: PageLayout.blockSize)).withoutChecksum
    }
  }

  /// Writes pages to their files, as a checkpoint or a background writer would.
  /// - Parameter onlyCached: leaves out what is not in the pool.
  func writeOut(_ relation: UInt32, onlyCached: Bool = false, where isWanted: (UInt32) -> Bool) throws {
    let fork = storage.open(ModelChange.locator(relation))
    guard try fork.blockCount() > 0 else { return }
    let file = try simulation.disk.openFile(fork.path, [.write])
    defer { file.close() }
    for block in 0..<(try fork.blockCount()) where isWanted(block) {
      if onlyCached, pool.prefetch(fork, BlockNumber(block), backend) != .cached { continue }
      let buffer = try pool.read(fork, BlockNumber(block), backend)
      let page = CrashScenario.Page(
        Array(UnsafeRawBufferPointer(start: buffer.bytes, count: PageLayout.blockSize)))
      if !PageView(page.base).isNew { PageChecksum.set(page.base, block: BlockNumber(block)) }
      try page.bytes.withUnsafeBytes { try file.writeWhole(at: Int64(block) * Int64(PageLayout.blockSize), $0) }
    }
    try file.syncWhole()
  }
}

extension [UInt8] {
  /// A page's checksum is computed when it is written out.
  var withoutChecksum: [UInt8] {
    var bytes = self
    (bytes[8], bytes[9]) = (0, 0)
    return bytes
  }
}
