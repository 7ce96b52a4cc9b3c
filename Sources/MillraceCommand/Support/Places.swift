import MillraceIO

/// The pieces of memory that are free: filled by completions, on the backend's own thread.
final class Places: IOCompletion, @unchecked Sendable {
  // Safe because completeLocal runs on the one thread that also takes.

  struct Failure {
    let offset: Int64
    let length: Int
    let outcome: IOOutcome

    func error(_ operation: IOOperation, _ file: IOFile) -> IOError {
      let request = IORequest(operation, file: file, offset: offset, length: length)
      return outcome.status == .failed
        ? request.failure(errno: Int32(bitPattern: outcome.detail))
        : request.shortTransfer(transferred: Int(outcome.result))
    }
  }

  private(set) var failure: Failure?
  /// I/Os that have ended; also those that ended while they were started, which nobody reaps.
  private(set) var completedCount = 0
  private let free: UnsafeMutablePointer<UInt32>
  private var count: Int

  init(count: Int) {
    free = .allocate(capacity: count)
    for place in 0..<count { free[place] = UInt32(place) }
    self.count = count
    super.init()
  }

  deinit { free.deallocate() }

  func take() -> UInt32? {
    guard count > 0 else { return nil }
    count -= 1
    return free[count]
  }

  override func completeLocal(_ io: borrowing CompletionContext, _ outcome: IOOutcome) -> IOOutcome {
    free[count] = io.data[0]
    count += 1
    completedCount += 1
    if outcome.status != .ok, failure == nil {
      failure = Failure(offset: io.offset, length: io.length, outcome: outcome)
    }
    return outcome
  }
}
