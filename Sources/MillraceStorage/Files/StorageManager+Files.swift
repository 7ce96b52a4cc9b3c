import Glibc
public import MillraceIO

/// Making and removing the files of relations (PostgreSQL's mdcreate, mdunlink, TablespaceCreateDbspace).
extension StorageManager {
  /// Makes the first, empty, segment of a fork. The next checkpoint makes it durable.
  /// - Parameters:
  ///   - backend: whose temporary relation it is; nil for all others.
  ///   - isRedo: in recovery the file may be there already, and directories above it may be missing.
  ///   - durably: makes file and name durable before it returns.
  /// - Throws: ``IOError``, with EEXIST where there is such a file.
  @discardableResult
  public func create(
    _ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil, isRedo: Bool = false,
    durably: Bool = false
  ) throws(IOError) -> StoredFork {
    requireUse(files.isWritable, "a fork was made through a storage manager that is for reading")
    let made = open(locator, fork, backend: backend)
    do throws(IOError) {
      try make(made, isRedo: isRedo)
    } catch {
      guard error.errno == ENOENT, locator.tablespace != RelationLocator.globalTablespace else { throw error }
      // The first relation of a database in this tablespace.
      let directory = IOFileSystem.directory(of: made.location)
      if isRedo {
        try files.fileSystem.makeDirectories(directory)
      } else if try !files.fileSystem.exists(directory) {
        try files.fileSystem.makeDirectory(directory)
      }
      syncRequests.addDirectory(IOFileSystem.directory(of: directory))
      try make(made, isRedo: isRedo)
    }
    if durably {
      try files.fileSystem.sync(made.location)
      try files.fileSystem.syncDirectory(IOFileSystem.directory(of: made.location))
    }
    return made
  }

  private func make(_ fork: StoredFork, isRedo: Bool) throws(IOError) {
    do throws(IOError) {
      try fork.createSegment(0, exclusively: true)
      fork.learn(0)
    } catch {
      guard error.errno == EEXIST else { throw error }
      guard isRedo else {
        throw IOError(.systemCall, errno: EEXIST, message: "could not create file \"\(fork.path)\"")
      }
      // It survived the crash; the rest of recovery finds out with which contents.
      try fork.createSegment(0)
    }
  }

  /// Whether a fork has a file.
  /// - Throws: ``IOError`` where that cannot be found out.
  public func exists(
    _ locator: RelationLocator, _ fork: ForkNumber = .main, backend: UInt32? = nil
  ) throws(IOError) -> Bool {
    try files.fileSystem.exists(location(of: path(locator, fork, backend)))
  }

  /// Removes the files of a relation's forks, and ends their identities.
  ///
  /// The first segment of the main fork is emptied at once and removed after the next checkpoint, so that no other
  /// relation gets its file number before: after a crash, recovery would find the old relation's records and change
  /// the new one by them. In recovery, and for temporary relations, it goes at once.
  ///
  /// Nothing can be done any more about what goes wrong here, because the transaction that dropped the relation has
  /// committed; it is logged, and the files stay behind.
  /// - Parameters:
  ///   - forks: all unless given. The caller has dropped their pages from all pools.
  ///   - caller: the calling thread's backend, needed where that is exclusive and may have I/O on the files.
  public func unlink(
    _ locator: RelationLocator, forks: [ForkNumber] = ForkNumber.allCases, backend: UInt32? = nil,
    isRedo: Bool = false, by caller: IOBackend? = nil
  ) {
    for fork in forks {
      forget(locator, fork, backend: backend, by: caller)
      let location = location(of: path(locator, fork, backend))
      if fork == .main, backend == nil, !isRedo {
        if files.emptyFile(location) { syncRequests.addUnlink(location) }
      } else {
        files.removeFile(location, requests: backend == nil ? syncRequests : nil)
      }
      var segment = 1
      while files.removeFile("\(location).\(segment)", requests: backend == nil ? syncRequests : nil) { segment += 1 }
    }
  }

  private func path(_ locator: RelationLocator, _ fork: ForkNumber, _ backend: UInt32?) -> String {
    RelationPath(locator, backend: backend, fork: fork).formatted(versionDirectory: versionDirectory)
  }
}

extension DescriptorCache {
  /// Empties a file: a removed one that somebody has open would keep its space until that is closed.
  /// - Returns: whether there was one.
  @discardableResult
  func emptyFile(_ path: String) -> Bool {
    do throws(IOError) {
      try fileSystem.open(path, [.write, .truncate]).close()
    } catch {
      if error.errno == ENOENT { return false }
      engine.logWarning("\(error)")
    }
    return true
  }

  /// Empties and removes a file. - Returns: whether there was one.
  @discardableResult
  func removeFile(_ path: String, requests: SyncRequests?) -> Bool {
    guard emptyFile(path) else { return false }
    do throws(IOError) {
      try fileSystem.remove(path)
      requests?.addDirectory(IOFileSystem.directory(of: path))
    } catch {
      if error.errno == ENOENT { return false }
      engine.logWarning("\(error)")
    }
    return true
  }
}
