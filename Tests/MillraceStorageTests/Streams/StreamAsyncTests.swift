import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Streams as asynchronous sequences, and tasks that are cancelled in the middle of them.
@Suite struct StreamAsyncTests {
  static let setups = ReadSetup.paths.filter { !$0.exclusive }

  @Test(arguments: setups)
  func pagesComeInOrder(setup: ReadSetup) async throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    for isCertain in [false, true, false] {
      var expected: UInt32 = 0
      for try await page in rig.stream(backend, BlockRange(0..<40, isCertain: isCertain)).pages {
        #expect(page.block.rawValue == expected)
        #expect(rig.image.holds(page.bytes, expected))
        expected += 1
      }
      #expect(expected == 40)
      if isCertain { rig.pool.invalidate(rig.fork) }
    }
    rig.expectNothingHeld([backend])
  }

  /// Pages that are kept stay pinned; their number is the consumer's business.
  @Test(arguments: setups)
  func pagesMayBeKept(setup: ReadSetup) async throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    var kept: [Page] = []
    for try await page in rig.stream(backend, BlockRange(0..<40)).pages { kept.append(page) }
    #expect(rig.pool.pinCount == 40)
    for (block, page) in kept.enumerated() { #expect(rig.image.holds(page.bytes, UInt32(block))) }
    kept = []
    rig.expectNothingHeld([backend])
  }

  @Test(arguments: setups)
  func errorsComeInTheirPlace(setup: ReadSetup) async throws {
    let rig = try StorageRig(setup)
    let backend = try rig.backend()
    rig.injection.fail(5, onReadsOf: 8)
    let stream = rig.stream(backend, BlockRange(0..<24, isCertain: true))
    var named: [UInt32] = []
    var isOver = false
    while !isOver {
      do {
        if let page = try await stream.nextPage() { named.append(page.block.rawValue) } else { isOver = true }
      } catch let error as StorageError { named += Array(error.blocks) }
    }
    #expect(named == Array(0..<24))
    rig.expectNothingHeldBut(stream)
  }

  /// A task is cancelled while it waits: nothing is lost, the page can be asked for again, and nothing is held in the
  /// end.
  @Test(arguments: setups.filter { $0.kind != .sync })
  func aCancelledWaitLosesNothing(setup: ReadSetup) async throws {
    let rig = try StorageRig(setup.with { $0.direct = true }, blocksPerSegment: 40)
    for block in UInt32(0)..<4 {
      rig.pool.invalidate(rig.fork)
      let gate = rig.injection.hold(readsOf: block)
      let box = StreamBox(rig, BlockRange(0..<40))
      let task = Task { try await box.readAll() }
      // The completion is held up, so the task waits; then it is cancelled, and only then the read ends.
      try await gate.hasBeenEntered()
      task.cancel()
      let result = await task.result
      gate.open()
      #expect(throws: (any Error).self) { try result.get() }
      #expect(box.cancelledWaits == 1)
      rig.injection.set(nil)
      try await box.readAll()
      #expect(box.blocks == Array(0..<40))
      box.close()
      rig.expectNothingHeld()
    }
  }

  /// The consumer goes away after any number of pages.
  @Test(arguments: setups)
  func aTaskMayBeCancelledAnywhere(setup: ReadSetup) async throws {
    let rig = try StorageRig(setup)
    for count in 0..<20 {
      rig.pool.invalidate(rig.fork)
      let box = StreamBox(rig, BlockRange(0..<40, isCertain: count % 2 == 0))
      let task = Task { try await box.readAll { if $0 == count { withUnsafeCurrentTask { $0?.cancel() } } } }
      _ = await task.result
      box.close()
      rig.expectNothingHeld()
    }
  }
}

/// A stream with its backend, handed from task to task.
final class StreamBox: @unchecked Sendable {
  // Safe because one task at a time uses it.
  private let rig: StorageRig
  private let backend: IOBackend
  private var stream: ReadStream?
  private(set) var blocks: [UInt32] = []
  private(set) var cancelledWaits = 0

  init(_ rig: StorageRig, _ source: BlockSource) {
    self.rig = rig
    do {
      backend = try rig.backend("task")
    } catch { preconditionFailure("\(error)") }
    stream = rig.stream(backend, source)
  }

  /// Reads to the end. - Parameter onPage: told how many pages have come.
  func readAll(_ onPage: (Int) -> Void = { _ in }) async throws {
    guard let stream else { return }
    do {
      while let page = try await stream.nextPage() {
        #expect(rig.image.holds(page.bytes, page.block.rawValue))
        blocks.append(page.block.rawValue)
        onPage(blocks.count)
      }
    } catch let error as IOError {
      if error.code == .cancelled { cancelledWaits += 1 }
      throw error
    }
  }

  func close() {
    stream = nil
    backend.close()
  }
}
