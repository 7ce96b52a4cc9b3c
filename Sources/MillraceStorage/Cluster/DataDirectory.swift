/// A PostgreSQL data directory, opened for reading.
///
/// Nothing in it is ever written, created or removed. Only small files and directories are read here, with plain
/// blocking calls; reading the relations is the business of the I/O engine.
public struct DataDirectory: Sendable {
  /// The major versions of PostgreSQL whose data directories can be read.
  public static let supportedVersions = 14...18

  /// The directory, as it was given.
  public let path: String
  /// The major version of PostgreSQL that the directory belongs to.
  public let majorVersion: Int
  /// The control file, as it was when the directory was opened.
  public let controlFile: ControlFile

  /// The directory inside each tablespace that belongs to this version: `PG_15_202209061`.
  public var versionDirectory: String { "PG_\(majorVersion)_\(controlFile.catalogVersion)" }

  /// Opens a data directory: reads its `PG_VERSION` and its control file, and checks that both can be worked with.
  public init(path: String) throws(ClusterError) {
    var path = path[...]
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = String(path)

    guard !path.isEmpty, let kind = try MetadataFiles.kind(self.path) else {
      throw .dataDirectoryMissing(path: self.path)
    }
    guard kind == .directory else { throw .notADirectory(path: self.path) }
    majorVersion = try Self.readVersion(in: self.path)
    controlFile = try Self.readControlFile(in: self.path, majorVersion: majorVersion)
  }

  /// Where a path that is relative to the data directory leads.
  public func absolutePath(_ relative: String) -> String { "\(path)/\(relative)" }

  /// Whether a server is using the directory now.
  public func serverStatus() throws(ClusterError) -> ServerStatus {
    let path = absolutePath(ServerStatus.fileName)
    return try ServerStatus(contents: MetadataFiles.read(path, limit: 64), path: path)
  }

  private static func readVersion(in path: String) throws(ClusterError) -> Int {
    guard let contents = try MetadataFiles.read("\(path)/PG_VERSION", limit: 64) else {
      throw .notADataDirectory(path: path)
    }
    let line = contents.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
    let text = String(decoding: line, as: UTF8.self)
    guard let version = RelationFileName.number(text, mayBeZero: false), supportedVersions.contains(Int(version)) else {
      throw .unsupportedVersion(path: path, found: text)
    }
    return Int(version)
  }

  private static func readControlFile(in path: String, majorVersion: Int) throws(ClusterError) -> ControlFile {
    let path = "\(path)/global/pg_control"
    // A running server may write the file while it is read. Then the CRC is wrong, and the next look finds other bytes.
    let attempts = 10
    var previous: [UInt8]?
    for attempt in 1...attempts {
      guard let bytes = try MetadataFiles.read(path, limit: ControlFile.fileSize) else {
        throw .controlFile(path: path, .missing)
      }
      do throws(ControlFileError) {
        let controlFile = try parse(bytes)
        let expected: UInt32 = majorVersion >= 18 ? 1800 : 1300
        guard controlFile.version == expected else {
          throw .versionMismatch(controlVersion: controlFile.version, majorVersion: majorVersion)
        }
        return controlFile
      } catch .checksumMismatch(_, _) where bytes != previous && attempt < attempts {
        previous = bytes
      } catch {
        throw .controlFile(path: path, error)
      }
    }
    preconditionFailure("the last attempt to read the control file neither returned nor threw")
  }

  private static func parse(_ bytes: [UInt8]) throws(ControlFileError) -> ControlFile {
    try bytes.withUnsafeBufferPointer { (bytes) throws(ControlFileError) in
      try ControlFile(parsing: UnsafeRawBufferPointer(bytes))
    }
  }
}
