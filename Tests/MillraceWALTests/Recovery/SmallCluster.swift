import MillraceIO
import MillraceSimulation
import MillraceStorage

@testable import MillraceWAL

/// One relation of sound pages on a simulated disk, and a log behind a checkpoint that a test fills.
final class SmallCluster {
  static let relation: UInt32 = 16384
  let disk: SimulatedDisk
  let log = SampleLog()
  var control: ControlFile
  private var scratch = CrashScenario.Page([UInt8](repeating: 0, count: PageLayout.blockSize))

  /// - Parameter blocks: of the relation, each full of its number.
  init(blocks: UInt32, state: ControlFile.State = .inProduction) throws {
    disk = SimulatedDisk(seed: 1)
    control = ControlFile(newCluster: SampleLog.systemIdentifier, time: 0)
    control.walSegmentSize = UInt32(log.geometry.segmentSize)
    control.state = state
    let file = try disk.openFile(Self.path, [.create, .write])
    for block in 0..<blocks {
      ModelPage.initialize(scratch.base, fill: UInt8(truncatingIfNeeded: block))
      PageHeader.setLSN(LogSequenceNumber(8), of: scratch.base)
      PageChecksum.set(scratch.base, block: BlockNumber(block))
      try scratch.bytes.withUnsafeBytes { try file.writeWhole(at: Int64(block) * 8192, $0) }
    }
    try file.syncWhole()
    file.close()
    checkpoint()
  }

  static var path: String { RelationPath(ModelChange.locator(relation)).formatted(versionDirectory: "") }

  /// A checkpoint while nothing else happens.
  func checkpoint(isShutdown: Bool = true) {
    var checkpoint = control.checkpoint
    checkpoint.redo = log.position
    if !isShutdown {
      log.append(.xlog, info: XLOGRecordKind.checkpointRedo.rawValue) { $0.appendData(UInt32(1)) }
    }
    control.checkpointLocation = log.position
    log.append(.xlog, info: (isShutdown ? XLOGRecordKind.checkpointShutdown : .checkpointOnline).rawValue) { builder in
      checkpoint.recordData(walLevel: .replica).withUnsafeBytes { builder.appendData(copying: $0) }
    }
    control.checkpoint = checkpoint
  }

  /// A record that sets one byte of a block.
  @discardableResult
  func write(_ block: UInt32, _ byte: UInt8, relation: UInt32 = relation, flags: RegisteredBufferFlags = .noImage)
    -> SampleLog.Entry
  {
    ModelPage.initialize(scratch.base, fill: UInt8(truncatingIfNeeded: block))
    scratch.base.storeBytes(of: byte, toByteOffset: 5000, as: UInt8.self)
    return log.append(ModelManager.number, info: ModelChange.writeInfo, xid: 77) {
      $0.registerBlock(
        0, ModelChange.locator(relation), .main, BlockNumber(block), page: scratch.base, flags: flags)
      $0.appendBlockData(0, UInt16(5000))
      $0.appendBlockData(0, byte)
    }
  }

  func initialize(_ block: UInt32, _ fill: UInt8, relation: UInt32 = relation) {
    log.append(ModelManager.number, info: ModelChange.initializeInfo) {
      $0.registerBlock(
        0, ModelChange.locator(relation), .main, BlockNumber(block), page: scratch.base, flags: .willInitialize)
      $0.appendBlockData(0, fill)
    }
  }

  func truncate(to blocks: UInt32) {
    let info = StorageRecordKind.truncate.rawValue | WALRecordInfo.specialRelationUpdate
    log.append(.storage, info: info) {
      StorageTruncateRecord(ModelChange.locator(Self.relation), to: blocks, forks: .all).append(to: $0)
    }
  }

  func drop(_ relation: UInt32 = relation) {
    log.append(ModelManager.number, info: ModelChange.dropInfo) { $0.appendData(relation) }
  }

  /// Comes up on it.
  func rig(latency: LatencyModel? = nil) throws -> RecoveryRig {
    try log.write(to: disk)
    return try RecoveryRig(seed: 1, disk: disk, control: control, latency: latency)
  }

  @discardableResult
  func recover() throws -> RecoveryReport {
    let rig = try rig()
    defer { withExtendedLifetime(rig) {} }
    return try rig.recovery().run()
  }
}
