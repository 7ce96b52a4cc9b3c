import Glibc
import MillraceEngine
import MillraceIO
import MillraceSimulation
import MillraceTestSupport

/// One run of the whole engine on a simulated disk: clients whose transactions change rows of one relation, checkpoints
/// and background writing between them, on one thread, every step drawn from a seed; the machine loses its power at a
/// drawn operation of the disk and comes up again, several times, also while it recovers; or only its process is
/// killed, and what that wrote stays in the system's cache until the next loss of power. It checks
///
/// - that every commit that was acknowledged is there, and nothing of any other transaction, but for one whose commit
///   had begun: that is there as a whole or not at all;
/// - that every error has a cause on the disk;
/// - that every page verifies once a checkpoint has written all of them;
/// - that a second recovery of the same changes nothing: no relation, no commit log, not what the control file means,
///   not where the log ends;
/// - that, with the faults switched off, everything that is under way comes to an end, and nothing is held.
final class EngineSimulation {
  /// What broke, with what it takes to see it again.
  struct Failure: Error, CustomStringConvertible {
    let plan: SimulationPlan
    let what: String
    var description: String {
      "\(what)\n  \(plan)"
    }
  }

  /// What has been met, summed up over runs, to show that the runs meet what they are for.
  struct Encounters: Equatable {
    var commits = 0
    var aborts = 0
    var unacknowledged = 0
    var unacknowledgedCommitted = 0
    var checkpoints = 0
    var statementErrors = 0
    var stops = 0
    var crashes = 0
    var kills = 0
    var crashesInRecovery = 0
    var recoveries = 0
    var records = 0
    var refusedOpens = 0

    mutating func add(_ other: Encounters) {
      commits += other.commits
      aborts += other.aborts
      unacknowledged += other.unacknowledged
      unacknowledgedCommitted += other.unacknowledgedCommitted
      checkpoints += other.checkpoints
      statementErrors += other.statementErrors
      stops += other.stops
      crashes += other.crashes
      kills += other.kills
      crashesInRecovery += other.crashesInRecovery
      recoveries += other.recoveries
      records += other.records
      refusedOpens += other.refusedOpens
    }
  }

  let plan: SimulationPlan
  var random: SimulationRandom
  let disk: SimulatedDisk
  var histories: [ClientHistory]
  /// Transactions whose commit had begun when the machine, or the engine, stopped.
  var unacknowledged: [ClientHistory.Transaction?]
  var encounters = Encounters()
  private(set) var trace: [String] = []

  init(seed: UInt64, canary: SimulationPlan.Canary? = nil) throws {
    plan = SimulationPlan(seed: seed, canary: canary)
    random = SimulationRandom(seed: seed ^ 0x656E_6769_6E65)
    disk = SimulatedDisk(seed: random.next(), capacity: plan.capacity)
    histories = (0..<plan.clients).map { [plan] in
      ClientHistory(seed: seed, client: UInt16($0), usualRows: plan.usualRows, changesMax: plan.changesMax)
    }
    unacknowledged = Array(repeating: nil, count: plan.clients)
  }

  func failure(_ what: String) -> Failure { Failure(plan: plan, what: what) }

  func note(_ line: @autoclosure () -> String) {
    if Self.isTracing { print("  \(line())") }
  }

  /// Every step on standard output: `MILLRACE_TRACE=1`.
  static let isTracing = getenv("MILLRACE_TRACE") != nil

  // MARK: The run

  func run() throws(Failure) -> Encounters {
    note("seed \(plan.seed): \(plan)")
    do {
      try runToEnd()
      return encounters
    } catch let error as Failure {
      throw error
    } catch {
      // Where nothing may fail.
      throw failure("\(error)")
    }
  }

  private func runToEnd() throws {
    try SimulatedServer.initialize(disk, plan, seed: random.next())
    for _ in 0..<plan.crashes {
      guard let server = try comeUp() else { continue }
      try check(server, isSound: false)
      let clients = try work(server)
      crash(server)
      // What a session does when it ends is too late to have an effect.
      for client in clients { client.leave() }
    }
    try settle()
  }

  /// Lets the clients work until the power goes off, the engine stops, or they have done enough.
  private func work(_ server: SimulatedServer) throws -> [SimulatedClient] {
    if !random.oneIn(6) { disk.powerOff(after: drawMoment()) }
    disk.faults = plan.faults
    let clients = try histories.indices.map { try SimulatedClient($0, server) }
    let steps = random.number(in: 50...600)
    for _ in 0..<steps where disk.hasPower && !server.isStopped {
      if random.oneIn(plan.checkpointRate) {
        try checkpoint(server, clients)
      } else {
        try step(server, clients)
      }
    }
    if server.isStopped { encounters.stops += 1 }
    for client in clients { client.stop(self) }
    return clients
  }

  /// Operations until the power goes off: few as often as many.
  private func drawMoment() -> Int { random.below(1 << random.number(in: 2...13)) }

  private func step(_ server: SimulatedServer, _ clients: [SimulatedClient]) throws {
    switch true {
    case random.oneIn(plan.backgroundRate): try attempt { try server.backgroundRound() }
    case random.oneIn(30): server.simulation.clock.advance(by: UInt64(random.below(300_000_000)))
    default: try random.element(of: clients).step(self)
    }
  }

  /// Makes a checkpoint, in whose midst the others go on with what they do.
  private func checkpoint(_ server: SimulatedServer, _ clients: [SimulatedClient]) throws {
    note("checkpoint begins")
    var failure: (any Error)?
    var steps = random.below(60)
    try attempt {
      try server.checkpoint { [self] in
        do { try step(server, clients) } catch { failure = failure ?? error }
        steps -= 1
        return steps <= 0 || failure != nil || !disk.hasPower || server.isStopped
      }
      encounters.checkpoints += 1
    }
    note("checkpoint ended")
    if let failure { throw failure }
  }

  /// Does something that only a fault of the disk excuses.
  func attempt(_ body: () throws -> Void) throws {
    do { try body() } catch let error as EngineError { try justify(error) }
  }

  /// Every error has a cause.
  func justify(_ error: EngineError) throws {
    note("error: \(error)")
    encounters.statementErrors += 1
    if disk.hasPower, disk.faultCounts == FaultCounts() { throw failure("\"\(error)\", but the disk is sound") }
  }

  /// The machine stops and comes up again; what was not synced is lost as the plan says.
  private func crash(_ server: SimulatedServer) {
    note("crash after \(disk.operationCount) operations\(disk.hasPower ? "" : ", without power")")
    encounters.crashes += 1
    disk.faults = plan.faults
    server.crash(isKilled: drawKill())
  }

  /// Whether only the process ends, which is possible as long as there is power. What is put in wrong on purpose shows
  /// when the machine stops.
  private func drawKill() -> Bool {
    guard disk.hasPower, plan.canary == nil, random.oneIn(3) else { return false }
    note("the process is killed")
    encounters.kills += 1
    return true
  }

  /// Opens the cluster, in which the machine may crash again.
  /// - Returns: nil where the faults do not let it be opened.
  private func comeUp() throws -> SimulatedServer? {
    disk.faults = random.oneIn(3) ? plan.faults : .none
    if random.oneIn(3) { disk.powerOff(after: drawMoment()) }
    for _ in 0..<3 {
      let simulation = try SimulatedServer.boot(disk, plan, seed: random.next())
      do throws(EngineError) {
        let server = try SimulatedServer(simulation, plan)
        disk.faults = .none
        disk.powerOff(after: .max)
        encounters.recoveries += 1
        encounters.records += server.recoveredRecords
        return server
      } catch {
        try justify(error)
        if disk.hasPower { encounters.refusedOpens += 1 } else { encounters.crashesInRecovery += 1 }
        note("crash while it comes up")
        disk.faults = plan.faults
        if drawKill() { simulation.kill() } else { simulation.crash() }
        disk.faults = .none
      }
    }
    throw failure("the cluster cannot be opened although the disk is sound")
  }
}
