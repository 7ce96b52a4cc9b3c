public import MillraceStorage

/// The data of the log's own records, as C structures have it (src/include/access/xlog_internal.h).

/// PARAMETER_CHANGE: `xl_parameter_change`. Settings that a replica must be able to match have changed.
public struct ParameterChangeRecord: Sendable, Hashable {
  public var settings: ControlFile.Settings

  public init(settings: ControlFile.Settings) { self.settings = settings }

  public init(_ data: UnsafeRawBufferPointer) throws(RecoveryError) {
    guard let settings = ControlFile.Settings(recordData: data) else {
      throw RecoveryError(.corrupted, "a WAL record changes parameters to what they cannot be")
    }
    self.settings = settings
  }

  /// Adds the data to a record that was begun.
  public func append(to builder: WALRecordBuilder) {
    for value in [
      settings.maxConnections, settings.maxWorkerProcesses, settings.maxWALSenders, settings.maxPreparedTransactions,
      settings.maxLocksPerTransaction,
    ] { builder.appendData(value) }
    builder.appendData(settings.walLevel.rawValue)
    builder.appendData(UInt8(settings.walLogHints ? 1 : 0))
    builder.appendData(UInt8(settings.trackCommitTimestamp ? 1 : 0))
    builder.appendData(UInt16(0))
  }
}

/// END_OF_RECOVERY: `xl_end_of_recovery`. A new timeline begins.
public struct EndOfRecoveryRecord: Sendable, Hashable {
  /// Microseconds since 2000.
  public var time: Int64
  public var timeline: UInt32
  public var previousTimeline: UInt32
  public var walLevel: ControlFile.WALLevel

  public init(time: Int64, timeline: UInt32, previousTimeline: UInt32, walLevel: ControlFile.WALLevel) {
    (self.time, self.timeline) = (time, timeline)
    (self.previousTimeline, self.walLevel) = (previousTimeline, walLevel)
  }

  public init(_ data: UnsafeRawBufferPointer) throws(RecoveryError) {
    var fields = PayloadReader(data)
    (time, timeline) = try (fields.next(), fields.next())
    (previousTimeline, walLevel) = try (fields.next(), fields.nextWALLevel())
  }

  public func append(to builder: WALRecordBuilder) {
    builder.appendData(time)
    builder.appendData(timeline)
    builder.appendData(previousTimeline)
    builder.appendData(walLevel.rawValue)
    builder.appendData(UInt32(0))
  }
}

/// OVERWRITE_CONTRECORD: `xl_overwrite_contrecord`. The record that began before this page was never finished.
public struct OverwriteContinuationRecord: Sendable, Hashable {
  /// Where that record starts.
  public var overwritten: LogSequenceNumber
  /// Microseconds since 2000.
  public var time: Int64

  public init(overwritten: LogSequenceNumber, time: Int64) { (self.overwritten, self.time) = (overwritten, time) }

  public init(_ data: UnsafeRawBufferPointer) throws(RecoveryError) {
    var fields = PayloadReader(data)
    (overwritten, time) = try (fields.nextPosition(), fields.next())
  }

  public func append(to builder: WALRecordBuilder) {
    builder.appendData(overwritten.rawValue)
    builder.appendData(time)
  }
}

extension WALRecord {
  /// The data of a checkpoint's record.
  func checkpoint() throws(RecoveryError) -> ControlFile.Checkpoint {
    guard let checkpoint = ControlFile.Checkpoint(recordData: mainData) else {
      throw RecoveryError(.corrupted, "invalid length of checkpoint record")
    }
    return checkpoint
  }

  /// What kind of record of the log itself it is; nil for those of others.
  public var xlogKind: XLOGRecordKind? {
    resourceManager == .xlog ? XLOGRecordKind(rawValue: info) : nil
  }
}
