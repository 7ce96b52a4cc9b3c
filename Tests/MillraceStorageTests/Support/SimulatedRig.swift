import MillraceIO
import MillraceSimulation
import Testing

@testable import MillraceStorage

/// A relation on a simulated disk, read on one thread by an engine whose every step follows from a seed.
final class SimulatedRig {
  static let path = "base/5/16384"

  let image: RelationImage
  let simulation: SimulatedEngine
  let pool: BufferPool
  let storage: StorageManager
  let fork: StoredFork
  let backend: IOBackend

  var engine: IOEngine { simulation.engine }
  var clock: SimulatedClock { simulation.clock }
  var disk: SimulatedDisk { simulation.disk }

  /// - Parameters:
  ///   - faults: what the disk does wrong once the relation is there.
  ///   - merges: whether the engine may merge neighbouring I/Os.
  init(
    seed: UInt64 = 1, blocks: Int, buffers: Int = 1024, blocksPerSegment: Int = 131_072, handles: Int = 64,
    combineLimit: Int = 16, direct: Bool = false, merges: Bool = false, faults: FaultModel = .none,
    latency: LatencyModel? = LatencyModel(usual: 100_000...100_000)
  ) throws {
    image = .shared(blocks: blocks)
    var configuration = IOConfiguration()
    configuration.handlesPerBackend = handles
    configuration.vectorsPerHandle = combineLimit
    configuration.backendsMax = 8
    if !merges { configuration.mergedBytesMax = 0 }
    let disk = SimulatedDisk(seed: seed)
    try image.write(to: disk, Self.path, blocksPerSegment: blocksPerSegment)
    disk.faults = faults
    simulation = try SimulatedEngine(seed: seed, configuration: configuration, disk: disk, latency: latency)
    pool = try BufferPool(engine: simulation.engine, count: buffers)
    storage = StorageManager(
      engine: simulation.engine, directory: "", blocksPerSegment: UInt32(blocksPerSegment), isDirect: direct,
      fileSystem: disk, isWritable: true)
    fork = storage.open(StorageRig.locator)
    backend = try simulation.engine.makeBackend("simulated")
  }

  func stream(
    _ source: BlockSource, strategy: BufferStrategy? = nil, _ change: (inout ReadStreamConfiguration) -> Void = { _ in }
  ) -> ReadStream {
    var configuration = ReadStreamConfiguration()
    change(&configuration)
    return ReadStream(pool, backend, fork, source, strategy: strategy, configuration: configuration)
  }

  /// Reads up to `count` pages of a stream, checks them, and lets time pass after each.
  /// - Parameter work: nanoseconds that the consumer is busy with a page.
  @discardableResult
  func read(
    _ stream: ReadStream, _ count: Int = .max, work: UInt64 = 0, _ location: SourceLocation = #_sourceLocation
  ) throws(StorageError) -> [UInt32] {
    var blocks: [UInt32] = []
    while blocks.count < count, let page = try stream.next() {
      let block = page.block.rawValue
      blocks.append(block)
      if !image.holds(page.bytes, block) {
        Issue.record("block \(block) has other bytes than it should", sourceLocation: location)
      }
      clock.advance(by: work)
    }
    return blocks
  }

  func evict(_ blocks: some Sequence<UInt32>) { for block in blocks { pool.evict(fork, block) } }
}

extension RelationImage {
  /// Writes it as segment files of a simulated disk.
  func write(to disk: SimulatedDisk, _ path: String, blocksPerSegment: Int) throws {
    for segment in 0..<max((blockCount + blocksPerSegment - 1) / blocksPerSegment, 1) {
      let first = segment * blocksPerSegment
      let count = min(blocksPerSegment, blockCount - first)
      let file = try disk.openFile(segment == 0 ? path : "\(path).\(segment)", [.create, .write, .truncate])
      var vector = IOVector(
        base: UnsafeMutableRawPointer(mutating: page(UInt32(first))), byteCount: count * PageLayout.blockSize)
      if count > 0 { #expect(file.write(&vector, count: 1, at: 0) == Int64(vector.byteCount)) }
      #expect(file.sync(dataOnly: false) == 0)
      file.close()
    }
  }
}
