import Logging

@testable import MillraceIO

/// Keeps what is logged: the server log of a test.
final class LogRecorder: Sendable {
  private let recorded = Locked<[String]>([])

  /// The lines so far.
  var lines: [String] { recorded.withLock { $0 } }

  func clear() { recorded.withLock { $0 = [] } }

  var handler: any LogHandler { Handler(recorder: self) }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { recorder.recorded.withLock { $0.append("\(event.message)") } }
  }
}
