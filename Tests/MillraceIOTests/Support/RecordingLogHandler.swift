import Logging

/// Keeps what is logged.
struct RecordingLogHandler: LogHandler {
  let log: Shared<[String]>
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info

  init(log: Shared<[String]>) { self.log = log }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { log.update { $0.append("\(event.message)") } }
}
