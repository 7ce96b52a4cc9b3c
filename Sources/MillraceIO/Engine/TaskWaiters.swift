/// Tasks that await I/O, by reference. Off the blocking path: only an I/O whose word says that tasks await it looks
/// here.
final class TaskWaiters: Sendable {
  private struct Waiter {
    let ticket: UInt64
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var waiting: [IOReference: [Waiter]] = [:]
    var nextTicket: UInt64 = 0
  }

  private let state = Locked(State())

  /// A number that names one wait.
  func ticket() -> UInt64 {
    state.withLock { state in
      state.nextTicket += 1
      return state.nextTicket
    }
  }

  func add(_ continuation: CheckedContinuation<Bool, Never>, ticket: UInt64, for reference: IOReference) {
    state.withLock {
      $0.waiting[reference, default: []].append(Waiter(ticket: ticket, continuation: continuation))
    }
  }

  /// Resumes all that await an I/O. Continuations run after the lock is released.
  func resume(_ reference: IOReference) {
    let waiters = state.withLock { $0.waiting.removeValue(forKey: reference) }
    for waiter in waiters ?? [] { waiter.continuation.resume(returning: true) }
  }

  /// Takes one wait out and resumes it, if it is still there.
  func withdraw(ticket: UInt64, for reference: IOReference, result: Bool) {
    let waiter = state.withLock { state -> Waiter? in
      guard var waiters = state.waiting[reference],
        let position = waiters.firstIndex(where: { $0.ticket == ticket })
      else { return nil }
      let found = waiters.remove(at: position)
      state.waiting[reference] = waiters.isEmpty ? nil : waiters
      return found
    }
    waiter?.continuation.resume(returning: result)
  }
}
