import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceStorage

/// Writes the pages of a sample relation, many pieces at once: pages are made while others are on their way.
final class SampleWriter {
  private let backend: IOBackend
  private let memory: IOMemory
  private let places: Places
  private let completion: IOCompletionID
  private let progress: ProgressBar
  private let sample = SampleRelation()

  private static let pieceBlocks = 16
  private static let pieceBytes = pieceBlocks * PageLayout.blockSize
  /// Pieces that are being written at once.
  private static let depth = 32

  init(_ settings: Settings, _ progress: ProgressBar) throws(IOError) {
    var configuration = IOConfiguration(tool: settings, backendsMax: 1)
    configuration.handlesPerBackend = Self.depth
    let engine = try IOEngine(configuration)
    memory = try IOMemory(byteCount: Self.depth * Self.pieceBytes)
    engine.register(memory)
    places = Places(count: Self.depth)
    completion = engine.register(places)
    backend = try engine.makeBackend("demo", exclusive: true)
    self.progress = progress
  }

  func close(_ file: IOFile) { backend.engine.close(file) }

  /// Ends all I/O.
  func finish() { backend.close() }

  /// Writes a segment and makes it durable.
  /// - Parameter blocks: their numbers in the relation; the first stands at the file's beginning.
  /// - Throws: ``IOError`` or ``Interruption/Requested``, with no I/O in flight.
  func write(_ blocks: Range<Int>, to file: IOFile) throws {
    defer { backend.reap(atLeast: backend.outstandingCount) }
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: Self.pieceBlocks) {
      try Interruption.check()
      let place = takePlace()
      try checkFailure(file)
      let count = min(Self.pieceBlocks, blocks.upperBound - first)
      start(first, count, in: place, file, at: Int64(first - blocks.lowerBound) * Int64(PageLayout.blockSize))
      progress.add(count * PageLayout.blockSize)
    }
    backend.reap(atLeast: backend.outstandingCount)
    try checkFailure(file)
    try backend.synchronize(file)
  }

  /// Makes some pages and starts to write them.
  private func start(_ first: Int, _ count: Int, in place: UInt32, _ file: IOFile, at offset: Int64) {
    let start = Int(place) * Self.pieceBytes
    for index in 0..<count {
      let page = memory.bytes[(start + index * PageLayout.blockSize)...].prefix(PageLayout.blockSize)
      sample.fill(UnsafeMutableRawBufferPointer(rebasing: page), block: BlockNumber(UInt32(first + index)))
    }
    let handle = backend.acquire()
    handle.add(completion)
    handle.data[0] = place
    handle.vectors[0] = IOVector(base: memory.baseAddress + start, byteCount: count * PageLayout.blockSize)
    _ = handle.start(.writev, file, at: offset, vectorCount: 1, dataCount: 1)
  }

  private func takePlace() -> UInt32 {
    while true {
      if let place = places.take() { return place }
      backend.reap(atLeast: 1)
    }
  }

  private func checkFailure(_ file: IOFile) throws(IOError) {
    if let failure = places.failure { throw failure.error(.writev, file) }
  }
}
