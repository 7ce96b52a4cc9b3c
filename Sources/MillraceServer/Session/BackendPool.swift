import MillraceIO
import MillraceStorage

/// The threads on which sessions run. A thread is started when a session has something to do and none is free, is given
/// to one session after another, the one that was free last first, and ends after some time without work. So a server
/// has as many threads as sessions were at work together of late.
final class BackendPool: Sendable {
  /// Something to run on a thread of the pool.
  protocol Work: AnyObject, Sendable {
    func run(on thread: BackendThread)
    /// No thread can be had: the system refuses.
    func cannotRun(_ error: IOError)
  }

  private final class Worker: @unchecked Sendable {
    // Safe because `work` and `isLeaving` are touched under the pool's lock only.
    let number: Int
    let latch = Latch()
    var work: (any Work)?

    init(_ number: Int) { self.number = number }
  }

  private struct State {
    /// Waiting for work; the last one was free last.
    var idle: [Worker] = []
    var numbers: Set<Int> = []
    var threads: [Int: NamedThread] = [:]
    /// Ended or about to, to be joined.
    var ended: [NamedThread] = []
    var isStopping = false
    var peak = 0
  }

  private let state = Locked(State())
  /// Set by a thread that ends.
  private let changed = Latch()
  private let idleNanoseconds: Int64
  private let stackBytes: Int

  /// - Parameters:
  ///   - idleSeconds: after which a thread without work ends.
  ///   - stackBytes: of each thread; memory only as far as it is used.
  init(idleSeconds: Int = 10, stackBytes: Int = 8 << 20) {
    (idleNanoseconds, self.stackBytes) = (Int64(idleSeconds) * 1_000_000_000, stackBytes)
  }

  /// Threads that exist, and the most that there have been.
  var counts: (now: Int, idle: Int, peak: Int) { state.withLock { ($0.numbers.count, $0.idle.count, $0.peak) } }

  /// Has a thread do some work, soon.
  func submit(_ work: any Work) {
    let (idle, number, ended) = state.withLock { state -> (Worker?, Int?, [NamedThread]) in
      let ended = state.ended
      state.ended = []
      if let worker = state.idle.popLast() {
        worker.work = work
        return (worker, nil, ended)
      }
      let number = (1...).first { !state.numbers.contains($0) } ?? 1
      state.numbers.insert(number)
      state.peak = max(state.peak, state.numbers.count)
      return (nil, number, ended)
    }
    for thread in ended { thread.join() }
    if let idle { return idle.latch.set() }
    guard let number else { return }
    start(number, work)
  }

  private func start(_ number: Int, _ work: any Work) {
    let worker = Worker(number)
    worker.work = work
    do throws(IOError) {
      // Under the lock, so that the thread is known before it can end.
      try state.withLock { state throws(IOError) in
        state.threads[number] = try NamedThread("backend \(number)", stackBytes: stackBytes) { self.run(worker) }
      }
    } catch {
      state.withLock { _ = $0.numbers.remove(number) }
      work.cannotRun(error)
    }
  }

  private func run(_ worker: Worker) {
    let thread = BackendThread(number: worker.number)
    while let work = next(worker) { work.run(on: thread) }
    thread.context = nil
    state.withLock { state in
      state.numbers.remove(worker.number)
      if let thread = state.threads.removeValue(forKey: worker.number) { state.ended.append(thread) }
    }
    changed.set()
  }

  /// Waits for work. - Returns: nil when the thread is to end.
  private func next(_ worker: Worker) -> (any Work)? {
    var deadline: UInt64?
    while true {
      worker.latch.reset()
      let now = monotonicNanoseconds()
      let until = deadline ?? now + UInt64(idleNanoseconds)
      deadline = until
      let (work, isLeaving) = state.withLock { state -> ((any Work)?, Bool) in
        if let work = worker.work {
          worker.work = nil
          return (work, false)
        }
        let position = state.idle.firstIndex { $0 === worker }
        if state.isStopping || now >= until {
          if let position { state.idle.remove(at: position) }
          return (nil, true)
        }
        if position == nil { state.idle.append(worker) }
        return (nil, false)
      }
      if let work { return work }
      if isLeaving { return nil }
      worker.latch.wait(Int64(until - now))
    }
  }

  /// Ends all threads when their work is done, and waits for that. Nothing may be submitted any more.
  func stop() {
    while true {
      changed.reset()
      let (idle, ended, isDone) = state.withLock { state in
        state.isStopping = true
        let ended = state.ended
        state.ended = []
        return (state.idle, ended, state.numbers.isEmpty)
      }
      for worker in idle { worker.latch.set() }
      for thread in ended { thread.join() }
      if isDone { return }
      changed.wait(1_000_000_000)
    }
  }
}
