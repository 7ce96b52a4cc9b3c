import Glibc
import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("segments of the log")
struct WALSegmentDirectoryTests {
  private static let size: UInt64 = 1 << 20

  /// A directory of segments, and what makes them.
  private struct Rig {
    let rig: WALRig
    var segments: WALSegmentDirectory { rig.log.segments }
    var backend: IOBackend { rig.backend }

    init(_ kind: IOMethodKind = .simulation, _ configure: (inout WALConfiguration) -> Void = { _ in }) throws {
      rig = try WALRig(WALSetup(kind: kind), configure: configure)
    }

    func make(_ numbers: Range<UInt64>) throws {
      try segments.prepare(through: numbers.upperBound - 1, from: numbers.lowerBound, backend: backend)
    }

    var numbers: [UInt64] { get throws { try segments.list().map(\.number) } }
  }

  @Test("a new segment is whole, zero and durable", arguments: WALSetup.kinds, [false, true])
  func zeros(kind: IOMethodKind, isDirect: Bool) throws {
    let rig = try Rig(kind) { $0.isInitializationDirect = isDirect }
    try rig.make(5..<7)
    for number: UInt64 in 5...6 {
      let bytes = try #require(rig.rig.contents(number))
      #expect(bytes.count == Int(Self.size) && bytes.allSatisfy { $0 == 0 })
    }
    #expect(rig.rig.names == ["000000010000000000000005", "000000010000000000000006"])
    #expect(rig.backend.outstandingCount == 0)
  }

  @Test("without wal_init_zero a segment has its length and no more", arguments: [false, true])
  func lastBlockOnly(isDirect: Bool) throws {
    let rig = try Rig {
      $0.initializesWithZeros = false
      $0.isInitializationDirect = isDirect
    }
    try rig.make(1..<2)
    #expect(rig.rig.contents(1)?.count == Int(Self.size))
    #expect(try #require(rig.rig.disk).usedBytes == 8192)
  }

  @Test("a crash while a segment is made leaves none, or a whole one", arguments: 0..<20)
  func crash(seed: UInt64) throws {
    let disk = SimulatedDisk(seed: seed)
    try disk.makeDirectory("pg_wal")
    try disk.syncDirectory("")
    disk.faults.losesUnsyncedWrites = true
    disk.faults.losesUnsyncedNames = true
    disk.faults.writeErrors = seed % 2 == 0 ? 20 : 0
    let simulation = try SimulatedEngine(seed: seed, disk: disk)
    let backend = try simulation.engine.makeBackend("test")
    var configuration = WALConfiguration(directory: "pg_wal", systemIdentifier: 1)
    configuration.fileSystem = disk
    configuration.segmentSize = Self.size
    let segments = WALSegmentDirectory(configuration)
    var made = 0
    do {
      for number: UInt64 in 1...4 {
        try segments.prepare(through: number, from: number, backend: backend)
        made += 1
      }
    } catch {
      #expect(error.errno == EIO)
    }
    simulation.crash()
    let names = try disk.list("pg_wal")
    let whole = names.compactMap { WALSegmentName($0, segmentSize: Self.size) }
    #expect(whole.count >= made)
    for name in whole {
      let bytes = try #require(disk.contents(of: "pg_wal/\(name)"))
      #expect(bytes.count == Int(Self.size) && bytes.allSatisfy { $0 == 0 })
    }
    try segments.removeTemporaryFiles()
    #expect(try disk.list("pg_wal").count == whole.count)
  }

  @Test("old segments are renamed to the next free numbers, as many as are expected to be needed")
  func recycle() throws {
    let rig = try Rig {
      $0.sizeMin = 4 << 20
      $0.sizeMax = 8 << 20
    }
    try rig.make(1..<7)
    // A checkpoint with its redo position in segment 5; the log ends in segment 6.
    try rig.segments.removeOld(
      redoPosition: LogSequenceNumber(5 * Self.size + 100), previousRedoPosition: nil,
      end: LogSequenceNumber(6 * Self.size + 100))
    // Nothing is known of distances, so min_wal_size counts: up to segment 8.
    #expect(try rig.numbers == [5, 6, 7, 8])
    #expect(rig.segments.statistics == WALSegmentStatistics(created: 6, recycled: 2, removed: 2))
    // After a checkpoint that took six segments more are kept, at most max_wal_size.
    try rig.make(9..<12)
    try rig.segments.removeOld(
      redoPosition: LogSequenceNumber(11 * Self.size + 100),
      previousRedoPosition: LogSequenceNumber(5 * Self.size + 100),
      end: LogSequenceNumber(11 * Self.size + 200))
    #expect(try rig.numbers == Array(11...17))
  }

  @Test("what somebody still reads is kept, and wal_recycle off removes")
  func keeping() throws {
    let rig = try Rig { $0.recyclesSegments = false }
    try rig.make(1..<7)
    try rig.segments.removeOld(
      redoPosition: LogSequenceNumber(5 * Self.size), previousRedoPosition: nil, end: LogSequenceNumber(6 * Self.size),
      keeping: LogSequenceNumber(3 * Self.size + 1))
    #expect(try rig.numbers == [3, 4, 5, 6])
    #expect(rig.segments.statistics.removed == 2)
  }

  @Test("a recycled segment's old records are not taken for new ones")
  func oldRecords() throws {
    let rig = try WALRig(WALSetup(kind: .simulation)) { $0.sizeMin = 8 << 20 }
    let log = rig.log
    var last = try rig.insert([0])
    while last.start.rawValue < 3 * Self.size { last = try rig.insert(Array(repeating: 9, count: 5000)) }
    try log.flush(upTo: last.end, backend: rig.backend)
    try log.segments.removeOld(redoPosition: last.start, previousRedoPosition: nil, end: last.end)
    #expect(log.segments.statistics.recycled == 2)
    // Across the boundary to a segment that was the first once.
    while last.end.rawValue < 4 * Self.size + 30_000 { last = try rig.insert(Array(repeating: 9, count: 5000)) }
    try log.flush(upTo: last.end, backend: rig.backend)
    let resumed = LogImage(log.geometry, from: last.start.rawValue) { rig.contents($0) }
    #expect(resumed.records.count == 1 && resumed.end == last.end.rawValue, "\(resumed.reason)")
  }

  @Test("how many segments are kept follows the distance of checkpoints, between min_wal_size and max_wal_size")
  func forecast() {
    let size: UInt64 = 16 << 20
    var forecast = SegmentForecast(
      segmentSize: size, sizeMin: 80 << 20, sizeMax: 1 << 30, completionTarget: 0.9)
    #expect(forecast.lastToRecycle(redoPosition: 100 * size) == 104)
    forecast.note(checkpointDistance: 20 * size)
    // (1 + 0.9) × 20 × 1.1 = 41.8 segments.
    #expect(forecast.lastToRecycle(redoPosition: 100 * size) == 142)
    forecast.note(checkpointDistance: 10 * size)
    #expect(forecast.distance == Double(19 * size))
    forecast.note(checkpointDistance: 1000 * size)
    #expect(forecast.lastToRecycle(redoPosition: 100 * size) == 163)
  }

  @Test("segments are opened, made and closed as the log goes through them", arguments: WALSetup.some)
  func manySegments(setup: WALSetup) throws {
    let rig = try WALRig(setup) { $0.bufferPages = 300 }
    var end = LogSequenceNumber.invalid
    for number in 0..<40 {
      end = try rig.insert(Array(repeating: UInt8(number), count: 300_000)).end
      if number % 7 == 0 { try rig.log.flush(upTo: end, backend: rig.backend) }
    }
    try rig.log.flush(upTo: end, backend: rig.backend)
    let image = rig.image()
    #expect(image.records.count == 40, "\(image.reason)")
    rig.log.close(backend: rig.backend)
  }
}
