import MillraceSimulation

@testable import MillraceIO

/// A random run of an engine on a simulated disk whose every result is compared with a model: files that are arrays of
/// bytes, and the rules of handles and references.
///
/// One thread drives several backends. I/Os in flight never overlap where one writes, so that the model knows what each
/// of them must find; everything else is left to chance, faults included. An error must have a fault as its cause.
final class ModelRun {
  /// Something that an engine without bugs does not do.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let seed: UInt64
  var random: SimulationRandom
  let simulation: SimulatedEngine
  let memory: IOMemory
  let outcomes: UnsafeMutablePointer<IOOutcome>
  var freeSlots: [Int]
  var backends: [ModelBackend] = []
  var files: [ModelFile] = []
  /// Started and not checked, by slot of memory.
  var inFlight: [Int: ModelIO] = [:]
  /// What is over, to be asked after again.
  var past: [IOReference] = []
  let log = ModelCompletion.Log()
  let layers: [IOCompletionID]
  /// Errors seen, to be compared with the faults of the disk.
  var errorsSeen = ErrorCounts()
  var startedCount = 0
  /// The rare things that have come up, so that a test can see that they do.
  var seen: Set<Sight> = []
  /// What has been done, for whoever has to find out what went wrong.
  private(set) var trace: [String] = []

  struct ErrorCounts {
    var badSector = 0
    var write = 0
    var sync = 0
    var noSpace = 0
    var readOnly = 0
  }

  enum Sight: CaseIterable {
    case merge, retry, handleWait, foreignCompletion, executionInPlace, abandonedWrite, readAtEnd, readBeyondEnd
    case badSector, failedWrite, failedSync, noSpace, readOnly, completionInSubmit
  }

  static let slotCount = 24
  static let slotBytes = 32 << 10
  static let fileBytes = 64 << 10
  static let unit = 4096

  var engine: IOEngine { simulation.engine }
  var disk: SimulatedDisk { simulation.disk }

  init(seed: UInt64, canary: ModelCanary? = nil) throws {
    self.seed = seed
    random = SimulationRandom(seed: seed ^ 0x4D4F_4445_4C)
    var configuration = IOConfiguration()
    configuration.backendsMax = 4
    configuration.handlesPerBackend = random.element(of: [1, 2, 5, 16])
    configuration.vectorsPerHandle = random.element(of: [4, 16])
    configuration.mergedBytesMax = random.element(of: [8192, 32768, 131_072])
    simulation = try SimulatedEngine(
      seed: seed, configuration: configuration, disk: nil, latency: nil,
      injection: canary.map { ModelInjection($0, seed: seed) })
    memory = try IOMemory(byteCount: Self.slotCount * Self.slotBytes)
    outcomes = .allocate(capacity: Self.slotCount)
    outcomes.initialize(repeating: .unknown, count: Self.slotCount)
    freeSlots = Array(0..<Self.slotCount)
    let (log, engine) = (log, simulation.engine)
    layers = (0..<4).map { engine.register(ModelCompletion(layer: $0, log: log)) }
    try makeFiles()
    for number in 0..<random.number(in: 1...3) {
      backends.append(ModelBackend(try engine.makeBackend("model \(number)")))
    }
  }

  deinit {
    // After a failure there is still I/O in flight into what goes now.
    for backend in backends {
      backend.submitBatch()
      backend.backend.close()
    }
    for file in files { engine.close(file.file) }
    outcomes.deallocate()
  }

  private func makeFiles() throws {
    // Made without faults; what follows meets them.
    let faults = disk.faults
    disk.faults = .none
    for number in 0..<random.number(in: 1...3) {
      let path = "file \(number)"
      let made = try disk.openFile(path, [.write, .create])
      let bytes = ModelBytes.noise(from: 1000 * number, Self.fileBytes)
      try require(
        made.write(bytes, at: 0) == bytes.count && made.sync(dataOnly: false) == 0, "a file could not be made")
      made.close()
      let isDirect = random.oneIn(2)
      files.append(
        ModelFile(path: path, isDirect: isDirect, file: try open(path, isDirect: isDirect), bytes: bytes))
    }
    disk.capacity = disk.usedBytes + random.below(8) * Self.unit
    disk.faults = faults
  }

  func open(_ path: String, isDirect: Bool) throws -> SimulatedFile {
    try disk.openFile(path, isDirect ? [.write, .direct] : [.write])
  }

  func note(_ words: @autoclosure () -> String) { trace.append(words()) }

  func require(_ condition: Bool, _ words: @autoclosure () -> String) throws {
    if !condition { throw Failure(description: words()) }
  }

  /// Does everything, then ends with faults off and nothing left.
  func run(steps: Int = 120) throws {
    for _ in 0..<steps {
      try step()
      try harvest()
    }
    try drain()
  }

  private func step() throws {
    switch random.below(100) {
    case 0..<35: startSome()
    case 35..<45: waitForOne()
    case 45..<55: reapSome()
    case 55..<63: try askAfterOne()
    case 63..<68: submitOne()
    case 68..<72: abandonOne()
    case 72..<76: try dropHandle()
    case 76..<80: try closeAndReopen()
    case 80..<88: try checkSnapshot()
    case 88..<92: try resizeOne()
    case 92..<95: try replaceBackend()
    case 95..<97: askAfterPast()
    default: switchReadOnly()
    }
  }

  /// Safety, then liveness: without faults everything in flight ends, and what was acknowledged is there.
  private func drain() throws {
    note("faults off")
    disk.faults = .none
    for backend in backends {
      backend.submitBatch()
      backend.backend.reap(atLeast: backend.backend.outstandingCount)
      try require(backend.backend.outstandingCount == 0, "I/O is outstanding after all of it was reaped")
    }
    try harvest()
    try require(inFlight.isEmpty, "an I/O has no end: \(inFlight.values.map(\.number))")
    try require(simulation.inFlightCount == 0, "the simulation has I/O that the engine does not know")
    try require(engine.snapshot().isEmpty, "a handle is in use at the end")
    for index in files.indices { try compareWholeFile(index) }
    for backend in backends { try closeChecked(backend) }
    for file in files {
      engine.close(file.file)
      try require(
        ModelBytes.areEqual(disk.contents(of: file.path)?[...] ?? [], file.bytes[...]),
        "\(file.path) differs from the model at the end")
    }
    try require(engine.backendStatistics().isEmpty, "a backend is there after its end")
  }

  func closeChecked(_ backend: ModelBackend) throws {
    backend.submitBatch()
    backend.backend.close()
    let statistics = backend.backend.statistics
    if statistics.issuedTotal < statistics.executedTotal { seen.insert(.merge) }
    if statistics.retryTotal > 0 { seen.insert(.retry) }
    if statistics.handleWaits > 0 { seen.insert(.handleWait) }
    if statistics.foreignCompletedTotal > 0 { seen.insert(.foreignCompletion) }
    if statistics.inPlaceTotal > 0 { seen.insert(.executionInPlace) }
    try require(
      statistics.executedTotal == UInt64(backend.started)
        && statistics.completedSelfTotal + statistics.foreignCompletedTotal == statistics.executedTotal
        && statistics.issuedTotal <= statistics.executedTotal && statistics.outstanding == 0,
      "a backend that was given \(backend.started) I/Os counted \(statistics)")
  }
}
