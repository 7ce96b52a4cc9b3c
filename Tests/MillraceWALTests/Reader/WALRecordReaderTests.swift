import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("reading the log")
struct WALRecordReaderTests {
  /// A log of records of random sizes, and what was in them.
  private func sample(_ random: inout SeededGenerator, records: Int, largest: Int = 20_000) -> (SampleLog, [[UInt8]]) {
    let log = SampleLog()
    var contents: [[UInt8]] = []
    for number in 0..<records {
      let data = random.bytes(random.below(random.below(10) == 0 ? largest : 200))
      log.append(.generic, xid: UInt32(number)) { $0.appendData(copying: data) }
      contents.append(data)
    }
    return (log, contents)
  }

  @Test("what was written is read, with pieces of any size", arguments: 1...20 as ClosedRange<UInt64>)
  func readBack(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let (log, contents) = sample(&random, records: 600)
    let simulation = try SimulatedEngine(seed: seed, disk: SimulatedDisk(seed: seed))
    try log.write(to: simulation.disk)
    let bench = try LogBench(simulation)
    let reader = try bench.reader(log.entries[0].start, segmentSize: 1 << 20) {
      $0.readSize = 8192 << random.below(8)
      $0.ioConcurrency = random.below(5)
      $0.isDirect = random.below(2) == 0
    }
    let records = try reader.readAll()
    #expect(records.map(\.mainData) == contents)
    #expect(records.map(\.start) == log.entries.map(\.start))
    #expect(records.map(\.end) == log.entries.map(\.end))
    let end = try #require(reader.end)
    #expect(end.position == log.entries.last?.end)
    #expect(end.lastRecord == log.entries.last?.start)
    #expect(end.problem.kind == .recordLength || end.problem.kind == .pageHeader || end.problem.kind == .segmentMissing)
    #expect(reader.recordCount == 600)
    reader.close()
    #expect(bench.backend.outstandingCount == 0)
  }

  @Test("a record can start at every place of a page and end in every way", arguments: [0, 1])
  func everyAlignment(pages: Int) throws {
    let log = SampleLog()
    var contents: [[UInt8]] = []
    var starts: Set<UInt64> = []
    var random = SeededGenerator(for: "a record can start at every place of a page, \(pages)")
    for start in stride(from: UInt64(24), to: 8192, by: 8) {
      // What goes before fills up to there, in its page or in the next.
      let here = log.position.rawValue % 8192
      var room = here < start ? Int(start - here) : Int(8192 - here + start - 24)
      if room > 0, room < 40 { room += 8168 }
      if room > 0 {
        contents.append(random.bytes(room - 24 - (room > 24 + 2 + 255 ? 5 : 2)))
        log.append(.generic) { [data = contents[contents.count - 1]] in $0.appendData(copying: data) }
      }
      contents.append(random.bytes(pages * 8192 + Int(start) % 40))
      let entry = log.append(.generic) { [data = contents[contents.count - 1]] in $0.appendData(copying: data) }
      starts.insert(entry.start.rawValue % 8192)
    }
    let simulation = try SimulatedEngine(seed: 1, disk: SimulatedDisk(seed: 1))
    try log.write(to: simulation.disk)
    let reader = try LogBench(simulation).reader(log.entries[0].start, segmentSize: 1 << 20)
    #expect(try reader.readAll().map(\.mainData) == contents)
    // But for few, where the longer header of a segment's first page is in between.
    #expect(starts.count > 1000)
  }

  @Test("reading starts in the middle as well, and a record behind SWITCH is found in the next segment")
  func segmentSwitch() throws {
    let log = SampleLog()
    for round in 0..<3 {
      for _ in 0...round { log.append(.generic) { $0.appendData(UInt64(7)) } }
      log.append(.xlog, info: XLOGRecordKind.switch.rawValue)
      log.skipToNextSegment()
    }
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue)
    let directory = try TemporaryDirectory()
    try log.write(to: directory)
    for method in [IOMethodKind.sync, .worker] {
      let bench = try LogBench(method, directory: directory.path + "/pg_wal")
      for (index, entry) in log.entries.enumerated() {
        let records = try bench.reader(entry.start, segmentSize: 1 << 20).readAll()
        #expect(records.map(\.start) == log.entries[index...].map(\.start))
      }
      let switched = try bench.reader(log.entries[1].start, segmentSize: 1 << 20).readAll()
      #expect(switched[0].end == LogSequenceNumber(2 << 20))
    }
  }

  @Test("a log ends at a missing segment, at a short one, at an old page")
  func ends() throws {
    var random = SeededGenerator(for: "a log ends")
    let (log, _) = sample(&random, records: 2000)
    #expect(log.segments.count > 2)
    let inSecond = try #require(log.entries.first { $0.start.rawValue > 2 << 20 })
    func read(_ change: (SimulatedDisk) throws -> Void) throws -> (WALEnd, Int) {
      let simulation = try SimulatedEngine(seed: 1, disk: SimulatedDisk(seed: 1))
      try log.write(to: simulation.disk)
      try change(simulation.disk)
      let reader = try LogBench(simulation).reader(log.entries[0].start, segmentSize: 1 << 20)
      let count = try reader.readAll().count
      return (try #require(reader.end), count)
    }
    let second = "pg_wal/\(log.fileName(2))"
    let (missing, missingCount) = try read { try $0.remove(second) }
    #expect(missing.problem.kind == .segmentMissing)
    #expect(missing.problem.description == "could not open file \"\(second)\": No such file or directory")
    #expect(missingCount == log.entries.filter { $0.end.rawValue <= 2 << 20 }.count)
    if missing.position.rawValue < 2 << 20 {
      #expect(missing.abortedRecord == missing.position)
      #expect(missing.missingContinuation == LogSequenceNumber(2 << 20))
    }
    let (short, _) = try read { try $0.openFile(second, [.write]).truncate(to: 8192 * 3 + 100) }
    #expect(short.problem.kind == .segmentShort)
    #expect(
      short.problem.description
        == "could not read from WAL segment 000000010000000000000002, LSN 0/206000, offset 24576: read 100 of 8192")
    let (old, _) = try read { disk in
      // What a recycled segment holds: pages of another place.
      let page = inSecond.start.rawValue / 8192 + 1
      disk.flipBits(1, at: Int(page % 128) * 8192 + 13, of: second)
    }
    #expect(old.problem.kind == .pageHeader)
    #expect(old.problem.description.hasPrefix("unexpected pageaddr 100/2"))
  }

  @Test("an error of the system is not the end of the log")
  func systemErrors() throws {
    var random = SeededGenerator(for: "an error of the system is not the end of the log")
    let (log, _) = sample(&random, records: 1000)
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    disk.damageSector(40, of: "pg_wal/\(log.fileName(1))")
    disk.faults.badSectorsFail = true
    let reader = try LogBench(SimulatedEngine(seed: 1, disk: disk)).reader(log.entries[0].start, segmentSize: 1 << 20)
    let error = #expect(throws: IOError.self) { try reader.readAll() }
    #expect(error?.description.hasSuffix("in file \"pg_wal/\(log.fileName(1))\": Input/output error") == true)
    #expect(reader.end == nil)
  }

  @Test("a sector that cannot be read matters only where the log goes on there")
  func badSectorBehindTheEnd() throws {
    let log = SampleLog()
    for _ in 0..<100 { log.append(.generic) { $0.appendData(copying: [UInt8](repeating: 1, count: 200)) } }
    let end = Int(log.position.rawValue % (1 << 20))
    #expect(end < 64 << 10)
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    // In the same read as the whole log.
    disk.damageSector((end + 16384) / disk.sectorSize, of: "pg_wal/\(log.fileName(1))")
    disk.faults.badSectorsFail = true
    let reader = try LogBench(SimulatedEngine(seed: 1, disk: disk)).reader(log.entries[0].start, segmentSize: 1 << 20)
    #expect(try reader.readAll().count == 100)
    #expect(reader.end?.position == log.position)
  }

  @Test("the log of another cluster is refused")
  func otherSystem() throws {
    let log = SampleLog()
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue)
    let disk = SimulatedDisk(seed: 1)
    try log.write(to: disk)
    let bench = try LogBench(SimulatedEngine(seed: 1, disk: disk))
    let reader = try bench.reader(log.entries[0].start, segmentSize: 1 << 20, systemIdentifier: 5)
    #expect(try reader.next() == nil)
    #expect(
      reader.end?.problem.description
        == "WAL file is from different database system: WAL file database system identifier is "
        + "\(SampleLog.systemIdentifier), pg_control database system identifier is 5")
    let other = try bench.reader(LogSequenceNumber(0), segmentSize: 2 << 20)
    #expect(try other.next() == nil)
  }
}
