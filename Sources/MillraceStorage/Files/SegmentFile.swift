import Glibc
import MillraceIO

/// One segment of a fork under one identity, opened when it is used and closed when descriptors are short (PostgreSQL's
/// virtual file descriptor, src/backend/storage/file/fd.c).
///
/// The object lives as long as its fork, so starting an I/O takes neither a lock nor a reference count: one atomic add
/// says that the file is in use, and shows in the same step whether it is open.
final class SegmentFile: IOFile, @unchecked Sendable {
  // Safe because `underlying` changes only while the file is marked closed, under the descriptor cache's lock.

  /// Where the file system finds it.
  let location: String
  /// Its fork's.
  let life: ForkLife
  /// Retained from open to close; a reader looks at it without counting a reference.
  private var underlying: Unmanaged<IOFile>?
  /// Set by each use, cleared by the cache's clock hand.
  let recentlyUsed = RecentUse()

  init(location: String, name: String, life: ForkLife, isDirect: Bool, firstBlock: UInt64) {
    (self.location, self.life) = (location, life)
    super.init(
      path: name, isDirect: isDirect, alignment: isDirect ? .fallback : .none, blockSize: PageLayout.blockSize,
      firstBlock: firstBlock)
    _ = markClosed()
  }

  /// Opens it. Under the cache's lock, while it is marked closed.
  func open(in fileSystem: IOFileSystem, _ options: IOFileOptions) throws(IOError) {
    let file = try fileSystem.open(
      location, name: path, isDirect ? options.union(.direct) : options, blockSize: blockSize, firstBlock: firstBlock)
    guard !isDirect || PageLayout.blockSize % file.alignment.offset == 0 else {
      file.close()
      throw IOError(
        .directIOUnavailable,
        message: "direct I/O on \"\(path)\" needs multiples of \(file.alignment.offset) bytes,"
          + " and pages have \(PageLayout.blockSize); use buffered I/O there")
    }
    underlying = .passRetained(file)
    setDescriptor(file.descriptor)
    markOpen()
  }

  /// Closes it. Under the cache's lock, after `markClosed` succeeded.
  func closeUnderlying() {
    setDescriptor(-1)
    guard let file = underlying?.takeRetainedValue() else { return }
    file.close()
    underlying = nil
  }

  deinit { closeUnderlying() }

  @inline(__always) private func withOpened<Result>(_ body: (IOFile) -> Result) -> Result {
    guard let underlying else { fatalError("invariant broken: a closed segment was used") }
    return underlying._withUnsafeGuaranteedRef(body)
  }

  override func read(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    withOpened { $0.read(vectors, count: count, at: offset) }
  }

  override func readCached(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    withOpened { $0.readCached(vectors, count: count, at: offset) }
  }

  override func write(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    withOpened { $0.write(vectors, count: count, at: offset) }
  }

  override func sync(dataOnly: Bool) -> Int64 { withOpened { $0.sync(dataOnly: dataOnly) } }

  override func flushRange(at offset: Int64, length: Int64) -> Int64 {
    withOpened { $0.flushRange(at: offset, length: length) }
  }

  override func allocate(at offset: Int64, length: Int64) -> Int64 {
    withOpened { $0.allocate(at: offset, length: length) }
  }

  override func size() throws(IOError) -> Int64 {
    guard let underlying else { fatalError("invariant broken: a closed segment was used") }
    return try underlying.takeUnretainedValue().size()
  }
}
