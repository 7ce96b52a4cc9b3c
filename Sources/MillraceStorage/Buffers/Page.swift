public import MillraceIO

/// A pinned page that can be kept: a reference-counted ``PinnedBuffer``, for the asynchronous edge, and where several
/// pages are held in a collection. Sharing one takes care: its lock belongs to all who have it.
public final class Page {
  private var pinned: PinnedBuffer

  public init(_ pinned: consuming PinnedBuffer) { self.pinned = pinned }

  public var block: BlockNumber { pinned.block }
  public var fork: ForkID { pinned.fork }

  /// The page's 8192 bytes. Valid as long as this object lives; not to be written to.
  public var bytes: UnsafeRawPointer { pinned.bytes }

  /// How the page's content is locked through this object.
  public var lockMode: ContentLockMode? { pinned.lockMode }

  /// See ``PinnedBuffer/lock(_:backend:)``.
  public func lock(_ mode: ContentLockMode, backend: IOBackend? = nil) { pinned.lock(mode, backend: backend) }

  /// See ``PinnedBuffer/tryLock(_:)``.
  public func tryLock(_ mode: ContentLockMode) -> Bool { pinned.tryLock(mode) }

  /// See ``PinnedBuffer/unlock()``.
  public func unlock() { pinned.unlock() }

  /// See ``PinnedBuffer/tryUpgrade()``.
  public func tryUpgrade() -> Bool { pinned.tryUpgrade() }

  /// See ``PinnedBuffer/mutableBytes``.
  public var mutableBytes: UnsafeMutableRawPointer { pinned.mutableBytes }

  /// See ``PinnedBuffer/markDirty()``.
  public func markDirty() { pinned.markDirty() }

  /// See ``PinnedBuffer/markDirtyHint()``.
  public func markDirtyHint() { pinned.markDirtyHint() }

  public var isDirty: Bool { pinned.isDirty }

  /// See ``PinnedBuffer/lsn``.
  public var lsn: LogSequenceNumber { pinned.lsn }

  /// See ``PinnedBuffer/setLSN(_:)``.
  public func setLSN(_ lsn: LogSequenceNumber) { pinned.setLSN(lsn) }

  /// The number of its buffer in the pool.
  var buffer: BufferID { pinned.buffer }

  /// Calls `body` with the pinned page, for what else there is to do with it.
  public func with<Result: ~Copyable, Failure: Error>(
    _ body: (inout PinnedBuffer) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(&pinned) }
}
