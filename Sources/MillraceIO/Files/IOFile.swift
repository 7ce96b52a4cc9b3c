import Glibc
import Synchronization

/// Where bytes are: something small that can be read, written, synced, extended and cut off. A descriptor of this
/// machine (``DescriptorFile``), a file of a simulated disk, later an object of a distributed store.
///
/// Subclasses supply the synchronous primitives; the engine brings them into flight. Every I/O that uses a file is
/// counted on it from start to completion, so the file cannot be closed under an I/O: ``IOEngine/close(_:)`` settles
/// those first, and only those.
open class IOFile: @unchecked Sendable {
  // Safe because every stored property is immutable or atomic, and subclasses promise the same.

  /// Path as messages show it.
  public let path: String
  /// Unlike any other file's that this process ever opened, so that a recycled descriptor or file number is never taken
  /// for the old one.
  public let identity: UInt64
  /// Whether it bypasses the page cache.
  public let isDirect: Bool
  /// What direct I/O demands of addresses, offsets and lengths; 1 where it is buffered.
  public let alignment: DirectIOAlignment
  /// The unit in which messages count, bytes.
  public let blockSize: Int
  /// The number, within what this file is a segment of, of the block at offset 0.
  public let firstBlock: UInt64

  /// I/Os that have been started and not completed, and other uses that keep the file open.
  let inFlight = Atomic<UInt64>(0)
  private let currentDescriptor: Atomic<UInt32>

  private static let nextIdentity = Atomic<UInt64>(1)

  public init(
    path: String, descriptor: Int32 = -1, isDirect: Bool = false, alignment: DirectIOAlignment = .none,
    blockSize: Int = 8192, firstBlock: UInt64 = 0
  ) {
    (self.path, self.isDirect, self.alignment) = (path, isDirect, alignment)
    currentDescriptor = Atomic(UInt32(bitPattern: descriptor))
    (self.blockSize, self.firstBlock) = (blockSize, firstBlock)
    identity = Self.nextIdentity.wrappingAdd(1, ordering: .relaxed).oldValue
    IOFileRegistry.shared.add(self)
  }

  deinit {
    invariant(!isInUse, "a file was released with I/O in flight; close it first")
    IOFileRegistry.shared.remove(identity)
  }

  /// The descriptor, or -1 where there is none; then methods of the kernel execute I/O on this file in place.
  /// Does not change while the file is in use.
  @inline(__always) public final var descriptor: Int32 { Int32(bitPattern: currentDescriptor.relaxed) }

  /// Ends the use of the descriptor, whose number the system may give to another file from now on.
  /// - Returns: the descriptor, or -1 where there is none any more.
  final func takeDescriptor() -> Int32 {
    Int32(bitPattern: currentDescriptor.exchange(UInt32(bitPattern: -1), ordering: .acquiringAndReleasing))
  }

  /// For files that are opened again and again under one identity.
  package final func setDescriptor(_ descriptor: Int32) { currentDescriptor.relaxed = UInt32(bitPattern: descriptor) }

  // MARK: Uses

  /// Set in the count of uses while the file is closed and must be opened before its next use.
  private static let closedBit: UInt64 = 1 << 63

  /// Whether it has I/O in flight, or is kept open otherwise.
  final var isInUse: Bool { inFlight.load(ordering: .acquiring) & ~Self.closedBit != 0 }

  /// Keeps the file from being closed until ``endUse()``.
  /// - Returns: false where it is closed: then it is not in use, and must be opened first.
  @inline(__always) package final func beginUse() -> Bool {
    guard inFlight.wrappingAdd(1, ordering: .acquiring).oldValue & Self.closedBit != 0 else { return true }
    _ = inFlight.wrappingSubtract(1, ordering: .relaxed)
    return false
  }

  @inline(__always) package final func endUse() { _ = inFlight.wrappingSubtract(1, ordering: .releasing) }

  /// Marks an unused file as closed. - Returns: false where it is in use, or closed already.
  package final func markClosed() -> Bool {
    inFlight.compareExchange(expected: 0, desired: Self.closedBit, ordering: .acquiringAndReleasing).exchanged
  }

  /// Marks a closed file as open again.
  /// - Parameter uses: how many it has then; each ends with ``endUse()``.
  package final func markOpen(uses: UInt64 = 0) {
    // Not a store: somebody who looks whether it is open has raised the count for a moment.
    _ = inFlight.wrappingSubtract(Self.closedBit - uses, ordering: .releasing)
  }

  // MARK: Primitives

  /// Reads into `vectors` from `offset`, at most once: may be short. The caller retries.
  /// - Returns: bytes, or -errno.
  open func read(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    fatalError("\(Self.self) does not read")
  }

  /// Writes `vectors` at `offset`, at most once: may be short. The caller retries.
  /// - Returns: bytes, or -errno.
  open func write(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    fatalError("\(Self.self) does not write")
  }

  /// Reads what can be had without waiting for the device.
  /// - Returns: bytes, or -EAGAIN, or -EOPNOTSUPP where that question cannot be asked.
  open func readCached(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    -Int64(EOPNOTSUPP)
  }

  /// Makes the file durable. - Returns: 0 or -errno.
  open func sync(dataOnly: Bool) -> Int64 { fatalError("\(Self.self) does not sync") }

  /// Starts write-out of a range. - Returns: 0 or -errno.
  open func flushRange(at offset: Int64, length: Int64) -> Int64 { 0 }

  /// Tells the system that a range will be read soon, which it may bring in by itself. Waits for nothing.
  open func willRead(at offset: Int64, length: Int64) {}

  /// Reserves a range, zero-filled. - Returns: 0 or -errno.
  open func allocate(at offset: Int64, length: Int64) -> Int64 { fatalError("\(Self.self) does not extend") }

  /// Length in bytes.
  open func size() throws(IOError) -> Int64 { fatalError("\(Self.self) has no size") }

  /// Cuts or extends the file to `length` bytes.
  open func truncate(to length: Int64) throws(IOError) { fatalError("\(Self.self) does not truncate") }

  /// Gives the descriptor back; from then on every use fails with EBADF. With no I/O in flight; use
  /// ``IOEngine/close(_:by:)``.
  open func close() {}

  /// Executes an operation in place, at most once.
  /// - Returns: bytes (0 for operations that transfer none), or -errno.
  final func execute(
    _ operation: IOOperation, _ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64, length: Int64
  ) -> Int64 {
    switch operation {
    case .readv: read(vectors, count: count, at: offset)
    case .writev: write(vectors, count: count, at: offset)
    case .fsync: sync(dataOnly: false)
    case .fdatasync: sync(dataOnly: true)
    case .flushRange: flushRange(at: offset, length: length)
    case .allocate: allocate(at: offset, length: length)
    }
  }
}
