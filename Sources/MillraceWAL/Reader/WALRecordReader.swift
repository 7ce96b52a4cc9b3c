public import MillraceIO
public import MillraceStorage

/// Where the log ends, and how that was seen.
public struct WALEnd: Sendable, Equatable {
  /// Where the next record would start, or the page that it would start on: behind the last valid record.
  public let position: LogSequenceNumber
  /// Where the last valid record starts; `.invalid` where there is none. The next record's link to the one before.
  public let lastRecord: LogSequenceNumber
  /// What is wrong with what follows.
  public let problem: WALProblem
  /// A record that begins at `position`, goes on over a page's end, and was not written to its end
  /// (PostgreSQL's `abortedRecPtr`); nil where there is none.
  public let abortedRecord: LogSequenceNumber?
  /// The page on which the rest of that record is missing (`missingContrecPtr`).
  public let missingContinuation: LogSequenceNumber?
}

/// Reads the log record by record from a position on, up to the first that is not valid (PostgreSQL's xlogreader.c).
///
/// Segments are read through the I/O engine, several reads ahead of the record in use. Records can be decoded ahead as
/// well, which is how recovery finds out what blocks it will need. Used by one thread, the backend's; the segments must
/// not be written to meanwhile.
public final class WALRecordReader {
  /// Where reading started.
  public let start: LogSequenceNumber
  private let window: WALWindow
  private let configuration: WALReaderConfiguration
  /// A ring: the record in use, if there is one, those decoded ahead, then free ones.
  private let records: UnsafeMutablePointer<Unmanaged<WALRecord>>
  private let recordCapacity: Int
  /// In memory of its own, so that no access to it is checked at run time.
  private let own: UnsafeMutablePointer<State>

  private struct State {
    var assembler: WALAssembler
    var oldest = 0
    /// Whether the oldest is in use: 1 or 0.
    var inUse = 0
    var aheadCount = 0
    /// Of those decoded ahead.
    var aheadBytes = 0
    /// How many of those decoded ahead `lookAhead` has given out.
    var seenCount = 0
    var problem: WALProblem?
    var recordBytes: UInt64 = 0
    var recordCount: UInt64 = 0
  }

  /// Bytes of the records given out by ``next()``, and how many.
  public var recordBytes: UInt64 { own.pointee.recordBytes }
  public var recordCount: UInt64 { own.pointee.recordCount }
  /// How often the next page of the log was not there yet and had to be waited for.
  public var waitCount: UInt64 { window.waitCount }
  /// How long that took.
  public var waitNanoseconds: UInt64 { window.waitNanoseconds }

  /// - Parameters:
  ///   - directory: of the segments (`pg_wal`), as the file system resolves it.
  ///   - systemIdentifier: whose log it must be; nil for anybody's.
  ///   - start: where a record starts, or a page on which one does.
  /// - Throws: ``IOError`` where there is no memory to read into. Nothing has been read yet.
  public init(
    backend: IOBackend, fileSystem: IOFileSystem, directory: String, timeline: UInt32, segmentSize: UInt64,
    systemIdentifier: UInt64?, start: LogSequenceNumber, configuration: WALReaderConfiguration = .init()
  ) throws(IOError) {
    let geometry = WALGeometry(segmentSize: segmentSize)
    (self.start, self.configuration) = (start, configuration)
    window = try WALWindow(
      backend: backend, fileSystem: fileSystem, directory: directory, timeline: timeline, geometry: geometry,
      start: start, configuration: configuration)
    let validator = WALPageValidator(timeline: timeline, geometry: geometry, systemIdentifier: systemIdentifier)
    own = .allocate(capacity: 1)
    own.initialize(to: State(assembler: WALAssembler(window: window, validator: validator, start: start)))
    recordCapacity = max(configuration.recordsAheadMax, 1) + 2
    records = .allocate(capacity: recordCapacity)
    for index in 0..<recordCapacity { (records + index).initialize(to: .passRetained(WALRecord())) }
  }

  deinit {
    for index in 0..<recordCapacity { records[index].release() }
    records.deallocate()
    own.deinitialize(count: 1)
    own.deallocate()
  }

  /// Lets go of memory and files. Nothing is read afterwards.
  public func close() { window.close() }

  /// The next record; nil at the end of the log, and then always.
  ///
  /// The record is valid until the next call.
  /// - Throws: ``IOError`` where the system could not read: then it is not known whether the log goes on.
  public func next() throws(IOError) -> WALRecord? {
    if own.pointee.inUse == 1 {
      own.pointee.oldest = own.pointee.oldest + 1 == recordCapacity ? 0 : own.pointee.oldest + 1
      own.pointee.inUse = 0
    }
    if own.pointee.aheadCount == 0 {
      guard try decode(mayWait: true) else { return nil }
    }
    own.pointee.aheadCount -= 1
    own.pointee.seenCount = max(own.pointee.seenCount - 1, 0)
    own.pointee.inUse = 1
    let record = record(at: 0).takeUnretainedValue()
    own.pointee.aheadBytes -= record.totalLength
    own.pointee.recordBytes += UInt64(record.totalLength)
    own.pointee.recordCount += 1
    return record
  }

  /// A record further on, each once, in order, and none that ``next()`` has already given out. Does not wait.
  /// - Returns: nil where the next record is not in memory yet, or the room for records decoded ahead is full, or the
  ///   log ends.
  func lookAhead() throws(IOError) -> WALRecord? {
    if own.pointee.seenCount == own.pointee.aheadCount {
      guard own.pointee.aheadCount < configuration.recordsAheadMax,
        own.pointee.aheadBytes < configuration.bytesAheadMax, try decode(mayWait: false)
      else { return nil }
    }
    own.pointee.seenCount += 1
    return record(at: own.pointee.inUse + own.pointee.seenCount - 1).takeUnretainedValue()
  }

  /// Why and where the log ends, once that is known.
  public var end: WALEnd? {
    guard let problem = own.pointee.problem, own.pointee.aheadCount == 0 else { return nil }
    let assembler = own.pointee.assembler
    return WALEnd(
      position: assembler.next, lastRecord: assembler.lastStart, problem: problem,
      abortedRecord: assembler.aborted?.record, missingContinuation: assembler.aborted?.missing)
  }

  /// The record that many places behind the oldest.
  @inline(__always) private func record(at position: Int) -> Unmanaged<WALRecord> {
    let place = own.pointee.oldest + position
    return records[place < recordCapacity ? place : place - recordCapacity]
  }

  /// Decodes one more record. - Returns: whether there is one.
  private func decode(mayWait: Bool) throws(IOError) -> Bool {
    guard own.pointee.problem == nil else { return false }
    let record = record(at: own.pointee.inUse + own.pointee.aheadCount)
    let progress = record._withUnsafeGuaranteedRef { record -> Result<WALAssembler.Progress, IOError> in
      do throws(IOError) {
        return .success(try own.pointee.assembler.advance(record, mayWait: mayWait))
      } catch {
        return .failure(error)
      }
    }
    switch try progress.get() {
    case .pending: return false
    case .end(let found):
      own.pointee.problem = found
      return false
    case .record:
      own.pointee.aheadCount += 1
      own.pointee.aheadBytes += record._withUnsafeGuaranteedRef { $0.totalLength }
      return true
    }
  }
}
