public import MillraceIO
public import MillraceStorage
import Synchronization

/// Reads the log as it grows, to send it elsewhere: from the log's buffers where it is recent enough, else from the
/// segments, with reads in flight ahead of the piece in use.
///
/// Only what is durable is read. Used by one thread.
public final class WALStreamReader {
  /// Bytes that are given out together at most (PostgreSQL's MAX_SEND_SIZE).
  public static let pieceMax = 16 * WALLayout.pageSize

  private let log: WriteAheadLog
  private let backend: IOBackend
  private let memory: IOMemory
  private let pieces: UnsafeMutablePointer<Piece>
  private let pieceCount: Int
  /// The first piece that has not been given out, and the first that has not been started, in the ring.
  private var first = 0
  private var startedCount = 0
  private var file: (number: UInt64, file: IOFile)?
  /// Where the next piece to start begins.
  private var ahead: UInt64
  public private(set) var position: LogSequenceNumber
  /// Bytes that came from the buffers, and from files.
  public private(set) var bytesFromBuffers: UInt64 = 0
  public private(set) var bytesFromFiles: UInt64 = 0

  private struct Piece {
    var outcome = IOOutcome.unknown
    var reference = IOReference.none
    var start: UInt64 = 0
    var end: UInt64 = 0
    var file: Unmanaged<IOFile>?
  }

  /// - Parameters:
  ///   - position: where to begin.
  ///   - backend: of the calling thread.
  ///   - depth: reads in flight ahead.
  public init(
    _ log: WriteAheadLog, from position: LogSequenceNumber, backend: IOBackend, depth: Int = 4
  ) throws(IOError) {
    (self.log, self.backend, self.position) = (log, backend, position)
    pieceCount = max(depth, 1)
    memory = try IOMemory(byteCount: pieceCount * Self.pieceMax, hugePages: .off)
    pieces = .allocate(capacity: pieceCount)
    pieces.initialize(repeating: Piece(), count: pieceCount)
    ahead = position.rawValue
  }

  deinit {
    close()
    pieces.deallocate()
  }

  /// Waits for what is in flight, and closes files.
  public func close() {
    while startedCount > 0 { settleFirst() }
    closeFile()
  }

  private func settleFirst() {
    let piece = pieces + first
    backend.wait(for: piece.pointee.reference)
    piece.pointee.reference = .none
    release(piece)
    first = (first + 1) % pieceCount
    startedCount -= 1
  }

  private func release(_ piece: UnsafeMutablePointer<Piece>) {
    piece.pointee.file?.release()
    piece.pointee.file = nil
  }

  private func closeFile() {
    // Reads in flight on it are waited for.
    if let (_, file) = file { backend.engine.close(file, by: backend) }
    file = nil
  }

  // MARK: Reading

  /// Gives the next bytes, at most up to a position that is durable.
  ///
  /// A piece ends at the end of a page, unless the log ends before, so that what is sent again after an interruption
  /// begins at one.
  /// - Parameter body: gets the bytes, where they begin, for the time of the call.
  /// - Returns: false where there are none.
  /// - Throws: ``WALError`` `.segment`: what is to be read has been removed, or cannot be read.
  public func next<Failure: Error>(
    upTo durable: LogSequenceNumber,
    _ body: (UnsafeRawBufferPointer, LogSequenceNumber) throws(Failure) -> Void
  ) throws(WALStreamError<Failure>) -> Bool {
    guard position < durable else { return false }
    let start = position
    let bytes: UnsafeRawBufferPointer
    do throws(WALError) { bytes = try read(upTo: durable.rawValue) } catch { throw .log(error) }
    position = LogSequenceNumber(start.rawValue + UInt64(bytes.count))
    do throws(Failure) { try body(bytes, start) } catch { throw .body(error) }
    return true
  }

  private func read(upTo durable: UInt64) throws(WALError) -> UnsafeRawBufferPointer {
    if startedCount == 0 {
      let end = pieceEnd(position.rawValue, durable)
      let place = UnsafeMutableRawBufferPointer(start: memory.baseAddress + first * Self.pieceMax, count: Self.pieceMax)
      if log.copyFromBuffers(position.rawValue..<end, to: place) {
        ahead = end
        bytesFromBuffers += end - position.rawValue
        return UnsafeRawBufferPointer(rebasing: place[..<Int(end - position.rawValue)])
      }
    }
    try startAhead(durable)
    return try takeFirst()
  }

  /// Where the piece that begins at a position ends: at most at a segment's end, and at a page's where that is durable.
  private func pieceEnd(_ start: UInt64, _ durable: UInt64) -> UInt64 {
    let page = UInt64(WALLayout.pageSize)
    let segmentEnd = (start / log.geometry.segmentSize + 1) * log.geometry.segmentSize
    let full = start / page * page + UInt64(Self.pieceMax)
    let end = min(full, segmentEnd)
    return min(end, durable)
  }

  /// Starts reads until all pieces are in flight, or the durable log is.
  private func startAhead(_ durable: UInt64) throws(WALError) {
    while startedCount < pieceCount, ahead < durable {
      let end = pieceEnd(ahead, durable)
      // What is in front of a piece that ends within a page would not be there for the next one.
      if startedCount > 0, end - ahead < UInt64(Self.pieceMax) / 2 { return }
      let file = try file(of: ahead)
      let piece = pieces + (first + startedCount) % pieceCount
      let page = UInt64(WALLayout.pageSize)
      let from = ahead / page * page
      let length = (end - from + page - 1) / page * page
      piece.pointee = Piece(start: ahead, end: end, file: .passRetained(file))
      let handle = backend.acquire()
      handle.setUse(.wal)
      handle.returns(
        to: UnsafeMutableRawPointer(piece).advanced(by: Self.outcomeOffset).assumingMemoryBound(to: IOOutcome.self))
      let place = memory.baseAddress + (first + startedCount) % pieceCount * Self.pieceMax
      piece.pointee.reference = handle.start(
        .readv, file, at: Int64(from % log.geometry.segmentSize),
        memory: UnsafeMutableRawBufferPointer(start: place, count: Int(length)))
      startedCount += 1
      ahead = end
    }
  }

  private static let outcomeOffset = MemoryLayout<Piece>.offset(of: \Piece.outcome) ?? 0

  private func takeFirst() throws(WALError) -> UnsafeRawBufferPointer {
    let piece = pieces + first
    backend.wait(for: piece.pointee.reference)
    let (start, end, outcome) = (piece.pointee.start, piece.pointee.end, piece.pointee.outcome)
    let page = UInt64(WALLayout.pageSize)
    let offset = Int(start % page)
    let place = memory.baseAddress + first * Self.pieceMax
    let name = log.segments.name(start / log.geometry.segmentSize)
    defer {
      piece.pointee.reference = .none
      release(piece)
      first = (first + 1) % pieceCount
      startedCount -= 1
    }
    // Whose name was given to a new segment meanwhile is not what it was.
    guard log.segments.lastRemoved < start / log.geometry.segmentSize else { throw Self.removed(name) }
    guard outcome.status != .failed, Int(outcome.result) >= offset + Int(end - start) else {
      throw WALError(
        .segment,
        "could not read from WAL segment \(name), offset \(start % log.geometry.segmentSize): read"
          + " \(outcome.status == .failed ? 0 : outcome.result) of \(offset + Int(end - start))")
    }
    bytesFromFiles += end - start
    return UnsafeRawBufferPointer(start: place + offset, count: Int(end - start))
  }

  private static func removed(_ name: String) -> WALError {
    WALError(.segment, "requested WAL segment \(name) has already been removed")
  }

  private func file(of position: UInt64) throws(WALError) -> IOFile {
    let number = position / log.geometry.segmentSize
    if let file, file.number == number { return file.file }
    let name = log.segments.name(number)
    do throws(IOError) {
      guard log.segments.lastRemoved < number, try log.segments.exists(number) else { throw IOError.missing(name) }
      let opened = try log.segments.openForReading(number)
      closeFile()
      file = (number, opened)
      return opened
    } catch {
      throw error.code == .invalidConfiguration ? Self.removed(name) : WALError(error)
    }
  }
}

extension IOError {
  fileprivate static func missing(_ name: String) -> IOError { IOError(.invalidConfiguration, message: name) }
}

/// Why ``WALStreamReader/next(upTo:_:)`` ended early: the log cannot be read, or its caller has thrown.
public enum WALStreamError<Failure: Error>: Error {
  case log(WALError)
  case body(Failure)
}

extension WriteAheadLog {
  /// Copies a range of the log from the buffers, if all of it is still there (PostgreSQL's WALReadFromBuffers).
  ///
  /// The memory may be given to newer pages while it is copied. So each page's word is looked at before and after: as
  /// it only ever moves on, a page that was there both times was there all the time.
  /// - Parameter range: durable, so that nobody writes to it any more.
  func copyFromBuffers(_ range: Range<UInt64>, to memory: UnsafeMutableRawBufferPointer) -> Bool {
    guard let target = memory.baseAddress, memory.count >= range.count else { return false }
    var position = range.lowerBound
    while position < range.upperBound {
      let page = Self.pageStart(position)
      let end = min(page + Self.pageSize, range.upperBound)
      guard buffers.isReady(page) else { return false }
      (target + Int(position - range.lowerBound)).copyMemory(
        from: buffers.address(of: position), byteCount: Int(end - position))
      atomicMemoryFence(ordering: .acquiring)
      guard buffers.isReady(page) else { return false }
      position = end
    }
    return true
  }
}
