/// A piece of memory that an I/O reads into or writes from. Laid out like the system's `struct iovec`, so that an array
/// of them goes to the kernel as it is.
@frozen public struct IOVector: @unchecked Sendable {
  // Safe because it only names memory; who may touch it is decided by handles and pins.

  public var base: UnsafeMutableRawPointer?
  /// Bytes.
  public var byteCount: Int

  @inlinable public init(base: UnsafeMutableRawPointer?, byteCount: Int) {
    (self.base, self.byteCount) = (base, byteCount)
  }

  /// No memory.
  @inlinable public init() { self.init(base: nil, byteCount: 0) }

  /// Whether the next piece begins where this ends.
  @inline(__always) func adjoins(_ next: IOVector) -> Bool {
    base.map { $0 + byteCount } == next.base
  }
}
