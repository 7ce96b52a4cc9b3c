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
/// Segments are read through the I/O engine, several reads ahead of the record in use. Used by one thread, the
/// backend's; the segments must not be written to meanwhile.
public final class WALRecordReader {
  /// Where reading started.
  public let start: LogSequenceNumber
  private let window: WALWindow
  private let record = WALRecord()
  /// In memory of its own, so that no access to it is checked at run time.
  private let own: UnsafeMutablePointer<State>

  private struct State {
    var assembler: WALAssembler
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
    self.start = start
    window = try WALWindow(
      backend: backend, fileSystem: fileSystem, directory: directory, timeline: timeline, geometry: geometry,
      start: start, configuration: configuration)
    let validator = WALPageValidator(timeline: timeline, geometry: geometry, systemIdentifier: systemIdentifier)
    own = .allocate(capacity: 1)
    own.initialize(to: State(assembler: WALAssembler(window: window, validator: validator, start: start)))
  }

  deinit {
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
    guard own.pointee.problem == nil else { return nil }
    switch try own.pointee.assembler.advance(record) {
    case .end(let found):
      own.pointee.problem = found
      return nil
    case .record:
      own.pointee.recordBytes += UInt64(record.totalLength)
      own.pointee.recordCount += 1
      return record
    }
  }

  /// Why and where the log ends, once that is known.
  public var end: WALEnd? {
    guard let problem = own.pointee.problem else { return nil }
    let assembler = own.pointee.assembler
    return WALEnd(
      position: assembler.next, lastRecord: assembler.lastStart, problem: problem,
      abortedRecord: assembler.aborted?.record, missingContinuation: assembler.aborted?.missing)
  }
}
