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

  /// Every block is given out once, and with many threads there are fewer extensions than calls.
  @Test(arguments: ReadSetup.paths)
  func concurrentExtendersGetBlocksOfTheirOwn(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 1, buffers: 256, blocksPerSegment: 40)
    let threads = try (0..<4).map { number in
      try TestThread("extender \(number)") { () -> [UInt32] in
        let backend = try rig.backend("extender \(number)")
        defer { backend.close() }
        var got: [UInt32] = []
        for round in 0..<20 {
          var blocks = try rig.pool.extend(rig.fork, by: 1 + round % 3, backend)
          while let block = blocks.next() {
            let page = Page(block)
            if page.lockMode == nil { page.lock(.exclusive, backend: backend) }
            #expect(PageChecksum.isAllZero(page.bytes))
            PageHeader().store(to: page.mutableBytes)
            page.mutableBytes.storeBytes(
              of: UInt64(page.block.rawValue) + 7, toByteOffset: StorageRig.valueOffset, as: UInt64.self)
            page.markDirty()
            got.append(page.block.rawValue)
          }
        }
        return got
      }
    }
    var all: [UInt32] = []
    for thread in threads { all += try thread.join() }
    #expect(Set(all).count == all.count)
    let end = try rig.fork.blockCount()
    #expect(all.count + rig.fork.extensionReserve.count == Int(end) - 1)
    let backend = try rig.backend()
    defer { backend.close() }
    try rig.pool.flush(rig.fork, backend)
    for block in all { #expect(try rig.valueOnDisk(block) == UInt64(block) + 7) }
    rig.expectNothingLocked()
    rig.expectNothingHeld([backend])
  }

  @Test func theFileGrowsWithContentionAndWhatIsMadeAheadIsTakenFirst() throws {
    #expect(ExtensionReserve.growth(wanted: 1, extenders: 1) == 1)
    #expect(ExtensionReserve.growth(wanted: 2, extenders: 5) == 10)
    #expect(ExtensionReserve.growth(wanted: 20, extenders: 5) == 64)
    #expect(ExtensionReserve.growth(wanted: 100, extenders: 5) == 100)
    let reserve = rig.fork.extensionReserve
    // Two others are at it.
    #expect(reserve.enter() == 1)
    #expect(reserve.enter() == 2)
    #expect(try extend(2).map(\.block.rawValue) == [10, 11])
    #expect(reserve.count == 4)
    #expect(try rig.fork.blockCount() == 16)
    #expect(try extend(1).map(\.block.rawValue) == [12])
    #expect(try extend(5).map(\.block.rawValue) == [13, 14, 15])
    reserve.leave()
    reserve.leave()
    #expect(try extend(1).map(\.block.rawValue) == [16])
    reserve.put(20..<30)
    rig.pool.drop(rig.fork, from: BlockNumber(23))
    #expect(reserve.count == 3)
    #expect(reserve.take(9) == 20..<23)
  }

  @Test(arguments: ReadSetup.methods)
  func aForkWithoutAFileIsAnErrorAndNothingIsHeld(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 4)
    let backend = try rig.backend()
    defer { backend.close() }
    let fork = rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 404))
    do {
      _ = try rig.pool.extend(fork, by: 3, backend)
      Issue.record("a fork without a file was extended")
    } catch {
      #expect(error.message.contains("base/5/404"))
    }
    rig.expectNothingHeld([backend])
  }
}
