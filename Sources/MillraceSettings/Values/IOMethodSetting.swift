/// How asynchronous I/O is executed: the values of `io_method`.
public enum IOMethodSetting: String, SettingEnumeration {
  /// A pool of I/O threads executes plain system calls.
  case worker
  /// The caller executes the system call itself when it waits.
  case sync
  /// Linux's io_uring.
  case ioUring = "io_uring"
  /// `aio_read` and its kin, as POSIX has them.
  case posixAIO = "posix_aio"
  /// `io_uring` where it can run, else `worker`.
  case auto

  #if !os(Windows)
    public static var refusals: [String: String] {
      [
        "iocp": "I/O completion ports (\"iocp\") exist on Windows only.",
        "ioring": "I/O rings (\"ioring\") exist on Windows 11 only.",
      ]
    }
  #endif
}

/// Which files are opened for direct I/O: the value of `io_direct`.
public struct IODirectSetting: SettingList, Hashable {
  public let rawValue: UInt8

  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Relation files.
  public static let data = Self(rawValue: 1)
  /// WAL segments.
  public static let wal = Self(rawValue: 2)
  /// WAL segments while they are created and filled with zeroes.
  public static let walInit = Self(rawValue: 4)

  public static var names: [(name: String, member: Self)] {
    [("data", .data), ("wal", .wal), ("wal_init", .walInit)]
  }
}
