/// What the records of the resource manager XLOG do (src/include/catalog/pg_control.h).
public enum XLOGRecordInfo {
  public static let checkpointShutdown: UInt8 = 0x00
  public static let checkpointOnline: UInt8 = 0x10
  public static let noop: UInt8 = 0x20
  public static let nextOID: UInt8 = 0x30
  public static let switchSegment: UInt8 = 0x40
  public static let parameterChange: UInt8 = 0x60
  public static let fullPageWritesChange: UInt8 = 0x80
  public static let endOfRecovery: UInt8 = 0x90
  public static let fullPageImageForHint: UInt8 = 0xA0
  public static let fullPageImage: UInt8 = 0xB0
  public static let checkpointRedo: UInt8 = 0xE0
}
