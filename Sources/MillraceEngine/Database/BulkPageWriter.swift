import MillraceIO
import MillraceStorage
import MillraceWAL

/// Writes out the pages that somebody makes one after another: a table that is loaded, an index that is built. On its
/// session's thread.
///
/// A page may go out only when its log is durable. So pages are kept for a while, in the course of which the log is
/// made durable in the background: whoever makes them neither waits for the log nor for the disk.
final class BulkPageWriter {
  private let session: Session
  private let stream: WriteStream
  private let isLogged: Bool
  /// A circle of pages, pinned, that are not given to the stream yet.
  private let held: UnsafeMutablePointer<PinnedBuffer>
  private let heldMax: Int
  private var first = 0
  private var count = 0
  private var sinceFlush = 0

  /// After how many pages the log is asked to become durable.
  private static let pagesPerFlush = 128

  /// - Parameter isLogged: whether changes to the pages are in the log.
  init(_ pool: BufferPool, _ session: Session, isLogged: Bool) {
    (self.session, self.isLogged) = (session, isLogged)
    stream = WriteStream(pool, session.backend, configuration: session.database.bulkWriteConfiguration)
    heldMax = min(2 * Self.pagesPerFlush, pool.count / 8)
    held = .allocate(capacity: max(heldMax, 1))
  }

  deinit {
    for place in 0..<count { (held + (first + place) % heldMax).deinitialize(count: 1) }
    held.deallocate()
  }

  /// Takes over a page that is complete.
  func add(_ page: consuming PinnedBuffer) {
    var page = page
    if page.lockMode != nil { page.unlock() }
    guard isLogged, heldMax > 0 else { return stream.add(page) }
    sinceFlush += 1
    if sinceFlush == Self.pagesPerFlush {
      sinceFlush = 0
      startFlush(upTo: page.lsn)
    }
    if count == heldMax { release() }
    (held + (first + count) % heldMax).initialize(to: page)
    count += 1
  }

  private func release() {
    stream.add((held + first).move())
    first = first + 1 == heldMax ? 0 : first + 1
    count -= 1
  }

  private func startFlush(upTo position: LogSequenceNumber) {
    do throws(WALError) {
      try session.database.log.startFlush(upTo: position, backend: session.backend)
    } catch {
      // The stream, which waits for it, finds out as well, and says so.
    }
  }

  /// Writes what is left, and waits until all is over.
  func finish() throws(EngineError) {
    while count > 0 { release() }
    do throws(StorageError) { try stream.finish() } catch { throw EngineError(error) }
  }
}
