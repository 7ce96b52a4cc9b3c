import MillraceIO
import MillraceSettings
import MillraceStorage
import Synchronization

/// What checkpoints are asked for with, and what became of them: between the checkpointer and everybody else.
final class CheckpointState: Sendable {
  private struct Requests {
    /// Asked for, and whether somebody waits, so that it shall hurry.
    var wanted: UInt64 = 0
    var isUrgent = false
    /// The number of the last one that was wanted and is done, and how it ended.
    var done: UInt64 = 0
    var result: Result<CheckpointReport, EngineError>?
    var isStopping = false
  }

  private let requests = Locked(Requests())
  let statistics = Locked(CheckpointStatistics())
  /// Held by who makes a checkpoint.
  let performing = Locked(())
  private let latch = Latch()
  private let ended = OwnedEventCount()
  /// A position of the log at which a checkpoint is due.
  private let threshold: Atomic<UInt64>
  /// How much log there may be from one checkpoint to the beginning of the next, so that with what is written during
  /// the next it is at most `max_wal_size`.
  let logBetweenCheckpoints: UInt64

  init(settings: Settings, redo: LogSequenceNumber) {
    let size = UInt64(settings[.maxWALSize]) << 20
    logBetweenCheckpoints = UInt64(Double(size) / (1 + settings[.checkpointCompletionTarget]))
    threshold = Atomic(redo.rawValue + logBetweenCheckpoints)
  }

  // MARK: Asking

  /// Asks for a checkpoint where so much has been logged that one is due. One load where it is not.
  @inline(__always) func note(_ position: LogSequenceNumber) {
    if position.rawValue >= threshold.load(ordering: .relaxed) { askForVolume() }
  }

  @inline(never) private func askForVolume() {
    // Once; the checkpoint itself sets it again.
    threshold.store(.max, ordering: .relaxed)
    _ = request(isUrgent: false)
  }

  /// Asks for a checkpoint that begins later than now. - Returns: what to wait with.
  func request(isUrgent: Bool) -> UInt64 {
    let ticket = requests.withLock { requests in
      requests.wanted += 1
      if isUrgent { requests.isUrgent = true }
      return requests.wanted
    }
    latch.set()
    return ticket
  }

  /// Waits for a checkpoint that was asked for.
  func wait(for ticket: UInt64) throws(EngineError) -> CheckpointReport {
    while true {
      let event = ended.event.prepare()
      let (result, isStopping) = requests.withLock { ($0.done >= ticket ? $0.result : nil, $0.isStopping) }
      if let result { return try result.get() }
      if isStopping { throw EngineError(.stopped, "the database is closed") }
      ended.event.sleep(event)
    }
  }

  // MARK: For the checkpointer

  /// What is asked for now, to be done at once; nil where nothing is.
  func take() -> UInt64? {
    requests.withLock { $0.wanted > $0.done ? $0.wanted : nil }
  }

  /// Whether somebody waits for a checkpoint.
  var isUrgent: Bool { requests.withLock { $0.isUrgent || $0.isStopping } }

  var isStopping: Bool { requests.withLock { $0.isStopping } }

  func end(_ ticket: UInt64, _ result: Result<CheckpointReport, EngineError>, redo: LogSequenceNumber) {
    threshold.store(redo.rawValue + logBetweenCheckpoints, ordering: .relaxed)
    requests.withLock { requests in
      requests.done = max(requests.done, ticket)
      requests.result = result
      if requests.wanted == requests.done { requests.isUrgent = false }
    }
    ended.event.signalAll()
  }

  /// Before a look at what is asked for.
  func reset() { latch.reset() }

  func sleep(_ nanoseconds: Int64) { latch.wait(nanoseconds) }

  func wake() {
    latch.set()
    ended.event.signalAll()
  }

  func stop() {
    requests.withLock { $0.isStopping = true }
    wake()
  }
}
