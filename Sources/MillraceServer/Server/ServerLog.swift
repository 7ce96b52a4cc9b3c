import Logging

/// Reports in the log, at swift-log's levels and with PostgreSQL's words for them beside.
struct ServerLog: Sendable {
  private let logger: Logger

  init(_ logger: Logger) { self.logger = logger }

  func log(_ report: ErrorReport) {
    var metadata: Logger.Metadata = ["severity": "\(report.severity.rawValue)", "sqlstate": "\(report.state)"]
    if let detail = report.detail { metadata["detail"] = "\(detail)" }
    if let hint = report.hint { metadata["hint"] = "\(hint)" }
    logger.log(level: report.severity.level, "\(report.message)", metadata: metadata)
  }
}

extension ErrorReport.Severity {
  var level: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .notice, .log: .notice
    case .warning: .warning
    case .error: .error
    case .fatal, .panic: .critical
    }
  }
}
