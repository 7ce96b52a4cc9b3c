import CMillrace
import MillraceStorage
import Testing

@Suite struct PageChecksumTests {
  /// Every way the checksum can be computed on this machine.
  static let paths: [(name: String, hash: @Sendable (UnsafeRawPointer) -> UInt32)] = {
    var paths: [(name: String, hash: @Sendable (UnsafeRawPointer) -> UInt32)] = [
      ("dispatched", { millrace_checksum_hash($0) }),
      ("portable", { millrace_checksum_hash_portable($0) }),
    ]
    if millrace_checksum_has_avx2() {
      paths.append(("avx2", { millrace_checksum_hash_avx2($0) }))
    }
    return paths
  }()

  @Test(arguments: paths.indices)
  func `every path agrees with the reference on random pages`(path: Int) {
    var random = SeededGenerator(for: "page checksum, \(Self.paths[path].name)")
    for _ in 0..<60 {
      // A page may stand at any address.
      let shift = random.below(64)
      let memory = random.bytes(8192 + shift)
      let block = UInt32(truncatingIfNeeded: random.next())
      let expected = Reference.pageChecksum(Array(memory[shift...]), block: block)
      let found = memory.withUnsafeBytes { memory in
        memory.baseAddress.map { millrace_checksum_reduce(Self.paths[path].hash($0 + shift), block) }
      }
      #expect(found == expected, "seed \(random.seed), shift \(shift), block \(block)")
    }
  }

  @Test(arguments: paths.indices)
  func `pages of one repeated byte agree with the reference`(path: Int) {
    for byte in [0x00, 0x01, 0x7F, 0x80, 0xFF] as [UInt8] {
      let page = [UInt8](repeating: byte, count: 8192)
      for block in [0, 1, 65_534, 65_535, 131_072, UInt32.max - 1] as [UInt32] {
        let found = page.withPage { millrace_checksum_reduce(Self.paths[path].hash($0), block) }
        #expect(found == Reference.pageChecksum(page, block: block), "byte \(byte), block \(block)")
      }
    }
  }

  @Test func `the checksum field itself does not count, every other bit does`() {
    var random = SeededGenerator(for: "page checksum, single bits")
    var page = random.bytes(8192)
    let hash = page.withPage(millrace_checksum_hash)
    for bit in 0..<16 {
      page[8 + bit / 8] ^= 1 << (bit % 8)
      #expect(page.withPage(millrace_checksum_hash) == hash)
    }
    for byte in 0..<8192 where byte != 8 && byte != 9 {
      let flip = UInt8(1) << random.below(8)
      page[byte] ^= flip
      let changed = page.withPage(millrace_checksum_hash)
      #expect(changed != hash, "seed \(random.seed), byte \(byte)")
      page[byte] ^= flip
    }
  }

  @Test func `computing does not write, setting writes the field only`() {
    var random = SeededGenerator(for: "page checksum, setting")
    let original = random.bytes(8192)
    var page = original
    let block = BlockNumber(42)
    let computed = page.withPage { PageChecksum.compute($0, block: block) }
    #expect(page == original)
    page.withMutablePage { PageChecksum.set($0, block: block) }
    #expect(page.pageHeader.checksum == computed)
    #expect(computed != 0)
    page[8] = original[8]
    page[9] = original[9]
    #expect(page == original)
  }

  @Test func `a page is zero only if all of its bytes are`() {
    var page = [UInt8](repeating: 0, count: 8192)
    #expect(page.withPage(PageChecksum.isAllZero))
    for byte in 0..<8192 {
      page[byte] = 1
      #expect(!page.withPage(PageChecksum.isAllZero), "byte \(byte)")
      page[byte] = 0
    }
  }
}
