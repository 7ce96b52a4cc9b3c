import Glibc
public import MillraceIO

/// The control file of a cluster that is in use: what it says, and how that is changed durably (PostgreSQL's
/// UpdateControlFile).
///
/// The file is written in place, in one write, and synced. What it says lies in its first 512 bytes, which a device
/// writes as a whole or not at all, so a crash leaves the old contents or the new; the CRC would tell anything else.
/// The cluster's writer alone uses this, one object for each cluster. Any thread may.
public final class ControlFileStore: Sendable {
  /// Below the data directory.
  public static let path = "global/pg_control"
  /// Where the made-up positions of unlogged relations begin after a crash (FirstNormalUnloggedLSN).
  public static let firstUnloggedLSN = LogSequenceNumber(1000)

  /// Seconds since 1970.
  @Sendable public static func systemTime() -> Int64 { Int64(time(nil)) }

  /// Where the file system finds it.
  public let location: String
  private let fileSystem: IOFileSystem
  /// Seconds since 1970.
  private let clock: @Sendable () -> Int64
  private let value: Locked<ControlFile>
  /// Held while the file is written, so that nobody who only looks waits for the device.
  private let writing = Locked(())

  private init(
    _ location: String, _ controlFile: ControlFile, _ fileSystem: IOFileSystem, _ clock: @escaping @Sendable () -> Int64
  ) {
    (self.location, self.fileSystem, self.clock) = (location, fileSystem, clock)
    value = Locked(controlFile)
  }

  /// Reads the control file of a cluster.
  /// - Parameters:
  ///   - directory: the data directory, as the file system finds it.
  ///   - clock: seconds since 1970; what each change is dated by.
  /// - Throws: ``ClusterError``: it is missing, cannot be read, is damaged or of a version that is not supported.
  public convenience init(
    reading directory: String, fileSystem: IOFileSystem = LocalFileSystem(),
    clock: @escaping @Sendable () -> Int64 = ControlFileStore.systemTime
  ) throws(ClusterError) {
    let location = Self.location(in: directory)
    let bytes: [UInt8]
    do throws(IOError) {
      bytes = try fileSystem.readAll(location)
    } catch {
      throw error.errno == ENOENT
        ? .controlFile(path: location, .missing) : .unreadable(path: location, code: error.errno)
    }
    let parsed = bytes.withUnsafeBytes { bytes -> Result<ControlFile, ControlFileError> in
      do throws(ControlFileError) { return .success(try ControlFile(parsing: bytes)) } catch { return .failure(error) }
    }
    switch parsed {
    case .success(let controlFile): self.init(location, controlFile, fileSystem, clock)
    case .failure(let problem): throw .controlFile(path: location, problem)
    }
  }

  /// Makes the control file of a new cluster, and its name, durable. The directory `global` must be there.
  /// - Throws: ``IOError``, with EEXIST where there is one.
  public convenience init(
    creating controlFile: ControlFile, in directory: String, fileSystem: IOFileSystem = LocalFileSystem(),
    clock: @escaping @Sendable () -> Int64 = ControlFileStore.systemTime
  ) throws(IOError) {
    self.init(Self.location(in: directory), controlFile, fileSystem, clock)
    try write(controlFile, [.write, .create, .exclusive])
    try fileSystem.syncDirectory(IOFileSystem.directory(of: location))
  }

  private static func location(in directory: String) -> String { directory.isEmpty ? path : "\(directory)/\(path)" }

  /// What it says. Whatever is seen here is durable.
  public var current: ControlFile { value.withLock { $0 } }

  /// Changes what it says, dates it, and makes that durable. Changes happen one after another.
  /// - Throws: ``IOError``. Then nobody knows what is on disk: the engine must stop, and start again from what it
  ///   finds.
  public func update(_ change: (inout ControlFile) -> Void) throws(IOError) {
    try writing.withLock { _ throws(IOError) in
      var changed = current
      change(&changed)
      changed.modificationTime = clock()
      try write(changed, .write)
      value.withLock { $0 = changed }
    }
  }

  private func write(_ controlFile: ControlFile, _ options: IOFileOptions) throws(IOError) {
    let file = try fileSystem.open(
      location, name: Self.path, options, blockSize: ControlFile.fileSize, firstBlock: 0)
    defer { file.close() }
    try file.writeWhole(controlFile.encoded())
    try file.syncWhole()
  }
}

/// The steps of a cluster's life (StartupXLOG and CreateCheckPoint, xlog.c).
extension ControlFileStore {
  /// Crash recovery begins: from now on a crash needs recovery again.
  public func beginCrashRecovery() throws(IOError) { try update { $0.state = .inCrashRecovery } }

  /// The cluster takes work.
  public func enterProduction() throws(IOError) { try update { $0.state = .inProduction } }

  /// The shutdown checkpoint begins.
  public func beginShutdown() throws(IOError) { try update { $0.state = .shuttingDown } }

  /// The record of a checkpoint is durable, and all that it promises.
  /// - Parameters:
  ///   - location: where the record starts.
  ///   - checkpoint: its contents.
  ///   - isShutdown: nothing follows it; the cluster is shut down.
  ///   - unloggedLSN: the next of the made-up positions for unlogged relations; kept at a shutdown only, because those
  ///     relations are emptied after a crash.
  public func recordCheckpoint(
    at location: LogSequenceNumber, _ checkpoint: ControlFile.Checkpoint, isShutdown: Bool,
    unloggedLSN: LogSequenceNumber
  ) throws(IOError) {
    try update { controlFile in
      if isShutdown { controlFile.state = .shutDown }
      controlFile.checkpointLocation = location
      controlFile.checkpoint = checkpoint
      // Crash recovery always goes to the end of the log.
      controlFile.recovery.minimumPoint = .invalid
      controlFile.recovery.minimumPointTimeline = 0
      controlFile.unloggedLSN = isShutdown ? unloggedLSN : Self.firstUnloggedLSN
    }
  }
}
