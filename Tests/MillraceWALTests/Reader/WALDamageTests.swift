import MillraceIO
import MillraceSimulation
import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

/// Logs that are cut off or changed anywhere: the reader stops at or before the damage and says why.
@Suite("damaged logs")
struct WALDamageTests {
  /// About a segment and a half of records with images, block data and main data.
  private func sample(_ random: inout SeededGenerator) -> SampleLog {
    let log = SampleLog()
    log.redoPosition = LogSequenceNumber(.max >> 1)
    let pages = (0..<4).map { SamplePage(used: 100 + 2000 * $0, seed: UInt64($0)) }
    while log.position.rawValue < (3 << 20) - (1 << 19) {
      log.append(.heap, xid: 9) { builder in
        for id in 0..<random.below(4) {
          let flags: RegisteredBufferFlags = random.below(2) == 0 ? [.standard, .keepData] : .noImage
          builder.registerBlock(
            id, RelationLocator(tablespace: 1663, database: 5, relNumber: UInt32(random.below(2)) + 1), .main,
            BlockNumber(UInt32(id)), page: pages[id].base, flags: flags)
          builder.appendBlockData(id, random.next())
        }
        builder.appendData(copying: random.bytes(random.below(100)))
      }
    }
    withExtendedLifetime(pages) {}
    return log
  }

  private func read(_ log: SampleLog, seed: UInt64) throws -> (records: [ReadRecord], end: WALEnd) {
    let simulation = try SimulatedEngine(seed: seed, disk: SimulatedDisk(seed: seed))
    try log.write(to: simulation.disk)
    let reader = try LogBench(simulation).reader(log.entries[0].start, segmentSize: 1 << 20)
    return (try reader.readAll(), try #require(reader.end))
  }

  @Test("changed bytes are not taken for records", arguments: 1...60 as ClosedRange<UInt64>)
  func changedBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let log = sample(&random)
    let whole = try read(log, seed: seed).records
    #expect(whole.count == log.entries.count)
    // Sometimes one bit, sometimes a stretch of garbage.
    let place = log.entries[0].start.rawValue + UInt64(random.below(Int(log.position.rawValue - (1 << 20)) - 64))
    let length = random.below(2) == 0 ? 1 : random.below(10_000)
    for offset in 0..<UInt64(length) where place + offset < 3 << 20 {
      log.damage(at: place + offset) { $0 = length == 1 ? $0 ^ 1 << UInt8(random.below(8)) : UInt8(random.below(256)) }
    }
    let (records, end) = try read(log, seed: seed)
    #expect(records == Array(whole.prefix(records.count)))
    // Padding between records, and header fields that nobody reads, may change without anybody's noticing.
    #expect(end.position >= log.entries[0].start)
    let intact = whole.filter { $0.end.rawValue <= place / 8192 * 8192 }.count
    #expect(records.count >= intact, "stopped at \(end.position) before the damage at \(LogSequenceNumber(place))")
    if length > 64 { #expect(records.count < whole.count) }
  }

  @Test("every record of a log can be the last", arguments: 1...40 as ClosedRange<UInt64>)
  func cutOff(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let log = sample(&random)
    let cut = log.entries[0].start.rawValue + UInt64(random.below(Int(log.position.rawValue - (1 << 20)) - 64))
    // What lies behind is zero, as in a segment that was prepared, or what a recycled segment holds.
    let isRecycled = random.below(2) == 0
    for position in cut..<3 << 20 { log.damage(at: position) { $0 = isRecycled ? $0 &+ 77 : 0 } }
    let (records, end) = try read(log, seed: seed)
    // A record whose last bytes happen to be those that lie there survives.
    let whole = log.entries.filter { $0.end.rawValue <= cut }.count
    #expect((whole...whole + 1).contains(records.count))
    #expect(end.position == (records.isEmpty ? log.entries[0].start : log.entries[records.count - 1].end))
    #expect(end.lastRecord == (records.isEmpty ? .invalid : log.entries[records.count - 1].start))
  }

  @Test("decoding any bytes ends with a record or a reason, whatever the lengths in them say")
  func garbage() throws {
    var kinds: Set<WALProblem.Kind> = []
    var (decoded, round) = (0, 0)
    let log = SampleLog()
    log.fullPageWrites = true
    let page = SamplePage(used: 3000, seed: 1)
    Fuzzing.run("decoding any bytes", rounds: 4000) { random in
      round += 1
      log.builder.begin(.heap, info: 0)
      if round % 4 > 0 {
        log.builder.registerBlock(
          0, RelationLocator(tablespace: 1663, database: 5, relNumber: 1), .main, BlockNumber(1), page: page.base,
          flags: round % 4 == 1 ? .standard : .noImage)
        log.builder.appendBlockData(0, random.next())
      }
      log.builder.appendData(copying: random.bytes(1 + random.below(40)))
      log.builder.assemble(redoPosition: .invalid, fullPageWrites: true)
      log.builder.finish(previous: .invalid)
      var bytes = log.builder.ranges.flatMap { Array($0) }
      // The headers behind the first 24 bytes are what there is to get wrong once the CRC is right.
      for _ in 0..<1 + random.below(4) {
        bytes[24 + random.below(min(bytes.count - 24, 40))] = UInt8(random.below(256))
      }
      bytes.withUnsafeMutableBytes { memory in
        var crc = CRC32C()
        crc.update(UnsafeRawBufferPointer(rebasing: memory[24...]))
        crc.update(UnsafeRawBufferPointer(rebasing: memory[..<20]))
        memory.storeBytes(of: crc.value, toByteOffset: 20, as: UInt32.self)
        do throws(WALProblem) {
          let record = try WALRecord(decoding: UnsafeRawBufferPointer(memory), at: LogSequenceNumber(8192))
          _ = try ReadRecord(record)
          decoded += 1
        } catch {
          kinds.insert(error.kind)
        }
      }
    }
    withExtendedLifetime(page) {}
    #expect(decoded > 200)
    #expect(kinds.contains(.blockHeaders) && kinds.isSubset(of: [.blockHeaders, .image]))
  }
}
