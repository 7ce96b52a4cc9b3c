import Foundation
import Logging
import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage

/// Which way a relation is read.
struct ScanCase: Hashable, Sendable {
  enum Cache: String, Sendable, CaseIterable {
    /// Nothing of the relation is in the page cache.
    case cold
    /// The same was just read.
    case warm
  }

  let method: IOMethodKind
  let isDirect: Bool
  var cache: Cache

  /// `direct` or `buffered`.
  var path: String { isDirect ? "direct" : "buffered" }
}

/// What one scan came to.
struct ScanResult: Sendable {
  var pages = 0
  var items = 0
  var seconds = 0.0
  var cpuSeconds = 0.0
  /// Reads of the pool, their mean size, and calls that submitted them.
  var reads = 0
  var averageReadBlocks = 0.0
  var submitCalls = 0
  /// How far the stream was ahead on average, in blocks, and how often it was waited for.
  var averageDistance = 0.0
  var waits = 0

  var bytes: Int { pages * PageLayout.blockSize }
}

/// Reads one relation, or some of its blocks, through a buffer pool, as a server's backend would.
struct RelationScan {
  let directory: DataDirectory
  let relation: RelationFork
  let settings: Settings
  /// The blocks to read in this order, known ahead; nil for all of them, rising.
  let blocks: [BlockNumber]?

  /// Blocks that one scan reads.
  var pageCount: Int { blocks?.count ?? Int(relation.blockCount) }

  /// Pages between two looks at whether to stop.
  private static let pagesBetweenLooks = 64

  /// Scans once, with an engine and a pool of its own, so that nothing is in the pool. Making these is not measured.
  /// - Parameter onProgress: told how many bytes more have been read.
  /// - Throws: ``IOError``, ``StorageError``, or ``Interruption/Requested``.
  func run(_ scanCase: ScanCase, onProgress: (Int) -> Void) throws -> ScanResult {
    if scanCase.cache == .cold { try dropCache() }
    var configuration = IOConfiguration(tool: settings, backendsMax: 1)
    configuration.method = scanCase.method
    // A page that is damaged ends the scan with a sentence of its own.
    configuration.logger.logLevel = .error
    let engine = try IOEngine(configuration)
    let checksums = directory.controlFile.checksumsEnabled
    let pool = try BufferPool(engine: engine, count: settings[.sharedBuffers], checksums: checksums)
    // A server's pool has been touched long before. A method that registers it with the kernel has done so already, and
    // the others would pay for page faults in the measurement.
    for offset in Swift.stride(from: 0, to: pool.memory.byteCount, by: 4096) {
      pool.memory.bytes.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
    }
    let storage = StorageManager(
      engine: engine, directory: directory.path, versionDirectory: directory.versionDirectory,
      blocksPerSegment: directory.controlFile.segmentBlocks, isDirect: scanCase.isDirect,
      filesMax: settings[.maxFilesPerProcess])
    let fork = storage.open(relation.locator, relation.fork, backend: relation.backend)
    let backend = try engine.makeBackend("bench scan", exclusive: true)
    defer { backend.close() }

    let cpuBefore = CPUTime.ofProcess
    let clock = ContinuousClock()
    let start = clock.now
    var result = try consume(stream(pool, backend, fork), onProgress)
    result.seconds = (clock.now - start) / .seconds(1)
    result.cpuSeconds = CPUTime.ofProcess - cpuBefore
    result.reads = Int(pool.statistics.reads)
    result.submitCalls = Int(backend.statistics.submissionsTotal)
    return result
  }

  private func stream(_ pool: BufferPool, _ backend: IOBackend, _ fork: StoredFork) -> ReadStream {
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = settings[.effectiveIOConcurrency]
    configuration.combineLimit = settings.effectiveIOCombineLimit
    // PostgreSQL's rule (initscan in src/backend/access/heap/heapam.c).
    let isLarge = Int(relation.blockCount) > pool.count / 4
    let source = blocks.map { BlockList($0) } ?? BlockRange(0..<relation.blockCount)
    return ReadStream(
      pool, backend, fork, source, strategy: isLarge ? BufferStrategy(bulkReadFor: configuration, pool: pool) : nil,
      configuration: configuration)
  }

  private func consume(_ stream: ReadStream, _ onProgress: (Int) -> Void) throws -> ScanResult {
    var result = ScanResult()
    while let page = try stream.next() {
      result.pages += 1
      result.items += PageView(page.bytes).itemCount
      if result.pages % Self.pagesBetweenLooks == 0 {
        onProgress(Self.pagesBetweenLooks * PageLayout.blockSize)
        try Interruption.check()
      }
    }
    onProgress(result.pages % Self.pagesBetweenLooks * PageLayout.blockSize)
    let statistics = stream.statistics
    result.averageReadBlocks = statistics.averageIOSize
    result.averageDistance = statistics.averageDistance
    result.waits = Int(statistics.waitCount)
    return result
  }

  /// Drops all segments from the page cache. What is dirty is written first, for only clean pages go.
  private func dropCache() throws {
    for segment in relation.segments {
      let file = try DescriptorFile.open(directory.absolutePath(relation.path(ofSegment: segment.number)), [])
      defer { file.close() }
      // A file that may only be read can still be synchronized; where not, what is dirty stays.
      _ = file.sync(dataOnly: true)
      try file.dropCache()
    }
  }

  /// Why direct I/O is not possible on the relation; nil where it is.
  func obstacleToDirect() -> String? {
    do throws(IOError) {
      let file = try DescriptorFile.open(directory.absolutePath(relation.path(ofSegment: 0)), [.direct])
      defer { file.close() }
      guard PageLayout.blockSize % file.alignment.offset == 0 else {
        return "it needs multiples of \(file.alignment.offset) bytes there, and pages have \(PageLayout.blockSize)"
      }
      return nil
    } catch {
      return error.description
    }
  }
}
