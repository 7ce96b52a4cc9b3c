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
  /// How forks grow: `file_extend_method`.
  public let extendMethod: FileExtendMethod
  /// What has been written and not been made durable.
  public let syncRequests: SyncRequests

  let files: DescriptorCache
  let versionDirectory: String
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
  ///   - isWritable: this process, and no other, changes the files. Then the sizes of forks are looked up once.
  public init(
    engine: IOEngine, directory: String, versionDirectory: String = "", blocksPerSegment: UInt32 = 131_072,
    isDirect: Bool = false, filesMax: Int = 1000, fileSystem: IOFileSystem = LocalFileSystem(),
    isWritable: Bool = false, extendMethod: FileExtendMethod = .allocate, syncPolicy: SyncPolicy = .failureIsFinal
  ) {
    (self.engine, self.directory, self.versionDirectory) = (engine, directory, versionDirectory)
    (self.blocksPerSegment, self.isDirect, self.extendMethod) = (blocksPerSegment, isDirect, extendMethod)
    files = DescriptorCache(engine: engine, fileSystem: fileSystem, limit: filesMax, isWritable: isWritable)
    syncRequests = SyncRequests(files: files, policy: syncPolicy)
  }

  /// Where the file system finds what has a path below the data directory.
  func location(of path: String) -> String { directory.isEmpty ? path : "\(directory)/\(path)" }

  /// Opens a fork; the same object for the same fork until it is dropped. No file is touched yet.
  /// - Parameter backend: whose temporary relation it is; nil for all others.
  public func open(_ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil) -> StoredFork {
    let key = ForkKey(locator: locator, backend: backend, fork: fork)
    // What is made is made outside of the lock; of two threads that do so at once, one made it for nothing.
    let (known, id) = forks.withLock { registry -> (StoredFork?, ForkID) in
      if let known = registry.byKey[key] { return (known, known.id) }
      defer { registry.nextID += 1 }
      return (nil, ForkID(rawValue: registry.nextID))
    }
    if let known { return known }
    let path = RelationPath(locator, backend: backend, fork: fork).formatted(versionDirectory: versionDirectory)
    let made = StoredFork(
      id: id, locator: locator, fork: fork, path: path, isTemporary: backend != nil, in: self)
    return forks.withLock { registry in
      if let known = registry.byKey[key] { return known }
      registry.byKey[key] = made
      return made
    }
  }

  /// A fork that has been opened and not dropped; nil for others.
  func known(_ locator: RelationLocator, _ fork: ForkNumber, backend: UInt32?) -> StoredFork? {
    forks.withLock { $0.byKey[ForkKey(locator: locator, backend: backend, fork: fork)] }
  }

  /// Forgets a fork whose files go. Opening the same locator again gives a new identity, and the old one opens no files
  /// any more, so that nothing that still refers to it can reach the files of a successor. To be called before another
  /// relation can get the path.
  /// - Parameters:
  ///   - backend: whose temporary relation it is; nil for all others.
  ///   - caller: the calling thread's backend, needed where that is exclusive and may have I/O on the files.
  public func forget(
    _ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil, by caller: IOBackend? = nil
  ) {
    let key = ForkKey(locator: locator, backend: backend, fork: fork)
    forks.withLock { $0.byKey.removeValue(forKey: key) }?.retire(by: caller)
  }
}
