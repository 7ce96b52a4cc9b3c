import CInterposition
import Foundation
import MillraceIO
import MillraceStorage
import MillraceWAL

/// Prints how often hot paths allocate, retain, release and lock on the issuing thread, as JSON: counts per 1,000
/// operations of a release build. `HotPathCountsTests` runs it and says what is allowed.
@main
enum HotPathCounts {
  struct Row: Encodable {
    let path: String
    let operations: Int
    let batches: Int
    let allocations, retains, releases, locks: UInt64
  }

  static let block = 8192
  static let blocks = 2048

  static func main() throws {
    let directory = NSTemporaryDirectory() + "millrace-counts-\(getpid())"
    try FileManager.default.createDirectory(atPath: directory + "/base/5", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try writeSample(directory + "/base/5/16384")

    var rows: [Row] = []
    for method in [IOMethodKind.sync, .worker, .ioUring, .posixAIO] where MethodSelection.obstacle(to: method) == nil {
      for exclusive in method == .ioUring ? [false, true] : [false] {
        let name = method.rawValue + (exclusive ? " exclusive" : "")
        rows.append(try issue(name, method, exclusive: exclusive, path: directory + "/base/5/16384"))
        rows += try stream(name, method, exclusive: exclusive, directory: directory)
        rows.append(try writeOut(name, method, exclusive: exclusive, directory: directory))
        if !exclusive { rows += try log(name, method, directory: directory) }
      }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    FileHandle.standardOutput.write(try encoder.encode(rows))
  }

  private static func writeSample(_ path: String) throws {
    let sample = SampleRelation()
    var bytes = [UInt8](repeating: 0, count: blocks * block)
    bytes.withUnsafeMutableBytes { memory in
      for number in 0..<blocks {
        let page = UnsafeMutableRawBufferPointer(rebasing: memory[number * block..<(number + 1) * block])
        sample.fill(page, block: BlockNumber(UInt32(number)))
      }
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private static func row(_ path: String, _ operations: Int, batches: Int, _ body: () throws -> Void) rethrows -> Row {
    interposition_begin()
    do {
      try body()
    } catch {
      _ = interposition_end()
      throw error
    }
    let counts = interposition_end()
    return Row(
      path: path, operations: operations, batches: batches, allocations: counts.allocations, retains: counts.retains,
      releases: counts.releases, locks: counts.locks)
  }

  /// Acquire, start, submit, complete and reclaim, in batches of 16; after a first round that fills what is filled
  /// once.
  private static func issue(_ name: String, _ method: IOMethodKind, exclusive: Bool, path: String) throws -> Row {
    let engine = try IOEngine(IOConfiguration(method: method))
    let backend = try engine.makeBackend("counts", exclusive: exclusive)
    let file = try DescriptorFile.open(path, [])
    let memory = try IOMemory(byteCount: 16 * block)
    func round() {
      for batchNumber in 0..<64 {
        let batch = backend.batch()
        for place in 0..<16 {
          // Not neighbours, so that each stays an I/O of its own.
          let offset = (batchNumber * 31 + place * 67) % (blocks - 1) * block
          let piece = UnsafeMutableRawBufferPointer(start: memory.baseAddress + place * block, count: block)
          _ = backend.acquire().start(.readv, file, at: Int64(offset), memory: piece)
        }
        batch.submit()
        backend.reap(atLeast: 16)
      }
    }
    round()
    let result = row("\(name): stage, submit, complete", 1024, batches: 64) { round() }
    backend.close()
    engine.close(file)
    return result
  }

  /// Locking a page, changing it, and writing it out with its neighbours.
  private static func writeOut(
    _ name: String, _ method: IOMethodKind, exclusive: Bool, directory: String
  ) throws -> Row {
    let engine = try IOEngine(IOConfiguration(method: method))
    let backend = try engine.makeBackend("counts", exclusive: exclusive)
    let storage = StorageManager(engine: engine, directory: directory, isWritable: true)
    let fork = storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 16384))
    let pool = try BufferPool(engine: engine, count: blocks)
    pool.flushGuard = EverythingDurable()
    var configuration = WriteStreamConfiguration()
    configuration.flushAfter = 32
    let stream = WriteStream(pool, backend, configuration: configuration)
    func round() throws {
      for block in 0..<UInt32(1024) {
        var page = try pool.read(fork, BlockNumber(block), backend)
        page.lock(.exclusive)
        page.setLSN(LogSequenceNumber(UInt64(block)))
        page.markDirty()
        stream.add(page)
      }
      try stream.finish()
    }
    try round()
    let writesBefore = Int(stream.statistics.ioCount + stream.statistics.flushRangeCount)
    let counted = try row("\(name): change and write out", 1024, batches: 0) { try round() }
    let result = Row(
      path: counted.path, operations: 1024,
      batches: Int(stream.statistics.ioCount + stream.statistics.flushRangeCount) - writesBefore,
      allocations: counted.allocations, retains: counted.retains, releases: counted.releases, locks: counted.locks)
    backend.close()
    return result
  }

  /// A log that is always durable.
  final class EverythingDurable: PageFlushGuard, @unchecked Sendable {
    // Safe because it has no state.
    override var flushedPosition: LogSequenceNumber { LogSequenceNumber(.max) }
  }

  /// The next page of a stream: cached, where that is one pin and one unpin, and read.
  private static func stream(
    _ name: String, _ method: IOMethodKind, exclusive: Bool, directory: String
  ) throws -> [Row] {
    let engine = try IOEngine(IOConfiguration(method: method))
    let backend = try engine.makeBackend("counts", exclusive: exclusive)
    let storage = StorageManager(engine: engine, directory: directory)
    let fork = storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 16384))
    var rows: [Row] = []

    func scan(_ pool: BufferPool, _ path: String) throws -> Row {
      let stream = ReadStream(pool, backend, fork, BlockRange(0..<UInt32(blocks)))
      // Past the start, where a stream learns and files are opened.
      for _ in 0..<1024 { _ = try stream.next() }
      let readsBefore = stream.statistics.ioCount
      let counted = try row(path, 1000, batches: 0) {
        for _ in 0..<1000 { _ = try stream.next() }
      }
      let reads = Int(stream.statistics.ioCount - readsBefore)
      while try stream.next() != nil {}
      return Row(
        path: path, operations: 1000, batches: reads, allocations: counted.allocations, retains: counted.retains,
        releases: counted.releases, locks: counted.locks)
    }

    let small = try BufferPool(engine: engine, count: 512)
    _ = try scan(small, "")
    rows.append(try scan(small, "\(name): next page, read"))
    let large = try BufferPool(engine: engine, count: blocks * 2)
    _ = try scan(large, "")
    rows.append(try scan(large, "\(name): next page, cached"))
    backend.close()
    return rows
  }

  /// Records into the log: one that changes a page, with and without its image, across pages of the log; and a commit,
  /// from the insertion until it is durable.
  private static func log(_ name: String, _ method: IOMethodKind, directory: String) throws -> [Row] {
    let place = directory + "/pg_wal-" + method.rawValue
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let engine = try IOEngine(IOConfiguration(method: method))
    let backend = try engine.makeBackend("counts")
    var configuration = WALConfiguration(directory: place, systemIdentifier: 1)
    configuration.bufferPages = 4096
    let start = LogSequenceNumber(configuration.segmentSize)
    let log = try WriteAheadLog(
      engine: engine, configuration,
      at: WALResumePoint(position: start, lastRecord: LogSequenceNumber(40), redoPosition: start), backend: backend)
    let page = try IOMemory(byteCount: block)
    let builder = WALRecordBuilder()
    let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)

    func insert(_ flags: RegisteredBufferFlags) throws -> LogSequenceNumber {
      builder.begin(.heap, info: 0, xid: 3)
      builder.registerBlock(0, locator, .main, BlockNumber(7), page: page.baseAddress, flags: flags)
      builder.appendBlockData(0, UInt64(42))
      builder.appendData(UInt16(1))
      return try log.insert(builder, backend: backend).end
    }
    func commit() throws { try log.flush(upTo: insert(.noImage), backend: backend) }

    var end = LogSequenceNumber.invalid
    for _ in 0..<10 { end = try insert(.forceImage) }
    try log.flush(upTo: end, backend: backend)
    var rows = [
      try row("\(name): insert a WAL record", 1000, batches: 0) {
        for _ in 0..<1000 { end = try insert(.noImage) }
      },
      try row("\(name): insert a WAL record with a full-page image", 1000, batches: 0) {
        for _ in 0..<1000 { end = try insert(.forceImage) }
      },
    ]
    try log.flush(upTo: end, backend: backend)
    for _ in 0..<10 { try commit() }
    rows.append(
      try row("\(name): commit", 100, batches: 0) {
        for _ in 0..<100 { try commit() }
      })
    log.close(backend: backend)
    backend.close()
    return rows
  }
}
