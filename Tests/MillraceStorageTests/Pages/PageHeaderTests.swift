import MillraceStorage
import Testing

@Suite struct PageHeaderTests {
  @Test func `every field is where PostgreSQL has it`() {
    var page = [UInt8](repeating: 0, count: 8192)
    // pg_lsn 12345678/9ABCDEF0, then each 16-bit field with a value of its own, then pd_prune_xid.
    page.replaceSubrange(
      0..<24,
      with: [
        0x78, 0x56, 0x34, 0x12, 0xF0, 0xDE, 0xBC, 0x9A, 0x01, 0x02, 0x05, 0x00, 0x28, 0x00, 0x00, 0x1F, 0xF0, 0x1F,
        0x04, 0x20, 0x0D, 0x0C, 0x0B, 0x0A,
      ])
    let header = page.pageHeader
    #expect(header.lsn == LogSequenceNumber(0x1234_5678_9ABC_DEF0))
    #expect(header.lsn.description == "12345678/9ABCDEF0")
    #expect(header.checksum == 0x0201)
    #expect(header.flags == [.hasFreeLines, .allVisible])
    #expect(header.lower == 40)
    #expect(header.upper == 0x1F00)
    #expect(header.special == 0x1FF0)
    #expect(header.pageSize == 8192)
    #expect(header.layoutVersion == 4)
    #expect(header.pruneXID == 0x0A0B_0C0D)
    #expect(header.isSane && header.hasExpectedLayout && !header.isNew)

    var copy = [UInt8](repeating: 0, count: 8192)
    copy.store(header)
    #expect(copy == page)
  }

  @Test(arguments: [0, 1, 8, 16, 4000])
  func `an empty page's header is what PageInit makes`(specialSize: Int) {
    let header = PageHeader(specialSize: specialSize)
    #expect(header.lower == 24)
    #expect(header.upper == header.special)
    #expect(Int(header.special) == 8192 - (specialSize + 7) / 8 * 8)
    #expect(header.isSane && header.hasExpectedLayout)
  }

  @Test func `line pointers come apart as they were put together`() {
    for offset in [0, 24, 8191, 0x7FFF] {
      for length in [0, 1, 4000, 0x7FFF] {
        for state in [LinePointer.State.unused, .normal, .redirect, .dead] {
          let pointer = LinePointer(offset: offset, state: state, length: length)
          #expect(pointer.offset == offset && pointer.length == length && pointer.state == state)
        }
      }
    }
    // As seen in a page made by PostgreSQL: a normal item of 61 bytes at 8128.
    #expect(LinePointer(rawValue: 0x007A_9FC0) == LinePointer(offset: 8128, state: .normal, length: 61))
  }

  @Test func `a view never reads outside the page, whatever the page says`() {
    var random = SeededGenerator(for: "page view on garbage")
    for _ in 0..<200 {
      let page = random.bytes(8192)
      page.withUnsafeBytes { bytes in
        let view = PageView(bytes)
        #expect(view.itemCount <= (8192 - 24) / 4)
        for number in 0..<view.itemCount {
          guard let item = view.item(view.linePointer(number + 1)) else { continue }
          #expect(item.baseAddress! >= bytes.baseAddress! + 24)
          #expect(item.baseAddress! + item.count <= bytes.baseAddress! + 8192)
        }
        if let special = view.special {
          #expect(special.baseAddress! + special.count == bytes.baseAddress! + 8192)
        }
      }
    }
  }

  @Test func `block numbers count up to the last valid one`() {
    #expect(BlockNumber(4).advanced(by: 3) == BlockNumber(7))
    #expect(BlockNumber(0).advanced(by: UInt32.max - 1) == .max)
    #expect(!BlockNumber.invalid.isValid && BlockNumber.max.isValid)
    #expect(BlockNumber.invalid.description == "invalid")
  }

  @Test func `counting beyond the last block number stops the process`() async {
    await #expect(processExitsWith: .failure) {
      _ = BlockNumber(0).advanced(by: UInt32.max)
    }
  }
}
