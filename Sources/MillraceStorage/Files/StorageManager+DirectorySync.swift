import Glibc
public import MillraceIO

/// Making a whole data directory durable.
extension StorageManager {
  /// Makes every file and every name in the data directory durable, whoever wrote it: PostgreSQL's SyncDataDirectory,
  /// before anything else uses the files after a crash.
  ///
  /// What a process wrote that was killed lies in the system's page cache, and nobody knows any more that it has to be
  /// synced. Recovery believes what it reads there. It must be durable first: log, because pages are changed by it and
  /// may go out, which must not be ahead of their log; pages, because one that has its change already is not written
  /// again, and the checkpoint at the end, which syncs what was written in its time, lets go of the log.
  ///
  /// Symbolic links are followed to the log and to tablespaces, as PostgreSQL does, and nowhere else.
  /// - Parameter backend: the calling thread's. As many syncs are in flight together as it has handles.
  /// - Throws: ``IOError``: a sync has failed, and what it should have made durable may be lost.
  @discardableResult
  public func syncDataDirectory(_ backend: IOBackend) throws(IOError) -> SyncReport {
    var report = SyncReport()
    guard syncRequests.policy != .nothingIsSynced else { return report }
    let began = monotonicNanoseconds()
    var directories = [directory.isEmpty ? "." : directory]
    var paths: [String] = []
    var visited = 0
    while visited < directories.count {
      let parent = directories[visited]
      visited += 1
      for name in try files.fileSystem.list(parent) {
        let path = directory.isEmpty && visited == 1 ? name : "\(parent)/\(name)"
        switch try files.fileSystem.kind(of: path) {
        case .directory: directories.append(path)
        case .symbolicLink where leadsToDirectory(path): directories.append(path)
        case .file: paths.append(path)
        case .symbolicLink, .other, nil: continue
        }
      }
    }
    for first in stride(from: 0, to: paths.count, by: Self.filesTogether) {
      report.files += try sync(paths[first..<min(first + Self.filesTogether, paths.count)], backend)
    }
    // Names last, from the leaves up, so that what a name leads to is there before it.
    for path in directories.reversed() {
      try files.fileSystem.syncDirectory(path)
      report.directories += 1
    }
    report.elapsed = monotonicNanoseconds() - began
    return report
  }

  /// How many files are open for it at the same time.
  private static let filesTogether = 128

  private func leadsToDirectory(_ path: String) -> Bool {
    path == location(of: "pg_wal") || IOFileSystem.directory(of: path) == location(of: "pg_tblspc")
  }

  /// Syncs files together. - Returns: how many.
  private func sync(_ paths: ArraySlice<String>, _ backend: IOBackend) throws(IOError) -> Int {
    var opened: [IOFile] = []
    defer { for file in opened { engine.close(file, by: backend) } }
    for path in paths {
      do throws(IOError) {
        opened.append(try files.fileSystem.open(path, [.write]))
      } catch {
        // What the server cannot write it has not written; what is gone need not be durable.
        guard error.errno == EACCES || error.errno == ENOENT || error.errno == ETXTBSY else { throw error }
      }
    }
    let outcomes = UnsafeMutablePointer<IOOutcome>.allocate(capacity: max(opened.count, 1))
    defer { outcomes.deallocate() }
    let batch = backend.batch()
    for (index, file) in opened.enumerated() {
      let handle = backend.acquire()
      handle.returns(to: outcomes + index)
      _ = handle.start(.fsync, file)
    }
    batch.submit()
    for index in opened.indices {
      while outcomes[index].status == .unknown { backend.reap(atLeast: 1) }
    }
    for (index, file) in opened.enumerated() {
      _ = try IORequest(.fsync, file: file, offset: 0, length: 0).bytes(outcomes[index])
    }
    return opened.count
  }
}
