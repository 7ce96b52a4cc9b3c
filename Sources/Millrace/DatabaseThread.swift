import MillraceIO
import MillraceStorage

/// A thread on which one connection's blocking work runs, one job after the other: the executor of its actor.
///
/// The engine below blocks: a page that is read, a row that somebody else has locked. On Swift's own few threads that
/// would stop tasks that have nothing to do with it.
final class DatabaseThread: SerialExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var isEnding = false
  }

  private let state = Locked(State())
  private let latch = Latch()

  /// Starts it.
  /// - Parameter name: as `ps -T` and `top -H` show it; 15 bytes at most.
  /// - Throws: ``IOError``: the system has no thread to give.
  static func start(_ name: String) throws(IOError) -> DatabaseThread {
    let executor = DatabaseThread()
    // As much stack as a session of the server has: expressions may be nested deeply.
    let thread = try NamedThread(name, stackBytes: 8 << 20) { executor.run() }
    executor.thread.withLock { $0 = thread }
    return executor
  }

  private let thread = Locked<NamedThread?>(nil)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    latch.set()
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  /// Lets the thread end once it has done what it has been given, and waits for that. On any other thread.
  func end() {
    state.withLock { $0.isEnding = true }
    latch.set()
    thread.withLock { thread in
      defer { thread = nil }
      return thread
    }?.join()
  }

  private func run() {
    while true {
      latch.reset()
      let (jobs, isEnding) = state.withLock { state in
        defer { state.jobs.removeAll(keepingCapacity: true) }
        return (state.jobs, state.isEnding)
      }
      for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
      guard jobs.isEmpty else { continue }
      if isEnding { return }
      latch.wait(-1)
    }
  }
}
