import MillraceIO
import MillraceStorage

/// Reads the log into batches. Changes nothing but these, so that it can go on while another thread repeats what it has
/// collected.
final class RedoCollector: @unchecked Sendable {
  // Safe because one thread uses it: the one that made it, or the one that a RedoPipeline has started for it, until
  // that has ended. Resource managers say what a record changes without looking at anything else.

  private let reader: WALRecordReader
  /// The reader's, where nobody else uses it.
  private let ownBackend: IOBackend?
  private let managers: ResourceManagerTable
  /// Since PostgreSQL 17 an online checkpoint begins with a record that says so.
  private let isOnline: Bool
  /// The record that the last batch had no room for, which the reader shows until it is asked for the next.
  private var left: (record: WALRecord, scope: RedoScope)?
  private(set) var redoStart: LogSequenceNumber?
  private(set) var redoDone: LogSequenceNumber?
  private(set) var recordCounts = [UInt64](repeating: 0, count: 256)

  /// Batches that were filled.
  private(set) var batchCount = 0

  init(_ reader: WALRecordReader, ownBackend: IOBackend? = nil, _ managers: ResourceManagerTable, isOnline: Bool) {
    (self.reader, self.ownBackend, self.managers, self.isOnline) = (reader, ownBackend, managers, isOnline)
  }

  /// Why and where the log ends, once that is known.
  var end: WALEnd? { reader.end }
  var recordCount: UInt64 { reader.recordCount }
  var recordBytes: UInt64 { reader.recordBytes }
  var waitNanoseconds: UInt64 { reader.waitNanoseconds }

  /// On the thread that reads.
  func close() {
    reader.close()
    ownBackend?.close()
  }

  /// Fills an empty batch: up to its limit, to a record that can change anything, or to the end of the log.
  /// - Returns: whether the log goes on.
  /// - Throws: ``RecoveryError`` where it could not be read.
  func fill(_ batch: inout RedoBatch) throws(RecoveryError) -> Bool {
    batchCount += 1
    if let left {
      try keep(left.record, left.scope, in: &batch)
      self.left = nil
      if left.scope == .everything { return true }
    }
    while let record = try next() {
      if redoStart == nil {
        if isOnline, record.xlogKind != .checkpointRedo {
          throw RecoveryError(.checkpointMissing, "unexpected record type found at redo point \(record.start)")
        }
        redoStart = record.start
      }
      redoDone = record.start
      recordCounts[Int(record.resourceManager.rawValue)] += 1
      let scope = scope(of: record)
      guard batch.hasRoom(for: record) else {
        left = (record, scope)
        return true
      }
      try keep(record, scope, in: &batch)
      if scope == .everything { return true }
    }
    return false
  }

  private func keep(
    _ record: WALRecord, _ scope: RedoScope, in batch: inout RedoBatch
  ) throws(RecoveryError) {
    do throws(IOError) { try batch.add(record, scope) } catch { throw RecoveryError(error) }
  }

  private func next() throws(RecoveryError) -> WALRecord? {
    do throws(IOError) { return try reader.next() } catch { throw RecoveryError(error) }
  }

  private func scope(of record: WALRecord) -> RedoScope {
    // Only what is right after each record can be compared with what it was.
    if Self.isChecked(record) { return .everything }
    return managers[record.resourceManager]?.scope(of: record) ?? .everything
  }

  /// Whether a record has images to compare the pages with that redo makes.
  static func isChecked(_ record: WALRecord) -> Bool {
    record.header.info & WALRecordInfo.checkConsistency != 0
  }
}
