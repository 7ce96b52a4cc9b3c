/// The fields that `extract`, `date_part` and `date_trunc` know.
public enum DateTimePart: Sendable {
  case microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium
  case timeZone, timeZoneHour, timeZoneMinute
  case dayOfWeek, isoDayOfWeek, dayOfYear, isoYear, julian, epoch

  /// What kind of value a field is taken from, for messages.
  public enum Source: Sendable {
    case timestamp, timestampTZ, date, time, timeTZ, interval

    var name: StaticString {
      switch self {
      case .timestamp: "timestamp without time zone"
      case .timestampTZ: "timestamp with time zone"
      case .date: "date"
      case .time: "time without time zone"
      case .timeTZ: "time with time zone"
      case .interval: "interval"
      }
    }
  }

  /// By the name that SQL gives it.
  /// - Parameter isUnit: only units of time are asked for, not what days are counted by.
  public init(named name: ByteView, of source: Source, isUnit: Bool = false) throws(TypeError) {
    var lower: [UInt8] = []
    TextFunctions.lower(name, to: &lower)
    guard case .unit(let unit)? = DateTimeToken.ofInterval(lower) ?? (isUnit ? nil : Self.special(lower)),
      let part = DateTimePart(unit)
    else {
      throw .invalidParameter(
        "unit \"\(String(decoding: lower, as: UTF8.self))\" not recognized for type \(source.name)")
    }
    self = part
  }

  private static func special(_ word: [UInt8]) -> DateTimeToken? {
    let token = DateTimeToken.ofDate(word)
    return token == .special(.epoch) ? .unit(.epoch) : token
  }

  private init?(_ unit: DateTimeToken.Unit) {
    switch unit {
    case .microsecond: self = .microsecond
    case .millisecond: self = .millisecond
    case .second: self = .second
    case .minute: self = .minute
    case .hour: self = .hour
    case .day: self = .day
    case .week: self = .week
    case .month: self = .month
    case .quarter: self = .quarter
    case .year: self = .year
    case .decade: self = .decade
    case .century: self = .century
    case .millennium: self = .millennium
    case .timeZone: self = .timeZone
    case .timeZoneHour: self = .timeZoneHour
    case .timeZoneMinute: self = .timeZoneMinute
    case .dayOfWeek: self = .dayOfWeek
    case .isoDayOfWeek: self = .isoDayOfWeek
    case .dayOfYear: self = .dayOfYear
    case .isoYear: self = .isoYear
    case .julian: self = .julian
    case .epoch: self = .epoch
    case .isoTime: return nil
    }
  }

  /// Whether it only grows, so that infinity has it too.
  var isMonotonic: Bool {
    switch self {
    case .year, .decade, .century, .millennium, .julian, .isoYear, .epoch: true
    default: false
    }
  }

  static func notSupported(_ name: ByteView, _ source: Source) -> TypeError {
    var lower: [UInt8] = []
    TextFunctions.lower(name, to: &lower)
    return TypeError(
      .featureNotSupported, "unit \"\(String(decoding: lower, as: UTF8.self))\" not supported for type \(source.name)")
  }
}

/// The value of a field: for `extract` as numeric, for `date_part` as floating-point number.
public struct DateTimePartValue: Sendable {
  public let numeric: Numeric
  public let float: Double

  init(_ value: Int) {
    numeric = Numeric(Int64(value))
    float = Double(value)
  }

  /// A number of which the last `scale` decimal digits stand after the point.
  init(_ value: Int128, scale: Int) {
    numeric = Numeric(unscaled: value, scale: scale)
    var divisor = 1.0
    for _ in 0..<scale { divisor *= 10 }
    float = Double(value) / divisor
  }

  init(numeric: Numeric, float: Double? = nil) {
    self.numeric = numeric
    self.float = float ?? numeric.doubleValue
  }

  static let infinity = DateTimePartValue(numeric: .positiveInfinity)
  static let minusInfinity = DateTimePartValue(numeric: .negativeInfinity)
}

extension Numeric {
  /// A whole number divided by a power of ten, with that scale.
  public init(unscaled: Int128, scale: Int) {
    self.init()
    let digits = Array(String(unscaled.magnitude).utf8).map { $0 - UInt8(ascii: "0") }
    set(decimals: digits, weight: digits.count - 1 - scale)
    self.scale = scale
    isNegative = unscaled < 0
  }
}
