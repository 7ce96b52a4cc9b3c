import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceWAL

/// The threads of a database: `checkpointer`, `bgwriter` and `walwriter` in `ps -T`.
struct BackgroundThreads: Sendable {
  private let checkpointer: NamedThread
  private let walWriter: NamedThread
  private let backgroundWriter: BackgroundWriterThread

  /// Starts them.
  /// - Throws: ``IOError``: no place for a backend, or no thread.
  init(_ database: Database) throws(IOError) {
    let settings = database.settings
    let engine = database.engine
    let log = database.log
    let walBackend = Moved(try engine.makeBackend("walwriter", priority: .wal, kind: .walWriter))
    let backend = Moved(try engine.makeBackend("checkpointer", priority: .checkpoint, kind: .checkpointer))
    var configuration = BackgroundWriterConfiguration()
    configuration.delayMilliseconds = settings[.bgwriterDelay]
    configuration.pagesMax = settings[.bgwriterLruMaxpages]
    configuration.multiplier = settings[.bgwriterLruMultiplier]
    configuration.stream = database.writeConfiguration(flushAfter: settings[.bgwriterFlushAfter])
    backgroundWriter = try BackgroundWriterThread(database.pool, configuration: configuration)
    walWriter = try NamedThread("walwriter") {
      WALWriter(log, backend: walBackend.value).run()
      walBackend.value.close()
    }
    checkpointer = try NamedThread("checkpointer") {
      let checkpointer = Checkpointer(database, backend.value)
      checkpointer.run()
      checkpointer.close()
    }
  }

  /// Ends them and waits for that.
  func stop(_ database: Database) {
    database.checkpoints.stop()
    database.log.stopWriter()
    checkpointer.join()
    walWriter.join()
    backgroundWriter.stop()
  }
}
