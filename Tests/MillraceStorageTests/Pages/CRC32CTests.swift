import CMillrace
import MillraceStorage
import Testing

@Suite struct CRC32CTests {
  static let paths: [(name: String, run: @Sendable (UInt32, UnsafeRawPointer, Int) -> UInt32)] = {
    var paths: [(name: String, run: @Sendable (UInt32, UnsafeRawPointer, Int) -> UInt32)] = [
      ("dispatched", { millrace_crc32c($0, $1, $2) }),
      ("portable", { millrace_crc32c_portable($0, $1, $2) }),
    ]
    if millrace_crc32c_has_hardware() {
      paths.append(("hardware", { millrace_crc32c_hardware($0, $1, $2) }))
    }
    return paths
  }()

  @Test func `the check value of the catalogue of CRCs`() {
    let digits = Array("123456789".utf8)
    #expect(digits.withUnsafeBytes(CRC32C.compute) == 0xE306_9283)
    #expect([UInt8]().withUnsafeBytes(CRC32C.compute) == 0)
  }

  @Test(arguments: paths.indices)
  func `every path agrees with the reference at every length up to both stream widths`(path: Int) {
    var random = SeededGenerator(for: "CRC-32C, \(Self.paths[path].name)")
    let bytes = random.bytes(3200)
    // The streams are 128 and 1024 bytes wide, three side by side: lengths about 384 and 3072 meet every seam.
    let lengths = Array(0...400) + Array(760...776) + Array(3056...3090) + [3200]
    for length in lengths {
      let shift = random.below(min(8, 3201 - length))
      let start = UInt32(truncatingIfNeeded: random.next())
      let expected = Reference.crc32c(start, bytes[shift..<(shift + length)])
      let found = bytes.withUnsafeBytes { Self.paths[path].run(start, $0.baseAddress! + shift, length) }
      #expect(found == expected, "seed \(random.seed), length \(length), shift \(shift)")
    }
  }

  @Test(arguments: paths.indices)
  func `every path agrees with the reference on pieces of large inputs`(path: Int) {
    var random = SeededGenerator(for: "CRC-32C in pieces, \(Self.paths[path].name)")
    let bytes = random.bytes(20_000)
    let expected = Reference.crc32c(.max, bytes)
    for _ in 0..<20 {
      var register = UInt32.max
      var at = 0
      while at < bytes.count {
        let length = min(bytes.count - at, random.below(7000))
        register = bytes.withUnsafeBytes { Self.paths[path].run(register, $0.baseAddress! + at, length) }
        at += length
      }
      #expect(register == expected, "seed \(random.seed)")
    }
  }

  @Test func `feeding in pieces gives the value of feeding at once`() {
    var random = SeededGenerator(for: "CRC32C.update")
    let bytes = random.bytes(1000)
    var crc = CRC32C()
    bytes[..<333].withUnsafeBytes { crc.update($0) }
    bytes[333..<333].withUnsafeBytes { crc.update($0) }
    bytes[333...].withUnsafeBytes { crc.update($0) }
    #expect(crc.value == bytes.withUnsafeBytes(CRC32C.compute))
  }
}
