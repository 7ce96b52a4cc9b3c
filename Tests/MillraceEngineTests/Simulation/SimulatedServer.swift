import Logging
import MillraceEngineTestSupport
import MillraceIO
import MillraceSettings
import MillraceSimulation
import MillraceTestSupport

@testable import MillraceEngine
@testable import MillraceStorage
@testable import MillraceWAL

/// The engine of one life of the simulated machine: what is between coming up and a crash.
final class SimulatedServer {
  static let path = "data"
  /// Blocks of a relation's segment: few, so that relations have several.
  static let segmentBlocks: UInt32 = 24

  let simulation: SimulatedEngine
  private let store: RowStore
  private let backgroundWriter: BackgroundWriter
  private let walWriter: WALWriter
  private let backends: [IOBackend]
  /// Where rows were found.
  var places: [Int64: TupleIdentifier] = [:]

  var database: Database { store.database }

  /// Makes the cluster. The disk is sound then.
  static func initialize(_ disk: SimulatedDisk, _ plan: SimulationPlan, seed: UInt64) throws(EngineError) {
    disk.requiresDirectories = true
    let simulation = try boot(disk, plan, seed: seed)
    try RowStore.initialize(
      path, fileSystem: disk, segmentBlocks: segmentBlocks, hasCatalogs: plan.hasCatalogs
    ) { configuration in
      configuration.engine = simulation.engine
      configuration.hasBackgroundThreads = false
      configuration.clock = { 1_700_000_000_000_000 }
      configuration.assignments = (try? RowStore.assignments(plan.assignments)) ?? []
    }
  }

  /// A machine without a database on it.
  static func boot(_ disk: SimulatedDisk, _ plan: SimulationPlan, seed: UInt64) throws(EngineError) -> SimulatedEngine {
    do throws(IOError) {
      var settings = Settings()
      for (name, value) in plan.assignments { try? settings.set(name, to: value) }
      var configuration = IOConfiguration(settings, backendsMax: 16)
      // Warnings are what these runs are made of.
      configuration.logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
      configuration.handlesPerBackend = max(configuration.handlesPerBackend, 4)
      return try SimulatedEngine(seed: seed, configuration: configuration, disk: disk)
    } catch {
      throw EngineError(error)
    }
  }

  init(_ simulation: SimulatedEngine, _ plan: SimulationPlan) throws(EngineError) {
    self.simulation = simulation
    let clock = simulation.clock
    var configuration = DatabaseConfiguration(path: Self.path)
    configuration.fileSystem = simulation.disk
    configuration.engine = simulation.engine
    configuration.hasBackgroundThreads = false
    configuration.sessionsMax = 8
    configuration.clock = { 1_700_000_000_000_000 + Int64(clock.nanoseconds / 1000) }
    configuration.assignments = try RowStore.assignments(
      plan.assignments + [("shared_buffers", "\(plan.buffers * 8)kB")])
    store = try RowStore(configuration)
    let database = store.database
    do throws(IOError) {
      backends = [try simulation.engine.makeBackend("bgwriter"), try simulation.engine.makeBackend("walwriter")]
    } catch {
      throw EngineError(error)
    }
    backgroundWriter = BackgroundWriter(database.pool, backends[0])
    walWriter = WALWriter(database.log, backend: backends[1])
    if plan.canary == .writesPagesBeforeLog { database.pool.flushGuard = NoFlushGuard() }
  }

  var isStopped: Bool { !database.isRunning }
  /// Records that recovery has gone through.
  var recoveredRecords: Int { Int(database.recovery.recordCount) }

  func makeSession() throws(EngineError) -> RowSession { try store.makeSession() }

  func rows() throws(EngineError) -> [(place: TupleIdentifier, bytes: [UInt8])] { try store.rows() }

  func checkpoint() throws(EngineError) { try store.checkpoint() }

  /// Makes a checkpoint that takes its time, in which others work.
  /// - Parameter pause: called now and then, with nothing locked. - Returns: whether the checkpoint shall hurry now.
  func checkpoint(whilePausing pause: @escaping () -> Bool) throws(EngineError) {
    let backend: IOBackend
    do throws(IOError) {
      backend = try simulation.engine.makeBackend("checkpointer")
    } catch {
      throw EngineError(error)
    }
    defer { backend.close() }
    var isUrgent = false
    let pacing = CheckpointPacing(elapsed: { 0 }, isUrgent: { isUrgent }, sleep: { isUrgent = pause() })
    _ = try Checkpointer(database, backend).perform(.online, pacing).get()
  }

  func backgroundRound() throws(EngineError) {
    _ = backgroundWriter.round()
    do throws(WALError) {
      _ = try walWriter.round(now: simulation.clock.nanoseconds)
    } catch {
      throw database.stop(because: EngineError(error))
    }
  }

  /// Everything must have been let go of.
  func close() throws {
    for backend in backends { backend.close() }
    try store.close()
    let pool = database.pool
    guard pool.pinCount == 0 else { throw EngineError(.corrupted, "\(pool.pinCount) pins are left") }
    guard simulation.inFlightCount == 0 else {
      throw EngineError(.corrupted, "\(simulation.inFlightCount) I/Os are left")
    }
    let rows = simulation.engine.snapshot()
    guard rows.isEmpty else { throw EngineError(.corrupted, "I/O is left: \(rows)") }
  }

  /// The machine stops, or only its process does.
  func crash(isKilled: Bool = false) {
    if isKilled { simulation.kill() } else { simulation.crash() }
    for backend in backends { backend.close() }
    database.crash()
  }

  // MARK: What is on the disk

  static func commitLogPaths(on disk: SimulatedDisk) -> [String] {
    ((try? disk.list("\(path)/pg_xact")) ?? []).map { "\(path)/pg_xact/\($0)" }
  }

  /// What the control file says, but for where in the log the last checkpoint is and when it was made.
  static func controlFile(on disk: SimulatedDisk) throws -> ControlFile {
    var control = try ControlFileStore(reading: path, fileSystem: disk, clock: { 0 }).current
    (control.checkpointLocation, control.checkpoint.redo, control.checkpoint.time) = (.invalid, .invalid, 0)
    // Numbers for relations are given out in blocks, and what is left of one after a crash is not used.
    control.checkpoint.nextOID = 0
    control.modificationTime = 0
    return control
  }

  static func relationPaths(on disk: SimulatedDisk) -> [String] {
    var paths: [String] = []
    let base = "\(path)/base"
    for database in (try? disk.list(base)) ?? [] {
      for name in (try? disk.list("\(base)/\(database)")) ?? [] where RelationFileName(name) != nil {
        paths.append("\(base)/\(database)/\(name)")
      }
    }
    return paths
  }

  /// What is wrong with a file of pages; nil where nothing is.
  static func problem(of path: String, _ bytes: [UInt8]) -> String? {
    let size = PageLayout.blockSize
    guard bytes.count % size == 0 else { return "\(path) has \(bytes.count) bytes" }
    guard let name = RelationFileName(path.split(separator: "/").last ?? "") else { return "\(path) is no relation's" }
    for index in 0..<UInt32(bytes.count / size) {
      let block = BlockNumber(name.segment * segmentBlocks + index)
      let verdict = bytes.withUnsafeBytes { bytes in
        bytes.baseAddress.map {
          PageVerifier.isVerified($0 + Int(index) * size, block: block, checksumsEnabled: true)
        }
      }
      if let verdict, !verdict.isValid { return "block \(block) in \(path) does not verify: \(verdict)" }
    }
    return nil
  }
}

/// Lets pages go out before their log: the canary.
private final class NoFlushGuard: PageFlushGuard, @unchecked Sendable {
  // Safe because it has no state.

  override var flushedPosition: LogSequenceNumber { LogSequenceNumber(.max) }
  override func flush(upTo position: LogSequenceNumber, backend: IOBackend) throws(StorageError) {}
}
