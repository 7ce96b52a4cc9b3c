import MillraceSettings
import MillraceSimulation

/// What a run is made of, all drawn from its seed: the disk and its faults, the settings, the clients.
struct SimulationPlan: CustomStringConvertible {
  /// What to break on purpose, to show that a run would find it.
  enum Canary: CaseIterable {
    /// A commit is acknowledged before its record is durable.
    case acknowledgesBeforeFlush
    /// Pages go out before the log records of their changes.
    case writesPagesBeforeLog
    /// Torn pages are not repaired, because there are no full-page images.
    case omitsFullPageImages
  }

  let seed: UInt64
  let canary: Canary?
  let clients: Int
  let faults: FaultModel
  /// Bytes of the disk, where it is bounded.
  let capacity: Int
  /// Whether there are system tables: hundreds of files that no client touches and every start has to make durable.
  let hasCatalogs: Bool
  let buffers: Int
  let assignments: [(name: String, value: String)]
  /// One in so many steps is a checkpoint, a round of the background writer, a round of the WAL writer.
  let checkpointRate: UInt32
  let backgroundRate: UInt32
  let usualRows: Int
  let changesMax: Int
  /// Times that the machine crashes.
  let crashes: Int

  init(seed: UInt64, canary: Canary? = nil) {
    var random = SimulationRandom(seed: seed)
    (self.seed, self.canary) = (seed, canary)
    clients = random.number(in: 1...6)
    var faults = FaultModel(from: &random)
    if random.oneIn(5) { faults.flushErrors = random.element(of: [3, 10, 50]) }
    hasCatalogs = canary == nil && seed % 16 == 0
    capacity = random.number(in: 5...12) << 20
    buffers = random.element(of: [16, 17, 24, 48, 128])
    checkpointRate = random.element(of: [0, 20, 60, 300])
    backgroundRate = random.element(of: [0, 5, 40])
    usualRows = random.element(of: [5, 40, 150])
    changesMax = random.element(of: [1, 3, 8, 16])
    crashes = random.number(in: 1...3)
    var assignments: [(String, String)] = [
      ("io_method", "sync"),
      ("io_combine_limit", random.element(of: ["8kB", "32kB", "128kB"])),
      ("wal_buffers", random.element(of: ["32kB", "64kB", "512kB"])),
      ("wal_sync_method", random.element(of: ["fsync", "fdatasync", "open_sync", "open_datasync"])),
      ("io_direct", random.element(of: ["", "data", "wal", "data,wal", "data,wal,wal_init"])),
      ("wal_init_zero", random.element(of: ["on", "off"])),
      ("wal_recycle", random.element(of: ["on", "off"])),
      ("max_wal_size", "4MB"), ("min_wal_size", "2MB"),
      ("checkpoint_flush_after", random.element(of: ["0", "8kB", "64kB"])),
      ("io_max_concurrency", random.element(of: ["4", "16", "64"])),
      ("io_wal_concurrency", random.element(of: ["1", "2", "32"])),
    ]
    if canary != nil {
      // Nothing else shall be in the way of what the canary is to be found by.
      faults = .none
      faults.losesUnsyncedWrites = true
      faults.tearsUnsyncedWrites = true
    }
    if canary == .acknowledgesBeforeFlush { assignments.append(("synchronous_commit", "off")) }
    if canary == .omitsFullPageImages { assignments.append(("full_page_writes", "off")) }
    self.faults = faults
    self.assignments = assignments
  }

  var description: String {
    let settings = assignments.filter { !$0.value.isEmpty }.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    return "\(clients) clients, \(buffers) buffers, \(settings); \(faults)"
  }
}
