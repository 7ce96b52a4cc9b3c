/// How the log is read.
public struct WALReaderConfiguration: Sendable {
  /// Bytes of one read: a power of two, from a page to the smallest segment.
  public var readSize = 128 << 10
  /// Reads in flight at most; 0 reads one piece after the other.
  public var ioConcurrency = 8
  /// Past the page cache: `io_direct=wal`.
  public var isDirect = false

  public init() {}
}
