@testable import MillraceIO

/// A layer that counts how often it was asked for what, by I/O.
final class ModelCompletion: IOCompletion, @unchecked Sendable {
  // Safe because one thread drives a model run.

  /// What has happened to each I/O, in order: (layer, event).
  final class Log: @unchecked Sendable {
    // Safe because one thread drives a model run.
    var events: [IOReference: [String]] = [:]
  }

  private let layer: Int
  private let log: Log

  init(layer: Int, log: Log) { (self.layer, self.log) = (layer, log) }

  override func stage(_ io: borrowing CompletionContext) { note("stage", io) }

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    note("complete", io)
    return outcome
  }

  override func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    note("local", io)
    return outcome
  }

  private func note(_ event: String, _ io: borrowing CompletionContext) {
    log.events[io.reference, default: []].append(
      "\(event) \(layer)\(io.datum == UInt8(layer) ? "" : " with a wrong datum")")
  }
}
