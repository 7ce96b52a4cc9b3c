import MillraceEngine
import MillraceIO
import MillraceTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `pg_sleep`: until the time is over, or somebody asks the statement to end.
enum Sleeping {
  /// How long a request to cancel may go unnoticed.
  private static let longest = 0.02

  static func sleep(_ seconds: Double, _ call: CallFrame) throws(SQLError) {
    guard seconds > 0 else { return }
    let end = monotonicSeconds() + seconds
    let backend = call.context.session.backend
    backend.show(.sleep)
    defer { backend.show(nil) }
    while true {
      try call.engine { () throws(EngineError) in try call.context.session.checkInterrupts() }
      let left = end - monotonicSeconds()
      guard left > 0 else { return }
      usleep(useconds_t(min(left, longest) * 1_000_000) + 1)
    }
  }

  private static func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
  }
}
