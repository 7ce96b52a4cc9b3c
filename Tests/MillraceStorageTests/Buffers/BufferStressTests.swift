import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Many threads on one small pool, doing everything at random, on every method; every page is compared with its block.
@Suite struct BufferStressTests {
  /// Two relations that differ in every page, in few segments of which still fewer can be open.
  final class Arena: @unchecked Sendable {
    // Safe because all of it is immutable; what it refers to guards itself.
    let rig: StorageRig
    let images: [RelationImage]
    let forks: [StoredFork]
    static let blocks = 120

    init(_ setup: ReadSetup) throws {
      rig = try StorageRig(setup, blocks: Self.blocks, buffers: 64, blocksPerSegment: 10, filesMax: 3, merges: true)
      images = [rig.image, .shared(blocks: Self.blocks, seed: 7)]
      try images[1].write(to: rig.directory, "base/5/77", blocksPerSegment: 10)
      forks = [rig.fork, rig.storage.open(RelationLocator(tablespace: 1663, database: 5, relNumber: 77))]
    }

    func holds(_ page: borrowing PinnedBuffer) -> Bool {
      let number = page.fork == forks[0].id ? 0 : 1
      return page.fork == forks[number].id && images[number].holds(page.bytes, page.block.rawValue)
    }
  }

  /// What one thread found.
  struct Findings: Sendable {
    var pages = 0
    var wrong = 0
    var unexpected: [String] = []
  }

  static let threads = 5

  @Test(arguments: ReadSetup.paths.map { $0.with { $0.handles = 4 } })
  func everyPageThatIsGivenOutIsRight(setup: ReadSetup) throws {
    let arena = try Arena(setup)
    let seed = SeededGenerator(for: "pool stress, \(setup)").seed
    let threads = try (0..<Self.threads).map { number in
      try TestThread("stress \(number)") { () -> Findings in
        let backend = try arena.rig.backend("stress \(number)")
        defer { backend.close() }
        var random = SeededGenerator(seed: seed &* 100 &+ UInt64(number))
        var findings = Findings()
        for _ in 0..<150 { Self.act(arena, backend, &random, &findings) }
        return findings
      }
    }
    var pages = 0
    for thread in threads {
      let findings = try thread.join()
      #expect(findings.wrong == 0, "wrong pages")
      #expect(findings.unexpected.isEmpty)
      pages += findings.pages
    }
    #expect(pages > 1000)
    arena.rig.expectNothingHeld()
    #expect(arena.rig.storage.files.openCount <= 3 + Self.threads)
    for buffer in UInt32(0)..<64 {
      let state = arena.rig.pool.state(buffer)
      #expect(state.usage <= BufferState.usageMax)
      #expect(!state.has(BufferState.ioInProgress))
    }
    // Nothing is left behind that would keep the pool from being used up to its last buffer.
    for fork in arena.forks { #expect(arena.rig.pool.invalidate(fork) == 0) }
    let buffers = try (0..<64).map { try arena.rig.pool.pinOrAllocate(BufferTag(arena.forks[0].id, $0), strategy: nil) }
    #expect(Set(buffers).count == 64)
    for buffer in buffers { arena.rig.pool.unpin(buffer) }
  }

  /// One thing that a session may do.
  private static func act(
    _ arena: Arena, _ backend: IOBackend, _ random: inout SeededGenerator, _ findings: inout Findings
  ) {
    let fork = arena.forks[random.below(2)]
    switch random.below(20) {
    case 0: arena.rig.pool.invalidate(fork, backend: backend)
    case 1: arena.rig.pool.evict(fork, UInt32(random.below(Arena.blocks)))
    default: scan(arena, fork, backend, &random, &findings)
    }
  }

  /// A scan of some kind, to some point.
  private static func scan(
    _ arena: Arena, _ fork: StoredFork, _ backend: IOBackend, _ random: inout SeededGenerator,
    _ findings: inout Findings
  ) {
    let blocks = StreamOrderTests.randomBlocks(&random).map { $0 + UInt32(random.below(80)) }
    var configuration = ReadStreamConfiguration()
    configuration.combineLimit = [1, 4, 16][random.below(3)]
    configuration.ioConcurrency = [0, 1, 4, 16][random.below(4)]
    let ring = random.below(4) == 0 ? BufferStrategy(.vacuum, count: 8, pool: arena.rig.pool) : nil
    let stream = ReadStream(
      arena.rig.pool, backend, fork, NumberedBlocks(blocks, hint: random.below(2) == 0 ? blocks.count : nil),
      strategy: ring, configuration: configuration)
    let limit = random.below(2) == 0 ? blocks.count : random.below(blocks.count + 1)
    // Some pages are looked at again after others have come.
    var kept: [Page] = []
    var number = 0
    while number < limit {
      do throws(StorageError) {
        guard let page = try stream.next() else { break }
        if page.block.rawValue != blocks[number] || !arena.holds(page) { findings.wrong += 1 }
        findings.pages += 1
        number += 1
        if kept.count < 3, random.below(8) == 0 { kept.append(Page(page)) }
      } catch {
        // The pool is small: that all of it is pinned for a moment is the one thing that may happen.
        if error.code != .noUnpinnedBuffers { findings.unexpected.append("\(error)") }
        kept = []
      }
    }
    for page in kept {
      let image = arena.images[fork === arena.forks[0] ? 0 : 1]
      if !image.holds(page.bytes, page.block.rawValue) { findings.wrong += 1 }
    }
  }

  /// A hot set that one thread uses stays in the pool while others scan through rings.
  @Test(arguments: ReadSetup.shared)
  func ringsDoNotWashTheHotSetOut(setup: ReadSetup) throws {
    let arena = try Arena(setup)
    let isOver = AtomicFlag()
    let scans = try (0..<2).map { number in
      try TestThread("scan \(number)") {
        let backend = try arena.rig.backend("scan \(number)")
        defer { backend.close() }
        while !isOver.isSet {
          let ring = BufferStrategy(.bulkRead, count: 8, pool: arena.rig.pool)
          let stream = ReadStream(
            arena.rig.pool, backend, arena.forks[1], BlockRange(0..<UInt32(Arena.blocks)), strategy: ring)
          while try stream.next() != nil {}
        }
      }
    }
    let backend = try arena.rig.backend("hot")
    defer { backend.close() }
    let before = arena.rig.injection.attempts.count
    for _ in 0..<60 { try arena.rig.drain(arena.rig.stream(backend, BlockRange(0..<20))) }
    isOver.set()
    for scan in scans { try scan.join() }
    let hot = arena.rig.injection.attempts[before...].filter { $0.blocks.upperBound < 20 && $0.isOf(arena.forks[0]) }
    // Read once, and hardly ever again.
    #expect(hot.reduce(0) { $0 + $1.blocks.count } <= 20 + 12)
    arena.rig.expectNothingHeld()
  }
}
