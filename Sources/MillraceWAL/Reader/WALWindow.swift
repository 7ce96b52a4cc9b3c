import Glibc
import MillraceIO
import MillraceStorage

/// The stretch of the log that is in memory: reads segments from a position on, several reads in flight ahead of who
/// asks for pages. A page can be looked at until one of a later piece is asked for.
///
/// Segments must not be written to meanwhile: what was read is not read again.
final class WALWindow {
  /// What became of a page.
  enum Page {
    case ready(UnsafeRawPointer)
    /// The log does not go so far.
    case none(WALProblem)
  }

  private struct Piece {
    var reference = IOReference.none
    var outcome = IOOutcome.unknown
    /// The segment's file is not there.
    var isMissing = false
  }

  private let backend: IOBackend
  private let fileSystem: IOFileSystem
  private let directory: String
  private let timeline: UInt32
  private let geometry: WALGeometry
  private let isDirect: Bool
  private let pieceSize: UInt64
  private let pieceCount: Int
  private let memory: IOMemory
  /// A ring; the engine writes outcomes into it.
  private let pieces: UnsafeMutablePointer<Piece>
  /// The number of the piece in use, counted from the log's start; those from `issued` on have not been asked for.
  private var current: UInt64
  private var issued: UInt64
  /// Nothing is read from this piece on: its segment is missing.
  private var limit = UInt64.max
  private var files: [(segment: UInt64, file: IOFile)] = []
  /// How often a page was not there yet and had to be waited for.
  private(set) var waitCount: UInt64 = 0
  private(set) var waitNanoseconds: UInt64 = 0

  /// - Parameters:
  ///   - directory: of the segments, as the file system resolves it.
  ///   - start: the first position that will be asked for.
  init(
    backend: IOBackend, fileSystem: IOFileSystem, directory: String, timeline: UInt32, geometry: WALGeometry,
    start: LogSequenceNumber, configuration: WALReaderConfiguration
  ) throws(IOError) {
    let size = configuration.readSize
    requireUse(
      size.nonzeroBitCount == 1 && (WALLayout.pageSize...Int(WALLayout.segmentSizes.lowerBound)).contains(size),
      "pieces of the WAL are read in a power of two from a page to 1 MiB")
    (self.backend, self.fileSystem, self.directory, self.timeline) = (backend, fileSystem, directory, timeline)
    (self.geometry, isDirect) = (geometry, configuration.isDirect)
    (pieceSize, pieceCount) = (UInt64(size), max(configuration.ioConcurrency, 0) + 1)
    memory = try IOMemory(byteCount: pieceCount * size, hugePages: .off)
    pieces = .allocate(capacity: pieceCount)
    pieces.initialize(repeating: Piece(), count: pieceCount)
    current = start.rawValue / pieceSize
    issued = current
  }

  deinit {
    close()
    pieces.deallocate()
  }

  /// Waits for what is in flight and closes the files.
  func close() {
    for index in 0..<pieceCount where !pieces[index].reference.isNone {
      backend.wait(for: pieces[index].reference)
      pieces[index].reference = .none
    }
    for (_, file) in files { backend.engine.close(file, by: backend) }
    files = []
    issued = current
  }

  /// The page that starts at `address`. Pages are asked for in rising order.
  /// - Throws: ``IOError``, where the system could not read. That is not the end of the log, which only a missing or
  ///   short file is.
  func page(at address: LogSequenceNumber) throws(IOError) -> Page {
    let number = address.rawValue / pieceSize
    precondition(number >= current, "invariant broken: a WAL page was asked for that has been let go of")
    if number > current {
      // A jump, over the rest of a segment, may leave reads in flight behind.
      while current < number {
        if current < issued { settle(current) } else { issued = current + 1 }
        current += 1
      }
      closeFilesBefore(address)
    }
    try issueAhead()
    let piece = pieces + Int(number % UInt64(pieceCount))
    if number >= limit || piece.pointee.isMissing {
      return .none(
        WALProblem(.segmentMissing, "could not open file \"\(path(of: address))\": \(IOError.text(of: ENOENT))"))
    }
    if !piece.pointee.reference.isNone {
      if !backend.isCompleted(piece.pointee.reference) {
        let began = monotonicNanoseconds()
        settle(number)
        waitCount += 1
        waitNanoseconds += monotonicNanoseconds() - began
      }
      piece.pointee.reference = .none
    }
    let outcome = piece.pointee.outcome
    let length = outcome.status == .failed ? try rereadPage(address) : Int(outcome.result)
    let offset = Int(address.rawValue % pieceSize)
    guard length >= offset + WALLayout.pageSize else {
      let inSegment = geometry.offsetInSegment(address)
      return .none(
        WALProblem(
          .segmentShort,
          "could not read from WAL segment \(name(of: address)), LSN \(address), offset \(inSegment): "
            + "read \(max(length - offset, 0)) of \(WALLayout.pageSize)"))
    }
    return .ready(UnsafeRawPointer(place(number)) + offset)
  }

  /// Reads one page of a piece that could not be read as a whole: what is wrong with that may lie behind the log's end.
  /// - Returns: how many bytes of the piece can be used, as far as that page tells.
  private func rereadPage(_ address: LogSequenceNumber) throws(IOError) -> Int {
    let offset = Int(address.rawValue % pieceSize)
    guard let file = try file(of: address) else { return 0 }
    let page = UnsafeMutableRawBufferPointer(
      start: place(address.rawValue / pieceSize) + offset, count: WALLayout.pageSize)
    return offset + (try backend.read(file, at: Int64(geometry.offsetInSegment(address)), page))
  }

  /// Starts reads until the window is full.
  private func issueAhead() throws(IOError) {
    let end = min(current + UInt64(pieceCount), limit)
    guard issued < end else { return }
    let batch = backend.batch()
    while issued < end {
      let number = issued
      let piece = pieces + Int(number % UInt64(pieceCount))
      piece.pointee = Piece()
      guard let file = try file(of: start(number)) else {
        piece.pointee.isMissing = true
        limit = number
        break
      }
      let handle = backend.acquire()
      handle.setUse(.wal)
      handle.returns(
        to: UnsafeMutableRawPointer(piece).advanced(by: Self.outcomeOffset).assumingMemoryBound(
          to: IOOutcome.self))
      piece.pointee.reference = handle.start(
        .readv, file, at: Int64(geometry.offsetInSegment(start(number))),
        memory: UnsafeMutableRawBufferPointer(start: place(number), count: Int(pieceSize)))
      issued += 1
    }
    batch.submit()
  }

  private static let outcomeOffset = MemoryLayout<Piece>.offset(of: \Piece.outcome) ?? 0

  private func settle(_ number: UInt64) {
    let piece = pieces + Int(number % UInt64(pieceCount))
    guard !piece.pointee.reference.isNone else { return }
    backend.wait(for: piece.pointee.reference)
    piece.pointee.reference = .none
  }

  // MARK: Files

  /// The open file of a segment; nil where there is none.
  private func file(of position: LogSequenceNumber) throws(IOError) -> IOFile? {
    let segment = geometry.segment(of: position)
    if let (_, file) = files.first(where: { $0.segment == segment }) { return file }
    do throws(IOError) {
      let name = name(of: position)
      let file = try fileSystem.open(
        directory.isEmpty ? name : "\(directory)/\(name)", name: "pg_wal/\(name)", isDirect ? .direct : [],
        blockSize: WALLayout.pageSize, firstBlock: 0)
      files.append((segment, file))
      return file
    } catch {
      guard error.errno == ENOENT else { throw error }
      return nil
    }
  }

  private func closeFilesBefore(_ address: LogSequenceNumber) {
    let segment = geometry.segment(of: address)
    guard let first = files.first, first.segment < segment else { return }
    for (_, file) in files.filter({ $0.segment < segment }) { backend.engine.close(file, by: backend) }
    files.removeAll { $0.segment < segment }
  }

  private func start(_ number: UInt64) -> LogSequenceNumber { LogSequenceNumber(number * pieceSize) }

  private func place(_ number: UInt64) -> UnsafeMutableRawPointer {
    memory.baseAddress + Int(number % UInt64(pieceCount)) * Int(pieceSize)
  }

  func name(of position: LogSequenceNumber) -> String {
    WALSegmentName(timeline: timeline, holding: position, segmentSize: geometry.segmentSize).description
  }

  private func path(of position: LogSequenceNumber) -> String { "pg_wal/\(name(of: position))" }
}
