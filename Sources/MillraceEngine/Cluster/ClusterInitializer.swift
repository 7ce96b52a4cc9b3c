public import MillraceIO
import MillraceStorage
import MillraceWAL

/// Makes the directory of a new cluster: what PostgreSQL 18's `initdb` makes, with the system tables that its bootstrap
/// fills. PostgreSQL's own `pg_controldata`, `pg_checksums` and `pg_waldump` accept it.
///
/// Either the whole cluster is there when ``run(isCancelled:)`` returns, durably, or nothing is left of it.
/// `pg_control` comes last, so that what a crash leaves halfway is not taken for a cluster.
public struct ClusterInitializer: Sendable {
  /// What cannot be changed later.
  public struct Options: Sendable {
    /// Bytes of a WAL segment: a power of two from 1 MiB to 1 GiB.
    public var walSegmentSize: UInt64 = 16 << 20
    /// Blocks of a relation's segment.
    public var segmentBlocks: UInt32 = 131_072
    public var checksums = true
    /// Whether there are system tables. Without them there are only pages and transactions, of which the lower floors'
    /// own tests need nothing more.
    public var hasCatalogs = true
    /// What no other cluster has.
    public var systemIdentifier: UInt64
    /// When the cluster is made, in seconds since 1970.
    public var time: Int64
    /// Lines of `millrace.conf`: `name = value`.
    public var configuration: [String] = []

    /// - Parameters:
    ///   - microseconds: since 1970.
    ///   - processID: tells apart clusters that are made at the same moment.
    public init(microseconds: Int64, processID: Int32) {
      time = microseconds / 1_000_000
      // As initdb makes it: the time, and some bits of the number of the process.
      systemIdentifier =
        UInt64(time) << 32 | UInt64(microseconds % 1_000_000) << 12 | UInt64(UInt32(bitPattern: processID) & 0xFFF)
    }
  }

  private let fileSystem: IOFileSystem
  private let path: String
  private let options: Options

  /// - Parameters:
  ///   - path: a directory that is empty, or is not there.
  public init(_ fileSystem: IOFileSystem, path: String, _ options: Options) {
    self.fileSystem = fileSystem
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = String(path)
    self.options = options
  }

  /// Makes the cluster.
  /// - Parameter isCancelled: asked now and then; whether to clean up and throw `.cancelled`.
  /// - Throws: ``EngineError``.
  public func run(isCancelled: () -> Bool = { false }) throws(EngineError) {
    guard WALGeometry.isValid(segmentSize: options.walSegmentSize) else {
      throw EngineError(.invalidSetting, "wal_segment_size must be a power of two between 1MB and 1GB")
    }
    var made = MadeFiles(fileSystem)
    do throws(EngineError) {
      do throws(IOError) {
        try makeRoot(&made)
        try makeFiles(&made, isCancelled)
      } catch {
        throw EngineError(error)
      }
    } catch {
      made.removeAll()
      throw error
    }
  }

  private func makeRoot(_ made: inout MadeFiles) throws(IOError) {
    if try fileSystem.exists(path) {
      guard try fileSystem.list(path).isEmpty else {
        throw IOError(
          .invalidConfiguration,
          message: "directory \"\(path)\" exists but is not empty; choose another, or empty it")
      }
      return
    }
    var missing = [path]
    while let last = missing.last {
      let above = IOFileSystem.directory(of: last)
      if above == "." || above == last { break }
      if try fileSystem.exists(above) { break }
      missing.append(above)
    }
    for directory in missing.reversed() { try made.makeDirectory(directory) }
  }

  private func makeFiles(_ made: inout MadeFiles, _ isCancelled: () -> Bool) throws(IOError) {
    func check() throws(IOError) {
      if isCancelled() { throw IOError(.cancelled, message: "making the cluster in \"\(path)\" was cancelled") }
    }
    for directory in ClusterLayout.directories { try made.makeDirectory("\(path)/\(directory)") }
    let version = Array("\(ClusterLayout.majorVersion)\n".utf8)
    try made.write("\(path)/PG_VERSION", version)
    for database in ClusterLayout.databases { try made.write("\(path)/base/\(database)/PG_VERSION", version) }
    let page = [UInt8](repeating: 0, count: PageLayout.blockSize)
    for file in ClusterLayout.zeroPages { try made.write("\(path)/\(file)", page) }
    try check()
    if options.hasCatalogs { try writeCatalogs(&made, check) }
    try made.write("\(path)/\(ClusterLayout.configurationFile)", configuration)
    try made.write("\(path)/\(ClusterLayout.automaticConfigurationFile)", Array(Self.automaticHeader.utf8))

    var controlFile = ControlFile(
      newCluster: options.systemIdentifier, time: options.time, checksums: options.checksums,
      segmentBlocks: options.segmentBlocks)
    controlFile.walSegmentSize = UInt32(options.walSegmentSize)
    controlFile.setFirstPosition(LogSequenceNumber(options.walSegmentSize + UInt64(WALLayout.longPageHeaderSize)))
    try writeFirstSegment(controlFile, &made, check)
    try check()
    for directory in ClusterLayout.directories.reversed() { try fileSystem.syncDirectory("\(path)/\(directory)") }
    try made.write("\(path)/\(ClusterLayout.controlFile)", controlFile.encoded())
    try fileSystem.syncDirectory("\(path)/global")
    try fileSystem.syncDirectory(path)
    try fileSystem.syncDirectory(IOFileSystem.directory(of: path))
  }

  /// The files of the system tables. All are written before the first is synced, so that the device has much to do at a
  /// time.
  private func writeCatalogs(_ made: inout MadeFiles, _ check: () throws(IOError) -> Void) throws(IOError) {
    let catalogs = ClusterCatalogs.new
    var written: [IOFile] = []
    defer { for file in written { file.close() } }
    func write(_ files: [ClusterCatalogs.File], _ map: RelationMap, to directory: String) throws(IOError) {
      for file in files {
        try check()
        written.append(try made.writeUnsynced("\(directory)/\(file.number)", withChecksums(file.pages)))
      }
      written.append(try made.writeUnsynced("\(directory)/\(RelationMap.fileName)", map.encoded()))
    }
    try write(catalogs.shared, catalogs.sharedMap, to: "\(path)/global")
    for database in ClusterLayout.databases {
      try write(catalogs.local, catalogs.localMap, to: "\(path)/base/\(database)")
    }
    for file in written {
      try check()
      try file.syncWhole()
    }
  }

  private func withChecksums(_ pages: [UInt8]) -> [UInt8] {
    guard options.checksums else { return pages }
    var pages = pages
    pages.withMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      for block in 0..<memory.count / PageLayout.blockSize {
        PageChecksum.set(base + block * PageLayout.blockSize, block: BlockNumber(UInt32(block)))
      }
    }
    return pages
  }

  /// The first segment of the log, with one record: the checkpoint of a cluster that was shut down.
  private func writeFirstSegment(
    _ controlFile: ControlFile, _ made: inout MadeFiles, _ check: () throws(IOError) -> Void
  ) throws(IOError) {
    let name = WALSegmentName(timeline: 1, holding: controlFile.checkpointLocation, segmentSize: options.walSegmentSize)
    var start = FirstSegment(name, controlFile).bytes
    let pieceSize = 1 << 20
    start += [UInt8](repeating: 0, count: pieceSize - start.count)
    let zeros = [UInt8](repeating: 0, count: pieceSize)
    let file = try made.create("\(path)/pg_wal/\(name)")
    defer { file.close() }
    for offset in stride(from: 0, to: Int(options.walSegmentSize), by: pieceSize) {
      try check()
      try MadeFiles.write(offset == 0 ? start : zeros, to: file, at: Int64(offset))
    }
    try file.syncWhole()
  }

  private var configuration: [UInt8] {
    var lines = [
      "# Settings of this cluster: name = value, in PostgreSQL's syntax.",
      "",
    ]
    lines += options.configuration
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  private static let automaticHeader = "# Do not edit this file by hand: it is overwritten.\n"
}

/// What has been made so far, to be removed if the rest cannot be.
private struct MadeFiles {
  private let fileSystem: IOFileSystem
  private var directories: [String] = []
  private var files: [String] = []

  init(_ fileSystem: IOFileSystem) { self.fileSystem = fileSystem }

  mutating func makeDirectory(_ path: String) throws(IOError) {
    try fileSystem.makeDirectory(path)
    directories.append(path)
  }

  mutating func create(_ path: String) throws(IOError) -> IOFile {
    let file = try fileSystem.open(path, [.write, .create, .exclusive])
    files.append(path)
    return file
  }

  mutating func write(_ path: String, _ bytes: [UInt8]) throws(IOError) {
    let file = try create(path)
    defer { file.close() }
    try Self.write(bytes, to: file, at: 0)
    try file.syncWhole()
  }

  /// - Returns: the file, open, to be synced and closed.
  mutating func writeUnsynced(_ path: String, _ bytes: [UInt8]) throws(IOError) -> IOFile {
    let file = try create(path)
    do throws(IOError) {
      if !bytes.isEmpty {
        try Self.write(bytes, to: file, at: 0)
        _ = file.flushRange(at: 0, length: Int64(bytes.count))
      }
    } catch {
      file.close()
      throw error
    }
    return file
  }

  static func write(_ bytes: [UInt8], to file: IOFile, at offset: Int64) throws(IOError) {
    try bytes.withBytes { memory throws(IOError) in try file.writeWhole(at: offset, memory) }
  }

  /// As far as that can be done: what stays does so because the system refuses to remove it.
  func removeAll() {
    for file in files.reversed() { try? fileSystem.remove(file) }
    for directory in directories.reversed() { try? fileSystem.removeDirectory(directory) }
  }
}
