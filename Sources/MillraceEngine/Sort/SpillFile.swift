import MillraceIO
import Synchronization

/// Records that do not fit into memory, in a temporary file: appended, then read from the front as often as wanted
/// (PostgreSQL's logtape.c and buffile.c serve such things). On its session's thread.
///
/// Two buffers, one of which is being written or read while the other is in use.
public final class SpillFile {
  private let run: SortRun
  private let bufferSize: Int
  private var isReading = false

  private static let number = Atomic<UInt64>(0)

  /// - Parameter bufferSize: bytes of each of the two buffers; a multiple of 4096.
  /// - Throws: ``EngineError`` where the file cannot be made.
  public init(_ session: Session, bufferSize: Int = 64 << 10) throws(EngineError) {
    self.bufferSize = bufferSize
    let database = session.database
    do throws(IOError) {
      // Apart from those of sorts, which have numbers of their own.
      let number = Self.number.wrappingAdd(1, ordering: .relaxed).newValue | 1 << 62
      let file = try TemporaryFile(
        database.configuration.fileSystem, directory: database.temporaryDirectory, number: number,
        session.backend.engine)
      run = SortRun(file, session.backend, bufferSize: bufferSize)
    } catch {
      throw EngineError(error)
    }
  }

  /// How many records there are.
  public var count: Int { run.recordCount }
  /// Bytes in the file.
  public var byteCount: Int64 { run.length }

  /// Adds a record.
  /// - Parameters:
  ///   - bytes: copied.
  ///   - tag: a number that is kept with it.
  /// - Precondition: nothing has been read yet.
  public func append(_ bytes: UnsafeRawBufferPointer, tag: UInt64 = 0) throws(EngineError) {
    precondition(!isReading, "a record was appended to a file that is being read")
    do throws(IOError) { try run.append(tag, bytes) } catch { throw EngineError(error) }
  }

  /// Goes to the front. Ends appending.
  public func rewind() throws(EngineError) {
    do throws(IOError) {
      if !isReading { try run.endWriting() }
      isReading = true
      try run.beginReading(bufferSize: bufferSize)
    } catch {
      throw EngineError(error)
    }
  }

  /// The next record; nil at the end.
  /// - Returns: bytes that are valid until the next call.
  public func next() throws(EngineError) -> (bytes: UnsafeRawBufferPointer, tag: UInt64)? {
    precondition(isReading, "a file was read before its front was gone to")
    do throws(IOError) {
      return try run.advance() ? (run.record, run.prefix) : nil
    } catch {
      throw EngineError(error)
    }
  }
}

extension Database {
  /// Where temporary files go: `base/pgsql_tmp`.
  var temporaryDirectory: String { "\(path)/base/pgsql_tmp" }

  /// Sorts records for a session, in memory or through temporary files.
  /// - Parameters:
  ///   - memoryLimit: bytes: `work_mem`.
  ///   - compare: decides between records with the same prefix; nil where that makes them equal.
  public func sort(
    for session: Session, memoryLimit: Int, compare: ExternalSort.Comparison? = nil
  ) -> ExternalSort {
    ExternalSort(
      fileSystem: configuration.fileSystem, directory: temporaryDirectory, session.backend,
      memoryLimit: memoryLimit, compare: compare)
  }
}
