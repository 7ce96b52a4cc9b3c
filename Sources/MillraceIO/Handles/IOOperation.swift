/// What an I/O does. Zero is never valid, so that zeroed memory is caught.
public enum IOOperation: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case readv = 1
  case writev = 2
  /// Makes data and metadata of a file durable.
  case fsync = 3
  /// Makes data of a file durable, with the metadata that is needed to read it back.
  case fdatasync = 4
  /// Starts write-out of a range without waiting for durability (sync_file_range); does nothing where the system
  /// cannot.
  case flushRange = 5
  /// Reserves a range and extends the file over it.
  case allocate = 6

  /// The text of the `operation` column of `pg_aios`.
  public var description: String {
    switch self {
    case .readv: "readv"
    case .writev: "writev"
    case .fsync: "fsync"
    case .fdatasync: "fdatasync"
    case .flushRange: "flush_range"
    case .allocate: "allocate"
    }
  }

  /// Whether it moves bytes, so that it can be short, be continued, and be merged with a neighbour.
  @inlinable public var transfersData: Bool { self == .readv || self == .writev }

  /// The verb for messages: `could not read …`.
  var verb: String {
    switch self {
    case .readv: "read"
    case .writev: "write"
    case .fsync, .fdatasync: "fsync"
    case .flushRange: "flush"
    case .allocate: "extend"
    }
  }
}

/// What is known about an I/O when it is started. Names are PostgreSQL's (`PGAIO_HF_*`).
public struct IOFlags: OptionSet, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The caller waits for it at once, so a plain system call serves it best.
  public static let synchronous = IOFlags(rawValue: 1 << 0)
  /// The memory belongs to one session (temporary tables). Any thread can reach it, so this only informs.
  public static let referencesLocal = IOFlags(rawValue: 1 << 1)
  /// Goes through the page cache.
  public static let buffered = IOFlags(rawValue: 1 << 2)
}
