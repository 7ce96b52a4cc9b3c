import MillraceIO
import MillraceStorage
import MillraceWAL

/// Keeps pages from going out before the log that describes their changes is durable.
final class LogFlushGuard: PageFlushGuard, @unchecked Sendable {
  // Safe because the log may be used by any thread.

  private let log: WriteAheadLog

  init(_ log: WriteAheadLog) {
    self.log = log
    super.init()
  }

  override var flushedPosition: LogSequenceNumber { log.flushedPosition }

  override func flush(upTo position: LogSequenceNumber, backend: IOBackend) throws(StorageError) {
    do throws(WALError) {
      try log.flush(upTo: position, backend: backend)
    } catch {
      throw StorageError(.writeAheadLog, message: error.description)
    }
  }
}
