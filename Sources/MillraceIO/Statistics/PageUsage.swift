/// Pages that one thread has used: what EXPLAIN (BUFFERS) shows differences of (PostgreSQL's `pgBufferUsage`).
public struct PageUsage: Sendable, Hashable {
  /// Found in the pool.
  public var hits: UInt64 = 0
  /// Read from files.
  public var reads: UInt64 = 0

  public init() {}
}
