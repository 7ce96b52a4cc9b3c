import MillraceIO
import MillraceSettings
import MillraceStorage
import MillraceTypes
import Synchronization

/// Starts workers that vacuum and analyze what needs it: `autovacuum launcher` in `ps -T`
/// (src/backend/postmaster/autovacuum.c).
///
/// Every `autovacuum_naptime` it starts one worker, `autovacuum worker`, for each database, up to
/// `autovacuum_max_workers` at a time; the database whose last turn is longest ago comes first.
final class AutovacuumLauncher: Sendable {
  private final class Worker: Sendable {
    let hasEnded = Atomic<Bool>(false)
    let thread = Locked<NamedThread?>(nil)

    func join() { thread.withLock { $0 }?.join() }
  }

  private struct State {
    var workers: [Worker] = []
    /// When a worker was last started for a database: nanoseconds of the monotonic clock.
    var starts: [UInt32: UInt64] = [:]
  }

  private let latch = Latch()
  private let stopping = Atomic<Bool>(false)
  private let running = Atomic<Int>(0)
  private let state = Locked(State())
  private let thread = Locked<NamedThread?>(nil)

  /// With `autovacuum=off`, too, numbers must not run out: starts it where the oldest one that some table holds has
  /// become too old (PostgreSQL's GetNewTransactionId asks for that).
  func startIfForced(_ database: Database) {
    guard isForced(database) else { return }
    do throws(IOError) {
      try start(database)
    } catch {
      database.configuration.onNotice("autovacuum launcher: \(error)")
    }
  }

  private func isForced(_ database: Database) -> Bool {
    let oldest = database.transactions.oldest.xid
    let next = database.transactions.next.short
    guard oldest.isNormal, oldest.precedes(next) else { return false }
    return Int(next.rawValue &- oldest.rawValue) > database.settings[.autovacuumFreezeMaxAge]
  }

  /// Starts its thread, unless it runs.
  /// - Throws: ``IOError`` where there is none.
  func start(_ database: Database) throws(IOError) {
    try thread.withLock { thread throws(IOError) in
      guard thread == nil, !isStopping else { return }
      thread = try NamedThread("autovacuum lau") { [unowned database, self] in run(database) }
    }
  }

  /// Ends it and its workers, and waits for that.
  func stop(_ database: Database) {
    stopping.store(true, ordering: .sequentiallyConsistent)
    latch.set()
    // Those that wait, or sleep, are to notice.
    for locker in database.locks.lockers where locker.background != .none { locker.raise(.terminate) }
    let launcher = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    launcher?.join()
    for locker in database.locks.lockers where locker.background != .none { locker.raise(.terminate) }
    let workers = state.withLock { state in
      defer { state.workers = [] }
      return state.workers
    }
    for worker in workers { worker.join() }
  }

  /// Lets go of workers that have ended.
  private func reap() {
    let ended = state.withLock { state in
      let ended = state.workers.filter { $0.hasEnded.load(ordering: .acquiring) }
      state.workers.removeAll { worker in ended.contains { $0 === worker } }
      return ended
    }
    for worker in ended { worker.join() }
  }

  var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

  /// Workers that are at work now.
  var runningWorkers: Int { running.load(ordering: .relaxed) }

  private func run(_ database: Database) {
    let naptime = Int64(database.settings[.autovacuumNaptime]) * 1_000_000_000
    while !isStopping {
      latch.reset()
      if !isStopping { latch.wait(naptime) }
      reap()
      guard !isStopping, database.isRunning, database.settings[.autovacuum] || isForced(database) else { continue }
      do throws(EngineError) {
        for oid in try databases(database) where !isStopping { try startWorker(oid, database) }
      } catch {
        database.configuration.onNotice("autovacuum launcher: \(error.message)")
      }
    }
  }

  /// All databases, the one whose last turn is longest ago first.
  private func databases(_ database: Database) throws(EngineError) -> [UInt32] {
    let session = try database.makeSession("autovacuum launcher", isBackground: true, kind: .autovacuumLauncher)
    defer { session.close() }
    let found = try session.transaction { session throws(EngineError) in
      let shared = SessionCatalog(session, try session.database.sharedCatalog())
      return try shared.rows(CatalogColumns.Database.self).map { ($0[.oid].oid, $0[.datallowconn].bool) }
    }
    let starts = state.withLock { $0.starts }
    // One that nobody can connect to does not change.
    return found.filter(\.1).map(\.0).sorted { starts[$0] ?? 0 < starts[$1] ?? 0 }
  }

  private func startWorker(_ oid: UInt32, _ database: Database) throws(EngineError) {
    guard runningWorkers < database.settings[.autovacuumMaxWorkers] else { return }
    let session = Moved(try database.makeSession("autovacuum worker", isBackground: true, kind: .autovacuumWorker))
    running.add(1, ordering: .relaxed)
    let worker = Worker()
    do throws(IOError) {
      let thread = try NamedThread("autovacuum wor", stackBytes: 2 << 20) { [unowned database, self] in
        defer {
          session.value.close()
          running.subtract(1, ordering: .relaxed)
          worker.hasEnded.store(true, ordering: .releasing)
        }
        do throws(EngineError) {
          _ = try AutovacuumWorker(database, session.value) { self.isStopping }.run(oid)
        } catch {
          guard !isStopping, error.sqlState != "3D000" else { return }
          database.configuration.onNotice("autovacuum worker: \(error.message)")
        }
      }
      worker.thread.withLock { $0 = thread }
      state.withLock { state in
        state.workers.append(worker)
        state.starts[oid] = monotonicNanoseconds()
      }
    } catch {
      running.subtract(1, ordering: .relaxed)
      throw EngineError(error)
    }
  }
}

extension Database {
  /// Vacuums and analyzes now what needs it in one database, on the calling thread, whatever `autovacuum_naptime` says.
  /// - Returns: how many tables were vacuumed, and how many analyzed.
  /// - Throws: ``EngineError``.
  package func runAutovacuum(_ databaseID: UInt32) throws(EngineError) -> (vacuumed: Int, analyzed: Int) {
    let session = try makeSession("autovacuum worker", isBackground: true, kind: .autovacuumWorker)
    defer { session.close() }
    let report = try AutovacuumWorker(self, session) { false }.run(databaseID)
    return (report.vacuumed, report.analyzed)
  }
}
