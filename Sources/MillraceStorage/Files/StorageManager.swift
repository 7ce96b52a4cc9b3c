public import MillraceIO

/// The files of a cluster: opens forks, gives them identities, keeps few descriptors open (PostgreSQL's smgr.c and
/// md.c).
public final class StorageManager: Sendable {
  public let engine: IOEngine
  /// The cluster's directory; empty where paths are the file system's own.
  public let directory: String
  /// Blocks of a full segment: 131072 (1 GiB) unless a cluster was built otherwise.
  public let blocksPerSegment: UInt32
  /// Whether files bypass the page cache: `io_direct=data`.
  public let isDirect: Bool

  let files: DescriptorCache
  private let versionDirectory: String
  private let forks = Locked(Registry())

  private struct ForkKey: Hashable {
    let locator: RelationLocator
    let backend: UInt32?
    let fork: ForkNumber
  }

  private struct Registry {
    var byKey: [ForkKey: StoredFork] = [:]
    var nextID: UInt32 = 1
  }

  /// - Parameters:
  ///   - versionDirectory: the directory of this version inside each tablespace (``DataDirectory/versionDirectory``).
  ///   - filesMax: segments that are open at the same time: `max_files_per_process`.
  public init(
    engine: IOEngine, directory: String, versionDirectory: String = "", blocksPerSegment: UInt32 = 131_072,
    isDirect: Bool = false, filesMax: Int = 1000, fileSystem: IOFileSystem = LocalFileSystem(),
    isWritable: Bool = false
  ) {
    (self.engine, self.directory, self.versionDirectory) = (engine, directory, versionDirectory)
    (self.blocksPerSegment, self.isDirect) = (blocksPerSegment, isDirect)
    files = DescriptorCache(engine: engine, fileSystem: fileSystem, limit: filesMax, isWritable: isWritable)
  }

  /// Opens a fork; the same object for the same fork until it is dropped. No file is touched yet.
  /// - Parameter backend: whose temporary relation it is; nil for all others.
  public func open(_ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil) -> StoredFork {
    forks.withLock { registry in
      let key = ForkKey(locator: locator, backend: backend, fork: fork)
      if let known = registry.byKey[key] { return known }
      let path = RelationPath(locator, backend: backend, fork: fork).formatted(versionDirectory: versionDirectory)
      let made = StoredFork(
        id: ForkID(rawValue: registry.nextID), locator: locator, fork: fork, path: path,
        location: directory.isEmpty ? path : "\(directory)/\(path)", blocksPerSegment: blocksPerSegment,
        isDirect: isDirect, files: files)
      registry.nextID += 1
      registry.byKey[key] = made
      return made
    }
  }

  /// Forgets a fork whose files go. Opening the same locator again gives a new identity, and the old one opens no files
  /// any more, so that nothing that still refers to it can reach the files of a successor. To be called before another
  /// relation can get the path.
  public func forget(_ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil) {
    let key = ForkKey(locator: locator, backend: backend, fork: fork)
    forks.withLock { $0.byKey.removeValue(forKey: key) }?.retire()
  }
}
