import MillraceStorage

@testable import MillraceWAL

/// What the relations of a test are to hold, and the records that change them: a resource manager that is small enough
/// to be right by inspection, and a second, independent way to do what its records say.
enum ModelChange: Equatable {
  case create(UInt32)
  /// Makes a page anew.
  case initialize(UInt32, block: UInt32, fill: UInt8)
  /// Writes over bytes of pages; one record for all.
  case write([Write])
  case truncate(UInt32, blocks: UInt32)
  case drop(UInt32)

  struct Write: Equatable {
    var relation: UInt32
    var block: UInt32
    var offset: Int
    var bytes: [UInt8]
  }

  static let initializeInfo: UInt8 = 0x10
  static let writeInfo: UInt8 = 0x20
  static let dropInfo: UInt8 = 0x30

  static func locator(_ relation: UInt32) -> RelationLocator {
    RelationLocator(tablespace: RelationLocator.defaultTablespace, database: 5, relNumber: relation)
  }
}

/// Repeats the records.
final class ModelManager: ResourceManager {
  static let number = ResourceManagerID(rawValue: 200)
  /// Redo fails when it has made so many changes.
  var recordsUntilFailure = Int.max
  /// A byte of pages in which redo need not be right.
  var maskedByte: Int?
  /// What was done in the order of the log.
  private(set) var actions: [RedoAction] = []

  init() { super.init(Self.number) }

  override func identify(_ info: UInt8) -> String? { ["INIT", "WRITE", "DROP"][Int(info >> 4) - 1] }

  override func mask(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    if let maskedByte { page.storeBytes(of: 0, toByteOffset: maskedByte, as: UInt8.self) }
  }

  /// What changes of pages say of their order; none of the answers may make a difference.
  var scopeOfChanges: (WALRecord) -> RedoScope = { _ in .blocks }

  override func scope(of record: WALRecord) -> RedoScope {
    record.info == ModelChange.dropInfo ? .everything : scopeOfChanges(record)
  }

  override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    if record.info == ModelChange.dropInfo {
      try countDown()
      return try context.dropRelation(ModelChange.locator(record.mainData.loadUnaligned(as: UInt32.self)))
    }
    for block in record.blocks {
      actions.append(
        try context.redo(record, block.id, mode: block.willInitialize ? .zeroAndLock : .normal) {
          page, _ throws(RecoveryError) in try redo(record, block, on: page)
        })
    }
  }

  override func redo(
    _ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer
  ) throws(RecoveryError) {
    try countDown()
    switch record.info {
    case ModelChange.initializeInfo: ModelPage.initialize(page, fill: block.data[0])
    case ModelChange.writeInfo:
      let offset = Int(block.data.loadUnaligned(as: UInt16.self))
      UnsafeMutableRawBufferPointer(start: page + offset, count: block.data.count - 2).copyBytes(from: block.data[2...])
    default: throw unknown(record)
    }
  }

  private func countDown() throws(RecoveryError) {
    recordsUntilFailure -= 1
    if recordsUntilFailure < 0 { throw RecoveryError(.io, "interrupted") }
  }
}

/// A page of the model: standard, with a hole that changes never touch.
enum ModelPage {
  static let hole = 256..<4096

  static func initialize(_ page: UnsafeMutableRawPointer, fill: UInt8) {
    page.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
    var header = PageHeader()
    (header.lower, header.upper) = (UInt16(hole.lowerBound), UInt16(hole.upperBound))
    header.store(to: page)
    (page + hole.upperBound).initializeMemory(
      as: UInt8.self, repeating: fill, count: PageLayout.blockSize - hole.upperBound)
  }
}

/// The relations as a list of changes leaves them, page by page.
struct ModelState {
  /// Blocks of each relation, in memory of their own.
  var relations: [UInt32: [[UInt8]]] = [:]

  /// - Parameter lsn: the end of the change's record.
  mutating func apply(_ change: ModelChange, lsn: LogSequenceNumber) {
    switch change {
    case .create(let relation): relations[relation] = []
    case .drop(let relation): relations[relation] = nil
    case .truncate(let relation, let blocks): relations[relation]?.removeSubrange(Int(blocks)...)
    case .initialize(let relation, let block, let fill):
      if relations[relation]?.count == Int(block) {
        relations[relation]?.append([UInt8](repeating: 0, count: PageLayout.blockSize))
      }
      update(relation, block, lsn) { ModelPage.initialize($0, fill: fill) }
    case .write(let writes):
      for write in writes {
        update(write.relation, write.block, lsn) { page in
          UnsafeMutableRawBufferPointer(start: page + write.offset, count: write.bytes.count)
            .copyBytes(from: write.bytes)
        }
      }
    }
  }

  private mutating func update(
    _ relation: UInt32, _ block: UInt32, _ lsn: LogSequenceNumber, _ body: (UnsafeMutableRawPointer) -> Void
  ) {
    relations[relation]?[Int(block)].withUnsafeMutableBytes { memory in
      guard let base = memory.baseAddress else { return }
      body(base)
      PageHeader.setLSN(lsn, of: base)
    }
  }
}
