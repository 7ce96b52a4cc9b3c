import CMillrace
import Glibc

/// A kernel thread with a name that `ps -T`, `top -H` and `strace -f` show.
package struct NamedThread: @unchecked Sendable {
  // Safe because pthread_t is a plain identifier that any thread may join.
  private let thread: pthread_t

  /// What the new thread runs, carried through pthread_create as one retained object.
  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      (self.name, self.run) = (name, run)
    }
  }

  /// Starts a thread.
  /// - Parameters:
  ///   - name: at most 15 bytes are shown.
  ///   - stackBytes: size of its stack.
  /// - Throws: ``IOError`` with code `.systemCall` when the system has no thread to give.
  package init(_ name: String, stackBytes: Int = 512 << 10, _ run: @escaping @Sendable () -> Void) throws(IOError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackBytes)

    let body = Unmanaged.passRetained(Body(name: name, run: run))
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        millrace_name_thread(body.name)
        body.run()
        return nil
      }, body.toOpaque())
    guard failure == 0 else {
      body.release()
      throw IOError(.systemCall, errno: failure, message: "could not start thread \"\(name)\"")
    }
    self.thread = thread
  }

  /// Waits until the thread has ended. Exactly one caller may.
  package func join() { pthread_join(thread, nil) }
}
