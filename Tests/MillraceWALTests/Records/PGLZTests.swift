import MillraceTestSupport
import Testing

@testable import MillraceWAL

@Suite("PostgreSQL's compression")
struct PGLZTests {
  private func decompress(_ source: [UInt8], byteCount: Int) -> [UInt8]? {
    var destination = [UInt8](repeating: 0xEE, count: byteCount)
    let fits = source.withUnsafeBytes { from in destination.withUnsafeMutableBytes { PGLZ.decompress(from, to: $0) } }
    return fits ? destination : nil
  }

  @Test("bytes as they are, and copies of what came before, which may overlap")
  func small() {
    #expect(decompress([0, 1, 2, 3], byteCount: 3) == [1, 2, 3])
    // Three bytes back, six long.
    #expect(decompress([0b1000, 1, 2, 3, 0x03, 3], byteCount: 9) == [1, 2, 3, 1, 2, 3, 1, 2, 3])
    // One byte back, 18 and 2 more.
    #expect(decompress([0b10, 7, 0x0F, 1, 2], byteCount: 21) == [UInt8](repeating: 7, count: 21))
  }

  @Test("what is too short, too long or points outside is refused")
  func refused() {
    #expect(decompress([0, 1, 2, 3], byteCount: 2) == nil)
    #expect(decompress([0, 1, 2, 3], byteCount: 4) == nil)
    #expect(decompress([0b10, 7, 0x03, 2], byteCount: 7) == nil)
    #expect(decompress([0b10, 7, 0x03, 0], byteCount: 7) == nil)
    #expect(decompress([0b10, 7, 0x03], byteCount: 7) == nil)
    #expect(decompress([0b10, 7, 0x0F, 1], byteCount: 19) == nil)
  }

  @Test("any bytes are decompressed or refused")
  func garbage() {
    var random = SeededGenerator(for: "any bytes are decompressed or refused")
    for _ in 0..<5000 { _ = decompress(random.bytes(random.below(60)), byteCount: random.below(200)) }
  }
}
