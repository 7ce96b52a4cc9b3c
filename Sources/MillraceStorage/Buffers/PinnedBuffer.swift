/// A page in the pool that cannot go away. Letting go of it unpins it; the compiler sees to it that this happens once.
public struct PinnedBuffer: ~Copyable {
  /// Unretained: a pool outlives its pins.
  private let pool: Unmanaged<BufferPool>
  let buffer: BufferID

  @inline(__always) init(_ pool: BufferPool, _ buffer: BufferID) {
    (self.pool, self.buffer) = (Unmanaged.passUnretained(pool), buffer)
  }

  deinit { pool._withUnsafeGuaranteedRef { $0.unpin(buffer) } }

  /// Which block of its fork it is.
  public var block: BlockNumber { BlockNumber(pool._withUnsafeGuaranteedRef { $0.tag(buffer).block }) }

  /// Whose fork it is.
  public var fork: ForkID { pool._withUnsafeGuaranteedRef { $0.tag(buffer).fork } }

  /// The page's 8192 bytes. Valid as long as this is; not to be written to.
  public var bytes: UnsafeRawPointer { UnsafeRawPointer(pool._withUnsafeGuaranteedRef { $0.page(buffer) }) }

  /// Takes the pin over: the caller unpins. - Returns: the buffer's number.
  consuming func take() -> BufferID {
    let buffer = buffer
    discard self
    return buffer
  }
}
