import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Standard output, standard error and, on the latter, a status line that stays below all other lines.
///
/// Any thread may write; lines never mix. What is written to either while the status line is drawn goes above it.
final class OutputWriter: Sendable {
  private struct State {
    /// What the status line shows, or nil if there is none.
    var statusLine: String?
    /// Set by the first write to standard output that fails. Nothing more is then written there.
    var isOutputLost = false
  }

  private let standardOutput: OutputChannel
  private let standardError: OutputChannel
  private let onOutputLost: @Sendable (OutputChannel.Failure) -> Void
  private let state = Mutex(State())

  /// - Parameter onOutputLost: Called once, without any lock held, when standard output cannot be written to.
  init(
    standardOutput: OutputChannel, standardError: OutputChannel,
    onOutputLost: @escaping @Sendable (OutputChannel.Failure) -> Void
  ) {
    self.standardOutput = standardOutput
    self.standardError = standardError
    self.onOutputLost = onOutputLost
  }

  /// Writes to standard output. A failure is told to `onOutputLost` and never thrown: what is left to do then is the
  /// same everywhere.
  func writeOutput(_ text: String) {
    let failure = state.withLock { state -> OutputChannel.Failure? in
      guard !state.isOutputLost else { return nil }
      erase(state)
      defer { redraw(state) }
      do throws(OutputChannel.Failure) {
        try standardOutput.write(text)
        return nil
      } catch {
        state.isOutputLost = true
        return error
      }
    }
    if let failure { onOutputLost(failure) }
  }

  /// Writes to standard error. If that fails there is nobody left to tell.
  func writeError(_ text: String) {
    state.withLock { state in
      erase(state)
      try? standardError.write(text)
      redraw(state)
    }
  }

  /// Draws the line in place of the one before; nil takes it away.
  func setStatusLine(_ line: String?) {
    state.withLock { state in
      guard line != state.statusLine else { return }
      if let line {
        Interruption.statusLineIsDrawn.store(true, ordering: .relaxed)
        try? standardError.write("\r" + line + Self.eraseToEnd)
      } else {
        erase(state)
        Interruption.statusLineIsDrawn.store(false, ordering: .relaxed)
      }
      state.statusLine = line
    }
  }

  private func erase(_ state: State) {
    if state.statusLine != nil { try? standardError.write("\r" + Self.eraseToEnd) }
  }

  private func redraw(_ state: State) {
    if let line = state.statusLine { try? standardError.write(line) }
  }

  private static let eraseToEnd = "\u{1B}[K"
}
