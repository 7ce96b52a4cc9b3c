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
  private var underlying: IOFile?
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
  func open(in fileSystem: IOFileSystem) throws(IOError) {
    let file = try fileSystem.open(
      location, name: path, isDirect ? [.direct] : [], blockSize: blockSize, firstBlock: firstBlock)
    guard !isDirect || PageLayout.blockSize % file.alignment.offset == 0 else {
      file.close()
      throw IOError(
        .directIOUnavailable,
        message: "direct I/O on \"\(path)\" needs multiples of \(file.alignment.offset) bytes,"
          + " and pages have \(PageLayout.blockSize); use buffered I/O there")
    }
    underlying = file
    setDescriptor(file.descriptor)
    markOpen()
  }

  /// Closes it. Under the cache's lock, after `markClosed` succeeded.
  func closeUnderlying() {
    setDescriptor(-1)
    underlying?.close()
    underlying = nil
  }

  private var opened: IOFile {
    guard let underlying else { fatalError("invariant broken: a closed segment was used") }
    return underlying
  }

  override func read(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    opened.read(vectors, count: count, at: offset)
  }

  override func readCached(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    opened.readCached(vectors, count: count, at: offset)
  }

  override func size() throws(IOError) -> Int64 { try opened.size() }
}
