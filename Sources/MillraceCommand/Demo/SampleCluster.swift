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
  /// Blocks of a full segment.
  let segmentBlocks: Int

  /// - Parameters:
  ///   - path: an empty directory.
  ///   - byteCount: of the relation; whole pages of it are made.
  ///   - segmentBlocks: blocks of a full segment.
  init(at path: String, byteCount: Int, segmentBlocks: Int = 131_072) {
    (self.path, self.segmentBlocks) = (path, segmentBlocks)
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
    let controlFile = ControlFile(newCluster: identifier, time: time, segmentBlocks: UInt32(segmentBlocks))
    try write(controlFile.encoded(), to: "global/pg_control")
    for name in ["PG_VERSION", "base/5/PG_VERSION"] { try write(Array("18\n".utf8), to: name) }

    let writer = try SampleWriter(settings, progress)
    defer { writer.finish() }
    for segment in 0..<(blockCount + segmentBlocks - 1) / segmentBlocks {
      let name = segment == 0 ? Self.relation : "\(Self.relation).\(segment)"
      var options: IOFileOptions = [.write, .create, .exclusive]
      if isDirect { options.insert(.direct) }
      let first = segment * segmentBlocks
      let file = try DescriptorFile.open(
        "\(path)/\(name)", name: name, options, blockSize: PageLayout.blockSize, firstBlock: UInt64(first))
      defer { writer.close(file) }
      try writer.write(first..<min(first + segmentBlocks, blockCount), to: file)
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
