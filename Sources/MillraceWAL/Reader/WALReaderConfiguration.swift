/// How the log is read.
public struct WALReaderConfiguration: Sendable {
  /// Bytes of one read: a power of two, from a page to the smallest segment.
  public var readSize = 128 << 10
  /// Reads in flight at most; 0 reads one piece after the other.
  public var ioConcurrency = 8
  /// Records that can be decoded ahead of the one in use.
  public var recordsAheadMax = 512
  /// Bytes of records that can be decoded ahead: `wal_decode_buffer_size`. A single record may be larger.
  public var bytesAheadMax = 512 << 10
  /// Past the page cache: `io_direct=wal`.
  public var isDirect = false

  public init() {}
}
