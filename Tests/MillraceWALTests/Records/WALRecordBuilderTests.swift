import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("records that are put together")
struct WALRecordBuilderTests {
  static let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384)
  static let other = RelationLocator(tablespace: 1663, database: 5, relNumber: 16385)

  private func bytes(_ builder: WALRecordBuilder) -> [UInt8] { builder.ranges.flatMap { Array($0) } }

  @Test("a record with nothing is its header; the CRC covers the link to the one before")
  func empty() {
    let builder = WALRecordBuilder()
    builder.begin(.xlog, info: 0x20, xid: 7)
    builder.assemble(redoPosition: .invalid, fullPageWrites: true)
    builder.finish(previous: LogSequenceNumber(0x1234))
    var expected: [UInt8] = [24, 0, 0, 0, 7, 0, 0, 0, 0x34, 0x12, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0]
    let crc = expected.withUnsafeBytes { CRC32C.compute($0) }
    for shift in [0, 8, 16, 24] { expected.append(UInt8(truncatingIfNeeded: crc >> UInt32(shift))) }
    #expect(bytes(builder) == expected)
    builder.finish(previous: LogSequenceNumber(0x1240))
    #expect(bytes(builder) != expected)
    builder.finish(previous: LogSequenceNumber(0x1234))
    #expect(bytes(builder) == expected)
  }

  @Test("main data of up to 255 bytes has the short header, more the long one", arguments: [1, 255, 256, 70_000])
  func mainData(count: Int) {
    let builder = WALRecordBuilder()
    let data = [UInt8](repeating: 9, count: count)
    data.withUnsafeBytes { memory in
      builder.begin(.heap, info: 0)
      builder.registerData(memory)
      builder.assemble(redoPosition: .invalid, fullPageWrites: true)
      builder.finish(previous: .invalid)
      let header: [UInt8] =
        count < 256
        ? [255, UInt8(count)] : [254] + (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
      #expect(Array(bytes(builder)[24...]) == header + data)
      #expect(builder.totalLength == 24 + header.count + count)
    }
  }

  /// Which blocks get an image, by each of what decides it.
  @Test("the full-page decision", arguments: [0, 99, 100, 101] as [UInt64], [true, false])
  func fullPageDecision(pageLSN: UInt64, fullPageWrites: Bool) {
    let flags: [(RegisteredBufferFlags, hasImage: Bool)] = [
      ([], fullPageWrites && pageLSN <= 100), (.standard, fullPageWrites && pageLSN <= 100),
      (.forceImage, true), (.noImage, false), (.willInitialize, false), ([.standard, .forceImage], true),
    ]
    for (flags, hasImage) in flags {
      let builder = WALRecordBuilder()
      let page = SamplePage(lsn: LogSequenceNumber(pageLSN), used: 100, seed: 1)
      builder.begin(.heap, info: 0)
      builder.registerBlock(0, Self.locator, .main, BlockNumber(3), page: page.base, flags: flags)
      builder.appendBlockData(0, UInt32(0xABCD))
      builder.assemble(redoPosition: LogSequenceNumber(100), fullPageWrites: fullPageWrites)
      builder.finish(previous: .invalid)
      let flagsByte = bytes(builder)[25]
      #expect((flagsByte & 0x10 != 0) == hasImage)
      // An image makes the block's data superfluous.
      #expect((flagsByte & 0x20 != 0) == !hasImage)
      #expect((flagsByte & 0x40 != 0) == (flags == .willInitialize))
      #expect(builder.imageCount == (hasImage ? 1 : 0))
      let hole = flags.contains(.standard) ? 8192 - 24 - 104 : 0
      #expect(builder.imageBytes == (hasImage ? 8192 - hole : 0))
      let couldHave = fullPageWrites && !hasImage && flags.isDisjoint(with: .noImage)
      #expect(builder.lowestLSNWithoutImage == (couldHave ? LogSequenceNumber(pageLSN) : nil))
      withExtendedLifetime(page) {}
    }
  }

  @Test("data that is kept is there beside the image; the same relation is not named twice")
  func keptData() {
    let builder = WALRecordBuilder()
    let page = SamplePage(used: 40, seed: 2)
    builder.begin(.heap, info: 0)
    builder.registerBlock(0, Self.locator, .main, BlockNumber(3), page: page.base, flags: [.standard, .keepData])
    builder.registerBlock(2, Self.locator, .visibilityMap, BlockNumber(0), page: page.base, flags: .noImage)
    builder.registerBlock(5, Self.other, .main, BlockNumber(1), page: page.base, flags: .noImage)
    builder.appendBlockData(0, UInt16(0x0102))
    builder.assemble(redoPosition: .invalid, fullPageWrites: true)
    builder.finish(previous: .invalid)
    let record = bytes(builder)
    #expect(record[24] == 0 && record[25] == 0x30 && record[26] == 2)
    #expect(record[24 + 25] == 2 && record[24 + 26] == 0x82)
    #expect(record[24 + 33] == 5 && record[24 + 34] == 0)
    #expect(Array(record.suffix(2)) == [0x02, 0x01])
    withExtendedLifetime(page) {}
  }

  @Test("PostgreSQL's pg_waldump prints what was put together", .enabled(if: PostgresInstallation.isExpected(18)))
  func waldump() throws {
    let log = SampleLog()
    var random = SeededGenerator(for: "pg_waldump prints what was put together")
    var expected: [Waldump.Record] = []
    var previous = LogSequenceNumber.invalid
    for number in 0..<800 {
      let pages = (0..<random.below(5)).map { SamplePage(used: random.below(8000), seed: UInt64($0)) }
      let data = random.bytes(random.below(number % 50 == 0 ? 100_000 : 300))
      var blocks: [Waldump.Block] = []
      var imageBytes = 0
      let entry = log.append(.generic, xid: UInt32(number)) { builder in
        for (index, page) in pages.enumerated() {
          let fork = ForkNumber(rawValue: UInt8(random.below(4))) ?? .main
          let locator = RelationLocator(tablespace: 1663, database: 5, relNumber: 16384 + UInt32(random.below(2)))
          let hasImage = random.below(2) == 0
          let block = BlockNumber(UInt32(random.below(1 << 30)))
          builder.registerBlock(
            index, locator, fork, block, page: page.base, flags: hasImage ? [.forceImage, .standard] : .noImage)
          blocks.append(
            Waldump.Block(
              id: index, relation: "1663/5/\(locator.relNumber)", fork: fork.description, block: block.rawValue,
              hasImage: hasImage))
        }
        builder.appendData(copying: data)
      }
      withExtendedLifetime(pages) {}
      imageBytes = log.builder.imageBytes
      expected.append(
        Waldump.Record(
          resourceManager: "Generic", length: log.builder.totalLength - imageBytes,
          totalLength: log.builder.totalLength, xid: UInt32(number), lsn: entry.start.waldump,
          previous: previous.waldump, description: "", blocks: blocks))
      previous = entry.start
    }
    let directory = try TemporaryDirectory()
    try log.write(to: directory)
    try PostgresCluster.giveToServer(directory.path)
    let first = try #require(log.entries.first)
    let dump = try Waldump(
      PostgresInstallation.required(18), directory: directory.path + "/pg_wal", start: first.start, end: log.position)
    #expect(dump.errors == "")
    #expect(dump.records.count == expected.count)
    for (found, expected) in zip(dump.records, expected) {
      var found = found
      found.description = ""
      #expect(found == expected)
    }
  }
}

extension WALRecordBuilder {
  /// For arrays in tests.
  func appendData(copying bytes: [UInt8]) { bytes.withUnsafeBytes { appendData(copying: $0) } }
}
