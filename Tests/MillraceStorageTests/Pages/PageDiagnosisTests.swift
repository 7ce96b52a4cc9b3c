import MillraceStorage
import Testing

@Suite struct PageDiagnosisTests {
  static func diagnose(
    _ page: [UInt8], block: UInt32 = 3, checksumsEnabled: Bool = true, of forkBlockCount: UInt32 = 100
  ) -> PageDiagnosis {
    page.diagnosis(block: block, checksumsEnabled: checksumsEnabled, of: forkBlockCount)
  }

  static func page(block: UInt32) -> [UInt8] { PageVerifierTests.page(block: block) }

  /// The problem that a wrong checksum is, with the numbers that it must name.
  static func checksum(_ page: [UInt8], block: UInt32 = 3) -> PageProblem {
    .checksum(expected: Reference.pageChecksum(page, block: block), found: page.pageHeader.checksum)
  }

  @Test func `a sound page and a page of zeros have no problems`() {
    #expect(Self.diagnose(Self.page(block: 3)).isSound)
    #expect(Self.diagnose([UInt8](repeating: 0, count: 8192)).isSound)
    #expect(Self.diagnose(Self.page(block: 9), checksumsEnabled: false).isSound)
  }

  @Test func `a flipped byte is a checksum problem with both numbers`() {
    var page = Self.page(block: 3)
    page[4711] ^= 0x10
    let diagnosis = Self.diagnose(page)
    #expect(diagnosis.problems == [Self.checksum(page)])
    let expected = String(Reference.pageChecksum(page, block: 3), radix: 16, uppercase: true)
    let found = String(page.pageHeader.checksum, radix: 16, uppercase: true)
    #expect(diagnosis.problems.map(\.description) == ["checksum is 0x\(found), expected 0x\(expected)"])
  }

  @Test(arguments: [512..<1024, 4096..<6144, 5120..<7680])
  func `a zeroed middle is reported from byte to byte`(range: Range<Int>) {
    var page = Self.page(block: 3)
    let upper = Int(page.pageHeader.upper)
    page.replaceSubrange(range, with: repeatElement(0, count: range.count))
    // The free space is zero anyhow, so the part of the range that lies in it is not counted.
    let reported = range.clamped(to: upper..<8192)
    #expect(Self.diagnose(page).problems == [Self.checksum(page), .zeroed(reported)])
  }

  @Test func `zeros that do not fill a sector are not called zeroed`() {
    var page = Self.page(block: 3)
    page.replaceSubrange(4100..<4700, with: repeatElement(0, count: 600))
    #expect(Self.diagnose(page).problems == [Self.checksum(page)])
  }

  @Test(arguments: [512, 4096, 7680])
  func `a tail of zeros is called torn`(start: Int) {
    var page = Self.page(block: 3)
    let upper = Int(page.pageHeader.upper)
    page.replaceSubrange(start..., with: repeatElement(0, count: 8192 - start))
    #expect(Self.diagnose(page).problems == [Self.checksum(page), .zeroedTail(from: max(start, upper))])
  }

  @Test func `a zeroed head leaves an uninitialized page that is not empty`() throws {
    var page = Self.page(block: 3)
    page.replaceSubrange(0..<4096, with: repeatElement(0, count: 4096))
    let first = try #require(page.firstIndex { $0 != 0 })
    let problems = Self.diagnose(page).problems
    #expect(problems == [.uninitialized(firstNonzeroByte: first), .zeroed(0..<4096)])
    // Nothing of this needs checksums.
    #expect(Self.diagnose(page, checksumsEnabled: false).problems == problems)
  }

  @Test func `the free space of a sound empty page is not called zeroed`() {
    var page = [UInt8](repeating: 0, count: 8192)
    page.store(PageHeader())
    page.setChecksum(block: 3)
    page[20] ^= 1
    #expect(Self.diagnose(page).problems == [Self.checksum(page)])
  }

  @Test(arguments: [0, 2, 4, 99, 5_000_000] as [UInt32])
  func `a page of tuples that stands in the wrong place names its own`(origin: UInt32) {
    let page = Self.page(block: origin)
    let problems = Self.diagnose(page).problems
    #expect(problems == [Self.checksum(page), .misplaced(belongsTo: BlockNumber(origin), confirmed: true)])
  }

  @Test func `a page without tuples names its own place if that is near and exists`() {
    var page = [UInt8](repeating: 0xA5, count: 8192)
    var header = PageHeader(specialSize: 16)
    header.lower = header.upper
    page.store(header)
    page.setChecksum(block: 60)
    let checksum = Self.checksum(page)
    #expect(Self.diagnose(page).problems == [checksum, .misplaced(belongsTo: BlockNumber(60), confirmed: false)])
    #expect(Self.diagnose(page, of: 60).problems == [checksum], "a block that the fork does not have")

    page.setChecksum(block: 3 + 32_768)
    #expect(
      Self.diagnose(page, of: 100_000).problems.last == .misplaced(belongsTo: BlockNumber(32_771), confirmed: false),
      "one bit of the block number differs")

    page.setChecksum(block: 3 + 40_000)
    #expect(Self.diagnose(page, of: 100_000).problems == [Self.checksum(page)], "too far to be told from chance")
  }

  @Test func `a damaged page whose tuples stand where they belong is never called misplaced`() {
    var random = SeededGenerator(for: "no page is suspected of being misplaced that is not")
    for round in 0..<2000 {
      var page = Self.page(block: 3)
      page[4096 + random.below(4000)] ^= UInt8(1 + random.below(255))
      // Once in 65,535 rounds the damage leaves the checksum as it was, and there is nothing to diagnose.
      let problems = Self.diagnose(page, of: .max).problems
      #expect(problems.isEmpty || problems == [Self.checksum(page)], "seed \(random.seed), round \(round)")
    }
  }

  @Test func `a flipped bit of the checksum field looks like a neighbour's page, and is not called confirmed`() {
    var page = [UInt8](repeating: 0, count: 8192)
    page.store(PageHeader())
    page.setChecksum(block: 3)
    let checksum = page.pageHeader.checksum
    for neighbour in [1, 2, 7, 11, 19] as [UInt32] {
      page.setChecksum(block: neighbour)
      #expect(page.pageHeader.checksum != checksum)
      let problems = Self.diagnose(page).problems
      #expect(problems.last == .misplaced(belongsTo: BlockNumber(neighbour), confirmed: false))
    }
  }

  @Test func `each damaged header field is named with its value`() {
    let cases: [(change: (inout PageHeader) -> Void, problems: [PageProblem.HeaderDefect], field: String, value: Int)] =
      [
        ({ $0.flags = PageFlags(rawValue: 0x4001) }, [.unknownFlags(0x4001)], "pd_flags", 0x4001),
        ({ $0.lower = 8 }, [.lowerInsideHeader(8)], "pd_lower", 8),
        ({ ($0.lower, $0.upper) = (600, 512) }, [.lowerBeyondUpper(lower: 600, upper: 512)], "pd_lower", 600),
        ({ $0.special = 128 }, [.upperBeyondSpecial(upper: 392, special: 128)], "pd_upper", 392),
        ({ $0.special = 9000 }, [.specialBeyondPage(9000)], "pd_special", 9000),
        ({ $0.special = 8190 }, [.specialUnaligned(8190)], "pd_special", 8190),
        ({ $0.sizeAndVersion = 4096 + 4 }, [.pageSize(4096)], "pd_pagesize_version", 4096),
        ({ $0.sizeAndVersion = 8192 + 5 }, [.layoutVersion(5)], "pd_pagesize_version", 5),
      ]
    for (change, defects, field, value) in cases {
      var page = Self.page(block: 3)
      var header = page.pageHeader
      change(&header)
      page.store(header)
      page.setChecksum(block: 3)
      for checksumsEnabled in [true, false] {
        let problems = Self.diagnose(page, checksumsEnabled: checksumsEnabled).problems
        #expect(problems == defects.map { .header($0) })
      }
      #expect(defects.map(\.field) == [field])
      #expect(defects.map(\.value) == [value])
    }
  }

  @Test func `whatever the verifier refuses has a diagnosis, whatever it accepts in the expected layout has none`() {
    var random = SeededGenerator(for: "diagnosis and verdict agree")
    for round in 0..<400 {
      var page = Self.page(block: 3)
      for _ in 0..<random.below(4) {
        // Mostly in the header, where the rules are.
        page[random.below(random.below(2) == 0 ? 24 : 8192)] = UInt8(truncatingIfNeeded: random.next())
      }
      if random.below(2) == 0 { page.setChecksum(block: 3) }
      for checksumsEnabled in [true, false] {
        let valid = page.verdict(block: 3, checksumsEnabled: checksumsEnabled).isValid
        let laidOut = page.pageHeader.hasExpectedLayout
        let diagnosis = Self.diagnose(page, checksumsEnabled: checksumsEnabled)
        #expect(diagnosis.isSound == (valid && laidOut), "seed \(random.seed), round \(round)")
      }
    }
  }

  @Test func `garbage is diagnosed without reading outside the page`() {
    var random = SeededGenerator(for: "diagnosis of garbage")
    for _ in 0..<200 {
      let page = random.bytes(8192)
      #expect(!Self.diagnose(page, block: UInt32(truncatingIfNeeded: random.next()), of: .max).isSound)
    }
  }
}
