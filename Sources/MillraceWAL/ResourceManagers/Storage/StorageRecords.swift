public import MillraceStorage

/// The records of resource manager Storage (src/include/catalog/storage_xlog.h).
public enum StorageRecordKind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case create = 0x10
  case truncate = 0x20

  public var description: String {
    switch self {
    case .create: "CREATE"
    case .truncate: "TRUNCATE"
    }
  }
}

/// CREATE: `xl_smgr_create`. A fork gets its first file.
public struct StorageCreateRecord: Sendable, Hashable {
  public var locator: RelationLocator
  public var fork: ForkNumber

  public init(_ locator: RelationLocator, _ fork: ForkNumber) { (self.locator, self.fork) = (locator, fork) }

  public init(_ data: UnsafeRawBufferPointer) throws(RecoveryError) {
    var fields = PayloadReader(data)
    locator = try fields.nextLocator()
    let number = try fields.next(UInt32.self)
    guard let fork = ForkNumber(rawValue: UInt8(truncatingIfNeeded: number)), number < 256 else {
      throw RecoveryError(.corrupted, "a WAL record creates fork \(number) of a relation")
    }
    self.fork = fork
  }

  /// Adds the data to a record that was begun as `.storage`, `StorageRecordKind.create`.
  public func append(to builder: WALRecordBuilder) {
    builder.append(locator)
    builder.appendData(UInt32(fork.rawValue))
  }
}

/// TRUNCATE: `xl_smgr_truncate`. A relation is cut off.
public struct StorageTruncateRecord: Sendable, Hashable {
  /// What is cut off: `SMGR_TRUNCATE_…`.
  public struct Forks: OptionSet, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let heap = Forks(rawValue: 1)
    public static let visibilityMap = Forks(rawValue: 2)
    public static let freeSpaceMap = Forks(rawValue: 4)
    public static let all: Forks = [.heap, .visibilityMap, .freeSpaceMap]
  }

  /// How many blocks of the main fork stay; the maps are cut off accordingly.
  public var blockCount: UInt32
  public var locator: RelationLocator
  public var forks: Forks

  public init(_ locator: RelationLocator, to blockCount: UInt32, forks: Forks) {
    (self.locator, self.blockCount, self.forks) = (locator, blockCount, forks)
  }

  public init(_ data: UnsafeRawBufferPointer) throws(RecoveryError) {
    var fields = PayloadReader(data)
    blockCount = try fields.next()
    locator = try fields.nextLocator()
    forks = Forks(rawValue: try fields.next())
  }

  /// Adds the data to a record that was begun as `.storage`, `StorageRecordKind.truncate`, with the bit
  /// `WALRecordInfo.specialRelationUpdate`.
  public func append(to builder: WALRecordBuilder) {
    builder.appendData(blockCount)
    builder.append(locator)
    builder.appendData(forks.rawValue)
  }
}

extension WALRecordBuilder {
  /// Adds a relation's locator to the main data.
  public func append(_ locator: RelationLocator) {
    appendData(locator.tablespace)
    appendData(locator.database)
    appendData(locator.relNumber)
  }
}
