import Logging
import Synchronization

/// A thread that waits for I/O on behalf of tasks, for methods whose waiters must reap. Started by the first task that
/// awaits.
final class AwaitedIO: @unchecked Sendable {
  // Safe because everything mutable is atomic or inside the lock.

  private struct State {
    var queue: [IOReference] = []
    var thread: NamedThread?
    var isStopped = false
  }

  private let name: String
  private let state = Locked(State())
  /// Changes with every addition; the thread sleeps on it.
  private let additions: UnsafeMutablePointer<Atomic<UInt64>>

  init(name: String) {
    self.name = name
    additions = .allocate(capacity: 1)
    additions.initialize(to: Atomic(0))
  }

  deinit {
    additions.deinitialize(count: 1)
    additions.deallocate()
  }

  /// Has an I/O waited for. While the thread waits for one, it reaps all others that it comes across.
  func add(_ reference: IOReference, _ engine: EngineReference) {
    let needsThread = state.withLock { state in
      state.queue.append(reference)
      return state.thread == nil
    }
    _ = additions.pointee.wrappingAdd(1, ordering: .releasing)
    Futex.wake(additions)
    if needsThread { startThread(engine) }
  }

  private func startThread(_ engine: EngineReference) {
    state.withLock { state in
      guard state.thread == nil else { return }
      do {
        state.thread = try NamedThread(name) { [self] in run(engine) }
      } catch {
        engine.with { $0.logger.error("\(error)") }
      }
    }
  }

  private func run(_ engine: EngineReference) {
    while true {
      let seen = additions.pointee.load(ordering: .acquiring)
      let (next, isStopped) = state.withLock { state in
        (state.queue.isEmpty ? nil : state.queue.removeFirst(), state.isStopped)
      }
      if let next {
        engine.wait(for: next)
      } else if isStopped {
        return
      } else {
        Futex.wait(additions, while: seen)
      }
    }
  }

  /// Ends the thread, if there is one.
  func stop() {
    let thread = state.withLock { state in
      state.isStopped = true
      defer { state.thread = nil }
      return state.thread
    }
    _ = additions.pointee.wrappingAdd(1, ordering: .releasing)
    Futex.wake(additions)
    thread?.join()
  }
}
