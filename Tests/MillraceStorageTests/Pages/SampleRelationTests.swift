import MillraceStorage
import Testing

@Suite struct SampleRelationTests {
  @Test func `a page is the same function of seed and block each time`() {
    let page = PageVerifierTests.page(block: 17)
    #expect(PageVerifierTests.page(block: 17) == page)
    #expect(PageVerifierTests.page(block: 18) != page)
    var other = [UInt8](repeating: 0, count: 8192)
    other.withUnsafeMutableBytes { SampleRelation(seed: 2).fill($0, block: BlockNumber(17)) }
    #expect(other != page)
  }

  @Test(arguments: [0, 1, 131_071, 131_072, 1_000_000] as [UInt32])
  func `rows are where the block number says`(block: UInt32) {
    let relation = SampleRelation(seed: 5)
    var page = [UInt8](repeating: 0, count: 8192)
    page.withUnsafeMutableBytes { relation.fill($0, block: BlockNumber(block)) }
    #expect(page.verdict(block: block) == .valid)
    page.withUnsafeBytes { bytes in
      let view = PageView(bytes)
      #expect(view.itemCount == SampleRelation.rowsPerPage)
      #expect(Int(view.header.upper) - Int(view.header.lower) < 128, "the page is full")
      for number in 1...view.itemCount {
        let row = relation.row(Int32(Int(block) * SampleRelation.rowsPerPage + number - 1))
        let item = view.item(view.linePointer(number))!
        #expect(item.loadUnaligned(fromByteOffset: 24, as: Int32.self) == row.id)
        #expect(item.loadUnaligned(fromByteOffset: 28, as: Int32.self) == row.value)
        #expect(Int(item[32] >> 1) == item.count - 32, "the length byte counts itself")
        #expect(String(decoding: item[33...], as: UTF8.self) == row.body)
      }
    }
  }

  @Test func `bodies are letters, and no two are alike`() {
    let bodies = (0..<1000).map { SampleRelation().row($0).body }
    #expect(Set(bodies).count == bodies.count)
    for body in bodies {
      #expect(body.utf8.count == SampleRelation.bodyLength)
      #expect(body.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "p")).contains($0) })
    }
  }

  @Test func `without checksums the field stays zero`() {
    var page = [UInt8](repeating: 0xEE, count: 8192)
    page.withUnsafeMutableBytes { SampleRelation().fill($0, block: BlockNumber(2), checksums: false) }
    #expect(page.pageHeader.checksum == 0)
    #expect(page.verdict(block: 2, checksumsEnabled: false) == .valid)
  }
}

@Suite struct PageBuilderTests {
  @Test func `items of every length fill a page and never overlap`() {
    for length in [1, 7, 8, 9, 23, 100, 2000, 8000, 8160] {
      for specialSize in [0, 16, 20] {
        var page = [UInt8](repeating: 0xEE, count: 8192)
        var count = 0
        page.withUnsafeMutableBytes { bytes in
          var builder = PageBuilder(bytes, specialSize: specialSize)
          while let item = builder.append(length: length) {
            #expect(item.count == length && item.allSatisfy { $0 == 0 })
            item.initializeMemory(as: UInt8.self, repeating: UInt8(count % 255 + 1))
            count += 1
            #expect(builder.itemCount == count)
          }
          #expect(builder.room < length)
          builder.finish(lsn: LogSequenceNumber(77), checksumForBlock: BlockNumber(5))
        }
        let aligned = (length + 7) / 8 * 8
        #expect(count == (8192 - 24 - (specialSize + 7) / 8 * 8) / (aligned + 4))
        #expect(page.verdict(block: 5) == .valid)
        #expect(page.pageHeader.lsn == LogSequenceNumber(77))
        page.withUnsafeBytes { bytes in
          let view = PageView(bytes)
          #expect(view.itemCount == count)
          #expect(view.special?.count == (specialSize + 7) / 8 * 8)
          for number in 0..<count {
            #expect(view.item(view.linePointer(number + 1))?.allSatisfy { $0 == UInt8(number % 255 + 1) } == true)
          }
        }
      }
    }
  }

  @Test func `an item that does not fit changes nothing`() {
    var page = [UInt8](repeating: 0, count: 8192)
    page.withUnsafeMutableBytes { bytes in
      var builder = PageBuilder(bytes)
      #expect(builder.room == 8160)
      #expect(builder.append(length: 8161) == nil)
      #expect(builder.room == 8160 && builder.itemCount == 0)
      #expect(builder.append(length: 8160)?.count == 8160)
      #expect(builder.append(length: 1) == nil)
      builder.finish(checksumForBlock: nil)
    }
  }
}
