@testable import MillraceIO

import CMillrace

/// A completion that writes down what it is asked to do, and may have its own opinion of the outcome.
final class RecordingCompletion: IOCompletion, @unchecked Sendable {
  // Safe because the log is locked and the opinion Sendable.

  struct Call: Equatable, Sendable {
    enum Kind: Sendable { case stage, complete, completeLocal }
    let kind: Kind
    let name: String
    let datum: UInt8
    let data: [UInt32]
    let reference: IOReference
    /// What it was told; unknown when staged.
    let outcome: IOOutcome
    let thread: Int32
  }

  let name: String
  private let log: Shared<[Call]>
  private let opinion: @Sendable (IOOutcome, IOCompletionID) -> IOOutcome

  init(
    _ name: String, log: Shared<[Call]>,
    opinion: @escaping @Sendable (IOOutcome, IOCompletionID) -> IOOutcome = { outcome, _ in outcome }
  ) {
    (self.name, self.log, self.opinion) = (name, log, opinion)
  }

  private func note(_ kind: Call.Kind, _ io: borrowing CompletionContext, _ outcome: IOOutcome) {
    let call = Call(
      kind: kind, name: name, datum: io.datum, data: Array(io.data), reference: io.reference, outcome: outcome,
      thread: millrace_thread_id())
    log.update { $0.append(call) }
  }

  override func stage(_ io: borrowing CompletionContext) { note(.stage, io, .unknown) }

  override func complete(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    note(.complete, io, outcome)
    return opinion(outcome, io.id)
  }

  override func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    note(.completeLocal, io, outcome)
    return outcome
  }
}
