import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

/// What a test keeps of a record when the reader has gone on.
struct ReadRecord: Equatable {
  struct Block: Equatable {
    var id: Int
    var locator: RelationLocator
    var fork: ForkNumber
    var block: UInt32
    var hasImage: Bool
    var data: [UInt8]
    /// The page that the image restores; nil where there is none.
    var page: [UInt8]?
  }

  var start: LogSequenceNumber
  var end: LogSequenceNumber
  var header: WALRecordHeader
  var imageBytes: Int
  var mainData: [UInt8]
  var blocks: [Block]

  init(_ record: WALRecord) throws(WALProblem) {
    (start, end, header, imageBytes) = (record.start, record.end, record.header, record.imageBytes)
    mainData = Array(record.mainData)
    blocks = []
    for block in record.blocks {
      var page: [UInt8]?
      if let image = block.image {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
        defer { memory.deallocate() }
        if let base = memory.baseAddress {
          try image.restore(to: base, record: record.start, blockID: block.id)
        }
        page = Array(memory)
      }
      blocks.append(
        Block(
          id: block.id, locator: block.locator, fork: block.fork, block: block.block.rawValue,
          hasImage: block.image != nil, data: Array(block.data), page: page))
    }
  }
}

extension WALRecordReader {
  /// Reads to the end of the log.
  func readAll() throws -> [ReadRecord] {
    var records: [ReadRecord] = []
    while let record = try next() { records.append(try ReadRecord(record)) }
    #expect(try next() == nil)
    return records
  }
}

/// An engine and a backend to read with.
struct LogBench {
  let engine: IOEngine
  let backend: IOBackend
  let fileSystem: IOFileSystem
  /// Of the segments.
  var directory: String

  init(_ method: IOMethodKind = .sync, directory: String) throws {
    engine = try IOEngine(IOConfiguration(method: method))
    backend = try engine.makeBackend("wal")
    fileSystem = LocalFileSystem()
    self.directory = directory
  }

  init(_ simulation: SimulatedEngine) throws {
    engine = simulation.engine
    backend = try engine.makeBackend("wal")
    fileSystem = simulation.disk
    directory = "pg_wal"
  }

  func reader(
    _ start: LogSequenceNumber, segmentSize: UInt64, systemIdentifier: UInt64? = nil, timeline: UInt32 = 1,
    _ change: (inout WALReaderConfiguration) -> Void = { _ in }
  ) throws -> WALRecordReader {
    var configuration = WALReaderConfiguration()
    change(&configuration)
    return try WALRecordReader(
      backend: backend, fileSystem: fileSystem, directory: directory, timeline: timeline, segmentSize: segmentSize,
      systemIdentifier: systemIdentifier, start: start, configuration: configuration)
  }
}
