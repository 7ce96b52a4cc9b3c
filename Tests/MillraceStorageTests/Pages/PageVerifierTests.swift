import MillraceStorage
import Testing

@Suite struct PageVerifierTests {
  /// A page of the sample relation, as it is at that block.
  static func page(block: UInt32) -> [UInt8] {
    var page = [UInt8](repeating: 0xEE, count: 8192)
    page.withUnsafeMutableBytes { SampleRelation().fill($0, block: BlockNumber(block)) }
    return page
  }

  @Test func `a sound page is valid at its own block only`() {
    let page = Self.page(block: 7)
    #expect(page.verdict(block: 7) == .valid)
    #expect(page.verdict(block: 8) == .checksumFailed)
    #expect(page.verdict(block: 8, checksumsEnabled: false) == .valid)
  }

  @Test func `a page of zeros is valid everywhere`() {
    let page = [UInt8](repeating: 0, count: 8192)
    for checksumsEnabled in [true, false] {
      for ignore in [true, false] {
        let verdict = page.verdict(block: 9, checksumsEnabled: checksumsEnabled, ignoreChecksumFailure: ignore)
        #expect(verdict == [.valid, .allZero])
      }
    }
  }

  @Test func `an uninitialized page with any byte set is invalid, and no setting forgives it`() {
    for byte in [0, 8, 13, 16, 24, 4096, 8191] {
      var page = [UInt8](repeating: 0, count: 8192)
      page[byte] = 1
      for checksumsEnabled in [true, false] {
        for ignore in [true, false] {
          let verdict = page.verdict(checksumsEnabled: checksumsEnabled, ignoreChecksumFailure: ignore)
          #expect(verdict == .headerInvalid, "byte \(byte)")
        }
      }
    }
  }

  @Test func `ignoring checksum failures forgives a wrong checksum and nothing else`() {
    var page = Self.page(block: 0)
    page[5000] ^= 1
    #expect(page.verdict() == .checksumFailed)
    #expect(page.verdict(ignoreChecksumFailure: true) == [.valid, .checksumFailed])
    #expect(page.verdict(checksumsEnabled: false) == .valid)
    #expect(page.verdict(checksumsEnabled: false, ignoreChecksumFailure: true) == .valid)

    page[11] = 0x80  // A flag that does not exist.
    #expect(page.verdict() == [.checksumFailed, .headerInvalid])
    #expect(page.verdict(ignoreChecksumFailure: true) == [.checksumFailed, .headerInvalid])
    #expect(page.verdict(checksumsEnabled: false) == .headerInvalid)

    page.setChecksum(block: 0)
    #expect(page.verdict() == .headerInvalid)
    #expect(page.verdict(ignoreChecksumFailure: true) == .headerInvalid)
  }

  /// One change of a sound header, and whether PostgreSQL accepts the result.
  struct HeaderCase: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let isSane: Bool
    let change: @Sendable (inout PageHeader) -> Void

    init(_ name: String, sane: Bool, _ change: @escaping @Sendable (inout PageHeader) -> Void) {
      testDescription = name
      isSane = sane
      self.change = change
    }
  }

  static let headerCases: [HeaderCase] = [
    HeaderCase("every valid flag", sane: true) { $0.flags = .valid },
    HeaderCase("flag 8", sane: false) { $0.flags = PageFlags(rawValue: 8) },
    HeaderCase("flag 0x8000", sane: false) { $0.flags = PageFlags(rawValue: 0x8000) },
    HeaderCase("lower = upper", sane: true) { $0.lower = $0.upper },
    HeaderCase("lower > upper", sane: false) { $0.lower = $0.upper + 1 },
    HeaderCase("lower in the header", sane: true) { $0.lower = 0 },
    HeaderCase("upper = special", sane: true) { $0.upper = $0.special },
    HeaderCase("upper > special", sane: false) { $0.special = $0.upper & ~7 - 8 },
    HeaderCase("special beyond the page", sane: false) { $0.special = 8200 },
    HeaderCase("special unaligned", sane: false) { $0.special = 8188 },
    HeaderCase("special aligned", sane: true) { $0.special = 8184 },
    HeaderCase("another page size", sane: true) { $0.sizeAndVersion = 16384 + 4 },
    HeaderCase("another layout version", sane: true) { $0.sizeAndVersion = 8192 + 3 },
    HeaderCase("prune xid", sane: true) { $0.pruneXID = .max },
  ]

  @Test(arguments: headerCases)
  func `the header checks are PostgreSQL's`(change: HeaderCase) {
    var page = Self.page(block: 3)
    var header = page.pageHeader
    change.change(&header)
    page.store(header)
    page.setChecksum(block: 3)
    #expect(page.verdict(block: 3) == (change.isSane ? .valid : .headerInvalid))
    #expect(page.verdict(block: 3, checksumsEnabled: false) == (change.isSane ? .valid : .headerInvalid))
  }

  @Test func `a single flipped bit is found, unless the sum of sixteen bits happens to be the same`() {
    var missed = 0

    var random = SeededGenerator(for: "page verifier, single bits")
    var page = Self.page(block: 1)
    for byte in 0..<8192 {
      let flip = UInt8(1) << random.below(8)
      page[byte] ^= flip
      if page.verdict(block: 1).isValid {
        missed += 1
        let expected = Reference.pageChecksum(page, block: 1)
        #expect(expected == page.pageHeader.checksum, "seed \(random.seed), byte \(byte)")
      }
      page[byte] ^= flip
    }
    #expect(page.verdict(block: 1) == .valid)
    // One flip in 65,535 is missed on average.
    #expect(missed <= 3, "seed \(random.seed)")
  }
}
