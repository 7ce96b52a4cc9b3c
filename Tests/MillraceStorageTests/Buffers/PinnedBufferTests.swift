import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Pages that are locked, changed and made anew through their pins.
@Suite struct PinnedBufferTests {
  let rig: StorageRig
  let backend: IOBackend

  init() throws {
    rig = try StorageRig(ReadSetup(kind: .sync), blocks: 10)
    backend = try rig.backend()
  }

  /// Swift Testing's macros do not take what cannot be copied.
  private func read(_ block: UInt32, mode: ReadMode = .normal) throws(StorageError) -> Page {
    Page(try rig.pool.read(rig.fork, BlockNumber(block), backend, mode: mode))
  }

  @Test func lettingGoOfAPinUnlocksThePage() throws {
    let buffer: BufferID
    do {
      let page = try read(3)
      page.lock(.exclusive)
      buffer = page.buffer
      #expect(page.lockMode == .exclusive)
    }
    #expect(rig.pool.state(buffer).rawValue >> 32 == 0)
    rig.expectNothingHeld([backend])
  }

  @Test func aSinglePageIsReadOnceAndThenFound() throws {
    for _ in 0..<3 {
      let page = try read(7)
      #expect(rig.image.holds(page.bytes, 7))
    }
    #expect(rig.pool.statistics.reads == 1)
    #expect(rig.pool.statistics.hits == 2)
    rig.expectNothingHeld([backend])
  }

  @Test func aPageBeyondTheEndIsAnErrorAndNothingIsHeld() throws {
    do {
      _ = try read(10)
      Issue.record("read a block that is not there")
    } catch {
      #expect(error.message.contains("read only 0 of 8192 bytes"))
    }
    rig.expectNothingHeld([backend])
  }

  @Test func changesMakeAPageDirtyAndItStaysInThePool() throws {
    let page = try read(1)
    #expect(!page.isDirty)
    page.with {
      $0.withLock(.exclusive) { page in
        page.mutableBytes.storeBytes(of: 77, toByteOffset: 5000, as: UInt8.self)
        page.setLSN(LogSequenceNumber(0x1_0000_0002))
        page.markDirty()
      }
    }
    #expect(page.isDirty)
    #expect(page.lsn == LogSequenceNumber(0x1_0000_0002))
    #expect(PageView(page.bytes).header.lsn == page.lsn)
    #expect(page.lockMode == nil)
    let evicted = rig.pool.evict(rig.fork, 1)
    #expect(!evicted)
  }

  @Test func hintBitsNeedShareExclusiveAndOnlyOneGetsIt() throws {
    let first = try read(1)
    let second = try read(1)
    first.lock(.share)
    second.lock(.share)
    #expect(first.tryUpgrade())
    #expect(!second.tryUpgrade())
    #expect(second.lockMode == .share)
    first.markDirtyHint()
    first.unlock()
    #expect(second.tryUpgrade())
    #expect(!first.tryLock(.exclusive))
    #expect(first.tryLock(.share))
  }

  @Test func aPageToBeMadeAnewIsNotReadAndComesLocked() throws {
    let page = try read(30, mode: .zeroAndLock)
    #expect(page.lockMode == .exclusive)
    #expect(PageChecksum.isAllZero(page.bytes))
    #expect(rig.pool.statistics.reads == 0)
    let other = try read(2, mode: .zeroAndLock)
    #expect(PageChecksum.isAllZero(other.bytes))
    #expect(!other.isDirty)
  }

  @Test func aPageToBeMadeAnewThatIsThereStaysAsItWas() throws {
    _ = try read(2)
    let page = try read(2, mode: .zeroAndLock)
    #expect(rig.image.holds(page.bytes, 2))
    #expect(page.lockMode == .exclusive)
  }

  @Test func forksAreKnownToThePoolAndForgotten() throws {
    let directory = ForkDirectory()
    let forks = (0..<500).map {
      rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: UInt32(20_000 + $0)))
    }
    for fork in forks { directory.add(fork) }
    for fork in forks { directory.add(fork) }
    #expect(directory.count == 500)
    for fork in forks { #expect(directory.with(fork.id) { $0 === fork }) }
    for fork in forks where fork.id.rawValue % 3 != 0 { directory.remove(fork) }
    for fork in forks where fork.id.rawValue % 3 == 0 { #expect(directory.with(fork.id) { $0 === fork }) }
    for fork in forks { directory.add(fork) }
    for fork in forks { #expect(directory.with(fork.id) { $0 === fork }) }
    #expect(directory.count == 500)
  }
}
