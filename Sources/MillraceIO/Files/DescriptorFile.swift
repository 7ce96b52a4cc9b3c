import CMillrace
import Glibc

/// A file of this machine, by its descriptor.
public final class DescriptorFile: IOFile, @unchecked Sendable {
  // Safe because it adds no state to IOFile.

  /// Opens a file.
  /// - Parameters:
  ///   - path: as the system shall resolve it.
  ///   - name: as messages shall show it; `path` unless given.
  ///   - options: what for.
  /// - Throws: ``IOError``: `.systemCall`, or `.directIOUnavailable` where direct I/O was asked for and cannot be had.
  public static func open(
    _ path: String, name: String? = nil, _ options: IOFileOptions, blockSize: Int = 8192, firstBlock: UInt64 = 0
  ) throws(IOError) -> DescriptorFile {
    let flags = options.openFlags
    let direct = options.contains(.direct)
    let result = millrace_open(path, direct ? flags | millrace_open_direct : flags, 0o600)
    guard result >= 0 else {
      let number = Int32(-result)
      if direct, number == EINVAL || number == EOPNOTSUPP { throw Self.directRefused(name ?? path, errno: number) }
      throw IOError(.systemCall, errno: number, message: "could not open file \"\(name ?? path)\"")
    }
    let descriptor = Int32(result)
    var alignment = DirectIOAlignment.none
    if direct {
      let disabled = millrace_disable_cache(descriptor)
      guard disabled >= 0, let found = DirectIOAlignment.query(descriptor: descriptor) else {
        Glibc.close(descriptor)
        throw Self.directRefused(name ?? path, errno: disabled < 0 ? Int32(-disabled) : 0)
      }
      alignment = found
    }
    return DescriptorFile(
      path: name ?? path, descriptor: descriptor, isDirect: direct, alignment: alignment, blockSize: blockSize,
      firstBlock: firstBlock)
  }

  private static func directRefused(_ name: String, errno: Int32) -> IOError {
    let reason = errno == 0 ? "" : " (\(IOError.text(of: errno)))"
    return IOError(
      .directIOUnavailable,
      message: "direct I/O is not possible on \"\(name)\" because its file system refuses it\(reason);"
        + " use buffered I/O there")
  }

  public override func read(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    millrace_preadv(descriptor, vectors, count, offset)
  }

  public override func readCached(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    millrace_preadv_nowait(descriptor, vectors, count, offset)
  }

  public override func write(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    millrace_pwritev(descriptor, vectors, count, offset)
  }

  public override func sync(dataOnly: Bool) -> Int64 {
    dataOnly ? millrace_fdatasync(descriptor) : millrace_fsync(descriptor)
  }

  public override func flushRange(at offset: Int64, length: Int64) -> Int64 {
    millrace_flush_range(descriptor, offset, length)
  }

  public override func willRead(at offset: Int64, length: Int64) { millrace_will_read(descriptor, offset, length) }

  public override func allocate(at offset: Int64, length: Int64) -> Int64 {
    millrace_allocate(descriptor, offset, length)
  }

  public override func size() throws(IOError) -> Int64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw IOError(.systemCall, errno: errno, message: "could not stat file \"\(path)\"")
    }
    // A block device has no length in its inode; its end does.
    guard status.st_mode & S_IFMT == S_IFBLK else { return Int64(status.st_size) }
    return Int64(lseek(descriptor, 0, SEEK_END))
  }

  public override func truncate(to length: Int64) throws(IOError) {
    guard ftruncate(descriptor, off_t(length)) == 0 else {
      throw IOError(.systemCall, errno: errno, message: "could not truncate file \"\(path)\" to \(length) bytes")
    }
  }

  /// Drops a range from the page cache as far as the kernel will: dirty and mapped pages stay.
  /// - Parameter length: bytes, 0 for all from `offset` on.
  public func dropCache(at offset: Int64 = 0, length: Int64 = 0) throws(IOError) {
    let result = millrace_drop_cache(descriptor, offset, length)
    guard result >= 0 else {
      throw IOError(.systemCall, errno: Int32(-result), message: "could not drop \"\(path)\" from the page cache")
    }
  }

  public override func close() {
    let descriptor = takeDescriptor()
    if descriptor >= 0 { Glibc.close(descriptor) }
  }
}

/// What a file is opened for.
public struct IOFileOptions: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Also for writing. Reading is always possible.
  public static let write = IOFileOptions(rawValue: 1 << 0)
  /// Made if it is not there, readable by its owner only.
  public static let create = IOFileOptions(rawValue: 1 << 1)
  /// With `create`: an error if it is there.
  public static let exclusive = IOFileOptions(rawValue: 1 << 2)
  /// Emptied.
  public static let truncate = IOFileOptions(rawValue: 1 << 3)
  /// Past the page cache.
  public static let direct = IOFileOptions(rawValue: 1 << 4)
  /// Each write is durable when it completes, with all metadata (O_SYNC): `wal_sync_method=open_sync`.
  public static let sync = IOFileOptions(rawValue: 1 << 5)
  /// Each write is durable when it completes, with the metadata that is needed to read it back (O_DSYNC), which a disk
  /// can do in one request (FUA) where it is direct, too: `wal_sync_method=open_datasync`.
  public static let dataSync = IOFileOptions(rawValue: 1 << 6)

  var openFlags: Int32 {
    var flags = O_CLOEXEC | (contains(.write) ? O_RDWR : O_RDONLY)
    if contains(.create) { flags |= O_CREAT }
    if contains(.exclusive) { flags |= O_EXCL }
    if contains(.truncate) { flags |= O_TRUNC }
    if contains(.sync) { flags |= O_SYNC }
    if contains(.dataSync) { flags |= O_DSYNC }
    return flags
  }
}
