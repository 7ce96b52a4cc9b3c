/// The values of `io_method`.
public enum IOMethodKind: String, Sendable, CaseIterable, CustomStringConvertible {
  /// Threads of our own that execute queued I/O. Works everywhere; the default.
  case worker
  /// Every I/O in place, by the thread that starts it.
  case sync
  /// Linux io_uring.
  case ioUring = "io_uring"
  /// POSIX AIO.
  case posixAIO = "posix_aio"
  /// io_uring where it can run, else worker.
  case auto
  /// The simulation's. Not a value of the setting; an engine gets it by ``IOEngine/init(_:method:)``.
  case simulation

  public var description: String { rawValue }

  /// Those that a user can name and that execute I/O of the operating system.
  public static let real: [IOMethodKind] = [.sync, .worker, .ioUring, .posixAIO]
}
