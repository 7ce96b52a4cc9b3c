import MillraceStorage
import MillraceTestSupport

/// A page that a test made up, in memory of its own.
final class SamplePage {
  let base = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)

  /// - Parameter used: bytes of items, at the page's end.
  init(lsn: LogSequenceNumber = .invalid, used: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
    var header = PageHeader()
    header.lsn = lsn
    header.upper = UInt16(PageLayout.blockSize - PageLayout.aligned(used))
    let items = random.bytes(PageLayout.blockSize - Int(header.upper))
    UnsafeMutableRawBufferPointer(start: base + Int(header.upper), count: items.count).copyBytes(from: items)
    header.store(to: base)
  }

  deinit { base.deallocate() }

  var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: PageLayout.blockSize)) }
}
