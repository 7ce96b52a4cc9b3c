public import MillraceStorage
public import MillraceWAL

/// Repeats, names and describes the records of sequences (PostgreSQL's seq_redo, src/backend/commands/sequence.c, and
/// seqdesc.c). A record holds the sequence's whole tuple, of which the page is made anew.
public final class SequenceResourceManager: ResourceManager {
  /// `XLOG_SEQ_LOG`.
  static let logInfo: UInt8 = 0x00

  public init() { super.init(.sequence) }

  public override func identify(_ info: UInt8) -> String? { info == Self.logInfo ? "LOG" : nil }

  public override func describe(_ record: WALRecord) -> String {
    guard record.info == Self.logInfo, record.mainData.count >= 12 else { return "" }
    var fields = RecordFields(record.mainData)
    guard let tablespace = try? fields.next(UInt32.self), let database = try? fields.next(UInt32.self),
      let number = try? fields.next(UInt32.self)
    else { return "" }
    return "rel \(tablespace)/\(database)/\(number)"
  }

  public override func scope(of record: WALRecord) -> RedoScope {
    record.info == Self.logInfo && record.block(0) != nil ? .blocks : .everything
  }

  public override func redo(_ record: WALRecord, _ context: RedoContext) throws(RecoveryError) {
    guard record.info == Self.logInfo else { throw unknown(record) }
    guard record.block(0) != nil else {
      throw RecoveryError(.corrupted, "failed to locate backup block with ID 0 in WAL record")
    }
    try super.redo(record, context)
  }

  public override func redo(
    _ record: WALRecord, _ block: WALBlockReference, on page: UnsafeMutableRawPointer
  ) throws(RecoveryError) {
    guard block.willInitialize else {
      throw RecoveryError(
        .corrupted, "block to be initialized in redo routine must be marked with WILL_INIT flag in the WAL record")
    }
    let data = record.mainData
    guard data.count > 12 else {
      throw RecoveryError(.corrupted, "the WAL record at \(record.start) has no sequence")
    }
    guard SequencePage(page).initialize(UnsafeRawBufferPointer(rebasing: data[12...])) else {
      throw RecoveryError(.corrupted, "the WAL record at \(record.start) does not hold a sequence's tuple")
    }
  }

  /// How many values are left before the log must know is not repeated.
  public override func mask(_ page: UnsafeMutableRawPointer, block: BlockNumber) {
    PageEditor(page).flags.subtract([.pageFull, .hasFreeLines, .allVisible])
  }
}
