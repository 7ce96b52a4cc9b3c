import CMillrace

/// What a file system demands of direct I/O, in bytes, each a power of two.
public struct DirectIOAlignment: Sendable, Equatable {
  /// Of addresses in memory.
  public let memory: Int
  /// Of file offsets and lengths.
  public let offset: Int
  /// Where the numbers are from.
  public let source: Source

  public enum Source: String, Sendable {
    /// The file is buffered; nothing is demanded.
    case buffered
    /// The file system said so (statx, STATX_DIOALIGN).
    case fileSystem = "statx"
    /// The file system did not say. 4096 suits all devices in use (PostgreSQL's PG_IO_ALIGN_SIZE).
    case fallback
  }

  public static let none = DirectIOAlignment(memory: 1, offset: 1, source: .buffered)
  public static let fallback = DirectIOAlignment(memory: 4096, offset: 4096, source: .fallback)

  public init(memory: Int, offset: Int, source: Source) {
    (self.memory, self.offset, self.source) = (memory, offset, source)
  }

  /// Asks the file system of an open file.
  /// - Returns: nil where it says that direct I/O is not possible.
  static func query(descriptor: Int32) -> DirectIOAlignment? {
    var memory: UInt32 = 0
    var offset: UInt32 = 0
    guard millrace_direct_alignment(descriptor, &memory, &offset) == 1 else { return .fallback }
    guard memory > 0, offset > 0 else { return nil }
    return DirectIOAlignment(memory: Int(memory), offset: Int(offset), source: .fileSystem)
  }
}
