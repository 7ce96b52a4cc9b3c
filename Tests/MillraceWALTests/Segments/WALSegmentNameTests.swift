import MillraceStorage
import MillraceWAL
import Testing

@Suite struct WALSegmentNameTests {
  @Test(arguments: [
    (UInt64(16 << 20), UInt64(0x0100_0000), "000000010000000000000001"),
    (16 << 20, 0xFFFF_FFFF, "0000000100000000000000FF"),
    (16 << 20, 0x1_0000_0000, "000000010000000100000000"),
    (1 << 20, 0xFFFF_FFFF, "000000010000000000000FFF"),
    (1 << 30, 0x2_4000_0000, "000000010000000200000001"),
  ])
  func namesAreThoseOfPostgreSQL(size: UInt64, position: UInt64, name: String) throws {
    let segment = WALSegmentName(timeline: 1, holding: LogSequenceNumber(position), segmentSize: size)
    #expect(segment.description == name)
    #expect(try #require(WALSegmentName(name, segmentSize: size)) == segment)
    #expect(segment.start.rawValue == position / size * size)
  }

  @Test(arguments: [
    "", "00000001000000000000001", "0000000100000000000000ff", "000000010000000000000001.partial",
    "000000010000000000000100", "00000002.history",
  ])
  func otherNamesAreNotSegments(name: String) {
    #expect(WALSegmentName(name, segmentSize: 16 << 20) == nil)
  }
}
