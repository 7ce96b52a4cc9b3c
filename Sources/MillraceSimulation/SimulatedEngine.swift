public import MillraceIO

/// A real ``IOEngine`` on a simulated disk and in virtual time, all from one seed: the same seed and the same calls, by
/// one thread, give the same run, down to every fault.
///
///     let simulation = try SimulatedEngine(seed: 42)
///     let file = try simulation.disk.openFile("data", [.write, .create])
///     let backend = try simulation.engine.makeBackend("test")
///
/// Nothing happens by itself: I/O completes when somebody waits for it or asks after it, and sometimes when more is
/// submitted, in an order that follows from latencies drawn from the seed. Files of the real file system can be used as
/// well; then only the order is simulated.
public final class SimulatedEngine: Sendable {
  public let seed: UInt64
  public let engine: IOEngine
  public let disk: SimulatedDisk
  public let clock: SimulatedClock
  private let scheduler: SimulatedScheduler

  /// - Parameters:
  ///   - seed: determines everything that is not given.
  ///   - configuration: its method does not matter.
  ///   - disk: one that has a past, such as a crash; otherwise a new one, whose faults the seed determines.
  ///   - latency: drawn from the seed unless given.
  public convenience init(
    seed: UInt64, configuration: IOConfiguration = IOConfiguration(), disk: SimulatedDisk? = nil,
    latency: LatencyModel? = nil
  ) throws(IOError) {
    try self.init(seed: seed, configuration: configuration, disk: disk, latency: latency, injection: nil)
  }

  /// - Parameter injection: sees every raw result before the engine does.
  package init(
    seed: UInt64, configuration: IOConfiguration, disk: SimulatedDisk?, latency: LatencyModel?, injection: IOInjection?
  ) throws(IOError) {
    var random = SimulationRandom(seed: seed)
    var (diskRandom, schedulerRandom) = (random.split(), random.split())
    self.seed = seed
    let disk = disk ?? SimulatedDisk(seed: diskRandom.next(), faults: FaultModel(from: &diskRandom))
    self.disk = disk
    clock = SimulatedClock()
    let drawn = LatencyModel(from: &schedulerRandom)
    scheduler = SimulatedScheduler(random: schedulerRandom, latency: latency ?? drawn, clock: clock, disk: disk)
    var configuration = configuration
    configuration.method = .simulation
    let method = MethodSimulation(configuration, scheduler: scheduler)
    engine = try IOEngine(configuration, method: method, injection: injection)
  }

  /// What takes how long from now on.
  public var latency: LatencyModel {
    get { scheduler.latency }
    set { scheduler.latency = newValue }
  }

  /// I/Os in flight, after merging.
  public var inFlightCount: Int { scheduler.inFlightCount }

  /// The moment of virtual time at which the next I/O in flight ends; nil where none is.
  public var nextCompletion: UInt64? { scheduler.nextEnd }

  /// The machine loses its power: some writes in flight may have had their effect, of the rest
  /// ``SimulatedDisk/crash()`` tells. All I/O in flight fails with EIO when it is waited for. What comes up again is
  /// another engine on the same disk.
  public func crash() {
    scheduler.interrupt(EngineReference(engine))
    disk.crash()
  }

  /// The process is killed and the machine goes on: some writes in flight may have had their effect, and what was
  /// written is there for the next process, but not durable by that (``SimulatedDisk/endProcess()``).
  public func kill() {
    scheduler.interrupt(EngineReference(engine))
    disk.endProcess()
  }
}
