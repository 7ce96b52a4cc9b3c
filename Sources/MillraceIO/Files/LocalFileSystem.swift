import Glibc

/// This machine's file system.
public final class LocalFileSystem: IOFileSystem, @unchecked Sendable {
  // Safe because it has no state.

  public override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    try DescriptorFile.open(path, name: name, options, blockSize: blockSize, firstBlock: firstBlock)
  }

  public override func exists(_ path: String) throws(IOError) -> Bool { try mode(path, stat) != nil }

  public override func kind(of path: String) throws(IOError) -> IOFileKind? {
    guard let mode = try mode(path, lstat) else { return nil }
    switch mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    case S_IFLNK: return .symbolicLink
    default: return .other
    }
  }

  /// The mode of what a name stands for; nil where there is no such name.
  private func mode(
    _ path: String, _ look: (UnsafePointer<CChar>, UnsafeMutablePointer<stat>) -> Int32
  ) throws(IOError) -> mode_t? {
    var status = stat()
    if look(path, &status) == 0 { return status.st_mode }
    let number = errno
    if number == ENOENT || number == ENOTDIR { return nil }
    throw IOError(.systemCall, errno: number, message: "could not stat file \"\(path)\"")
  }

  public override func list(_ directory: String) throws(IOError) -> [String] {
    guard let entries = opendir(directory) else {
      throw IOError(.systemCall, errno: errno, message: "could not open directory \"\(directory)\"")
    }
    defer { closedir(entries) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(entries) else {
        let number = errno
        guard number == 0 else {
          throw IOError(.systemCall, errno: number, message: "could not read directory \"\(directory)\"")
        }
        return names.sorted()
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { characters in
        characters.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: characters.pointee)) {
          String(cString: $0)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  public override func makeDirectory(_ path: String) throws(IOError) {
    try check(mkdir(path, 0o700), "could not create directory \"\(path)\"")
  }

  public override func remove(_ path: String) throws(IOError) {
    try check(unlink(path), "could not remove file \"\(path)\"")
  }

  public override func removeDirectory(_ path: String) throws(IOError) {
    try check(rmdir(path), "could not remove directory \"\(path)\"")
  }

  public override func rename(_ path: String, to newPath: String) throws(IOError) {
    try check(Glibc.rename(path, newPath), "could not rename file \"\(path)\" to \"\(newPath)\"")
  }

  public override func syncDirectory(_ path: String) throws(IOError) {
    let file = try DescriptorFile.open(path, [])
    defer { file.close() }
    while true {
      let result = file.sync(dataOnly: false)
      // Some file systems do not sync directories, and say so in one of two ways (fsync_fname, fd.c).
      if result == 0 || result == -Int64(EBADF) || result == -Int64(EINVAL) { return }
      if result == -Int64(EINTR) { continue }
      throw IOError(.systemCall, errno: Int32(-result), message: "could not fsync directory \"\(path)\"")
    }
  }

  private func check(_ result: Int32, _ message: @autoclosure () -> String) throws(IOError) {
    guard result != 0 else { return }
    // Before anything else can change it.
    let number = errno
    throw IOError(.systemCall, errno: number, message: message())
  }
}
