#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
public import Logging

/// Writes the log to standard error as PostgreSQL does: `2026-11-22 22:10:13.123 UTC [4711] LOG:  …`, each of detail
/// and hint on a line of its own.
public struct ServerLogHandler: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var logLevel: Logger.Level = .notice
  private let descriptor: Int32

  /// - Parameter descriptor: where lines go; each in one write, so that those of several threads do not mix.
  public init(descriptor: Int32 = 2) { self.descriptor = descriptor }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let prefix = "\(Self.timestamp(time)) [\(getpid())] "
    let severity = event.metadata?["severity"].map { "\($0)" } ?? Self.word(event.level)
    var text = "\(prefix)\(severity):  \(event.message)\n"
    if let detail = event.metadata?["detail"] { text += "\(prefix)DETAIL:  \(detail)\n" }
    if let hint = event.metadata?["hint"] { text += "\(prefix)HINT:  \(hint)\n" }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = write(descriptor, Array(bytes), bytes.count)
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  private static func timestamp(_ time: timespec) -> String {
    var parts = tm()
    var seconds = time.tv_sec
    gmtime_r(&seconds, &parts)
    func digits(_ number: Int, _ count: Int) -> String {
      let text = "\(number)"
      return String(repeating: "0", count: max(count - text.count, 0)) + text
    }
    let date = [digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1, 2), digits(Int(parts.tm_mday), 2)]
    let clock = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0), 2) }
    return date.joined(separator: "-") + " " + clock.joined(separator: ":")
      + ".\(digits(time.tv_nsec / 1_000_000, 3)) UTC"
  }

  private static func word(_ level: Logger.Level) -> String {
    switch level {
    case .trace, .debug: "DEBUG"
    case .info: "INFO"
    case .notice: "LOG"
    case .warning: "WARNING"
    case .error: "ERROR"
    case .critical: "FATAL"
    }
  }
}
