/// What a session has while it works: a thread called `backend N`, with the buffer in which answers are put together,
/// and whatever the floor below keeps for one thread.
public final class BackendThread {
  /// The lowest that was free when the thread was started, from 1.
  public let number: Int
  public let name: String
  /// An I/O backend, a session of the engine: made by who needs it, and released when the thread ends, on it.
  public var context: AnyObject?
  let encoder = MessageEncoder()

  init(number: Int) {
    self.number = number
    name = "backend \(number)"
  }
}
