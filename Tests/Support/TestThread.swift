import MillraceIO

/// A thread with a result and a body that may throw.
package final class TestThread<Value: Sendable>: @unchecked Sendable {
  // Safe because the result is inside a lock and the thread is set before anybody else has the object.

  private let result = Locked<Result<Value, any Error>?>(nil)
  private var thread: NamedThread?

  package init(_ name: String, _ body: @escaping @Sendable () throws -> Value) throws {
    thread = try NamedThread(name, stackBytes: 1 << 20) { [self] in
      let value = Result { try body() }
      result.withLock { $0 = value }
    }
  }

  /// Waits for the end of the thread, and throws what it threw. Once.
  @discardableResult
  package func join() throws -> Value {
    thread?.join()
    guard let value = result.withLock({ $0 }) else { preconditionFailure("a thread ended without a result") }
    return try value.get()
  }
}

/// Takes something to another thread that only one thread uses at a time.
package struct Handed<Value>: @unchecked Sendable {
  // Safe because the test passes the value on and does not look at it until that thread is done with it.
  package let value: Value
  package init(_ value: Value) { self.value = value }
}
