public import MillraceIO

/// What must be durable before a page may be written out: the write-ahead log up to the page's LSN. Given to a pool
/// once by whoever keeps a log; a pool without one (of temporary relations) has none.
///
/// Used by any thread, at any time.
open class PageFlushGuard: @unchecked Sendable {
  // Safe because subclasses promise that both functions may be called on any thread.

  public init() {}

  /// Up to where the log is durable. Never falls.
  open var flushedPosition: LogSequenceNumber { fatalError("\(Self.self) does not say how far it is durable") }

  /// Makes the log durable up to a position at least; returns when it is.
  ///
  /// Called with pages locked share-exclusively, and with no handle of the backend handed out.
  /// - Parameter backend: the calling thread's.
  /// - Throws: ``StorageError`` when that cannot be done. Then the pages stay dirty.
  open func flush(upTo position: LogSequenceNumber, backend: IOBackend) throws(StorageError) {
    fatalError("\(Self.self) does not make anything durable")
  }
}
