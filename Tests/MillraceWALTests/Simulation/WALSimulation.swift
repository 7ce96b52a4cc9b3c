import MillraceIO
import MillraceSimulation
import MillraceStorage

@testable import MillraceWAL

/// A log on a simulated disk through several lives, each ended by a crash at any moment, all from one seed. After each
/// crash the log is read: what was acknowledged is there, what is there is a beginning of what was inserted, and the
/// log goes on from its end.
struct WALSimulation {
  struct Inserted: Equatable {
    let start: UInt64
    let end: UInt64
    let data: [UInt8]
  }

  let seed: UInt64
  private var random: SimulationRandom
  private let disk: SimulatedDisk
  private var configuration: WALConfiguration
  private let builder = WALRecordBuilder()
  private let lengths: Lengths
  private let faults: FaultModel

  /// Every record that is in the log, by what is known.
  private var history: [Inserted] = []
  /// How many of them were acknowledged.
  private var acknowledged = 0
  /// Records before this have been given up by a checkpoint.
  private var first = 0
  private var redo: LogSequenceNumber
  private var number: UInt64 = 0

  // What was seen to happen, so that a test can tell that it did.
  private(set) var crashes = 0
  private(set) var lost = 0
  private(set) var stops = 0
  private(set) var recycled: UInt64 = 0
  /// Segments by which writing was ahead of what is durable, at most.
  private(set) var depthInSegments: UInt64 = 0

  /// How long records are. Where a life puts its records into the same places as the one before, what that has left
  /// behind the end looks like a continuation.
  private enum Lengths {
    case random
    case uniform(Int)
    /// Every record ends where its page ends.
    case pageFilling
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// - Parameter configure: changes what the seed has drawn.
  init(seed: UInt64, configure: (inout WALConfiguration) -> Void = { _ in }) throws {
    self.seed = seed
    random = SimulationRandom(seed: seed)
    disk = SimulatedDisk(seed: random.next())
    try disk.makeDirectory("pg_wal")
    try disk.syncDirectory("")
    configuration = WALConfiguration(directory: "pg_wal", systemIdentifier: 7)
    configuration.fileSystem = disk
    configuration.segmentSize = 1 << 20
    configuration.hugePages = .off
    configuration.initializesWithZeros = !random.oneIn(4)
    configuration.syncMethod = random.element(of: WALSetup.syncMethods)
    configuration.isDirect = random.oneIn(2)
    configuration.isInitializationDirect = random.oneIn(2)
    configuration.sizeMin = UInt64(random.number(in: 2...6)) << 20
    configuration.padsPartialPages = random.oneIn(5)
    let kinds: [Lengths] = [.random, .random, .uniform(0), .uniform(38), .uniform(3000), .pageFilling]
    lengths = random.element(of: kinds)
    var faults = FaultModel()
    faults.losesUnsyncedWrites = !random.oneIn(5)
    faults.tearsUnsyncedWrites = random.oneIn(2)
    faults.losesUnsyncedNames = random.oneIn(2)
    faults.shortTransfers = random.oneIn(2) ? 10 : 0
    faults.tryAgain = random.oneIn(2) ? 10 : 0
    faults.writeErrors = random.oneIn(5) ? 100 : 0
    faults.syncErrors = random.oneIn(5) ? 50 : 0
    self.faults = faults
    redo = LogSequenceNumber(configuration.segmentSize)
    configure(&configuration)
  }

  mutating func run(lives: Int, stepsMax: Int) throws {
    for _ in 0..<lives {
      // A short life leaves most of what the one before has left.
      try live(steps: random.below(random.oneIn(2) ? 5 : stepsMax + 1))
      try recover()
    }
  }

  // MARK: Living

  private mutating func live(steps: Int) throws {
    configuration.bufferPages = random.element(of: [4, 6, 16, 64, 800])
    configuration.ioTargetPages = random.element(of: [0, 1, 2, 8])
    configuration.ioConcurrency = random.element(of: [1, 2, 32])
    configuration.commitBatchesMax = random.element(of: [1, 2, 4])
    configuration.learnsCommitDepth = false
    var io = IOConfiguration()
    io.handlesPerBackend = random.element(of: [1, 4, 32])
    io.backendsMax = 4
    let simulation = try SimulatedEngine(seed: random.next(), configuration: io, disk: disk)
    let backend = try simulation.engine.makeBackend("committer")
    let writerBackend = try simulation.engine.makeBackend("WAL writer")
    let end = history.last?.end ?? configuration.segmentSize
    let point = WALResumePoint(
      position: LogSequenceNumber(end), lastRecord: LogSequenceNumber(history.last?.start ?? 40), redoPosition: redo)
    disk.faults = .none
    let log = try WriteAheadLog(engine: simulation.engine, configuration, at: point, backend: backend)
    disk.faults = faults
    let writer = WALWriter(log, backend: writerBackend)
    do {
      for _ in 0..<steps { try step(log, writer, backend) }
    } catch let error as WALError {
      guard faults.writeErrors > 0 || faults.syncErrors > 0 else { throw Failure(description: "stopped: \(error)") }
      stops += 1
    }
    noteAcknowledged(log)
    recycled += log.segments.statistics.recycled
    simulation.crash()
    crashes += 1
    log.close(backend: backend)
    writerBackend.close()
    backend.close()
  }

  private mutating func step(_ log: WriteAheadLog, _ writer: WALWriter, _ backend: IOBackend) throws {
    switch random.below(16) {
    case 0...6: try insert(log, backend)
    case 7...9:
      try insert(log, backend)
      try log.flush(upTo: log.reservedPosition, backend: backend)
      guard log.flushedPosition >= log.reservedPosition else { throw Failure(description: "flush returned too early") }
    case 10: try log.startFlush(upTo: log.reservedPosition, backend: backend)
    case 11: try log.writeCompletePages(backend: backend)
    case 12: try writer.round(now: random.oneIn(2) ? 0 : .max)
    case 13:
      if let last = history.last { log.commitInBackground(LogSequenceNumber(last.end)) }
    case 14: backend.reap(atLeast: random.below(backend.outstandingCount + 1))
    default: if random.oneIn(2) { try checkpoint(log, backend) }
    }
    // What a crash can leave behind the end of the log lies in these segments.
    let limit =
      (log.flushedPosition.rawValue / configuration.segmentSize + WALTail.segmentsNotDurable)
      * configuration.segmentSize
    guard log.writes.initiated <= limit else {
      throw Failure(
        description: "the log was written to \(log.writes.initiated), and is durable to \(log.flushedPosition)")
    }
    depthInSegments = max(
      depthInSegments,
      log.writes.initiated / configuration.segmentSize - log.flushedPosition.rawValue / configuration.segmentSize)
    noteAcknowledged(log)
  }

  private mutating func insert(_ log: WriteAheadLog, _ backend: IOBackend) throws {
    number += 1
    let length = nextLength(log)
    var data = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
    // Every record is unlike every other, as far as there is room for a number.
    withUnsafeBytes(of: number.littleEndian) { bytes in
      for index in 0..<min(length, 8) { data[index] = bytes[index] }
    }
    let (start, end) = try WALRig.insert(data, log, builder, backend)
    history.append(Inserted(start: start.rawValue, end: end.rawValue, data: data))
  }

  private mutating func nextLength(_ log: WriteAheadLog) -> Int {
    switch lengths {
    case .random: return random.oneIn(10) ? random.below(400_000) : random.below(500)
    case .uniform(let length): return length
    case .pageFilling:
      let data = 8192 - Int(log.insertPosition.rawValue % 8192) - WALLayout.recordHeaderSize
      return data < 8 ? 0 : data - (data <= 257 ? 2 : 5)
    }
  }

  private mutating func checkpoint(_ log: WriteAheadLog, _ backend: IOBackend) throws {
    guard !configuration.padsPartialPages, let last = history.last else { return }
    try log.flush(upTo: LogSequenceNumber(last.end), backend: backend)
    noteAcknowledged(log)
    first = history.count - 1
    redo = LogSequenceNumber(last.start)
    try log.segments.removeOld(redoPosition: redo, previousRedoPosition: nil, end: log.reservedPosition)
  }

  private mutating func noteAcknowledged(_ log: WriteAheadLog) {
    let flushed = log.flushedPosition.rawValue
    while acknowledged < history.count, history[acknowledged].end <= flushed { acknowledged += 1 }
  }

  // MARK: Recovering

  private mutating func recover() throws {
    let geometry = WALGeometry(segmentSize: configuration.segmentSize)
    let begin = first < history.count ? history[first].start : configuration.segmentSize
    let image = LogImage(geometry, from: begin, previous: first > 0 ? history[first - 1].start : 40) { [disk] number in
      disk.contents(of: "pg_wal/\(WALSegmentName(timeline: 1, number: number, segmentSize: geometry.segmentSize))")
    }
    var expected = first
    var found: [Inserted] = Array(history[..<first])
    for record in image.records {
      let one = Inserted(start: record.start, end: record.end, data: record.data)
      if expected < history.count, history[expected] == one {
        expected += 1
      } else if !(configuration.padsPartialPages && record.data.allSatisfy { $0 == 0 }) {
        throw Failure(
          description: "a record at \(LogSequenceNumber(record.start)) was found that is not the next one inserted")
      }
      found.append(one)
    }
    guard expected >= acknowledged else {
      throw Failure(
        description: "\(acknowledged) records were acknowledged, and \(expected) are there: \(image.reason)")
    }
    lost += history.count - expected
    history = found
    acknowledged = history.count
    // What is there counts from now on, whoever was told.
    if first >= history.count { first = max(history.count - 1, 0) }
  }
}
