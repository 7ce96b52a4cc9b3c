import Glibc
public import MillraceIO
import Synchronization

/// Names one fork for as long as the process runs. Never given twice, so a relation that is dropped and whose file
/// number is used again cannot be confused with its successor, in the pool or in an I/O (PostgreSQL's project lists
/// that as open).
public struct ForkID: Hashable, Sendable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// An open fork of a relation: blocks, spread over segment files of equal size (PostgreSQL's md.c).
public final class StoredFork: @unchecked Sendable {
  // Safe because the table of segments is published atomically, and replaced as a whole.

  public let id: ForkID
  public let locator: RelationLocator
  public let fork: ForkNumber
  /// Path below the data directory, without a segment's number, as messages show it.
  public let path: String
  /// Blocks of a full segment.
  public let blocksPerSegment: UInt32

  /// How it grows.
  let extendMethod: FileExtendMethod
  let size = ForkSize()
  let usage = ForkUsage()
  /// Blocks that were made ahead.
  let extensionReserve = ExtensionReserve()
  /// Segments that are there and, but for the last, have their full length.
  let segmentsReady = Atomic<UInt64>(0)
  /// Held by who makes a segment.
  let segmentPreparation = Locked(())
  /// Nil where nothing needs to be durable.
  let requests: SyncRequests?

  private let files: DescriptorCache
  /// Where the file system finds the first segment.
  let location: String
  let isDirect: Bool
  private let life = ForkLife()
  private let table: Atomic<UnsafeMutablePointer<SegmentTable>?>

  /// Segments by number. A larger one replaces it; the old one stays until the fork goes, because somebody may be
  /// reading it.
  struct SegmentTable {
    let count: Int
    let files: UnsafeMutablePointer<Unmanaged<SegmentFile>>
    let previous: UnsafeMutablePointer<SegmentTable>?
  }

  init(
    id: ForkID, locator: RelationLocator, fork: ForkNumber, path: String, isTemporary: Bool, in storage: StorageManager
  ) {
    (self.id, self.locator, self.fork, self.path) = (id, locator, fork, path)
    location = storage.location(of: path)
    (blocksPerSegment, isDirect, extendMethod) = (storage.blocksPerSegment, storage.isDirect, storage.extendMethod)
    files = storage.files
    requests = isTemporary || !files.isWritable ? nil : storage.syncRequests
    table = Atomic(nil)
  }

  deinit {
    usage.deallocate()
    files.forgetUnused(segments)
    for file in segments { Unmanaged.passUnretained(file).release() }
    var next = table.load(ordering: .acquiring)
    while let table = next {
      next = table.pointee.previous
      table.pointee.files.deallocate()
      table.deallocate()
    }
  }

  private var segments: [SegmentFile] {
    guard let table = table.load(ordering: .acquiring) else { return [] }
    return (0..<table.pointee.count).map { table.pointee.files[$0].takeUnretainedValue() }
  }

  /// Calls `body` with the file of a segment, in use and open, without retaining it.
  /// - Throws: ``IOError`` when it cannot be opened.
  @inline(__always) func withSegment<Result>(
    _ number: Int, _ body: (SegmentFile) throws(IOError) -> Result
  ) throws(IOError) -> Result {
    try segmentTable(with: number).pointee.files[number]._withUnsafeGuaranteedRef {
      file -> Swift.Result<Result, IOError> in
      do throws(IOError) {
        try files.use(file)
        defer { file.endUse() }
        return .success(try body(file))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  /// The table, which has the segment.
  @inline(__always) private func segmentTable(with number: Int) -> UnsafeMutablePointer<SegmentTable> {
    if let known = table.load(ordering: .acquiring), number < known.pointee.count { return known }
    return grow(toHold: number)
  }

  /// Makes a segment's file if it is not there.
  /// - Parameter exclusively: an error, EEXIST, where it is there.
  func createSegment(_ number: Int, exclusively: Bool = false) throws(IOError) {
    let file = segmentTable(with: number).pointee.files[number].takeUnretainedValue()
    try files.create(file, exclusively: exclusively)
    defer { file.endUse() }
    file.requestSync()
    requests?.addDirectory(IOFileSystem.directory(of: location))
  }

  /// Puts a table in place that has the segment. Without a lock: of several threads that want this at once, which is
  /// the rule when a parallel scan begins, one wins, and the others let go of what they made.
  private func grow(toHold number: Int) -> UnsafeMutablePointer<SegmentTable> {
    var seen = table.load(ordering: .acquiring)
    while true {
      if let seen, number < seen.pointee.count { return seen }
      let oldCount = seen?.pointee.count ?? 0
      let count = max(number + 1, oldCount * 2)
      let segments = UnsafeMutablePointer<Unmanaged<SegmentFile>>.allocate(capacity: count)
      if let seen { segments.initialize(from: seen.pointee.files, count: oldCount) }
      for index in oldCount..<count { (segments + index).initialize(to: .passRetained(makeSegment(index))) }
      let grown = UnsafeMutablePointer<SegmentTable>.allocate(capacity: 1)
      grown.initialize(to: SegmentTable(count: count, files: segments, previous: seen))
      let (isOurs, now) = table.compareExchange(
        expected: seen, desired: grown, ordering: .acquiringAndReleasing)
      if isOurs { return grown }
      for index in oldCount..<count { segments[index].release() }
      segments.deallocate()
      grown.deallocate()
      seen = now
    }
  }

  private func makeSegment(_ number: Int) -> SegmentFile {
    SegmentFile(
      location: segmentName(location, number), number: number, path: path, life: life, requests: requests,
      isDirect: isDirect,
      firstBlock: UInt64(number) * UInt64(blocksPerSegment))
  }

  func segmentName(_ path: String, _ number: Int) -> String { number == 0 ? path : "\(path).\(number)" }

  /// Makes all of the fork durable, its files' names included, without waiting for a checkpoint (mdimmedsync): for what
  /// was written without WAL. All segments are synced together.
  /// - Throws: ``StorageError``; see ``SyncRequests/syncAll(_:)``.
  public func sync(_ backend: IOBackend) throws(StorageError) {
    guard let requests else { return }
    let count: Int
    do throws(IOError) {
      count = max((Int(try blockCount()) + Int(blocksPerSegment) - 1) / Int(blocksPerSegment), 1)
    } catch {
      throw .io(error, blocks: 0..<0)
    }
    _ = segmentTable(with: count - 1)
    try requests.syncNow(Array(segments.prefix(count)), directory: IOFileSystem.directory(of: location), backend)
  }

  /// Ends the identity: no file is opened for it any more, so that it cannot reach those of a successor with the same
  /// path, and files that are not in use are closed.
  /// - Parameter backend: the calling thread's, needed where that is exclusive and may have I/O on the files.
  func retire(by backend: IOBackend? = nil) {
    files.end(life)
    files.forget(segments, by: backend)
  }

  /// The error of a read whose segment could not be opened, in PostgreSQL's words (_mdfd_getseg).
  func openFailure(_ error: IOError, block: UInt32) -> IOError {
    let number = Int(block / blocksPerSegment)
    guard number > 0, error.code == .systemCall else { return error }
    if error.errno == ENOENT, let count = try? countedBlocks(), count / blocksPerSegment < UInt32(number) {
      let last = Int(count / blocksPerSegment)
      return IOError(
        .systemCall,
        message: "could not open file \"\(segmentName(path, last + 1))\" (target block \(block)):"
          + " previous segment is only \(count % blocksPerSegment) blocks")
    }
    return IOError(
      .systemCall, errno: error.errno,
      message: "could not open file \"\(segmentName(path, number))\" (target block \(block))")
  }

  /// Calls `body` with the file of a segment if that is open, in use and without retaining it.
  /// - Returns: whether it is.
  func withOpenSegment(_ number: Int, _ body: (SegmentFile) -> Void) -> Bool {
    guard let table = table.load(ordering: .acquiring), number < table.pointee.count else { return false }
    return table.pointee.files[number]._withUnsafeGuaranteedRef { file in
      guard file.beginUse() else { return false }
      defer { file.endUse() }
      body(file)
      return true
    }
  }

  /// Blocks in this fork; 0 where there is no file. Where this process writes, it looks at the files once, and then
  /// knows.
  /// - Throws: ``IOError`` when a segment cannot be looked at.
  public func blockCount() throws(IOError) -> UInt32 {
    if let known = size.blocks { return known }
    let found = try countedBlocks()
    return files.isWritable ? learn(found) : found
  }

  /// Takes a number of blocks that the files are known to have.
  @discardableResult
  func learn(_ blocks: UInt32) -> UInt32 {
    let ready = UInt64((Int(blocks) + Int(blocksPerSegment) - 1) / Int(blocksPerSegment))
    return size.learn(blocks) { segmentsReady.relaxed = ready }
  }

  /// Whole blocks in the files: segments up to the first that is not full, as PostgreSQL counts them. 0 where there is
  /// no file.
  func countedBlocks() throws(IOError) -> UInt32 {
    var segment = 0
    while true {
      let blocks: UInt32
      do throws(IOError) {
        blocks = try withSegment(segment) { file throws(IOError) in
          UInt32(try file.size() / Int64(PageLayout.blockSize))
        }
      } catch {
        guard error.errno == ENOENT else { throw error }
        return UInt32(segment) * blocksPerSegment
      }
      if blocks < blocksPerSegment { return UInt32(segment) * blocksPerSegment + blocks }
      segment += 1
    }
  }
}
