import MillraceIO
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("inserting records")
struct InsertionTests {
  /// Every length around what matters: records that end before, at and behind the end of a page.
  @Test("records of every length are found again, in order", arguments: WALSetup.some)
  func everyLength(setup: WALSetup) throws {
    let rig = try WALRig(setup)
    var random = SeededGenerator(seed: 1)
    var inserted: [(start: UInt64, end: UInt64, data: [UInt8])] = []
    for length in Array(0...300) + Array(stride(from: 7900, through: 8300, by: 13)) + [20_000, 100_000, 140_000] {
      let data = random.bytes(length)
      let (start, end) = try rig.insert(data)
      inserted.append((start.rawValue, end.rawValue, data))
    }
    let last = try #require(inserted.last).end
    #expect(rig.log.reservedPosition.rawValue == last)
    try rig.log.flush(upTo: LogSequenceNumber(last), backend: rig.backend)
    let image = rig.image()
    #expect(image.records.count == inserted.count, "\(image.reason)")
    for (found, wanted) in zip(image.records, inserted) {
      #expect(found.start == wanted.start && found.data == wanted.data)
      // The end of a record at a page's end is that end.
      #expect(found.end == wanted.end)
    }
    #expect(image.end == last)
    #expect(rig.log.flushedPosition.rawValue == last)
    #expect(rig.log.statistics().records == UInt64(inserted.count))
  }

  @Test("a record is larger than the buffers", arguments: WALSetup.some)
  func largerThanBuffers(setup: WALSetup) throws {
    let rig = try WALRig(setup) { $0.bufferPages = 4 }
    let data = SeededGenerator.bytes(3_000_000, seed: 2)
    let (_, end) = try rig.insert(data)
    try rig.log.flush(upTo: end, backend: rig.backend)
    let image = rig.image()
    #expect(image.records.map(\.data) == [data], "\(image.reason)")
    #expect(rig.log.statistics().buffersFull > 0)
  }

  /// Who comes up after a crash looks for what was in flight in so many segments and no further.
  @Test("writing is ahead of what is durable by so many segments and no more", arguments: [0, 3] as [Int])
  func aheadOfDurable(targetPages: Int) throws {
    let rig = try WALRig(WALSetup(kind: .simulation)) {
      $0.bufferPages = 1200
      $0.ioTargetPages = targetPages
      $0.ioConcurrency = 4096
    }
    let log = rig.log
    for _ in 0..<9 { try rig.insert([UInt8](repeating: 1, count: 1 << 20)) }
    let end = WriteAheadLog.pageStart(log.complete().position)
    var ahead = 0
    while log.writtenPosition.rawValue < end {
      try log.writeCompletePages(backend: rig.backend)
      let (written, durable) = (Int(log.writes.initiated) - 1, Int(log.flushedPosition.rawValue))
      ahead = max(ahead, written / Int(WALRig.segmentSize) - durable / Int(WALRig.segmentSize))
      if log.writes.initiated >= end { rig.backend.reap(atLeast: 1) }
    }
    #expect(ahead == Int(WALTail.segmentsNotDurable) - 1)
    try log.flush(upTo: log.reservedPosition, backend: rig.backend)
    #expect(rig.image().records.count == 9)
  }

  /// A writer that comes when it is called leaves no inserter without space.
  @Test("the WAL writer is called when half of the buffers wait to be written, and keeps inserters from waiting")
  func writeBehind() throws {
    let rig = try WALRig(WALSetup(kind: .simulation)) { $0.bufferPages = 64 }
    let log = rig.log
    let writer = WALWriter(log, backend: try rig.engine.makeBackend("WAL writer"))
    var calls = 0
    var ticket = log.writerEvent.prepare()
    for _ in 0..<1000 {
      try rig.insert([UInt8](repeating: 1, count: 5000))
      // What a thread that sleeps finds when it wakes; it does not sleep here.
      guard log.writerEvent.sleep(ticket, timeout: 0) else { continue }
      calls += 1
      try writer.round(now: 0)
      ticket = log.writerEvent.prepare()
    }
    #expect(log.statistics().buffersFull == 0)
    // Once for each half of the ring.
    #expect((15...25).contains(calls))

    let alone = try WALRig(WALSetup(kind: .simulation)) { $0.bufferPages = 64 }
    for _ in 0..<1000 { try alone.insert([UInt8](repeating: 1, count: 5000)) }
    #expect(alone.log.statistics().buffersFull > 10)
  }

  @Test("what follows the last record on its page is zero")
  func restOfPageIsZero() throws {
    let rig = try WALRig(WALSetup(kind: .sync)) { $0.bufferPages = 4 }
    var end = LogSequenceNumber.invalid
    for _ in 0..<60 { end = try rig.insert(Array(repeating: 0xFF, count: 3000)).end }
    try rig.log.flush(upTo: end, backend: rig.backend)
    let bytes = try #require(rig.contents(1))
    let offset = Int(end.rawValue % WALRig.segmentSize)
    #expect(bytes[offset..<(offset + 8191) / 8192 * 8192].allSatisfy { $0 == 0 })
    #expect(bytes[offset - 8] == 0xFF)
  }

  @Test("the log goes on where it ended, on the same page")
  func goesOn() throws {
    for length in [10, 8192 - 40 - 26, 8192 - 40 - 26 - 8, 20_000] {
      let rig = try WALRig(WALSetup(kind: .sync))
      let first = try rig.insert(Array(repeating: 1, count: length))
      try rig.log.flush(upTo: first.end, backend: rig.backend)
      try rig.reopen(at: WALResumePoint(position: first.end, lastRecord: first.start, redoPosition: first.start))
      let second = try rig.insert([2, 2, 2])
      try rig.log.flush(upTo: second.end, backend: rig.backend)
      let image = rig.image()
      #expect(image.records.map(\.data.count) == [length, 3], "\(image.reason)")
    }
  }

  @Test("SWITCH ends a segment, and does nothing at its start")
  func switchSegment() throws {
    let rig = try WALRig(WALSetup(kind: .sync))
    try rig.insert([1])
    let next = try rig.log.switchSegment(rig.builder, backend: rig.backend)
    #expect(next.rawValue == 2 * WALRig.segmentSize)
    #expect(try rig.log.switchSegment(rig.builder, backend: rig.backend) == next)
    let (start, end) = try rig.insert([2])
    #expect(start.rawValue == 2 * WALRig.segmentSize + 40)
    try rig.log.flush(upTo: end, backend: rig.backend)
    let image = rig.image()
    #expect(image.records.count == 3, "\(image.reason)")
    #expect(image.records[1].header.info == 0x40)
    // The rest of the segment has pages with headers and nothing else.
    let bytes = try #require(rig.contents(1))
    for page in stride(from: 8192, to: bytes.count, by: 8192) {
      let header = LogImage.pageHeader(of: bytes[page...])
      #expect(header.address.rawValue == WALRig.segmentSize + UInt64(page))
      #expect(bytes[page + 24..<page + 8192].allSatisfy { $0 == 0 })
    }
  }

  @Test("a checkpoint's redo position is its own record, and pages changed before it get an image once")
  func redoPosition() throws {
    let rig = try WALRig(WALSetup(kind: .sync))
    let page = SamplePage(used: 100, seed: 1)
    func change() throws -> Int {
      rig.builder.begin(.heap, info: 0)
      rig.builder.registerBlock(
        0, RelationLocator(tablespace: 1663, database: 5, relNumber: 16384), .main, BlockNumber(0), page: page.base,
        flags: .standard)
      let (_, end) = try rig.log.insert(rig.builder, backend: rig.backend)
      var header = PageHeader(UnsafeRawPointer(page.base))
      header.lsn = end
      header.store(to: page.base)
      return rig.builder.imageCount
    }
    #expect(try change() == 1)
    #expect(try change() == 0)
    let before = rig.log.insertPosition
    let (redo, end) = try rig.log.beginCheckpoint(rig.builder, backend: rig.backend)
    #expect(redo == before && rig.log.redoPosition == redo && end > redo)
    #expect(try change() == 1)
    #expect(try change() == 0)
    rig.log.setFullPageWrites(false)
    _ = rig.log.beginShutdownCheckpoint()
    #expect(rig.log.redoPosition == rig.log.insertPosition)
    #expect(try change() == 0)
    rig.log.setFullPageWrites(true)
    _ = rig.log.beginShutdownCheckpoint()
    #expect(try change() == 1)
    #expect(rig.log.statistics().fullPageImages == 3)
  }

  @Test("PostgreSQL's pg_waldump reads the log", .enabled(if: PostgresInstallation.isExpected(18)))
  func waldump() throws {
    for setup in WALSetup.threaded {
      let rig = try WALRig(setup) {
        $0.padsPartialPages = true
        $0.bufferPages = 6
      }
      var random = SeededGenerator(seed: 5)
      var last = rig.start.position
      for number in 0..<200 {
        let length = number % 40 == 0 ? random.below(70_000) : random.below(700)
        last = try rig.insert(random.bytes(length)).end
        switch number % 20 {
        case 3: try rig.log.flush(upTo: last, backend: rig.backend)
        case 9: last = try rig.log.beginCheckpoint(rig.builder, backend: rig.backend).end
        case 15 where number > 100: last = try rig.log.switchSegment(rig.builder, backend: rig.backend)
        default: break
        }
      }
      last = try rig.insert([1]).end
      try rig.log.flush(upTo: last, backend: rig.backend)
      // Where the program's user may read it.
      let copy = try TemporaryDirectory()
      for name in try rig.log.segments.list() {
        try copy.write(#require(rig.contents(name.number)), to: "pg_wal/\(name)")
      }
      try PostgresCluster.giveToServer(copy.path)
      let dump = try Waldump(
        PostgresInstallation.required(18), directory: copy.path + "/pg_wal", start: rig.start.position,
        end: rig.log.flushedPosition)
      let image = rig.image()
      #expect(dump.records.map(\.lsn) == image.records.map { LogSequenceNumber($0.start).waldump }, "\(dump.errors)")
      #expect(dump.records.count == Int(rig.log.statistics().records))
      #expect(Set(dump.records.map { $0.description.prefix { $0 != " " } }) == ["NOOP", "CHECKPOINT_REDO", "SWITCH"])
      #expect(rig.log.statistics().padded > 0)
    }
  }
}

extension SeededGenerator {
  static func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var random = SeededGenerator(seed: seed)
    return random.bytes(count)
  }
}
