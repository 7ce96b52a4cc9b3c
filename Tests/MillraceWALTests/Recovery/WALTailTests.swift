import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("what lies behind the end of the log")
struct WALTailTests {
  private static let segmentSize: UInt64 = 1 << 20

  private func clear(_ disk: SimulatedDisk, after end: LogSequenceNumber) throws {
    let engine = try SimulatedEngine(seed: 1, disk: disk).engine
    let backend = try engine.makeBackend("startup")
    try WALTail.clear(
      after: end, timeline: 1, segmentSize: Self.segmentSize, fileSystem: disk, directory: "pg_wal", backend: backend)
    backend.close()
  }

  private func read(_ disk: SimulatedDisk, from start: LogSequenceNumber) throws -> [LogSequenceNumber] {
    let simulation = try SimulatedEngine(seed: 1, disk: disk)
    return try LogBench(simulation).reader(start, segmentSize: Self.segmentSize).readAll().map(\.start)
  }

  /// Three records, of which the second ends with a page: the third is on a page of its own.
  private func threeRecords(second fill: UInt8) -> SampleLog {
    let log = SampleLog()
    for (fill, count) in [(1, 8000), (fill, 8259), (3, 50)] {
      log.append(.xlog, info: XLOGRecordKind.noop.rawValue) {
        $0.appendData(copying: [UInt8](repeating: fill, count: count))
      }
    }
    return log
  }

  /// The third record's page reached the disk, the second's first page did not. After recovery the log goes on with a
  /// record that happens to be as long as the one that was lost, and the machine stops again.
  private func staleRecords(clearing: Bool) throws -> (read: [LogSequenceNumber], log: SampleLog) {
    let log = threeRecords(second: 2)
    #expect(log.entries[1].end.rawValue % 8192 == 0)
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    let file = try disk.openFile("pg_wal/\(log.fileName(1))", [.write])
    let lost = Int(log.entries[1].start.rawValue % Self.segmentSize)
    try [UInt8](repeating: 0, count: 8192 - lost % 8192).withUnsafeBytes { try file.writeWhole(at: Int64(lost), $0) }
    #expect(try read(disk, from: log.entries[0].start) == [log.entries[0].start])

    if clearing { try clear(disk, after: log.entries[1].start) }
    let pages = (threeRecords(second: 9).segments[1] ?? [])[
      lost / 8192 * 8192..<Int(log.entries[1].end.rawValue) & 0xFFFFF]
    try pages.withUnsafeBytes { try file.writeWhole(at: Int64(lost / 8192 * 8192), $0) }
    return (try read(disk, from: log.entries[0].start), log)
  }

  @Test("what was never acknowledged would come back, were the tail not cleared")
  func stale() throws {
    let (without, log) = try staleRecords(clearing: false)
    #expect(without == log.entries.map(\.start))
    let (with, _) = try staleRecords(clearing: true)
    #expect(with == Array(log.entries.map(\.start).prefix(2)))
  }

  @Test("the segment of the end keeps its size, later ones go, and nothing before the end is touched")
  func files() throws {
    let log = SampleLog()
    while log.position.rawValue < 4 << 20 {
      log.append(.generic) { $0.appendData(copying: [UInt8](repeating: 7, count: 5000)) }
    }
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    let file = try disk.openFile("pg_wal/0000000200000000000000FF", [.write, .create])
    file.close()
    try disk.syncDirectory("pg_wal")
    let end = try #require(log.entries.first { $0.start.rawValue > 2 << 20 + 300_000 }).start
    for _ in 0..<2 {
      try clear(disk, after: end)
      // What was not durable is gone.
      disk.faults.losesUnsyncedWrites = true
      disk.faults.losesUnsyncedNames = true
      disk.crash()
      #expect(
        try disk.list("pg_wal") == [log.fileName(1), log.fileName(2), "0000000200000000000000FF"])
      let bytes = try #require(disk.contents(of: "pg_wal/\(log.fileName(2))"))
      #expect(bytes.count == 1 << 20)
      let kept = Int((end.rawValue % Self.segmentSize + 8191) / 8192 * 8192)
      #expect(Array(bytes[..<kept]) == Array((log.segments[2] ?? [])[..<kept]))
      #expect(!bytes[kept...].contains { $0 != 0 })
    }
  }

  @Test("segments that nothing can have been written to stay, and so do those that are zeros")
  func ahead() throws {
    let log = SampleLog()
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue)
    let end = log.position
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    func make(_ number: UInt64, holding byte: UInt8, at offset: Int64) throws {
      let file = try disk.openFile("pg_wal/\(log.fileName(number))", [.write, .create])
      try [UInt8](repeating: 0, count: 1 << 20).withUnsafeBytes { try file.writeWhole(at: 0, $0) }
      try [byte].withUnsafeBytes { try file.writeWhole(at: offset, $0) }
      try file.syncWhole()
      file.close()
    }
    try make(2, holding: 0, at: 0)
    try make(3, holding: 9, at: (1 << 20) - 1)
    try make(4, holding: 9, at: 5)
    // Behind the furthest that writing can have come.
    try make(1 + WALTail.segmentsNotDurable, holding: 9, at: 5)
    try disk.syncDirectory("pg_wal")
    for _ in 0..<2 {
      try clear(disk, after: end)
      #expect(
        try disk.list("pg_wal") == [1, 2, 1 + WALTail.segmentsNotDurable].map { log.fileName($0) })
    }
    #expect(disk.contents(of: "pg_wal/\(log.fileName(1 + WALTail.segmentsNotDurable))")?[5] == 9)
  }

  @Test("at a segment's start nothing of that segment stays")
  func atSegmentStart() throws {
    let log = SampleLog()
    log.append(.xlog, info: XLOGRecordKind.switch.rawValue)
    log.skipToNextSegment()
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue)
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    try clear(disk, after: LogSequenceNumber(2 << 20))
    #expect(try disk.list("pg_wal") == [log.fileName(1)])
  }
}
