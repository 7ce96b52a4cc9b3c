import Glibc

/// What is put together from the operations of a file system so that a crash finds it done or not done (PostgreSQL's
/// fd.c).
extension IOFileSystem {
  /// Renames a file so that after a crash either the old name or the whole file under the new name is there, and the
  /// latter once this has returned (`durable_rename`).
  /// - Throws: ``IOError``.
  public func renameDurably(_ path: String, to newPath: String) throws(IOError) {
    try sync(path)
    // The file that is replaced, too: some file systems would bring an unsynced one back with its contents gone.
    if try exists(newPath) { try sync(newPath) }
    try rename(path, to: newPath)
    try sync(newPath)
    let (directory, newDirectory) = (Self.directory(of: path), Self.directory(of: newPath))
    try syncDirectory(newDirectory)
    if directory != newDirectory { try syncDirectory(directory) }
  }

  /// Removes a file so that it does not come back (`durable_unlink`).
  /// - Throws: ``IOError``.
  public func removeDurably(_ path: String) throws(IOError) {
    try remove(path)
    try syncDirectory(Self.directory(of: path))
  }

  /// Makes a directory, and those above it that are missing. No error where it is there.
  /// - Throws: ``IOError``.
  public func makeDirectories(_ path: String) throws(IOError) {
    do throws(IOError) {
      try makeDirectory(path)
    } catch {
      switch error.errno {
      case EEXIST: return
      case ENOENT:
        let above = Self.directory(of: path)
        guard above != path, above != ".", above != "/" else { throw error }
        try makeDirectories(above)
        try makeDirectories(path)
      default: throw error
      }
    }
  }

  /// The whole contents of a file.
  /// - Throws: ``IOError``.
  public func readAll(_ path: String) throws(IOError) -> [UInt8] {
    let file = try open(path, [])
    defer { file.close() }
    var bytes = [UInt8](repeating: 0, count: Int(try file.size()))
    let filled = try bytes.withUnsafeMutableBytes { memory -> Result<Int, IOError> in
      do throws(IOError) { return .success(try file.readWhole(at: 0, memory)) } catch { return .failure(error) }
    }.get()
    return filled == bytes.count ? bytes : Array(bytes[..<filled])
  }

  /// Gives a file new contents so that whoever opens it, also after a crash, finds either all of the old or all of the
  /// new. By way of `path.tmp`, which is renamed.
  /// - Throws: ``IOError``.
  public func writeDurably(_ path: String, _ bytes: [UInt8]) throws(IOError) {
    let temporary = "\(path).tmp"
    let file = try open(temporary, [.write, .create, .truncate])
    do throws(IOError) {
      defer { file.close() }
      try file.writeWhole(bytes)
      try renameDurably(temporary, to: path)
    } catch {
      try? remove(temporary)
      throw error
    }
  }

  /// Makes what a file holds durable, whoever wrote it.
  /// - Throws: ``IOError``.
  public func sync(_ path: String) throws(IOError) {
    let file = try open(path, [.write])
    defer { file.close() }
    try file.syncWhole()
  }
}
