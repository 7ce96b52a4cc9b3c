import Foundation
import MillraceStorage

/// The bytes of a made-up relation: every page differs from every other one, of this relation and of those with another
/// seed, from its first bytes to its last, and its checksum is right.
final class RelationImage: @unchecked Sendable {
  // Safe because the bytes are written once, before anybody else has the object.

  let blockCount: Int
  let seed: UInt64
  private let bytes: UnsafeMutableRawBufferPointer

  init(blocks: Int, seed: UInt64 = 1) {
    (blockCount, self.seed) = (blocks, seed)
    bytes = .allocate(byteCount: max(blocks, 1) * PageLayout.blockSize, alignment: 4096)
    for block in 0..<blocks { fill(block) }
  }

  deinit { bytes.deallocate() }

  private static let made = Cache()

  /// The same relation for all tests that ask for it.
  static func shared(blocks: Int, seed: UInt64 = 1) -> RelationImage { made.image(blocks, seed) }

  private final class Cache: @unchecked Sendable {
    // Safe because the dictionary is only touched under the lock.
    private let lock = NSLock()
    private var images: [[UInt64]: RelationImage] = [:]

    func image(_ blocks: Int, _ seed: UInt64) -> RelationImage {
      lock.withLock {
        if let known = images[[UInt64(blocks), seed]] { return known }
        let made = RelationImage(blocks: blocks, seed: seed)
        images[[UInt64(blocks), seed]] = made
        return made
      }
    }
  }

  private func fill(_ block: Int) {
    var random = SeededGenerator(seed: seed &* 0x1_0000_0001 &+ UInt64(block) &* 0x9E37_79B9)
    let page = bytes.baseAddress.unsafelyUnwrapped + block * PageLayout.blockSize
    page.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
    // One pattern of 24 bytes, copied until the page is full: quick without optimization too.
    for word in 0..<3 { page.storeBytes(of: random.next(), toByteOffset: 24 + word * 8, as: UInt64.self) }
    var filled = 24
    while filled < PageLayout.blockSize - 24 {
      let length = min(filled, PageLayout.blockSize - 24 - filled)
      memcpy(page + 24 + filled, page + 24, length)
      filled += length
    }
    // No line pointers and no items: what follows the header is anybody's.
    var header = PageHeader()
    header.upper = header.lower
    header.store(to: page)
    PageChecksum.set(page, block: BlockNumber(UInt32(block)))
  }

  func page(_ block: UInt32) -> UnsafeRawPointer {
    UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped + Int(block) * PageLayout.blockSize)
  }

  /// Whether a page in memory is that block of this relation.
  func holds(_ page: UnsafeRawPointer, _ block: UInt32) -> Bool {
    Int(block) < blockCount && memcmp(page, self.page(block), PageLayout.blockSize) == 0
  }

  /// Writes it as segment files.
  func write(to directory: TemporaryDirectory, _ relative: String, blocksPerSegment: Int) throws {
    for segment in 0..<max((blockCount + blocksPerSegment - 1) / blocksPerSegment, 1) {
      let first = segment * blocksPerSegment
      let count = min(blocksPerSegment, blockCount - first)
      let name = segment == 0 ? relative : "\(relative).\(segment)"
      let part = UnsafeRawBufferPointer(
        start: bytes.baseAddress.unsafelyUnwrapped + first * PageLayout.blockSize, count: count * PageLayout.blockSize)
      try directory.write(part, to: name)
    }
  }
}
