import Glibc
import MillraceSimulation

@testable import MillraceIO
@testable import MillraceStorage

/// One run of floor 2's writing side on a simulated disk: sessions that change pages, append blocks, set hint bits and
/// write ranges out, checkpoints, a background writer, a pool that is mostly too small, every step drawn from a seed.
/// Writes are delayed, reordered, cut short, told to try again, and fail; the disk may be full. It checks
///
/// - that a page read again is as it was left, whatever went out and came in meanwhile, and that its checksum is right;
/// - that no page goes out before its log, and every error has its cause on the disk;
/// - that a checkpoint that succeeded survives a loss of power: a page not changed since is on disk as it was then;
/// - that, with the faults switched off, everything gets to disk, and nothing is held in the end.
final class WriteSimulation {
  typealias Failure = StorageSimulation.Failure

  /// What has been met, summed up over runs.
  struct Encounters: Equatable {
    var changes = 0
    var hints = 0
    var extended = 0
    var written = 0
    var writeErrors = 0
    var full = 0
    var shortages = 0
    var checkpoints = 0
    var failedCheckpoints = 0
    var logFlushes = 0
    var waits = 0
    var crashes = 0

    mutating func add(_ other: Encounters) {
      changes += other.changes
      hints += other.hints
      extended += other.extended
      written += other.written
      writeErrors += other.writeErrors
      full += other.full
      shortages += other.shortages
      checkpoints += other.checkpoints
      failedCheckpoints += other.failedCheckpoints
      logFlushes += other.logFlushes
      waits += other.waits
      crashes += other.crashes
    }
  }

  static let path = "base/5/16384"
  static let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)

  let seed: UInt64
  var random: SimulationRandom
  let disk: SimulatedDisk
  let simulation: SimulatedEngine
  let pool: BufferPool
  let storage: StorageManager
  let fork: StoredFork
  let log = RecordingGuard()
  private let watch: LogWatch
  private let blocksPerSegment: UInt32
  private let combineLimit: Int
  private var backends: [IOBackend] = []
  private var streams: [WriteStream] = []
  private let writer: BackgroundWriter
  private let writerBackend: IOBackend
  /// What each block holds, and the end of the log record that gave it that.
  private var values: [UInt64] = []
  /// What of that was on disk at the last checkpoint that succeeded; nil where it has been changed since.
  private var checkpointed: [UInt64?] = []
  /// Blocks that a failed sync may have lost.
  private var doubtful: Set<Int> = []
  private var nextLSN: UInt64 = 1
  var met = Encounters()

  /// Sees every write when it has ended, and notes pages whose log was not durable.
  final class LogWatch: IOInjection, @unchecked Sendable {
    // Safe because a simulation runs on one thread.
    weak var pool: BufferPool?
    var tooEarly = 0

    override func result(_ raw: Int64, of io: borrowing CompletionContext, path: String) -> Int64 {
      guard let pool, io.operation == .writev, let flushed = pool.flushedPosition else { return raw }
      for buffer in io.data where PageHeader.lsn(of: pool.page(buffer)) > flushed { tooEarly += 1 }
      return raw
    }
  }

  init(seed: UInt64) throws {
    self.seed = seed
    var random = SimulationRandom(seed: seed)
    var faults = FaultModel(from: &random)
    (faults.latentSectorErrors, faults.badSectorsFail) = (0, false)
    faults.losesUnsyncedWrites = true
    disk = SimulatedDisk(seed: random.next())
    let combineLimit = random.element(of: [1, 2, 3, 7, 16])
    self.combineLimit = combineLimit
    var configuration = IOConfiguration()
    configuration.handlesPerBackend = random.element(of: [1, 2, 4, 64])
    configuration.vectorsPerHandle = combineLimit
    configuration.backendsMax = 8
    if random.oneIn(2) { configuration.mergedBytesMax = 0 }
    watch = LogWatch()
    simulation = try SimulatedEngine(
      seed: random.next(), configuration: configuration, disk: disk, latency: nil, injection: watch)
    pool = try BufferPool(engine: simulation.engine, count: random.element(of: [16, 17, 24, 40, 100]))
    watch.pool = pool
    if !random.oneIn(3) { pool.flushGuard = log }
    blocksPerSegment = random.element(of: [3, 10, 40, 1000])
    storage = StorageManager(
      engine: simulation.engine, directory: "", blocksPerSegment: blocksPerSegment, isDirect: random.oneIn(2),
      fileSystem: disk, isWritable: true, syncPolicy: .failureIsRetried)
    try disk.openFile(Self.path, [.create, .write]).close()
    try disk.syncDirectory("base/5")
    fork = storage.open(Self.locator)
    for number in 0..<3 { backends.append(try simulation.engine.makeBackend("session \(number)")) }
    for backend in backends {
      var configuration = WriteStreamConfiguration()
      configuration.ioConcurrency = random.element(of: [1, 2, 5, 16])
      configuration.batchLimit = random.element(of: [0, 1, 3, 9])
      configuration.flushAfter = random.element(of: [0, 4, 32])
      streams.append(WriteStream(pool, backend, configuration: configuration))
    }
    writerBackend = try simulation.engine.makeBackend("background writer")
    writer = BackgroundWriter(pool, writerBackend)
    self.random = random
    disk.faults = faults
    disk.capacity = faults.isBounded ? random.number(in: 40...120) * PageLayout.blockSize : .max
  }

  func failure(_ what: String) -> Failure { Failure(seed: seed, what: what) }

  // MARK: Steps

  func run() throws -> Encounters {
    try extend(by: 8, backends[0])
    for _ in 0..<random.number(in: 50...300) { try step() }
    if random.oneIn(2) { try losePower() } else { try settle() }
    met.written = Int(pool.statistics.blocksWritten)
    met.waits = Int(pool.statistics.writesWaitedFor)
    met.logFlushes = log.flushes.count
    pool.flushGuard = nil
    return met
  }

  private func step() throws {
    let number = random.below(backends.count)
    let (backend, stream) = (backends[number], streams[number])
    switch random.below(30) {
    case 0: try checkpoint(backend)
    case 1: _ = writer.round()
    case 2: simulation.clock.advance(by: UInt64(random.below(1_000_000)))
    case 3, 4: try extend(by: random.number(in: 1...9), backend)
    case 5, 6: addRange(to: stream)
    case 7: stream.start()
    case 8: try finish(stream)
    case 9, 10: try attempt { try setHint(backend) }
    case 11...15: try attempt { try look(backend) }
    default: try attempt { try change(backend) }
    }
    if watch.tooEarly > 0 { throw failure("a page went out before its log") }
  }

  /// Does something that may fail, and checks that failing has a cause.
  private func attempt(_ body: () throws -> Void) throws {
    do { try body() } catch let error as StorageError { try accept(error) }
  }

  private func accept(_ error: StorageError) throws {
    let counts = disk.faultCounts
    switch error.code {
    case .noUnpinnedBuffers:
      met.shortages += 1
      guard (0..<UInt32(pool.count)).allSatisfy({ pool.state($0).pins > 0 }) else {
        throw failure("buffers were said to be all pinned and are not")
      }
    case .io(let cause) where cause.errno == EIO && counts.writeErrors > 0: met.writeErrors += 1
    case .io(let cause) where cause.errno == ENOSPC && counts.noSpace > 0: met.full += 1
    case .io(let cause) where cause.errno == EROFS && counts.readOnly > 0: met.writeErrors += 1
    default: throw failure("\"\(error)\" has no cause")
    }
  }

  private func anyBlock() -> UInt32? { values.isEmpty ? nil : UInt32(random.below(values.count)) }

  private func check(_ page: borrowing PinnedBuffer, _ block: UInt32) throws {
    let value = page.bytes.load(fromByteOffset: StorageRig.valueOffset, as: UInt64.self)
    guard value == values[Int(block)] else {
      throw failure("block \(block) holds \(value) and not \(values[Int(block)])")
    }
  }

  private func look(_ backend: IOBackend) throws {
    guard let block = anyBlock() else { return }
    try check(try pool.read(fork, BlockNumber(block), backend), block)
  }

  private func change(_ backend: IOBackend) throws {
    guard let block = anyBlock() else { return }
    var page = try pool.read(fork, BlockNumber(block), backend)
    try check(page, block)
    page.lock(.exclusive, backend: backend)
    write(&page, block)
    met.changes += 1
  }

  /// Gives a locked page a new value, as a log record would.
  private func write(_ page: inout PinnedBuffer, _ block: UInt32) {
    if PageView(page.bytes).isNew {
      PageHeader().store(to: page.mutableBytes)
    }
    page.mutableBytes.storeBytes(of: nextLSN, toByteOffset: StorageRig.valueOffset, as: UInt64.self)
    page.markDirty()
    values[Int(block)] = nextLSN
    checkpointed[Int(block)] = nil
    doubtful.remove(Int(block))
    page.setLSN(LogSequenceNumber(nextLSN))
    log.insert(upTo: random.oneIn(2) ? nextLSN : nextLSN - 1)
    nextLSN += 1
  }

  private func setHint(_ backend: IOBackend) throws {
    guard let block = anyBlock() else { return }
    var page = try pool.read(fork, BlockNumber(block), backend)
    page.lock(.share, backend: backend)
    guard !PageView(page.bytes).isNew, page.tryUpgrade() else { return }
    page.mutableBytes.storeBytes(of: UInt32(random.below(1000)), toByteOffset: 7000, as: UInt32.self)
    page.markDirtyHint()
    checkpointed[Int(block)] = nil
    doubtful.remove(Int(block))
    met.hints += 1
  }

  private func extend(by count: Int, _ backend: IOBackend) throws {
    try attempt {
      var blocks = try pool.extend(fork, by: count, backend)
      while true {
        guard var page = blocks.next() else { return }
        let block = page.block.rawValue
        // Ranges that failed leave new pages behind.
        while values.count <= Int(block) {
          values.append(0)
          checkpointed.append(nil)
        }
        guard PageChecksum.isAllZero(page.bytes) else { throw failure("a new block is not full of zeros") }
        if page.lockMode == nil { page.lock(.exclusive, backend: backend) }
        write(&page, block)
        met.extended += 1
      }
    }
  }

  private func addRange(to stream: WriteStream) {
    guard let first = anyBlock() else { return }
    for block in first..<min(first + UInt32(random.number(in: 1...30)), UInt32(values.count)) {
      let tag = BufferTag(fork.id, block)
      if let buffer = pool.table.find(tag) { stream.add(buffer, tag) }
    }
  }

  private func finish(_ stream: WriteStream) throws { try attempt { try stream.finish() } }

  private func checkpoint(_ backend: IOBackend) throws {
    let before = values
    var configuration = WriteStreamConfiguration()
    configuration.combineLimit = combineLimit
    do {
      _ = try BufferCheckpoint(pool, backend, configuration: configuration).run(.none)
      _ = try storage.syncRequests.syncAll(backend)
      met.checkpoints += 1
      for block in before.indices where !doubtful.contains(block) { checkpointed[block] = before[block] }
    } catch {
      met.failedCheckpoints += 1
      guard case .syncFailed = error.code else { return try accept(error) }
      guard disk.faultCounts.syncErrors > 0 else { throw failure("\"\(error)\" has no cause") }
      // What a failed sync has lost no later one brings back, until the page is written again.
      for block in checkpointed.indices where checkpointed[block] == nil { doubtful.insert(block) }
    }
  }

  // MARK: Ends

  /// The faults end: everything gets to disk, and nothing is held.
  private func settle() throws {
    disk.faults = .none
    disk.capacity = .max
    for stream in streams { try? stream.finish() }
    try pool.flush(fork, backends[0])
    _ = try storage.syncRequests.syncAll(backends[0])
    streams = []
    for backend in backends + [writerBackend] {
      backend.reap(atLeast: backend.outstandingCount)
      guard backend.outstandingCount == 0 else { throw failure("I/O is left") }
    }
    for (block, value) in values.enumerated() {
      guard onDisk(UInt32(block)) == value else {
        throw failure("block \(block) holds \(String(describing: onDisk(UInt32(block)))) on disk and not \(value)")
      }
    }
    guard pool.pinCount == 0, pool.writeBudget.usedCount == 0, simulation.inFlightCount == 0 else {
      throw failure("pins, budget or I/O are left")
    }
    for buffer in 0..<UInt32(pool.count) {
      let seen = pool.state(buffer)
      guard seen.rawValue >> 32 == 0, !seen.has(BufferState.ioInProgress | BufferState.dirty) else {
        throw failure("buffer \(buffer) is left locked, dirty or in I/O")
      }
    }
  }

  /// The value of a block in the files; nil where its page does not verify, 0 where it is new.
  private func onDisk(_ block: UInt32) -> UInt64? {
    let number = block / blocksPerSegment
    guard let file = disk.contents(of: number == 0 ? Self.path : "\(Self.path).\(number)") else { return nil }
    let start = Int(block % blocksPerSegment) * PageLayout.blockSize
    guard file.count >= start + PageLayout.blockSize else { return nil }
    let page = Array(file[start..<start + PageLayout.blockSize])
    guard page.verdict(block: block).isValid else { return nil }
    return page.withPage { $0.loadUnaligned(fromByteOffset: StorageRig.valueOffset, as: UInt64.self) }
  }

  /// What was not synced is lost, in part.
  private func losePower() throws {
    simulation.crash()
    met.crashes += 1
    for (block, value) in checkpointed.enumerated() {
      guard let value else { continue }
      guard onDisk(UInt32(block)) == value else {
        throw failure("block \(block) did not survive: \(String(describing: onDisk(UInt32(block)))) and not \(value)")
      }
    }
    // Whatever comes of it, nobody waits for ever.
    disk.faults = .none
    for stream in streams { try? stream.finish() }
    streams = []
    for backend in backends + [writerBackend] { backend.reap(atLeast: backend.outstandingCount) }
  }
}
