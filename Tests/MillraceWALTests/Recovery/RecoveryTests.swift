import MillraceIO
import MillraceSimulation
import MillraceStorage
import Testing

@testable import MillraceWAL

@Suite("recovery")
struct RecoveryTests {
  // MARK: Where it starts and ends

  @Test("a cluster that was shut down is left alone, and its log goes on behind the checkpoint")
  func clean() throws {
    let cluster = try SmallCluster(blocks: 3, state: .shutDown)
    let rig = try cluster.rig()
    let report = try rig.recovery().run()
    #expect(!report.wasNeeded && report.recordCount == 0 && report.redoStart == nil)
    #expect(report.endPosition == cluster.log.entries[0].end && report.lastRecord == cluster.log.entries[0].start)
    #expect(report.resumePoint.redoPosition == cluster.log.entries[0].start)
    #expect(report.state.nextXID == 3 && report.state.nextOID == 10_000)
  }

  @Test("it starts at the redo position of the last checkpoint, not at its record")
  func startsAtRedo() throws {
    let cluster = try SmallCluster(blocks: 3)
    cluster.write(0, 1)
    let redo = cluster.log.position
    cluster.log.append(.xlog, info: XLOGRecordKind.checkpointRedo.rawValue) { $0.appendData(UInt32(1)) }
    cluster.write(1, 2)
    cluster.checkpoint(isShutdown: true)
    // An online checkpoint, by hand: its record comes after others.
    var checkpoint = cluster.control.checkpoint
    checkpoint.redo = redo
    cluster.control.checkpoint = checkpoint
    cluster.control.checkpointLocation = cluster.log.position
    cluster.log.append(.xlog, info: XLOGRecordKind.checkpointOnline.rawValue) { builder in
      checkpoint.recordData(walLevel: .replica).withUnsafeBytes { builder.appendData(copying: $0) }
    }
    cluster.write(2, 3)
    let rig = try cluster.rig()
    let report = try rig.recovery().run()
    #expect(report.redoStart == redo)
    #expect(report.redoDone == cluster.log.entries.last?.start)
    #expect(try rig.pages(SmallCluster.relation).map { $0[5000] } == [0, 2, 3])
    #expect(report.recordCounts[Int(ModelManager.number.rawValue)] == 2)
    #expect(report.state.nextXID == 78)
    #expect(report.problem?.kind == .recordLength)
  }

  @Test("without the checkpoint's record, or with another there, nothing is recovered")
  func checkpointMissing() throws {
    func failure(_ change: (SmallCluster) -> Void) throws -> RecoveryError? {
      let cluster = try SmallCluster(blocks: 1)
      cluster.write(0, 1)
      change(cluster)
      return #expect(throws: RecoveryError.self) { try cluster.recover() }
    }
    let nothing = try failure { $0.control.checkpointLocation = $0.log.position }
    #expect(nothing?.code == .checkpointMissing)
    #expect(
      nothing?.message
        == "could not locate a valid checkpoint record at 0/1000D0: invalid record length at 0/1000D0: "
        + "expected at least 24, got 0")
    let other = try failure { $0.control.checkpointLocation = $0.log.entries[1].start }
    #expect(other?.message.hasSuffix("the record there is of another kind") == true)
    let damaged = try failure { $0.log.damage(at: $0.log.entries[0].start.rawValue + 30) { $0 ^= 1 } }
    #expect(damaged?.message.contains("incorrect resource manager data checksum in record at 0/100028") == true)
  }

  @Test("a log that ends before its checkpoint is not taken for one that ends")
  func endsBeforeCheckpoint() throws {
    let cluster = try SmallCluster(blocks: 2)
    let redo = cluster.log.position
    cluster.log.append(.xlog, info: XLOGRecordKind.checkpointRedo.rawValue) { $0.appendData(UInt32(1)) }
    let between = cluster.write(0, 1)
    var checkpoint = cluster.control.checkpoint
    checkpoint.redo = redo
    cluster.control.checkpoint = checkpoint
    cluster.control.checkpointLocation = cluster.log.position
    cluster.log.append(.xlog, info: XLOGRecordKind.checkpointOnline.rawValue) { builder in
      checkpoint.recordData(walLevel: .replica).withUnsafeBytes { builder.appendData(copying: $0) }
    }
    cluster.log.damage(at: between.start.rawValue + 28) { $0 ^= 8 }
    let error = #expect(throws: RecoveryError.self) { try cluster.recover() }
    #expect(error?.code == .checkpointMissing)
    #expect(error?.message.hasPrefix("the log ends at \(between.start), before the end of the last checkpoint") == true)
  }

  // MARK: Pages

  @Test("each of the four things that there can be to do with a page")
  func actions() throws {
    let cluster = try SmallCluster(blocks: 4)
    cluster.write(0, 1)
    cluster.write(1, 2, flags: [.forceImage, .standard])
    cluster.write(1, 3)
    cluster.write(9, 4)
    cluster.truncate(to: 3)
    let rig = try cluster.rig()
    rig.manager.scopeOfChanges = { _ in .everything }
    _ = try rig.recovery().run()
    #expect(rig.manager.actions == [.needsRedo, .restored, .needsRedo, .notFound])
    let pages = try rig.pages(SmallCluster.relation)
    #expect(pages.map { $0[5000] } == [1, 3, 2])
    // Once more over what is in the files now.
    try rig.writeOut(SmallCluster.relation) { _ in true }
    let again = try cluster.rig()
    again.manager.scopeOfChanges = { _ in .everything }
    _ = try again.recovery().run()
    #expect(again.manager.actions == [.done, .restored, .needsRedo, .notFound])
    #expect(try again.pages(SmallCluster.relation) == pages)
  }

  @Test("pages that are not there are forgiven if their relation is dropped or cut off later, and only then")
  func invalidPages() throws {
    let dropped = try SmallCluster(blocks: 0)
    dropped.write(4, 1)
    dropped.write(7, 1, relation: 99)
    dropped.drop(99)
    dropped.truncate(to: 4)
    #expect(try dropped.recover().recordCount == 5)

    let cut = try SmallCluster(blocks: 2)
    cut.write(4, 1)
    cut.write(7, 1)
    cut.truncate(to: 5)
    let error = #expect(throws: RecoveryError.self) { try cut.recover() }
    #expect(error?.code == .invalidPages)
    #expect(
      error?.message
        == "WAL contains references to invalid pages: page 4 of relation base/5/16384 does not exist")
  }

  @Test("a relation with the number of one that was dropped has none of its pages")
  func sameNumberAgain() throws {
    let cluster = try SmallCluster(blocks: 5)
    cluster.write(1, 1)
    cluster.drop()
    cluster.log.append(.storage, info: StorageRecordKind.create.rawValue) {
      StorageCreateRecord(ModelChange.locator(SmallCluster.relation), .main).append(to: $0)
    }
    cluster.initialize(0, 33)
    let rig = try cluster.rig()
    _ = try rig.recovery().run()
    let pages = try rig.pages(SmallCluster.relation)
    #expect(pages.count == 1 && pages[0][5000] == 33)
  }

  @Test("a page that redo makes other than it was logged stops recovery, unless the difference is masked")
  func consistency() throws {
    func recover(_ byte: UInt8, masks: Bool) throws -> RecoveryError? {
      let cluster = try SmallCluster(blocks: 2)
      let page = CrashScenario.Page([UInt8](repeating: 0, count: PageLayout.blockSize))
      ModelPage.initialize(page.base, fill: 1)
      page.base.storeBytes(of: 7, toByteOffset: 5000, as: UInt8.self)
      cluster.log.append(
        ModelManager.number, info: ModelChange.writeInfo | WALRecordInfo.checkConsistency
      ) {
        $0.registerBlock(
          0, ModelChange.locator(SmallCluster.relation), .main, BlockNumber(1), page: page.base,
          flags: [.noImage, .standard])
        $0.appendBlockData(0, UInt16(5000))
        $0.appendBlockData(0, byte)
      }
      withExtendedLifetime(page) {}
      let rig = try cluster.rig()
      defer { withExtendedLifetime(rig) {} }
      rig.manager.maskedByte = masks ? 5000 : nil
      do throws(RecoveryError) { _ = try rig.recovery().run() } catch { return error }
      return nil
    }
    #expect(try recover(7, masks: false) == nil)
    #expect(try recover(8, masks: true) == nil)
    let error = try recover(8, masks: false)
    #expect(error?.code == .corrupted)
    #expect(
      error?.message.hasPrefix(
        "inconsistent page found, rel 1663/5/16384, forknum 0, blkno 1: it differs from byte 5000 on; CONTEXT: ")
        == true)
  }

  // MARK: Reading pages

  @Test("what in flight together is read takes the time of one")
  func prefetchDepth() throws {
    var random = SimulationRandom(seed: 5)
    var blocks = (0..<UInt32(300)).map { $0 * 3 }
    random.permute(&blocks)
    var times: [UInt64] = []
    for concurrency in [1, 4, 16] {
      let cluster = try SmallCluster(blocks: 900)
      for block in blocks { cluster.write(block, 9) }
      let rig = try cluster.rig(latency: LatencyModel(usual: 100_000...100_000))
      let report = try rig.recovery { $0.ioConcurrency = concurrency }.run()
      times.append(rig.simulation.clock.nanoseconds)
      #expect(report.pages.read == 300)
    }
    #expect(times[1] < times[0] * 2 / 3)
    #expect(times[2] < times[0] / 5)
  }

  @Test("what need not be read is not")
  func prefetchSkips() throws {
    let cluster = try SmallCluster(blocks: 4)
    cluster.write(0, 1, flags: [.forceImage, .standard])
    cluster.write(0, 2)
    cluster.write(1, 3)
    cluster.write(1, 4)
    cluster.initialize(4, 5)
    cluster.initialize(5, 6)
    cluster.write(5, 7)
    cluster.write(2, 8)
    let rig = try cluster.rig()
    let report = try rig.recovery().run()
    var expected = RecoveryPageStatistics()
    (expected.batches, expected.read, expected.made, expected.repeated) = (1, 2, 3, 3)
    #expect(report.pages == expected)
    #expect(try rig.pages(SmallCluster.relation).map { $0[5000] } == [2, 4, 8, 3, 5, 7])
  }

  @Test("however little memory there is for records, each page gets its changes in the order of the log")
  func smallBatches() throws {
    for limit in [1, 200, 1000, 1 << 20] {
      let cluster = try SmallCluster(blocks: 4)
      for round in UInt8(1)...5 { for block in UInt32(0)..<4 { cluster.write(block, round * 10 + UInt8(block)) } }
      let rig = try cluster.rig()
      let report = try rig.recovery { $0.batchBytes = limit }.run()
      #expect(try rig.pages(SmallCluster.relation).map { $0[5000] } == [50, 51, 52, 53])
      #expect(report.pages.read == 4)
      #expect(limit > 1 || report.pages.batches == 20)
      #expect(limit < 1 << 20 || report.pages.batches == 1 && report.pages.repeated == 16)
    }
  }

  @Test("many relations of few pages are read ahead, too")
  func smallRelations() throws {
    let cluster = try SmallCluster(blocks: 1)
    for relation in UInt32(20_000)..<20_040 {
      cluster.log.append(.storage, info: StorageRecordKind.create.rawValue) {
        StorageCreateRecord(ModelChange.locator(relation), .main).append(to: $0)
      }
      cluster.initialize(0, 1, relation: relation)
    }
    let first = try cluster.rig()
    _ = try first.recovery().run()
    for relation in UInt32(20_000)..<20_040 { try first.writeOut(relation) { _ in true } }
    // Now they are there, and a later log changes each of them.
    cluster.checkpoint()
    for relation in UInt32(20_000)..<20_040 { cluster.write(0, 9, relation: relation) }
    var times: [UInt64] = []
    for concurrency in [0, 16] {
      let rig = try cluster.rig(latency: LatencyModel(usual: 100_000...100_000))
      let report = try rig.recovery { $0.ioConcurrency = concurrency }.run()
      #expect(report.pages.read + report.pages.hit == 40)
      times.append(rig.simulation.clock.nanoseconds)
      for relation in UInt32(20_000)..<20_040 { #expect(try rig.pages(relation).map { $0[5000] } == [9]) }
    }
    #expect(times[1] < times[0] * 2 / 3)
  }

  // MARK: The log's own records

  @Test("what records say of the cluster as a whole")
  func state() throws {
    let cluster = try SmallCluster(blocks: 1)
    let log = cluster.log
    log.append(.xlog, info: XLOGRecordKind.nextOID.rawValue) { $0.appendData(UInt32(20_000)) }
    log.append(.xlog, info: XLOGRecordKind.fullPageWritesChange.rawValue) { $0.appendData(UInt8(0)) }
    var settings = cluster.control.settings
    settings.maxConnections = 7
    settings.walLevel = .logical
    settings.trackCommitTimestamp = true
    log.append(.xlog, info: XLOGRecordKind.parameterChange.rawValue) {
      ParameterChangeRecord(settings: settings).append(to: $0)
    }
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue, xid: 5000)
    log.append(.xlog, info: XLOGRecordKind.switch.rawValue)
    log.skipToNextSegment()
    log.append(.xlog, info: XLOGRecordKind.noop.rawValue)
    let report = try cluster.recover()
    #expect(report.state.nextOID == 20_000)
    #expect(!report.state.fullPageWrites)
    #expect(report.state.settings == settings)
    #expect(report.state.nextXID == 5001)
    #expect(report.endPosition.rawValue > 2 << 20)
  }

  @Test("transaction ids go round")
  func transactionIDs() {
    let control = ControlFile(newCluster: 1, time: 0)
    var state = RecoveredState(control.checkpoint, at: .invalid, settings: control.settings)
    for (next, xid, expected): (UInt64, UInt32, UInt64) in [
      (3, 0, 3), (3, 2, 3), (3, 3, 4), (10, 9, 10), (10, 10, 11), (10, 500, 501),
      (0xFFFF_FFF0, 0xFFFF_FFFE, 0xFFFF_FFFF), (0xFFFF_FFF0, 0xFFFF_FFFF, 0x1_0000_0003),
      (0xFFFF_FFF0, 5, 0x1_0000_0006),
      (0x5_0000_0010, 0xFFFF_FFF0, 0x5_0000_0010),
    ] {
      state.nextXID = next
      state.noteTransaction(xid)
      #expect(state.nextXID == expected, "\(next) and \(xid)")
    }
  }

  @Test("records of others are refused by name")
  func unknownManager() throws {
    let cluster = try SmallCluster(blocks: 1)
    let entry = cluster.log.append(.gin, info: 0x10)
    let error = #expect(throws: RecoveryError.self) { try cluster.recover() }
    #expect(error?.code == .unsupported)
    #expect(
      error?.message
        == "records of resource manager Gin cannot be recovered; "
        + "CONTEXT: WAL redo at \(entry.start) for Gin/UNKNOWN (10)")
  }
}
