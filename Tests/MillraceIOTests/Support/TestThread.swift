import Dispatch

@testable import MillraceIO

/// Takes something to another thread that only one thread uses at a time.
struct Handed<Value>: @unchecked Sendable {
  // Safe because the test passes the value on and does not look at it until that thread is done with it.
  let value: Value
  init(_ value: Value) { self.value = value }
}

/// A thread with a body that may throw; `join()` throws what it threw.
final class TestThread: Sendable {
  private let thread: NamedThread
  private let result: ResultBox

  private final class ResultBox: Sendable {
    let failure = Locked<(any Error)?>(nil)
  }

  init(_ name: String, _ body: @escaping @Sendable () throws -> Void) throws {
    let result = ResultBox()
    self.result = result
    thread = try NamedThread(name) {
      do { try body() } catch { result.failure.withLock { $0 = error } }
    }
  }

  func join() throws {
    thread.join()
    if let failure = result.failure.withLock({ $0 }) { throw failure }
  }
}

/// Something that one thread waits for and another lets happen.
struct Signal: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  func send() { semaphore.signal() }
  func wait() { semaphore.wait() }
}
