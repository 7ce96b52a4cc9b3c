#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the operating system says about an error number.
func systemErrorText(_ code: Int32) -> String {
  guard let text = strerror(code) else { return "error \(code)" }
  return String(cString: text)
}

/// Reads the small files and the directories of a cluster, with plain blocking calls. Nothing is ever opened for
/// writing.
enum MetadataFiles {
  /// The first `limit` bytes of a regular file; `nil` if there is no such file.
  static func read(_ path: String, limit: Int) throws(ClusterError) -> [UInt8]? {
    // Without O_NONBLOCK, opening a pipe that somebody put in the file's place would wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      let code = errno
      if code == ENOENT { return nil }
      throw .unreadable(path: path, code: code)
    }
    defer { close(descriptor) }

    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }

    var bytes = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled < limit {
      let count = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + filled }, limit - filled, off_t(filled))
      }
      if count == 0 { break }
      if count < 0 {
        let code = errno
        if code == EINTR { continue }
        throw .unreadable(path: path, code: code)
      }
      filled += count
    }
    return Array(bytes[..<filled])
  }

  /// What is at a path, symbolic links followed; `nil` if there is nothing.
  static func kind(_ path: String) throws(ClusterError) -> DirectoryEntry.Kind? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      let code = errno
      if code == ENOENT || code == ENOTDIR { return nil }
      throw .unreadable(path: path, code: code)
    }
    return DirectoryEntry.Kind(mode: status.st_mode)
  }

  /// The path without symbolic links; `nil` if it leads nowhere.
  static func resolved(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The entries of a directory that `matching` takes, in no order, with their kind and length; `nil` if there is no
  /// such directory.
  ///
  /// Entries that go away meanwhile are left out, as if they had gone earlier.
  static func entries(
    of path: String, matching: (String) -> Bool = { _ in true }
  ) throws(ClusterError) -> [DirectoryEntry]? {
    guard let directory = opendir(path) else {
      let code = errno
      if code == ENOENT { return nil }
      throw .unreadable(path: path, code: code)
    }
    defer { closedir(directory) }

    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(directory) else {
        let code = errno
        if code != 0 { throw .unreadable(path: path, code: code) }
        return entries
      }
      // The name is passed on as the bytes that it is: it need not be UTF-8.
      let (name, status, code) = withUnsafePointer(to: &entry.pointee.d_name) { characters in
        characters.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: characters.pointee)) {
          inspect($0, in: dirfd(directory), matching: matching)
        }
      }
      guard let status else {
        if code == 0 || code == ENOENT { continue }
        throw .unreadable(path: "\(path)/\(name)", code: code)
      }
      entries.append(
        DirectoryEntry(
          name: name, kind: DirectoryEntry.Kind(mode: status.st_mode), length: UInt64(clamping: status.st_size)))
    }
  }

  /// An entry's name and status. Without a status, the error number says why, or zero that the entry is not wanted.
  private static func inspect(
    _ name: UnsafePointer<CChar>, in directory: Int32, matching: (String) -> Bool
  ) -> (name: String, status: stat?, code: Int32) {
    let text = String(cString: name)
    guard text != ".", text != "..", matching(text) else { return (text, nil, 0) }
    var status = stat()
    // A dangling link is an entry, too, so the link itself is asked if what it points to is not there.
    if fstatat(directory, name, &status, 0) == 0 || fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 {
      return (text, status, 0)
    }
    return (text, nil, errno)
  }
}

/// One entry of a directory, symbolic links followed.
struct DirectoryEntry {
  enum Kind {
    case regular
    case directory
    /// A symbolic link that leads nowhere.
    case danglingLink
    case other

    init(mode: mode_t) {
      switch mode & S_IFMT {
      case S_IFREG: self = .regular
      case S_IFDIR: self = .directory
      case S_IFLNK: self = .danglingLink
      default: self = .other
      }
    }
  }

  let name: String
  let kind: Kind
  /// In bytes.
  let length: UInt64
}
