import Synchronization

/// The edge at which Swift concurrency meets the engine.
extension IOEngine {
  /// Suspends the task until an I/O has completed.
  ///
  /// Cancelling the task ends the wait, not the I/O: handle and memory stay in use until it completes, so the memory
  /// must stay valid and a later wait is as good as the first.
  /// - Throws: ``IOError`` `.cancelled` when the task was cancelled first.
  /// - Complexity: allocates, unlike a blocking wait; about a microsecond beyond the I/O.
  public func completion(of reference: IOReference) async throws(IOError) {
    if isCompleted(reference) { return }
    let ticket = waiters.ticket()
    let completed = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiters.add(continuation, ticket: ticket, for: reference)
        if Task.isCancelled {
          waiters.withdraw(ticket: ticket, for: reference, result: false)
        } else if !announceAwaiter(of: reference) {
          waiters.resume(reference)
        }
      }
    } onCancel: {
      waiters.withdraw(ticket: ticket, for: reference, result: false)
    }
    if !completed { throw IOError(.cancelled, message: "waiting for an I/O was cancelled; the I/O goes on") }
  }

  /// Marks an I/O as awaited and makes sure that somebody completes it.
  /// - Returns: false if it has completed already.
  private func announceAwaiter(of reference: IOReference) -> Bool {
    let index = reference.index
    while true {
      let word = table.word(index)
      guard reference.matches(word), word.state != .idle,
        word.state.rawValue < IOHandleState.completedShared.rawValue
      else { return false }
      guard table.set(HandleWord.awaiters, on: index, seen: word) else { continue }
      if word.state == .staged { submitStaged(of: table[index].pointee.owner, reaper: nil) }
      method.noteAwaited(index, reference)
      return true
    }
  }
}
