/// Where files are found by name: this machine's file system, or a simulated disk.
///
/// Operations on names are blocking calls of the calling thread: they are rare, and no system has asynchronous ones for
/// all of them. What they change survives a crash only after ``syncDirectory(_:)`` of the directory that the name is
/// in. Every one throws ``IOError`` with the system's error number.
open class IOFileSystem: @unchecked Sendable {
  // Safe because subclasses guard what is mutable.

  public init() {}

  /// Opens a file.
  /// - Parameters:
  ///   - path: as this file system resolves it.
  ///   - name: as messages show it.
  /// - Throws: ``IOError``; with errno ENOENT where there is no such file.
  open func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    fatalError("\(Self.self) does not open files")
  }

  /// Whether there is a file or a directory of that name.
  open func exists(_ path: String) throws(IOError) -> Bool { fatalError("\(Self.self) does not look for files") }

  /// What a name stands for; nil where there is no such name. Of a symbolic link that it is one.
  open func kind(of path: String) throws(IOError) -> IOFileKind? { fatalError("\(Self.self) does not look for files") }

  /// The names in a directory, files' and directories', without its path, in order.
  open func list(_ directory: String) throws(IOError) -> [String] { fatalError("\(Self.self) does not list files") }

  /// Makes a directory that its owner alone may use (0700). The directory that it is in must be there; EEXIST where
  /// the name is taken.
  open func makeDirectory(_ path: String) throws(IOError) { fatalError("\(Self.self) does not make directories") }

  /// Removes a file's name. The file itself goes when it is not open any more.
  open func remove(_ path: String) throws(IOError) { fatalError("\(Self.self) does not remove files") }

  /// Removes an empty directory.
  open func removeDirectory(_ path: String) throws(IOError) {
    fatalError("\(Self.self) does not remove directories")
  }

  /// Gives a file or a directory another name, in one step; a file in the place of what file had the name.
  open func rename(_ path: String, to newPath: String) throws(IOError) {
    fatalError("\(Self.self) does not rename files")
  }

  /// Makes the names in a directory durable: what was made, removed or renamed in it.
  open func syncDirectory(_ path: String) throws(IOError) { fatalError("\(Self.self) does not sync directories") }
}

/// What a name in a directory stands for.
public enum IOFileKind: Sendable {
  case file
  case directory
  case symbolicLink
  /// A socket, a pipe, a device.
  case other
}

extension IOFileSystem {
  /// Opens a file whose blocks have no numbers and whose path is fit to be shown.
  public func open(_ path: String, _ options: IOFileOptions) throws(IOError) -> IOFile {
    try open(path, name: path, options, blockSize: 8192, firstBlock: 0)
  }

  /// The path of the directory that a name is in: what stands before the last slash, `"."` where there is none.
  public static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
