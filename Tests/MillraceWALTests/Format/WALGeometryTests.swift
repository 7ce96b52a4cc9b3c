import MillraceStorage
import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("positions and usable bytes")
struct WALGeometryTests {
  @Test("a segment's usable bytes are counted one after another, around every page's header")
  func everyByteOfThreeSegments() {
    let geometry = WALGeometry(segmentSize: 1 << 20)
    var byte = 5 * geometry.usableBytesInSegment
    for segment in UInt64(5)..<8 {
      for page in UInt64(0)..<128 {
        let start = segment << 20 | page << 13
        let header = page == 0 ? UInt64(40) : 24
        #expect(geometry.usableByte(at: LogSequenceNumber(start)) == byte)
        #expect(geometry.endPosition(ofUsableByte: byte) == LogSequenceNumber(start))
        let first = byte
        // All places near a page's ends, and some between.
        for offset in header..<8192 where offset < 64 || offset > 8192 - 32 || offset % 61 == 0 {
          let byte = first + offset - header
          let position = LogSequenceNumber(start + offset)
          if geometry.position(ofUsableByte: byte) != position || geometry.usableByte(at: position) != byte
            || offset > header && geometry.endPosition(ofUsableByte: byte) != position
          {
            Issue.record("usable byte \(byte) is not at \(position)")
          }
        }
        byte += 8192 - header
      }
    }
    #expect(byte == 8 * geometry.usableBytesInSegment)
  }

  @Test("every size that PostgreSQL allows and no other", arguments: 0..<40)
  func sizes(shift: Int) {
    #expect(WALGeometry.isValid(segmentSize: 1 << shift) == (20...30).contains(shift))
    #expect(!WALGeometry.isValid(segmentSize: 1 << shift | 1 << 21 | 1 << 22))
  }

  @Test("positions survive the way there and back", arguments: 20...30)
  func roundTrip(shift: Int) {
    let geometry = WALGeometry(segmentSize: 1 << UInt64(shift))
    var random = SeededGenerator(for: "positions survive, \(shift)")
    for _ in 0..<2000 {
      let byte = random.next() >> 12
      let position = geometry.position(ofUsableByte: byte)
      #expect(geometry.usableByte(at: position) == byte)
      #expect(geometry.usableByte(at: geometry.endPosition(ofUsableByte: byte)) == byte)
      #expect(geometry.recordStart(atOrAfter: geometry.endPosition(ofUsableByte: byte)) == position)
    }
  }
}
