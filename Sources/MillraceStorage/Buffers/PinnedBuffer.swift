public import MillraceIO

/// A page in the pool that cannot go away. Letting go of it unlocks and unpins it; the compiler sees to it that this
/// happens once.
///
/// A lock belongs to the pin that it was taken with: the same page pinned twice by one thread is two, and the second
/// waits for the first.
public struct PinnedBuffer: ~Copyable {
  /// Unretained: a pool outlives its pins.
  private let pool: Unmanaged<BufferPool>
  let buffer: BufferID
  /// How this pin holds the page's content lock; nil where it does not.
  public private(set) var lockMode: ContentLockMode?

  /// - Parameter lockMode: the mode in which the caller has locked the page already.
  @inline(__always) init(_ pool: BufferPool, _ buffer: BufferID, locked lockMode: ContentLockMode? = nil) {
    (self.pool, self.buffer, self.lockMode) = (Unmanaged.passUnretained(pool), buffer, lockMode)
  }

  deinit {
    pool._withUnsafeGuaranteedRef {
      if let lockMode { $0.unlock(buffer, lockMode) }
      $0.unpin(buffer)
    }
  }

  /// Which block of its fork it is.
  public var block: BlockNumber { BlockNumber(pool._withUnsafeGuaranteedRef { $0.tag(buffer).block }) }

  /// Whose fork it is.
  public var fork: ForkID { pool._withUnsafeGuaranteedRef { $0.tag(buffer).fork } }

  /// The page's 8192 bytes. Valid as long as this is; not to be written to. Others may write to them unless the page is
  /// locked. The checksum in the header means nothing here; it is computed when the page is written out.
  public var bytes: UnsafeRawPointer { UnsafeRawPointer(pool._withUnsafeGuaranteedRef { $0.page(buffer) }) }

  /// Takes the pin over: the caller unpins, and unlocks if it was locked. - Returns: the buffer's number.
  consuming func take() -> BufferID {
    let buffer = buffer
    discard self
    return buffer
  }

  // MARK: Locking

  /// Locks the page's content. Waits for who holds it in a way that excludes this; where that is a write in flight, the
  /// calling thread completes it if nobody else does.
  ///
  /// Whoever wants a page exclusively is served before sharers who come later, unless the page is being written out.
  /// - Parameter backend: the calling thread's; needed where that is exclusive and has I/O in flight.
  /// - Precondition: this pin does not hold the lock.
  /// - Complexity: one compare-and-swap where the lock is free; no allocation.
  @inline(__always) public mutating func lock(_ mode: ContentLockMode, backend: IOBackend? = nil) {
    requireUse(lockMode == nil, "a page was locked that its pin has locked already")
    pool._withUnsafeGuaranteedRef { $0.lock(buffer, mode, backend: backend) }
    lockMode = mode
  }

  /// Locks the page's content if that can be had at once. - Returns: whether it could.
  /// - Precondition: this pin does not hold the lock.
  @inline(__always) public mutating func tryLock(_ mode: ContentLockMode) -> Bool {
    requireUse(lockMode == nil, "a page was locked that its pin has locked already")
    guard pool._withUnsafeGuaranteedRef({ $0.tryLock(buffer, mode) }) else { return false }
    lockMode = mode
    return true
  }

  /// Gives the lock back. - Precondition: this pin holds it.
  @inline(__always) public mutating func unlock() {
    guard let mode = lockMode else { fatalError("API violation: a page was unlocked that its pin has not locked") }
    lockMode = nil
    pool._withUnsafeGuaranteedRef { $0.unlock(buffer, mode) }
  }

  /// Turns a share into share-exclusive if that can be had at once, to set hint bits: they can be set another time.
  /// - Precondition: this pin holds the lock in share mode.
  @inline(__always) public mutating func tryUpgrade() -> Bool {
    requireUse(lockMode == .share, "only a share can be upgraded")
    guard pool._withUnsafeGuaranteedRef({ $0.tryUpgrade(buffer) }) else { return false }
    lockMode = .shareExclusive
    return true
  }

  /// Locks the page exclusively if that can be had at once and nobody else has it pinned: only then may what others
  /// could still be pointing at be moved (PostgreSQL's ConditionalLockBufferForCleanup).
  /// - Returns: whether it could.
  /// - Precondition: this pin does not hold the lock.
  public mutating func tryLockForCleanup() -> Bool {
    guard tryLock(.exclusive) else { return false }
    if pool._withUnsafeGuaranteedRef({ $0.state(buffer).pins == 1 }) { return true }
    unlock()
    return false
  }

  /// Calls `body` with the page locked.
  @inline(__always) public mutating func withLock<Result: ~Copyable, Failure: Error>(
    _ mode: ContentLockMode, backend: IOBackend? = nil, _ body: (inout PinnedBuffer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock(mode, backend: backend)
    defer { unlock() }
    return try body(&self)
  }

  // MARK: Structure

  /// Whether the page's structure has been looked at since it was read, and found to be as its users need it.
  @inline(__always) public var isExamined: Bool {
    pool._withUnsafeGuaranteedRef { $0.state(buffer).has(BufferState.examined) }
  }

  /// Notes that the page's structure has been looked at: what is on disk can be anything, and what is changed in memory
  /// stays sound. Holds until the page is read again.
  /// - Precondition: locked in any mode.
  public func noteExamined() {
    requireUse(lockMode != nil, "a page was examined that its pin has not locked")
    pool._withUnsafeGuaranteedRef { $0.noteExamined(buffer) }
  }

  // MARK: Changing

  /// The page's 8192 bytes, to be written to.
  /// - Precondition: locked exclusively; for hint bits, share-exclusively.
  @inline(__always) public var mutableBytes: UnsafeMutableRawPointer {
    requireUse(
      lockMode == .exclusive || lockMode == .shareExclusive, "a page can be changed only while it is locked for that")
    return pool._withUnsafeGuaranteedRef { $0.page(buffer) }
  }

  /// Notes that the page has been changed and must be written out. Before the change is logged, so that a checkpoint
  /// that begins in between does not miss it (PostgreSQL's MarkBufferDirty).
  /// - Precondition: locked exclusively.
  @inline(__always) public func markDirty() {
    requireUse(lockMode == .exclusive, "a page can be marked dirty only while it is locked exclusively")
    pool._withUnsafeGuaranteedRef { $0.markDirty(buffer) }
  }

  /// Notes that hint bits of the page have been set. Where a torn page could not be repaired otherwise (checksums, and
  /// no full-page image since the last checkpoint), the caller logs an image first (PostgreSQL's MarkBufferDirtyHint).
  /// - Precondition: locked share-exclusively or exclusively.
  @inline(__always) public func markDirtyHint() {
    requireUse(
      lockMode == .shareExclusive || lockMode == .exclusive, "hint bits can be set only while the page is locked")
    pool._withUnsafeGuaranteedRef { $0.markDirty(buffer) }
  }

  /// Whether the page differs from what is on disk. Changes at any time unless the page is locked.
  public var isDirty: Bool { pool._withUnsafeGuaranteedRef { $0.state(buffer).has(BufferState.dirty) } }

  /// The end of the log record that changed the page last.
  /// - Precondition: locked, in any mode, by this pin, or nobody else changes the page.
  @inline(__always) public var lsn: LogSequenceNumber {
    get { PageHeader.lsn(of: bytes) }
  }

  /// Notes the end of the log record that changed the page last. The page is not written out before the log is durable
  /// up to there.
  /// - Precondition: locked exclusively.
  @inline(__always) public mutating func setLSN(_ lsn: LogSequenceNumber) {
    requireUse(lockMode == .exclusive, "a page's LSN can be set only while it is locked exclusively")
    PageHeader.setLSN(lsn, of: mutableBytes)
  }
}
