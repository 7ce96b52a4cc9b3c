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

/// Whether a fork is still what its path leads to. A new relation may get the path of one that is gone.
final class ForkLife: Sendable {
  private let over = Atomic<Bool>(false)

  var isOver: Bool { over.load(ordering: .acquiring) }

  /// Called under the descriptor cache's lock, so that nobody is about to open one of the files.
  func end() { over.store(true, ordering: .releasing) }
}

/// An open fork of a relation: blocks, spread over segment files of equal size (PostgreSQL's md.c).
public final class StoredFork: @unchecked Sendable {
  // Safe because the table of segments is published atomically and grows under a lock.

  public let id: ForkID
  public let locator: RelationLocator
  public let fork: ForkNumber
  /// Path below the data directory, without a segment's number, as messages show it.
  public let path: String
  /// Blocks of a full segment.
  public let blocksPerSegment: UInt32

  private let files: DescriptorCache
  /// Where the file system finds the first segment.
  private let location: String
  let isDirect: Bool
  private let life = ForkLife()
  private let table: Atomic<UnsafeMutablePointer<SegmentTable>?>
  private let growth = Locked<[UnsafeMutablePointer<SegmentTable>]>([])

  /// Segments by number. A larger one replaces it; the old one stays until the fork goes, because somebody may be
  /// reading it.
  struct SegmentTable {
    let count: Int
    let files: UnsafeMutablePointer<Unmanaged<SegmentFile>>
  }

  init(
    id: ForkID, locator: RelationLocator, fork: ForkNumber, path: String, location: String, blocksPerSegment: UInt32,
    isDirect: Bool, files: DescriptorCache
  ) {
    (self.id, self.locator, self.fork, self.path) = (id, locator, fork, path)
    (self.location, self.blocksPerSegment, self.isDirect, self.files) = (location, blocksPerSegment, isDirect, files)
    table = Atomic(nil)
  }

  deinit {
    files.forget(segments)
    for file in segments { Unmanaged.passUnretained(file).release() }
    growth.withLock { tables in
      for table in tables {
        table.pointee.files.deallocate()
        table.deallocate()
      }
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
    var current = table.load(ordering: .acquiring)
    if current.map({ number >= $0.pointee.count }) ?? true { current = grow(toHold: number) }
    guard let current else { fatalError("invariant broken: a fork has no table of segments") }
    return try current.pointee.files[number]._withUnsafeGuaranteedRef { file -> Swift.Result<Result, IOError> in
      do throws(IOError) {
        try files.use(file)
        defer { file.endUse() }
        return .success(try body(file))
      } catch {
        return .failure(error)
      }
    }.get()
  }

  private func grow(toHold number: Int) -> UnsafeMutablePointer<SegmentTable>? {
    growth.withLock { tables in
      let old = table.load(ordering: .relaxed)
      let oldCount = old?.pointee.count ?? 0
      guard number >= oldCount else { return old }
      let count = max(number + 1, oldCount * 2)
      let segments = UnsafeMutablePointer<Unmanaged<SegmentFile>>.allocate(capacity: count)
      for index in 0..<count {
        if index < oldCount, let old {
          (segments + index).initialize(to: old.pointee.files[index])
        } else {
          (segments + index).initialize(to: .passRetained(makeSegment(index)))
        }
      }
      let grown = UnsafeMutablePointer<SegmentTable>.allocate(capacity: 1)
      grown.initialize(to: SegmentTable(count: count, files: segments))
      tables.append(grown)
      table.store(grown, ordering: .releasing)
      return grown
    }
  }

  private func makeSegment(_ number: Int) -> SegmentFile {
    SegmentFile(
      location: segmentName(location, number), name: path, life: life, isDirect: isDirect,
      firstBlock: UInt64(number) * UInt64(blocksPerSegment))
  }

  private func segmentName(_ path: String, _ number: Int) -> String { number == 0 ? path : "\(path).\(number)" }

  /// Ends the identity: no file is opened for it any more, so that it cannot reach those of a successor with the same
  /// path.
  func retire() { files.end(life) }

  /// The error of a read whose segment could not be opened, in PostgreSQL's words (_mdfd_getseg).
  func openFailure(_ error: IOError, block: UInt32) -> IOError {
    let number = Int(block / blocksPerSegment)
    guard number > 0, error.code == .systemCall else { return error }
    if error.errno == ENOENT, let count = try? blockCount(), count / blocksPerSegment < UInt32(number) {
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

  /// Notes that a segment has been written to.
  @inline(__always) func noteWritten(segment number: Int) {}

  private let extending = Locked(())

  /// Appends blocks of zeros. - Returns: which; no other caller gets any of them.
  func extend(by count: UInt32, _ backend: IOBackend) throws(IOError) -> Range<UInt32> {
    try extending.withLock { _ throws(IOError) in
      let first = try blockCount()
      var next = first
      while next < first + count {
        let number = Int(next / blocksPerSegment)
        let inside = next % blocksPerSegment
        let length = min(first + count - next, blocksPerSegment - inside)
        if inside == 0 {
          try files.fileSystem.open(
            segmentName(location, number), name: path, [.create, .write], blockSize: PageLayout.blockSize, firstBlock: 0
          ).close()
        }
        try withSegment(number) { file throws(IOError) in
          try backend.allocate(
            file, at: Int64(inside) * Int64(PageLayout.blockSize),
            length: Int64(length) * Int64(PageLayout.blockSize))
        }
        next += length
      }
      return first..<first + count
    }
  }

  /// Whole blocks in this fork: segments up to the first that is not full, as PostgreSQL counts them. 0 where there is
  /// no file.
  /// - Throws: ``IOError`` when a segment cannot be looked at.
  public func blockCount() throws(IOError) -> UInt32 {
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
