#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension DatabaseConfiguration {
  /// The system's clock: microseconds since 1970.
  @Sendable public static func systemMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }
}

/// Seconds from 1970 to 2000, where PostgreSQL's timestamps begin.
let secondsFrom1970To2000: Int64 = 946_684_800
