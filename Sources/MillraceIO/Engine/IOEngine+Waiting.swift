import Synchronization

/// Asking and waiting, by whomever.
extension IOEngine {
  /// Whether an I/O has completed. Looks at one word.
  @inline(__always) public func isCompleted(_ reference: IOReference) -> Bool {
    let word = table.word(reference.index)
    return !reference.matches(word) || word.state.rawValue >= IOHandleState.completedShared.rawValue
      || word.state == .idle
  }

  /// Blocks the calling thread, which needs no backend, until an I/O has completed.
  /// - Returns: whether it had to wait.
  @discardableResult
  public func wait(for reference: IOReference) -> Bool { wait(for: reference, reaper: nil) }

  /// Waits, reaping where the method wants waiters to.
  @discardableResult
  func wait(for reference: IOReference, reaper: UInt32?) -> Bool {
    var waited = false
    let index = reference.index
    while true {
      let word = table.word(index)
      guard reference.matches(word) else { return waited }
      switch word.state {
      case .idle, .completedShared, .completedLocal:
        return waited
      case .handedOut:
        invariantFailure("an I/O was waited for that has not been started")
      case .staged:
        let owner = table[index].pointee.owner
        if owner != reaper, word.has(HandleWord.bound) {
          sleep(on: index, while: word)
        } else {
          submitStaged(of: owner, reaper: reaper)
        }
      case .submitted where !word.has(HandleWord.inPlace):
        method.wait(for: index, reference, reaper: reaper)
      case .submitted, .defined, .completedIO:
        // Another thread is at work on it right now.
        sleep(on: index, while: word)
      }
      waited = true
    }
  }

  /// Sleeps while a handle's word is the one that the caller has seen and decided by: in another state it may be the
  /// caller's to submit. May return early.
  private func sleep(on index: UInt32, while word: HandleWord) {
    guard table.set(HandleWord.sleepers, on: index, seen: word) else { return }
    Futex.wait(table.wordAddress(index), while: word.rawValue | HandleWord.sleepers)
  }

  /// Sleeps until a submitted I/O has moved on. May return early.
  func sleep(onSubmitted reference: IOReference) {
    let word = table.word(reference.index)
    guard reference.matches(word), word.state == .submitted else { return }
    sleep(on: reference.index, while: word)
  }

  /// Sleeps until the oldest I/O of a backend has moved on. On the owner's thread. May return early.
  func waitForOldest(of owner: UInt32) {
    withBackend(owner) { backend in
      let index = backend.own.pointee.outstandingHead
      guard index != .noHandle else { return }
      let word = table.word(index)
      let reference = IOReference(index: index, generation: word.generation)
      switch word.state {
      case .submitted where !word.has(HandleWord.inPlace): method.wait(for: index, reference, reaper: owner)
      case .submitted, .completedIO: sleep(on: index, while: word)
      default: break
      }
    }
  }
}
