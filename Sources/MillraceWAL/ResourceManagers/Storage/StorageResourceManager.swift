import MillraceStorage

/// Making files and cutting them off (PostgreSQL's smgr_redo, src/backend/catalog/storage.c).
public final class StorageResourceManager: ResourceManager {
  public init() { super.init(.storage) }

  public override func identify(_ info: UInt8) -> String? { StorageRecordKind(rawValue: info)?.description }

  public override func describe(_ record: WALRecord) -> String {
    do throws(RecoveryError) {
      switch StorageRecordKind(rawValue: record.info) {
      case .create:
        let create = try StorageCreateRecord(record.mainData)
        return RelationPath(create.locator, fork: create.fork).formatted(
          versionDirectory: ControlFile.versionDirectoryOf18)
      case .truncate:
        let truncate = try StorageTruncateRecord(record.mainData)
        let path = RelationPath(truncate.locator).formatted(versionDirectory: ControlFile.versionDirectoryOf18)
        return "\(path) to \(truncate.blockCount) blocks flags \(truncate.forks.rawValue)"
      case nil:
        return ""
      }
    } catch {
      return error.description
    }
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    switch StorageRecordKind(rawValue: record.info) {
    case .create:
      let create = try StorageCreateRecord(record.mainData)
      try context.createFork(create.locator, create.fork)
    case .truncate:
      let truncate = try StorageTruncateRecord(record.mainData)
      // Recovery may find the relation dropped already; it is made again, so that the records in between have a place.
      try context.createFork(truncate.locator, .main)
      if truncate.forks.contains(.heap) {
        try context.truncate(truncate.locator, .main, to: truncate.blockCount)
      }
      if truncate.forks.contains(.visibilityMap) {
        try VisibilityMapTruncation(heapBlocks: truncate.blockCount).redo(truncate.locator, context)
      }
      if truncate.forks.contains(.freeSpaceMap) {
        try FreeSpaceMapTruncation(heapBlocks: truncate.blockCount).redo(truncate.locator, context)
      }
    case nil:
      throw unknown(record)
    }
  }
}
