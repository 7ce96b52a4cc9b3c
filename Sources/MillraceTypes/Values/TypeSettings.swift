/// The settings of a session that decide how values are read and written, and what time it is.
public struct TypeSettings: Sendable {
  /// `extra_float_digits`: above zero the shortest digits that give the same number; else this many fewer than 6 or 15.
  public var extraFloatDigits = 1
  /// `bytea_output`.
  public var byteaOutput = ByteaOutput.hex

  /// DateStyle, IntervalStyle, TimeZone, and the time at which the transaction began.
  public var dateTime = DateTimeSettings()

  public enum ByteaOutput: Sendable { case hex, escape }

  public init() {}
}
