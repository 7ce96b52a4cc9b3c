import Foundation

/// A thread that can be waited for.
final class Worker: @unchecked Sendable {
  // Safe because the thread is joined by whoever has started it.

  private let done = DispatchSemaphore(value: 0)

  init(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread { [done] in
      body()
      done.signal()
    }
    thread.start()
  }

  func join() { done.wait() }
}
