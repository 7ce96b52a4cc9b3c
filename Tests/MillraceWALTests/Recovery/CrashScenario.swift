import Foundation
import MillraceIO
import MillraceSimulation
import MillraceStorage

@testable import MillraceWAL

/// A cluster that worked for a while and then lost its power, all from a seed: what is in its log and its files, and
/// what it must be after recovery.
///
/// The files are as an engine leaves them that keeps the rules: no page is written out before its record is durable;
/// a checkpoint ends when what was dirty at its start is durable; anything else that was written may be there, may not,
/// or may be there in part.
final class CrashScenario {
  static let segmentSize: UInt64 = 1 << 20
  static let sector = 512

  private var random: SimulationRandom
  let log: SampleLog
  private(set) var control: ControlFile
  /// Every change with its record; checkpoints have none.
  private(set) var changes: [(change: ModelChange, record: SampleLog.Entry)] = []
  private var state = ModelState()
  /// Files, by relation: what surely is on disk, and what was written since. Pages carry checksums.
  private var synced: [UInt32: [[UInt8]]] = [:]
  private var written: [UInt32: [[UInt8]]] = [:]
  /// Pages that differ from what was written.
  private var dirty: Set<[UInt32]> = []
  /// Up to where the log is durable because a page or a file said so.
  private var durable: LogSequenceNumber
  private var nextRelation: UInt32 = 16384
  /// Where the log was cut off.
  private(set) var cut: LogSequenceNumber

  /// - Parameters:
  ///   - steps: changes, writes and checkpoints.
  init(seed: UInt64, steps: Int) {
    random = SimulationRandom(seed: seed)
    log = SampleLog(segmentSize: Self.segmentSize)
    (durable, cut) = (log.position, log.position)
    control = ControlFile(newCluster: SampleLog.systemIdentifier, time: 0)
    control.walSegmentSize = UInt32(Self.segmentSize)
    control.state = .inProduction
    checkpoint(isShutdown: true)
    for _ in 0..<steps { step() }
    // The last bytes that reached the disk, anywhere behind what had to.
    let room = Int(log.position.rawValue - durable.rawValue)
    cut = random.oneIn(4) ? log.position : LogSequenceNumber(durable.rawValue + UInt64(random.below(room + 1)))
    log.loseTail(from: cut, isRecycled: random.oneIn(2))
  }

  /// What the changes make whose records end at or before a position.
  func survivors(upTo end: LogSequenceNumber) -> ModelState {
    var state = ModelState()
    for (change, record) in changes where record.end <= end { state.apply(change, lsn: record.end) }
    return state
  }

  private func step() {
    switch random.below(100) {
    case 0..<4: if state.relations.count < 4 { create() }
    case 4..<6: drop()
    case 6..<9: truncate()
    case 9..<35: grow()
    case 35..<80: write()
    case 80..<97: writeOut()
    default: checkpoint(isShutdown: false)
    }
  }

  // MARK: Changes

  private func create() {
    let relation = nextRelation
    nextRelation += 1
    let entry = log.append(.storage, info: StorageRecordKind.create.rawValue) {
      StorageCreateRecord(ModelChange.locator(relation), .main).append(to: $0)
    }
    note(.create(relation), entry)
    (synced[relation], written[relation]) = (synced[relation] ?? [], [])
  }

  private func drop() {
    guard let relation = anyRelation() else { return }
    let entry = log.append(ModelManager.number, info: ModelChange.dropInfo) { $0.appendData(relation) }
    note(.drop(relation), entry)
    durable = max(durable, entry.end)
    dirty = dirty.filter { $0[0] != relation }
    written[relation] = nil
  }

  private func truncate() {
    guard let relation = anyRelation(), let count = state.relations[relation]?.count, count > 0 else { return }
    let blocks = UInt32(random.below(count))
    let info = StorageRecordKind.truncate.rawValue | WALRecordInfo.specialRelationUpdate
    let entry = log.append(.storage, info: info) {
      StorageTruncateRecord(ModelChange.locator(relation), to: blocks, forks: .all).append(to: $0)
    }
    note(.truncate(relation, blocks: blocks), entry)
    durable = max(durable, entry.end)
    dirty = dirty.filter { $0[0] != relation || $0[1] < blocks }
    written[relation]?.removeSubrange(Int(blocks)...)
    // The journal of a file system keeps the order: what is cut off does not come back with what is appended.
    synced[relation] = synced[relation].map { Array($0.prefix(Int(blocks))) }
  }

  private func grow() {
    guard let relation = anyRelation(), let count = state.relations[relation]?.count, count < 60 else { return }
    // The file grows first, by blocks that may never be used.
    while (written[relation]?.count ?? 0) <= count { written[relation]?.append(zeros) }
    let fill = UInt8(random.below(256))
    let change = ModelChange.initialize(relation, block: UInt32(count), fill: fill)
    let page = Page(zeros)
    let entry = log.append(ModelManager.number, info: ModelChange.initializeInfo, xid: UInt32(changes.count)) {
      $0.registerBlock(
        0, ModelChange.locator(relation), .main, BlockNumber(UInt32(count)), page: page.base, flags: .willInitialize)
      $0.appendBlockData(0, fill)
    }
    withExtendedLifetime(page) {}
    note(change, entry)
    dirty.insert([relation, UInt32(count)])
  }

  private func write() {
    var writes: [ModelChange.Write] = []
    var pages: [Page] = []
    for _ in 0...random.below(3) {
      guard let relation = anyRelation(), let blocks = state.relations[relation], !blocks.isEmpty else { continue }
      let block = random.below(blocks.count)
      if writes.contains(where: { $0.relation == relation && $0.block == UInt32(block) }) { continue }
      let offset = ModelPage.hole.upperBound + random.below(4000)
      let bytes = (0...random.below(60)).map { _ in UInt8(random.below(256)) }
      writes.append(ModelChange.Write(relation: relation, block: UInt32(block), offset: offset, bytes: bytes))
    }
    guard !writes.isEmpty else { return }
    let flags: RegisteredBufferFlags = random.oneIn(4) ? [] : .standard
    let keepsData = random.oneIn(5)
    // The image is of the page as it is after the change, with the LSN from before.
    var after = state
    for write in writes {
      let lsn = (state.relations[write.relation]?[Int(write.block)] ?? zeros).pageLSN
      after.apply(.write([write]), lsn: lsn)
      pages.append(Page(after.relations[write.relation]?[Int(write.block)] ?? zeros))
    }
    // Some carry images for recovery to compare with.
    let info = ModelChange.writeInfo | (random.oneIn(3) ? WALRecordInfo.checkConsistency : 0)
    let entry = log.append(ModelManager.number, info: info, xid: UInt32(changes.count)) { builder in
      for (id, write) in writes.enumerated() {
        builder.registerBlock(
          id, ModelChange.locator(write.relation), .main, BlockNumber(write.block), page: pages[id].base,
          flags: keepsData ? flags.union(.keepData) : flags)
        builder.appendBlockData(id, UInt16(write.offset))
        write.bytes.withUnsafeBytes { builder.appendBlockData(id, copying: $0) }
      }
    }
    withExtendedLifetime(pages) {}
    note(.write(writes), entry)
    for write in writes { dirty.insert([write.relation, write.block]) }
  }

  private func note(_ change: ModelChange, _ entry: SampleLog.Entry) {
    changes.append((change, entry))
    state.apply(change, lsn: entry.end)
  }

  private func anyRelation() -> UInt32? {
    state.relations.isEmpty ? nil : random.element(of: state.relations.keys.sorted())
  }

  private var zeros: [UInt8] { [UInt8](repeating: 0, count: PageLayout.blockSize) }

  // MARK: Files

  private func writeOut() {
    guard !dirty.isEmpty else { return }
    writeOut(random.element(of: dirty.sorted { $0.lexicographicallyPrecedes($1) }))
  }

  private func writeOut(_ key: [UInt32]) {
    dirty.remove(key)
    guard let bytes = state.relations[key[0]]?[Int(key[1])] else { return }
    let page = Page(bytes)
    durable = max(durable, bytes.pageLSN)
    PageChecksum.set(page.base, block: BlockNumber(key[1]))
    written[key[0]]?[Int(key[1])] = page.bytes
  }

  private func checkpoint(isShutdown: Bool) {
    let redo = log.position
    var location = redo
    if !isShutdown {
      log.append(.xlog, info: XLOGRecordKind.checkpointRedo.rawValue) { $0.appendData(UInt32(1)) }
      log.redoPosition = redo
    }
    let wasDirty = dirty
    if !isShutdown { for _ in 0..<random.below(8) where !random.oneIn(3) { write() } }
    // In between the power may go: then the log has no record of it, and pg_control the one before.
    for key in wasDirty.sorted(by: { $0.lexicographicallyPrecedes($1) }) where dirty.contains(key) { writeOut(key) }
    synced = written
    var checkpoint = control.checkpoint
    checkpoint.redo = redo
    checkpoint.nextXID = max(checkpoint.nextXID, UInt64(changes.count))
    location = log.position
    let info = isShutdown ? XLOGRecordKind.checkpointShutdown : .checkpointOnline
    let entry = log.append(.xlog, info: info.rawValue) { builder in
      checkpoint.redo = isShutdown ? location : redo
      checkpoint.recordData(walLevel: .replica).withUnsafeBytes { builder.appendData(copying: $0) }
    }
    if isShutdown { log.redoPosition = entry.start }
    guard isShutdown || !random.oneIn(5) else { return }
    durable = max(durable, entry.end)
    control.checkpointLocation = location
    control.checkpoint = checkpoint
  }

  // MARK: The crash

  /// Puts log and files on a disk, as the crash left them.
  func write(to disk: SimulatedDisk) throws {
    try log.write(to: disk)
    for relation in Set(synced.keys).union(written.keys).sorted() {
      let (old, new) = (synced[relation], written[relation])
      var blocks: [[UInt8]]
      switch (old, new) {
      case (nil, nil): continue
      case (let old?, nil):
        // The file was removed; the name may have survived.
        guard random.oneIn(2) else { continue }
        blocks = old
      case (nil, let new?):
        guard random.oneIn(2) else { continue }
        blocks = torn([], new)
      case (let old?, let new?):
        blocks = torn(old, new)
      }
      let path = RelationPath(ModelChange.locator(relation)).formatted(versionDirectory: "")
      let file = try disk.openFile(path, [.create, .write, .truncate])
      let bytes = blocks.flatMap { $0 }
      try bytes.withUnsafeBytes { try file.writeWhole(at: 0, $0) }
      try file.syncWhole()
      file.close()
      try disk.syncDirectory("base/5")
    }
  }

  /// What a file holds of which some writes did not reach the disk, or only some sectors of them.
  private func torn(_ old: [[UInt8]], _ new: [[UInt8]]) -> [[UInt8]] {
    let shortest = min(old.count, new.count)
    let count = shortest + random.below(new.count - shortest + 1)
    return (0..<count).map { block in
      let before = block < old.count ? old[block] : zeros
      switch random.below(3) {
      case 0: return before
      case 1: return new[block]
      default:
        var mixed = before
        for start in stride(from: 0, to: PageLayout.blockSize, by: Self.sector) where random.oneIn(2) {
          mixed.replaceSubrange(start..<start + Self.sector, with: new[block][start..<start + Self.sector])
        }
        return mixed
      }
    }
  }

  /// A page's bytes in memory that does not move.
  final class Page {
    let base = UnsafeMutableRawPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
    init(_ bytes: [UInt8]) {
      UnsafeMutableRawBufferPointer(start: base, count: PageLayout.blockSize).copyBytes(from: bytes)
    }
    deinit { base.deallocate() }
    var bytes: [UInt8] { Array(UnsafeRawBufferPointer(start: base, count: PageLayout.blockSize)) }
  }
}

extension [UInt8] {
  /// Of a page.
  var pageLSN: LogSequenceNumber {
    withUnsafeBytes { $0.baseAddress.map { PageHeader.lsn(of: $0) } ?? .invalid }
  }
}
