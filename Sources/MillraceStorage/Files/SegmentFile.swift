import Glibc
import MillraceIO
import Synchronization

/// One segment of a fork under one identity, opened when it is used and closed when descriptors are short (PostgreSQL's
/// virtual file descriptor, src/backend/storage/file/fd.c).
///
/// The object lives as long as its fork, so starting an I/O takes neither a lock nor a reference count: one atomic add
/// says that the file is in use, and shows in the same step whether it is open.
final class SegmentFile: IOFile, @unchecked Sendable {
  // Safe because `underlying` changes only while the file is marked closed, by the one thread that has it in transit,
  // and what the descriptor cache keeps here only under its lock.

  /// Where the file system finds it.
  let location: String
  /// Which part of its fork it is.
  let number: Int
  /// Its fork's.
  let life: ForkLife
  /// Retained from open to close; a reader looks at it without counting a reference.
  private var underlying: Unmanaged<IOFile>?
  /// Where writes are remembered until a checkpoint; nil where they need not be durable (temporary relations), or
  /// nothing is written. Lives as long as the fork.
  private let requests: Unmanaged<SyncRequests>?
  /// Whether it is among them.
  let isSyncRequested = Atomic<Bool>(false)
  /// The next one among them.
  var nextRequested: Unmanaged<SegmentFile>?
  /// Set by each use, cleared by the cache's clock hand.
  let recentlyUsed = RecentUse()
  /// Whether a thread is opening or closing it. The descriptor cache's.
  var isInTransit = false
  /// Where the descriptor cache has it while it is open.
  var place = 0

  init(
    location: String, number: Int, path: String, life: ForkLife, requests: SyncRequests?, isDirect: Bool,
    firstBlock: UInt64
  ) {
    (self.location, self.number, self.life) = (location, number, life)
    self.requests = requests.map(Unmanaged.passUnretained)
    super.init(
      path: path, isDirect: isDirect, alignment: isDirect ? .fallback : .none, blockSize: PageLayout.blockSize,
      firstBlock: firstBlock)
    _ = markClosed()
  }

  /// Its own path; `path` is the fork's, because messages give blocks their number in the fork.
  var name: String { number == 0 ? path : "\(path).\(number)" }

  /// Opens it, while it is marked closed and in transit; it stays marked closed.
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
  }

  /// Closes it, while it is marked closed and in transit.
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

  override func willRead(at offset: Int64, length: Int64) {
    withOpened { $0.willRead(at: offset, length: length) }
  }

  override func allocate(at offset: Int64, length: Int64) -> Int64 {
    withOpened { $0.allocate(at: offset, length: length) }
  }

  override func size() throws(IOError) -> Int64 {
    guard let underlying else { fatalError("invariant broken: a closed segment was used") }
    return try underlying.takeUnretainedValue().size()
  }

  override func truncate(to length: Int64) throws(IOError) {
    guard let underlying else { fatalError("invariant broken: a closed segment was used") }
    try underlying.takeUnretainedValue().truncate(to: length)
  }

  /// Remembers that the next checkpoint has to make this file durable (PostgreSQL's register_dirty_segment). To be
  /// called *after* something was written to it, and before anybody can take that for safe. May be called in a
  /// completion.
  /// - Complexity: one load where the file is remembered already; else one exchange and one compare-and-swap.
  @inline(__always) func requestSync() {
    guard let requests else { return }
    // Where it is still seen as remembered, the sync that it is remembered for begins after this, and covers the write.
    if isSyncRequested.load(ordering: .sequentiallyConsistent) { return }
    requests._withUnsafeGuaranteedRef { $0.add(self) }
  }
}
