/// Pages that one thread has used: what EXPLAIN (BUFFERS) shows differences of (PostgreSQL's `pgBufferUsage`). One for
/// pools that are shared, one for a session's own.
public struct PageUsage: Sendable, Hashable {
  /// Found in the pool.
  public var hits: UInt64 = 0
  /// Read from files.
  public var reads: UInt64 = 0
  /// Written to files, those with which a file has grown included.
  public var writes: UInt64 = 0

  public init() {}
}

/// Blocks of temporary files that one thread has read and written.
public struct TemporaryFileUsage: Sendable, Hashable {
  public var reads: UInt64 = 0
  public var writes: UInt64 = 0

  public init() {}
}
