public import MillraceIO
import Synchronization

/// The thread of a ``BackgroundWriter``, `bgwriter` in `ps -T`.
public final class BackgroundWriterThread: Sendable {
  private let thread: NamedThread
  private let pool: BufferPool
  private let ending: Ending

  private final class Ending: Sendable {
    let isWanted = Atomic<Bool>(false)
    let latch = Latch()
  }

  /// Rounds' delays that it sleeps when nobody needs buffers, unless somebody does meanwhile.
  private static let hibernationFactor: Int64 = 50

  /// Starts it.
  /// - Throws: ``IOError`` where there is no place for its backend, or no thread.
  public init(
    _ pool: BufferPool, configuration: BackgroundWriterConfiguration = BackgroundWriterConfiguration()
  ) throws(IOError) {
    let ending = Ending()
    (self.pool, self.ending) = (pool, ending)
    let backend = Moved(
      try pool.engine.makeBackend("background writer", priority: .checkpoint, kind: .backgroundWriter))
    thread = try NamedThread("bgwriter") { Self.run(pool, backend.value, configuration, ending) }
  }

  /// Takes a backend to the thread that will use it.
  private struct Moved: @unchecked Sendable {
    // Safe because the thread that made it does not use it.
    let value: IOBackend
    init(_ value: IOBackend) { self.value = value }
  }

  private static func run(
    _ pool: BufferPool, _ backend: IOBackend, _ configuration: BackgroundWriterConfiguration, _ ending: Ending
  ) {
    let delay = Int64(configuration.delayMilliseconds) * 1_000_000
    let writer = BackgroundWriter(pool, backend, configuration: configuration)
    var wasIdle = false
    while !ending.isWanted.load(ordering: .acquiring) {
      pool.allocationLatch.reset()
      let isIdle = writer.round()
      if isIdle, wasIdle, !ending.isWanted.load(ordering: .acquiring) {
        // Twice in a row nothing to do.
        pool.allocationLatch.wait(delay * hibernationFactor)
      } else {
        ending.latch.wait(delay)
      }
      wasIdle = isIdle
    }
    backend.close()
  }

  /// Ends the thread and waits for that. Once.
  public func stop() {
    ending.isWanted.store(true, ordering: .releasing)
    ending.latch.set()
    pool.allocationLatch.set()
    thread.join()
  }
}
