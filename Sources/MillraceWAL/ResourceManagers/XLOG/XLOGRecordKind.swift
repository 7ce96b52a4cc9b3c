/// The records of the log itself: `XLOG_…` (src/include/catalog/pg_control.h).
public enum XLOGRecordKind: UInt8, Sendable, CaseIterable, CustomStringConvertible {
  case checkpointShutdown = 0x00
  case checkpointOnline = 0x10
  case noop = 0x20
  case nextOID = 0x30
  case `switch` = 0x40
  case backupEnd = 0x50
  case parameterChange = 0x60
  case restorePoint = 0x70
  case fullPageWritesChange = 0x80
  case endOfRecovery = 0x90
  case fullPageImageForHint = 0xA0
  case fullPageImage = 0xB0
  case overwriteContinuation = 0xD0
  case checkpointRedo = 0xE0

  /// PostgreSQL's name, as `pg_waldump` prints it.
  public var description: String {
    switch self {
    case .checkpointShutdown: "CHECKPOINT_SHUTDOWN"
    case .checkpointOnline: "CHECKPOINT_ONLINE"
    case .noop: "NOOP"
    case .nextOID: "NEXTOID"
    case .switch: "SWITCH"
    case .backupEnd: "BACKUP_END"
    case .parameterChange: "PARAMETER_CHANGE"
    case .restorePoint: "RESTORE_POINT"
    case .fullPageWritesChange: "FPW_CHANGE"
    case .endOfRecovery: "END_OF_RECOVERY"
    case .fullPageImageForHint: "FPI_FOR_HINT"
    case .fullPageImage: "FPI"
    case .overwriteContinuation: "OVERWRITE_CONTRECORD"
    case .checkpointRedo: "CHECKPOINT_REDO"
    }
  }
}
