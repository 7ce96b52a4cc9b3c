import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Forks that grow.
@Suite struct ExtensionTests {
  let rig: StorageRig
  let backend: IOBackend

  init() throws {
    rig = try StorageRig(ReadSetup(kind: .sync), blocks: 10)
    backend = try rig.backend()
  }

  /// Appends and takes all. - Returns: the pages, in order.
  private func extend(_ count: Int) throws -> [Page] {
    var blocks = try rig.pool.extend(rig.fork, by: count, backend)
    var pages: [Page] = []
    while let page = blocks.next() { pages.append(Page(page)) }
    return pages
  }

  @Test func newBlocksComeAtTheEndAcrossSegmentsZeroedPinnedAndTheFirstLocked() throws {
    let pages = try extend(9)
    #expect(pages.map(\.block.rawValue) == Array(10..<19))
    #expect(pages.map(\.lockMode) == [.exclusive] + Array(repeating: nil, count: 8))
    for page in pages { #expect(PageChecksum.isAllZero(page.bytes)) }
    #expect(try rig.fork.blockCount() == 19)
    #expect(try extend(1).map(\.block.rawValue) == [19])
  }

  @Test func whatIsNotTakenIsLetGo() throws {
    do {
      var blocks = try rig.pool.extend(rig.fork, by: 3, backend)
      let first = blocks.next()?.block.rawValue
      #expect(first == 10)
    }
    do { _ = try rig.pool.extend(rig.fork, by: 3, backend) }
    rig.expectNothingHeld([backend])
    for buffer in UInt32(0)..<20 { #expect(rig.pool.state(buffer).rawValue >> 32 == 0) }
  }
}
