import Foundation
import MillraceIO
import MillraceSettings
import MillraceStorage

/// A data directory of PostgreSQL 18 with one table in it, made up from a seed: enough for every tool that reads pages,
/// PostgreSQL's own `pg_controldata` and `pg_checksums` among them, and too little for a server, which needs catalogs.
struct SampleCluster {
  /// The one relation, below the directory.
  static let relation = "base/5/16384"

  let path: String
  let blockCount: Int

  private static let segmentBlocks = 131_072
  private static let pieceBlocks = 16
  /// Pieces that are being written at once.
  private static let depth = 32

  /// - Parameters:
  ///   - path: an empty directory.
  ///   - byteCount: of the relation; whole pages of it are made.
  init(at path: String, byteCount: Int) {
    self.path = path
    blockCount = byteCount / PageLayout.blockSize
  }

  /// Writes everything and makes it durable.
  /// - Parameters:
  ///   - isDirect: whether the relation goes past the page cache.
  ///   - progress: told of each piece.
  /// - Throws: ``IOError``, such as for a full disk, ``CommandError`` or ``Interruption/Requested``. What has been
  ///   written stays.
  func write(_ settings: Settings, isDirect: Bool, _ progress: ProgressBar) throws {
    for name in ["base/5", "global", "pg_tblspc", "pg_wal"] { try makeDirectory(name) }
    let time = Int64(Date.now.timeIntervalSince1970)
    // As initdb makes it: the time, and the number of the process.
    let identifier = UInt64(time) << 32 | UInt64(getpid())
    try write(ControlFile(newCluster: identifier, time: time).encoded(), to: "global/pg_control")
    for name in ["PG_VERSION", "base/5/PG_VERSION"] { try write(Array("18\n".utf8), to: name) }

    var configuration = IOConfiguration(settings, backendsMax: 1)
    configuration.handlesPerBackend = Self.depth
    let engine = try IOEngine(configuration)
    let memory = try IOMemory(byteCount: Self.depth * Self.pieceBlocks * PageLayout.blockSize)
    engine.register(memory)
    let backend = try engine.makeBackend("demo", exclusive: true)
    defer { backend.close() }
    for segment in 0..<(blockCount + Self.segmentBlocks - 1) / Self.segmentBlocks {
      let name = segment == 0 ? Self.relation : "\(Self.relation).\(segment)"
      var options: IOFileOptions = [.write, .create, .exclusive]
      if isDirect { options.insert(.direct) }
      let first = segment * Self.segmentBlocks
      let file = try DescriptorFile.open(
        "\(path)/\(name)", name: name, options, blockSize: PageLayout.blockSize, firstBlock: UInt64(first))
      defer { engine.close(file) }
      let blocks = first..<min(first + Self.segmentBlocks, blockCount)
      try write(blocks, to: file, backend, memory, progress)
      try backend.synchronize(file)
    }
  }

  /// Writes a segment: pages are made while others are on their way.
  private func write(
    _ blocks: Range<Int>, to file: IOFile, _ backend: IOBackend, _ memory: IOMemory, _ progress: ProgressBar
  ) throws {
    let sample = SampleRelation()
    let places = Places(count: Self.depth)
    let completion = backend.engine.register(places)
    defer { backend.reap(atLeast: backend.outstandingCount) }
    for first in stride(from: blocks.lowerBound, to: blocks.upperBound, by: Self.pieceBlocks) {
      try Interruption.check()
      let count = min(Self.pieceBlocks, blocks.upperBound - first)
      let place = takePlace(places, backend)
      if let failure = places.failure { throw failure.error(.writev, file) }
      let offset = Int(place) * Self.pieceBlocks * PageLayout.blockSize
      for index in 0..<count {
        let page = memory.bytes[(offset + index * PageLayout.blockSize)...].prefix(PageLayout.blockSize)
        sample.fill(UnsafeMutableRawBufferPointer(rebasing: page), block: BlockNumber(UInt32(first + index)))
      }
      let handle = backend.acquire()
      handle.add(completion)
      handle.data[0] = place
      handle.vectors[0] = IOVector(base: memory.baseAddress + offset, byteCount: count * PageLayout.blockSize)
      _ = handle.start(
        .writev, file, at: Int64((first - blocks.lowerBound) * PageLayout.blockSize), vectorCount: 1, dataCount: 1)
      progress.add(count * PageLayout.blockSize)
    }
    backend.reap(atLeast: backend.outstandingCount)
    if let failure = places.failure { throw failure.error(.writev, file) }
  }

  private func takePlace(_ places: Places, _ backend: IOBackend) -> UInt32 {
    while true {
      if let place = places.take() { return place }
      backend.reap(atLeast: 1)
    }
  }

  private func makeDirectory(_ name: String) throws(CommandError) {
    do {
      try FileManager.default.createDirectory(
        atPath: "\(path)/\(name)", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw CommandError("could not make directory \"\(path)/\(name)\": \(Self.reason(error))")
    }
  }

  private func write(_ bytes: [UInt8], to name: String) throws(CommandError) {
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    } catch {
      throw CommandError("could not write file \"\(path)/\(name)\": \(Self.reason(error))")
    }
  }

  /// The system's own words, which Foundation wraps.
  private static func reason(_ error: any Error) -> String {
    let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    guard let underlying, underlying.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
    return IOError.text(of: Int32(underlying.code))
  }
}
