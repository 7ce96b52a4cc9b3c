import Testing

@testable import MillraceIO
@testable import MillraceStorage

/// Damaged pages on their way into the pool: facts §11, scenarios 35 to 47, each on every method, for shared and for
/// local buffers, in PostgreSQL's words.
@Suite struct PageVerificationTests {
  static let setups = StartReadBuffersTests.setups
  static let relation = "relation \"base/5/16384\""

  /// What a read of a range came to.
  struct Outcome: Equatable {
    var error: String?
    var detail: String?
    var hint: String?
    var warnings: [String] = []
  }

  /// A relation of one segment and a reader.
  struct Bench {
    let rig: StorageRig
    let backend: IOBackend

    init(_ setup: ReadSetup, _ scope: BufferPool.Scope, checksums: Bool = true) throws {
      rig = try StorageRig(setup, blocks: 20, blocksPerSegment: 20, scope: scope, checksums: checksums)
      backend = try rig.backend()
    }

    /// Reads blocks that are not cached, as one I/O.
    func read(_ blocks: ClosedRange<UInt32>, _ flags: ReadBuffersFlags = []) -> Outcome {
      rig.pool.invalidate(rig.fork)
      rig.log.clear()
      let warnings = Locked<[String]>([])
      let reader = rig.reader(backend, flags: flags) { line in warnings.withLock { $0.append(line) } }
      let probe = ReadProbe(rig, reader, blocks)
      var outcome = Outcome()
      do throws(StorageError) {
        #expect(try probe.start() == [.read(blocks)])
        _ = try probe.wait(0)
        #expect(probe.operation(0).done == blocks.count)
      } catch {
        (outcome.error, outcome.detail, outcome.hint) = (error.message, error.detail, error.hint)
        #expect(error.code == .invalidPage)
        #expect(error.blocks == blocks.lowerBound..<blocks.upperBound + 1)
      }
      probe.release()
      outcome.warnings = warnings.withLock { $0 }
      return outcome
    }

    /// Whether a page is cached and valid, and whether it is all zero.
    func cached(_ block: UInt32) -> (valid: Bool, zero: Bool) {
      guard let buffer = rig.pool.table.find(BufferTag(rig.fork.id, block)) else { return (false, false) }
      return (
        rig.pool.state(buffer).has(BufferState.valid), PageChecksum.isAllZero(UnsafeRawPointer(rig.pool.page(buffer)))
      )
    }

    /// What of a range is valid after a read.
    func valid(_ blocks: ClosedRange<UInt32>) -> [UInt32] { blocks.filter { cached($0).valid } }
    func zeroed(_ blocks: ClosedRange<UInt32>) -> [UInt32] { blocks.filter { cached($0).valid && cached($0).zero } }
  }

  /// Scenarios 35 to 37.
  @Test(arguments: setups)
  func oneDamagedPage(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptHeader(3)
    let message = "invalid page in block 3 of \(Self.relation)"
    #expect(bench.read(3...3) == Outcome(error: message))
    #expect(bench.rig.log.lines == [message])
    #expect(bench.valid(3...3).isEmpty)

    #expect(bench.read(3...3, .zeroOnError) == Outcome(warnings: ["\(message); zeroing out page"]))
    #expect(bench.rig.log.lines == ["\(message); zeroing out page"])
    #expect(bench.zeroed(3...3) == [3])

    try bench.rig.repair(3)
    #expect(bench.read(3...3) == Outcome())
    #expect(bench.rig.log.lines.isEmpty)
    #expect(bench.zeroed(3...3).isEmpty)
    #expect(bench.valid(3...3) == [3])
    #expect(bench.rig.pool.pinCount == 0)
  }

  /// Scenarios 38 to 40.
  @Test(arguments: setups)
  func severalDamagedPagesInOneRead(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptHeader(2)
    try bench.rig.corruptHeader(3)
    #expect(
      bench.read(1...4)
        == Outcome(
          error: "2 invalid pages among blocks 1..4 of \(Self.relation)",
          detail: "Block 2 held the first invalid page.",
          hint: "See server log for the other 1 invalid block(s)."))
    #expect(bench.rig.log.lines == [2, 3].map { "invalid page in block \($0) of \(Self.relation)" })
    // The sound ones of that read can be used by others.
    #expect(bench.valid(1...4) == [1, 4])

    #expect(
      bench.read(1...4, .zeroOnError)
        == Outcome(warnings: [
          "zeroing out 2 invalid pages among blocks 1..4 of \(Self.relation);"
            + " DETAIL: Block 2 held the first zeroed page.;"
            + " HINT: See server log for the other 1 zeroed block(s)."
        ]))
    #expect(bench.zeroed(1...4) == [2, 3])
    #expect(bench.valid(1...4) == [1, 2, 3, 4])
    #expect(bench.rig.pool.pinCount == 0)
  }

  /// Scenario 44.
  @Test(arguments: setups)
  func wrongChecksumsCanBeIgnored(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptChecksum(3)
    #expect(bench.read(3...3) == Outcome(error: "invalid page in block 3 of \(Self.relation)"))
    let one = "ignoring checksum failure in block 3 of \(Self.relation)"
    #expect(bench.read(3...3, .ignoreChecksumFailures) == Outcome(warnings: [one]))
    #expect(bench.rig.log.lines == [one])
    #expect(bench.valid(3...3) == [3])
    #expect(bench.zeroed(3...3).isEmpty)

    try bench.rig.corruptChecksum(5)
    #expect(
      bench.read(2...6, .ignoreChecksumFailures)
        == Outcome(warnings: [
          "ignoring 2 checksum failures among blocks 2..6 of \(Self.relation);"
            + " DETAIL: Block 3 held the first ignored page.;"
            + " HINT: See server log for the other 1 ignored block(s)."
        ]))
    #expect(bench.rig.log.lines == [3, 5].map { "ignoring checksum failure in block \($0) of \(Self.relation)" })
    // Scenario 43: they are counted, ignored or not.
    #expect(bench.rig.pool.statistics.checksumFailures == 4)
  }

  /// Scenario 45.
  @Test(arguments: setups)
  func ignoringChecksumsDoesNotSaveADamagedHeader(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptChecksum(3)
    try bench.rig.corruptHeaderOnly(4)
    #expect(
      bench.read(2...4, .ignoreChecksumFailures) == Outcome(error: "invalid page in block 4 of \(Self.relation)"))
    #expect(
      bench.rig.log.lines == [
        "ignoring checksum failure in block 3 of \(Self.relation)", "invalid page in block 4 of \(Self.relation)",
      ])
    #expect(bench.valid(2...4) == [2, 3])
  }

  /// Scenario 46.
  @Test(arguments: setups)
  func zeroingAndIgnoringInOneRead(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    let both: ReadBuffersFlags = [.zeroOnError, .ignoreChecksumFailures]
    try bench.rig.corruptHeaderOnly(2)
    try bench.rig.corruptChecksum(4)
    #expect(
      bench.read(1...5, both)
        == Outcome(warnings: [
          "zeroing 1 page(s) and ignoring 1 checksum failure(s) among blocks 1..5 of \(Self.relation);"
            + " HINT: See server log for details about the other 1 invalid block."
        ]))
    try bench.rig.corruptHeaderOnly(3)
    #expect(
      bench.read(1...5, both)
        == Outcome(warnings: [
          "zeroing 2 page(s) and ignoring 1 checksum failure(s) among blocks 1..5 of \(Self.relation);"
            + " DETAIL: Block 2 held the first zeroed page.;"
            + " HINT: See server log for details about the other 2 invalid blocks."
        ]))
    #expect(
      bench.rig.log.lines == [
        "invalid page in block 2 of \(Self.relation); zeroing out page",
        "invalid page in block 3 of \(Self.relation); zeroing out page",
        "ignoring checksum failure in block 4 of \(Self.relation)",
      ])
    #expect(bench.zeroed(1...5) == [2, 3])
    #expect(bench.valid(1...5) == [1, 2, 3, 4, 5])
  }

  /// The other way round: the ignored page comes first, and the first zeroed one is named all the same.
  @Test(arguments: setups)
  func theFirstZeroedPageIsNamedBehindAnIgnoredOne(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptChecksum(1)
    try bench.rig.corruptHeaderOnly(3)
    try bench.rig.corruptHeaderOnly(5)
    #expect(
      bench.read(0...6, [.zeroOnError, .ignoreChecksumFailures]).warnings.first?.contains(
        "DETAIL: Block 3 held the first zeroed page.") ?? false)
  }

  /// Scenario 47.
  @Test(arguments: setups)
  func aDamagedHeaderWithAWrongChecksum(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptHeader(3)
    let message = "invalid page in block 3 of \(Self.relation)"
    #expect(bench.read(3...3, .ignoreChecksumFailures) == Outcome(error: message))
    #expect(
      bench.read(3...3, [.ignoreChecksumFailures, .zeroOnError])
        == Outcome(warnings: ["\(message); zeroing out page"]))
    #expect(bench.zeroed(3...3) == [3])
  }

  /// One bad page, at every place of a full read.
  @Test(arguments: ReadSetup.methods)
  func oneDamagedPageAtEveryPlaceOfSixteen(setup: ReadSetup) throws {
    let bench = try Bench(setup, .shared)
    for bad in UInt32(0)..<16 {
      try bench.rig.corruptChecksum(bad)
      #expect(bench.read(0...15) == Outcome(error: "invalid page in block \(bad) of \(Self.relation)"))
      #expect(bench.valid(0...15) == (0..<16).filter { $0 != bad })
      try bench.rig.repair(bad)
    }
    #expect(bench.read(0...15) == Outcome())
  }

  @Test func allPagesDamagedInALargestRead() throws {
    var setup = ReadSetup(kind: .worker)
    setup.combineLimit = 128
    let rig = try StorageRig(setup, blocks: 128, buffers: 256, blocksPerSegment: 128)
    let backend = try rig.backend()
    for block in UInt32(0)..<128 { try rig.corruptHeader(block) }
    let probe = ReadProbe(rig, rig.reader(backend), 0...127)
    #expect(try probe.start() == [.read(0...127)])
    let error = #expect(throws: StorageError.self) { try probe.wait(0) }
    #expect(error?.message == "128 invalid pages among blocks 0..127 of \(Self.relation)")
    #expect(error?.hint == "See server log for the other 127 invalid block(s).")
    #expect(rig.log.lines.count == 128)
  }

  /// A page of zeros is sound: the relation was extended and the page never written.
  @Test(arguments: setups)
  func aPageOfZerosIsSound(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.overwrite(3, at: 0, [UInt8](repeating: 0, count: PageLayout.blockSize))
    #expect(bench.read(2...4) == Outcome())
    #expect(bench.zeroed(2...4) == [3])
  }

  @Test(arguments: setups)
  func withoutChecksumsOnlyHeadersAreLookedAt(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope, checksums: false)
    try bench.rig.corruptChecksum(3)
    #expect(bench.read(2...4) == Outcome())
    try bench.rig.corruptHeader(3)
    #expect(bench.read(2...4) == Outcome(error: "invalid page in block 3 of \(Self.relation)"))
    #expect(bench.rig.pool.statistics.checksumFailures == 0)
  }

  @Test(arguments: setups)
  func unverifiedPagesAreTakenAsTheyAre(setup: ReadSetup, scope: BufferPool.Scope) throws {
    let bench = try Bench(setup, scope)
    try bench.rig.corruptHeader(3)
    try bench.rig.corruptChecksum(4)
    #expect(bench.read(2...5, .unverified) == Outcome())
    #expect(bench.valid(2...5) == [2, 3, 4, 5])
    #expect(bench.rig.log.lines.isEmpty)
  }

  /// Scenario 16: the file ends in the middle of a read, and a page before that is damaged: the page decides.
  @Test(arguments: ReadSetup.paths)
  func aShortReadWithADamagedPageReportsThePage(setup: ReadSetup) throws {
    let bench = try Bench(setup, .shared)
    try bench.rig.corruptHeader(2)
    bench.rig.injection.force([3 * 8192, 0], onReadsOf: 2)
    #expect(bench.read(1...5) == Outcome(error: "invalid page in block 2 of \(Self.relation)"))
    #expect(bench.valid(1...5) == [1, 3])
  }

  /// Scenarios 12 and 41: through a stream.
  @Test(arguments: ReadSetup.all)
  func aScanReportsADamagedPageOrGoesOnWithZeros(setup: ReadSetup) throws {
    let rig = try StorageRig(setup, blocks: 20)
    let backend = try rig.backend()
    try rig.corruptHeader(9)
    let result = StreamErrorTests.readAll(rig, rig.stream(backend, BlockRange(0..<20)))
    StreamErrorTests.expectComplete(result, 0..<20)
    #expect(result.errors.map(\.message) == ["invalid page in block 9 of \(Self.relation)"])

    rig.pool.invalidate(rig.fork)
    let warnings = Locked<[String]>([])
    let stream = rig.stream(backend, BlockRange(0..<20)) {
      $0.flags = .zeroOnError
      $0.onWarning = { line in warnings.withLock { $0.append(line) } }
    }
    for block in UInt32(0)..<20 {
      guard let page = try stream.next() else { break }
      #expect(page.block.rawValue == block)
      #expect(PageChecksum.isAllZero(page.bytes) == (block == 9))
    }
    #expect(warnings.withLock { $0 } == ["invalid page in block 9 of \(Self.relation); zeroing out page"])
  }
}
