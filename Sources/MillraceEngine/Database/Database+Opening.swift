import MillraceIO
public import MillraceSettings
package import MillraceStorage
import MillraceWAL

extension Database {
  /// Opens a cluster: recovers it if it was not closed in order, and starts the threads that write in the background.
  /// - Throws: ``EngineError``: there is no cluster, it is in use, a setting makes no sense, or it cannot be recovered.
  public static func open(_ configuration: DatabaseConfiguration) throws(EngineError) -> Database {
    try checkVersion(configuration)
    let settings = try readSettings(configuration)
    let lockFile = try LockFile(
      configuration.fileSystem, directory: configuration.path, time: configuration.clock() / 1_000_000)
    do throws(EngineError) {
      let opening = try Opening(configuration, settings, lockFile)
      return try opening.run()
    } catch {
      lockFile.release()
      throw error
    }
  }

  private static func checkVersion(_ configuration: DatabaseConfiguration) throws(EngineError) {
    let path = "\(configuration.path)/PG_VERSION"
    let bytes: [UInt8]
    do throws(IOError) {
      guard try configuration.fileSystem.exists(path) else {
        throw IOError(
          .invalidConfiguration, message: "\"\(configuration.path)\" is not a data directory: it has no file PG_VERSION"
        )
      }
      bytes = try configuration.fileSystem.readAll(path)
    } catch {
      throw EngineError(error.code == .invalidConfiguration ? .cluster : .io, error.description)
    }
    let version = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    do throws(IOError) {
      guard try configuration.fileSystem.exists("\(configuration.path)/\(ClusterLayout.configurationFile)") else {
        throw IOError(
          .invalidConfiguration,
          message: "\"\(configuration.path)\" is a cluster of PostgreSQL's own: it has no file"
            + " \(ClusterLayout.configurationFile); make one with `millrace init`")
      }
    } catch {
      throw EngineError(error.code == .invalidConfiguration ? .cluster : .io, error.description)
    }
    guard version == "\(ClusterLayout.majorVersion)" else {
      throw EngineError(
        .cluster,
        "data directory \"\(configuration.path)\" is of version \"\(version)\"; only that of "
          + "\(ClusterLayout.majorVersion) can be opened for writing")
    }
  }

  /// The settings that a database has when it is opened so: the defaults, what the cluster's files say, and what was
  /// given, in this order.
  /// - Throws: ``EngineError`` `.invalidSetting`.
  public static func readSettings(_ configuration: DatabaseConfiguration) throws(EngineError) -> Settings {
    var settings = Settings()
    for assignment in configuration.defaults { try set(assignment, in: &settings, from: "") }
    for name in [ClusterLayout.configurationFile, ClusterLayout.automaticConfigurationFile] {
      let file = try ConfigurationFile.read(name, in: configuration.path, configuration.fileSystem)
      for assignment in file?.assignments ?? [] { try set(assignment, in: &settings, from: " in \(name)") }
    }
    for assignment in configuration.assignments { try set(assignment, in: &settings, from: "") }
    for warning in settings.warnings { configuration.onNotice(warning.description) }
    return settings
  }

  private static func set(
    _ assignment: SettingAssignment, in settings: inout Settings, from place: String
  ) throws(EngineError) {
    do throws(SettingError) {
      try settings.set(assignment.name, to: assignment.value)
    } catch {
      throw EngineError(.invalidSetting, "\(error)\(place)")
    }
  }

  // MARK: Closing

  /// Closes in order: a checkpoint, after which nothing needs to be recovered. All sessions must have been closed.
  /// - Parameter beforeLogCloses: called when the last record has been logged and the log can still be read: for those
  ///   who send it to others.
  /// - Throws: ``EngineError``: sessions are open; or what the checkpoint could not do. In the latter case the database
  ///   is closed all the same, and recovers when it is opened.
  public func close(beforeLogCloses: () -> Void = {}) throws(EngineError) {
    guard openSessions == 0 else {
      throw EngineError(.invalidTransactionState, "the database has \(openSessions) open sessions; close them first")
    }
    stopThreads()
    defer { lockFile.release() }
    let backend: IOBackend
    do throws(IOError) { backend = try engine.makeBackend("closing", priority: .checkpoint) } catch {
      try requireRunning()
      throw EngineError(error)
    }
    // Whatever happens, no file stays open: somebody may want to remove the cluster.
    defer { closeFiles(backend) }
    try requireRunning()
    defer { stop(because: EngineError(.stopped, "the database is closed")) }
    do throws(IOError) { try controlFile.beginShutdown() } catch { throw EngineError(error) }
    let checkpoint = Checkpointer(self, backend).perform(.shutdown, .none)
    beforeLogCloses()
    _ = try checkpoint.get()
  }

  private func closeFiles(_ backend: IOBackend) {
    commitLog.close(backend)
    multiXacts.close(backend)
    log.close(backend: backend)
    backend.close()
  }

  /// Stops without writing anything more, as a process that is killed does: what was not written is lost, and the next
  /// to open the cluster recovers. For tests, and for a server that is to end at once. All sessions must have been
  /// closed, or never be used again.
  package func crash() {
    stop(because: EngineError(.stopped, "the database has crashed"))
    stopThreads()
    lockFile.abandon()
  }

  /// Says in `postmaster.pid` where a server of this database listens.
  /// - Throws: ``EngineError`` `.io`.
  public func announce(port: Int, socketDirectory: String, address: String) throws(EngineError) {
    do throws(IOError) {
      try lockFile.announce(port: port, socketDirectory: socketDirectory, address: address)
    } catch {
      throw EngineError(error)
    }
  }

  private func stopThreads() {
    autovacuum?.stop(self)
    let running = threads.withLock { threads in
      defer { threads = nil }
      return threads
    }
    running?.stop(self)
  }

  // MARK: Checkpoints

  /// Makes a checkpoint now, as fast as the device can, and waits for it.
  /// - Throws: ``EngineError``: a page could not be written; or the database has stopped.
  @discardableResult
  public func checkpoint() throws(EngineError) -> CheckpointReport {
    try requireRunning()
    if threads.withLock({ $0 != nil }) { return try checkpoints.wait(for: checkpoints.request(isUrgent: true)) }
    return try checkpoint(pacedBy: .none)
  }

  /// Makes a checkpoint on the calling thread.
  package func checkpoint(pacedBy pacing: CheckpointPacing) throws(EngineError) -> CheckpointReport {
    let backend: IOBackend
    do throws(IOError) {
      backend = try engine.makeBackend("checkpoint", priority: .checkpoint)
    } catch {
      throw EngineError(error)
    }
    defer { backend.close() }
    let result = Checkpointer(self, backend).perform(.online, pacing)
    checkpoints.end(0, result, redo: log.redoPosition)
    return try result.get()
  }
}
