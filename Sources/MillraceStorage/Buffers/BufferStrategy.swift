import MillraceIO

/// A small ring of buffers that one large operation uses again and again, so that it does not wash the pool out
/// (PostgreSQL's BufferAccessStrategy, src/backend/storage/buffer/freelist.c). Used by one thread at a time.
public final class BufferStrategy {
  public enum Kind: Sendable {
    /// Sequential scans of large relations.
    case bulkRead
    /// Bulk loads: 16 MB, so that the log has mostly been flushed by itself when a page must be written.
    case bulkWrite
    /// VACUUM: `vacuum_buffer_usage_limit`.
    case vacuum
  }

  public let kind: Kind
  /// What is read and written through it counts as.
  let use: IOUse
  /// Buffers that the ring may have.
  public let count: Int
  /// Buffers that it goes round in. That of a bulk read begins with 256 kB and grows as what is in flight needs it:
  /// what the page cache has is copied into the same few buffers then, which the processor's caches keep.
  private(set) var size: Int
  private let ring: UnsafeMutablePointer<BufferID>
  private var current = 0
  /// Writes dirty pages of the ring before it comes to them again.
  private var writer: WriteStream?
  /// After how many written blocks the kernel is asked to write them out: `backend_flush_after`.
  public var writeback = 0

  /// - Parameter count: buffers; clamped to an eighth of the pool, as PostgreSQL does, and to at least one.
  public init(_ kind: Kind, count: Int, pool: BufferPool) {
    self.kind = kind
    use =
      switch kind {
      case .bulkRead: .relationBulkRead
      case .bulkWrite: .relationBulkWrite
      case .vacuum: .relationVacuum
      }
    self.count = max(1, min(count, pool.count / 8))
    size = kind == .bulkRead ? min(Self.bulkReadSize, self.count) : self.count
    ring = .allocate(capacity: self.count)
    ring.initialize(repeating: .noBuffer, count: self.count)
  }

  private static let bulkReadSize = 32

  /// The bulk read ring: 256 kB and what the I/Os in flight hold besides.
  public convenience init(bulkReadFor configuration: ReadStreamConfiguration, pool: BufferPool) {
    let inFlight = configuration.combineLimit * max(configuration.ioConcurrency, 1)
    self.init(.bulkRead, count: Self.bulkReadSize + inFlight, pool: pool)
  }

  /// The bulk write ring: 16 MB.
  public convenience init(bulkWriteIn pool: BufferPool) { self.init(.bulkWrite, count: 2048, pool: pool) }

  deinit {
    writer = nil
    ring.deallocate()
  }

  /// How many of the ring's buffers may be pinned at once: all in a bulk read, half otherwise.
  var pinLimit: Int { kind == .bulkRead ? count : max(count / 2, 1) }

  /// The ring's next buffer, if it has one there.
  func candidate() -> BufferID? {
    current += 1
    if current >= size { current = 0 }
    return ring[current] == .noBuffer ? nil : ring[current]
  }

  /// Makes room for one more buffer before the last candidate, which is still in use: the oldest of the ring is.
  func grow() {
    guard size < count else { return }
    (ring + current + 1).update(from: ring + current, count: size - current)
    size += 1
  }

  /// Starts to write the dirty pages of the ring that will be used again soon, a group at a time, so that they are
  /// clean when it comes to them. A quarter of the ring ahead: late enough for the log to be durable mostly, early
  /// enough for the device.
  func writeAhead(_ pool: BufferPool, _ backend: IOBackend) {
    let group = max(1, min(backend.engine.configuration.vectorsPerHandle, size / 4))
    guard current % group == 0 else { return }
    let start = current + max(size / 4, group)
    for position in start..<start + group {
      let buffer = ring[position % size]
      guard buffer != .noBuffer else { continue }
      let seen = pool.state(buffer)
      guard seen.has(BufferState.dirty), seen.pins == 0, seen.usage <= 1 else { continue }
      stream(pool, backend).add(buffer, pool.tag(buffer))
    }
    writer?.start()
  }

  private func stream(_ pool: BufferPool, _ backend: IOBackend) -> WriteStream {
    if let writer, writer.backend === backend { return writer }
    var configuration = WriteStreamConfiguration()
    configuration.combineLimit = backend.engine.configuration.vectorsPerHandle
    configuration.flushAfter = writeback
    configuration.use = use
    let made = WriteStream(
      pool, backend, configuration: configuration, writing: BufferState.dirty, waitsForLocks: false)
    writer = made
    return made
  }

  /// Puts another buffer in the place of the last candidate.
  func replaceCandidate(with buffer: BufferID) { ring[current] = buffer }
}
