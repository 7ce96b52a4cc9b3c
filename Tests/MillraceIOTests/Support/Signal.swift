import Dispatch

/// Something that one thread waits for and another lets happen.
struct Signal: Sendable {
  private let semaphore = DispatchSemaphore(value: 0)
  func send() { semaphore.signal() }
  func wait() { semaphore.wait() }
}
