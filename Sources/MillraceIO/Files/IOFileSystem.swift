/// Where files are found by name: this machine's file system, or a simulated disk.
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
}

/// This machine's file system.
public final class LocalFileSystem: IOFileSystem, @unchecked Sendable {
  // Safe because it has no state.

  public override func open(
    _ path: String, name: String, _ options: IOFileOptions, blockSize: Int, firstBlock: UInt64
  ) throws(IOError) -> IOFile {
    try DescriptorFile.open(path, name: name, options, blockSize: blockSize, firstBlock: firstBlock)
  }
}
