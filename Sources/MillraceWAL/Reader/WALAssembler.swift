import MillraceIO
import MillraceStorage

/// Cuts the log into records: follows them over pages and segments, and decides where the log ends (PostgreSQL's
/// XLogDecodeNextRecord).
struct WALAssembler {
  enum Progress {
    case record
    case end(WALProblem)
  }

  /// Of the record in the making.
  private struct Partial {
    let start: LogSequenceNumber
    let totalLength: Int
    var got: Int
    var hasHeader: Bool
    /// Behind the last byte taken.
    var position: LogSequenceNumber
  }

  /// Why reading stops.
  private enum Stop: Error {
    case io(IOError)
    case problem(WALProblem)
  }

  private let window: WALWindow
  private let geometry: WALGeometry
  private var validator: WALPageValidator
  /// The page that was looked at last, and where it is if its header was found to be right. It stays there until a
  /// later one is asked for.
  private var page = LogSequenceNumber.invalid
  private var pageBytes: UnsafeRawPointer?
  private var partial: Partial?

  /// Where the next record starts, or its page.
  private(set) var next: LogSequenceNumber
  /// Where the last complete record starts; `.invalid` before the first.
  private(set) var lastStart = LogSequenceNumber.invalid
  /// The record whose rest is missing at the end of the log, and the page where it should be.
  private(set) var aborted: (record: LogSequenceNumber, missing: LogSequenceNumber)?
  /// The record before the next one that was given up by who wrote the log.
  private var overwritten: LogSequenceNumber?

  init(window: WALWindow, validator: WALPageValidator, start: LogSequenceNumber) {
    (self.window, geometry, self.validator, next) = (window, validator.geometry, validator, start)
  }

  /// Puts the next record together and decodes it.
  mutating func advance(_ record: WALRecord) throws(IOError) -> Progress {
    do throws(Stop) {
      while true {
        if partial == nil { try begin(record) } else { try resume(record) }
        if let partial, partial.got == partial.totalLength {
          try finish(partial, record)
          return .record
        }
      }
    } catch {
      switch error {
      case .io(let error): throw error
      case .problem(let problem):
        if let partial, page > partial.start { aborted = (partial.start, page) }
        partial = nil
        return .end(problem)
      }
    }
  }

  /// A page, its header validated.
  @inline(__always) private mutating func validated(_ address: LogSequenceNumber) throws(Stop) -> UnsafeRawPointer {
    if page == address, let pageBytes { return pageBytes }
    (page, pageBytes) = (address, nil)
    let found: WALWindow.Page
    do throws(IOError) { found = try window.page(at: address) } catch { throw .io(error) }
    switch found {
    case .none(let problem): throw .problem(problem)
    case .ready(let bytes):
      try asStop { () throws(WALProblem) in try validator.validate(WALPageHeader(bytes), at: address) }
      pageBytes = bytes
      return bytes
    }
  }

  /// Finds the start of the next record and takes what its first page has of it.
  private mutating func begin(_ record: WALRecord) throws(Stop) {
    let address = LogSequenceNumber(next.rawValue & ~UInt64(WALLayout.pageSize - 1))
    let bytes = try validated(address)
    let header = WALPageHeader(bytes)
    var offset = Int(next.rawValue - address.rawValue)
    if offset == 0 {
      offset = header.size
    } else if offset < header.size {
      throw .problem(
        WALProblem(.position, "invalid record offset at \(next): expected at least \(header.size), got \(offset)"))
    }
    let start = LogSequenceNumber(address.rawValue + UInt64(offset))
    if header.flags.contains(.firstIsContinuation), offset == header.size {
      throw .problem(WALProblem(.continuation, "contrecord is requested by \(start)"))
    }
    record.begin(at: start)
    // Records are aligned, so of a header that is cut in two the length at least is here.
    let length = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    let room = WALLayout.pageSize - offset
    let hasHeader = room >= WALLayout.recordHeaderSize
    if hasHeader {
      record.own.pointee.header = WALRecordHeader(bytes + offset)
      try validate(record.header, at: start)
    }
    guard (WALLayout.recordHeaderSize...WALLayout.recordSizeMax).contains(Int(length)) else {
      throw .problem(.length(length, at: start))
    }
    let got = min(Int(length), room)
    record.append(bytes + offset, byteCount: got)
    partial = Partial(
      start: start, totalLength: Int(length), got: got, hasHeader: hasHeader,
      position: LogSequenceNumber(start.rawValue + UInt64(got)))
  }

  /// Takes what the next page has of a record that goes on there.
  private mutating func resume(_ record: WALRecord) throws(Stop) {
    guard var unfinished = partial else { fatalError("invariant broken: no record to go on with") }
    let address = unfinished.position
    let bytes = try validated(address)
    let header = WALPageHeader(bytes)
    if header.flags.contains(.overwritesContinuation) {
      // Who wrote the log has given the record up, and goes on with another one here.
      (overwritten, next, partial) = (unfinished.start, address, nil)
      return
    }
    guard header.flags.contains(.firstIsContinuation) else {
      throw .problem(WALProblem(.continuation, "there is no contrecord flag at \(unfinished.start)"))
    }
    let left = unfinished.totalLength - unfinished.got
    guard Int(header.remainingLength) == left else {
      throw .problem(
        WALProblem(
          .continuation,
          "invalid contrecord length \(header.remainingLength) (expected \(left)) at \(unfinished.start)"))
    }
    let count = min(left, WALLayout.pageSize - header.size)
    record.append(bytes + header.size, byteCount: count)
    unfinished.got += count
    unfinished.position = LogSequenceNumber(address.rawValue + UInt64(header.size + count))
    if !unfinished.hasHeader {
      // The smallest page holds the rest of any header.
      record.own.pointee.header = WALRecordHeader(record.own.pointee.bytes)
      try validate(record.header, at: unfinished.start)
      unfinished.hasHeader = true
    }
    partial = unfinished
  }

  /// Decides whether a header can be that of the record at its place (ValidXLogRecordHeader).
  private func validate(_ header: WALRecordHeader, at start: LogSequenceNumber) throws(Stop) {
    guard Int(header.totalLength) >= WALLayout.recordHeaderSize else {
      throw .problem(.length(header.totalLength, at: start))
    }
    guard header.resourceManager.isValid else {
      throw .problem(
        WALProblem(.resourceManager, "invalid resource manager ID \(header.resourceManager.rawValue) at \(start)"))
    }
    // Before the first record nothing is known but that the link leads back.
    guard lastStart == .invalid ? header.previous < start : header.previous == lastStart else {
      throw .problem(
        WALProblem(.previousLink, "record with incorrect prev-link \(header.previous) at \(start)"))
    }
  }

  private mutating func finish(_ complete: Partial, _ record: WALRecord) throws(Stop) {
    try asStop { () throws(WALProblem) in
      try record.checkChecksum()
      try record.decode()
    }
    var end = WALLayout.aligned(complete.position.rawValue)
    if record.resourceManager == .xlog, record.info == XLOGRecordKind.switch.rawValue {
      // The rest of the segment belongs to it.
      end = (end + geometry.segmentSize - 1) / geometry.segmentSize * geometry.segmentSize
    }
    record.own.pointee.end = LogSequenceNumber(end)
    record.own.pointee.overwritten = overwritten
    overwritten = nil
    (next, lastStart, partial) = (record.end, complete.start, nil)
  }

  private func asStop(_ body: () throws(WALProblem) -> Void) throws(Stop) {
    do throws(WALProblem) { try body() } catch { throw .problem(error) }
  }
}
