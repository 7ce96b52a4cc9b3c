/// A small ring of buffers that one large operation uses again and again, so that it does not wash the pool out
/// (PostgreSQL's BufferAccessStrategy, src/backend/storage/buffer/freelist.c). Used by one thread at a time.
public final class BufferStrategy {
  public enum Kind: Sendable {
    /// Sequential scans of large relations.
    case bulkRead
    /// VACUUM: `vacuum_buffer_usage_limit`.
    case vacuum
  }

  public let kind: Kind
  /// Buffers in the ring.
  public let count: Int
  private let ring: UnsafeMutablePointer<BufferID>
  private var current = 0

  /// - Parameter count: buffers; clamped to an eighth of the pool, as PostgreSQL does, and to at least one.
  public init(_ kind: Kind, count: Int, pool: BufferPool) {
    self.kind = kind
    self.count = max(1, min(count, pool.count / 8))
    ring = .allocate(capacity: self.count)
    ring.initialize(repeating: .noBuffer, count: self.count)
  }

  /// The bulk read ring: 256 kB and what the I/Os in flight hold besides.
  public convenience init(bulkReadFor configuration: ReadStreamConfiguration, pool: BufferPool) {
    let inFlight = configuration.combineLimit * max(configuration.ioConcurrency, 1)
    self.init(.bulkRead, count: 32 + inFlight, pool: pool)
  }

  deinit { ring.deallocate() }

  /// How many of the ring's buffers may be pinned at once: all in a bulk read, half otherwise.
  var pinLimit: Int { kind == .bulkRead ? count : max(count / 2, 1) }

  /// The ring's next buffer, if it has one there.
  func candidate() -> BufferID? {
    current = (current + 1) % count
    return ring[current] == .noBuffer ? nil : ring[current]
  }

  /// Puts another buffer in the place of the last candidate.
  func replaceCandidate(with buffer: BufferID) { ring[current] = buffer }
}
