import MillraceTypes

/// Where a value of another type stands among the values that a column can have.
enum ColumnPosition {
  /// Equal to one of them.
  case equal(Datum)
  /// Equal to all of them from one to another.
  case range(Datum, Datum)
  /// Equal to none: greater than this one and less than all that are greater than that.
  case above(Datum)
  case belowAll
  case aboveAll
  /// Equal to none before the first and behind the last of these; within, each has to be looked at.
  case around(Datum, Datum)
}

/// How values of one type are looked for in an index on another one of the same operator family: `date < timestamp`,
/// `int4 = int8`.
///
/// PostgreSQL has comparisons of both types for that (`pg_amop`), and searches with them. Here the value is placed
/// among those of the column's type, so that all that an index is searched with is of one type: the next smaller one,
/// for example, and the condition becomes another with the same meaning. What is compared and what is found agree with
/// the operators, where values are infinite or beyond what the column can hold as well.
enum IndexKeyConversion {
  /// The datum means the same in both types.
  case asItIs
  case integer(ClosedRange<Int64>)
  case doubleToFloat, floatToDouble
  case textToName, nameToText
  case timestampToDate, timestampTZToDate
  case dateToTimestamp, dateToTimestampTZ
  case timestampToTimestampTZ, timestampTZToTimestamp

  /// nil where the types are of no common family, as far as is known here.
  init?(from value: TypeID, to column: TypeID) {
    let (source, target) = (Self.plain(value), Self.plain(column))
    if source == target {
      self = .asItIs
      return
    }
    switch (source, target) {
    case (.int2, .int4), (.int2, .int8), (.int4, .int8): self = .asItIs
    case (.int4, .int2), (.int8, .int2): self = .integer(Int64(Int16.min)...Int64(Int16.max))
    case (.int8, .int4): self = .integer(Int64(Int32.min)...Int64(Int32.max))
    case (.float8, .float4): self = .doubleToFloat
    case (.float4, .float8): self = .floatToDouble
    case (.text, .name): self = .textToName
    case (.name, .text): self = .nameToText
    case (.timestamp, .date): self = .timestampToDate
    case (.timestampTZ, .date): self = .timestampTZToDate
    case (.date, .timestamp): self = .dateToTimestamp
    case (.date, .timestampTZ): self = .dateToTimestampTZ
    case (.timestamp, .timestampTZ): self = .timestampToTimestampTZ
    case (.timestampTZ, .timestamp): self = .timestampTZToTimestamp
    default: return nil
    }
  }

  /// varchar is compared as text.
  private static func plain(_ type: TypeID) -> TypeID { type == .varchar ? .text : type }

  /// Whether a value is never equal to more than one of the column's.
  var findsOne: Bool {
    switch self {
    case .timestampTZToDate, .timestampTZToTimestamp: false
    default: true
    }
  }

  /// Whether what is found may have to be looked at again.
  var mayNeedRecheck: Bool {
    if case .timestampTZToTimestamp = self { true } else { false }
  }

  /// Whether the session's zone decides what is equal.
  var dependsOnZone: Bool {
    switch self {
    case .timestampTZToDate, .timestampTZToTimestamp, .dateToTimestampTZ, .timestampToTimestampTZ: true
    default: false
    }
  }

  /// - Parameters:
  ///   - value: must stay as long as the result is used.
  ///   - zone: the session's, which a time with a zone is compared by with one without.
  func position(of value: Datum, _ zone: @autoclosure () -> TimeZone) -> ColumnPosition {
    switch self {
    case .asItIs: .equal(value)
    case .integer(let range):
      value.int64 < range.lowerBound ? .belowAll : value.int64 > range.upperBound ? .aboveAll : .equal(value)
    case .floatToDouble: .equal(Datum(Double(value.float4)))
    case .doubleToFloat: Self.float(value.float8)
    case .nameToText: .equal(Datum(NameType.text(value)))
    case .textToName: Self.name(value)
    case .timestampToDate: Self.date(value.int64)
    case .timestampTZToDate: Self.date(value.int64, zone())
    case .dateToTimestamp: Self.timestamp(value.int32)
    case .dateToTimestampTZ: Self.timestampTZ(value.int32, zone())
    case .timestampToTimestampTZ: Self.timestampTZ(value.int64, zone())
    case .timestampTZToTimestamp: Self.timestamp(value.int64, zone())
    }
  }

  /// The column's value that comes nearest, for estimates.
  func nearest(to value: Datum, _ zone: @autoclosure () -> TimeZone) -> Datum {
    switch position(of: value, zone()) {
    case .equal(let found), .range(let found, _), .above(let found): return found
    case .around(let first, let last): return Datum(first.int64 / 2 + last.int64 / 2)
    case .belowAll, .aboveAll:
      guard case .integer(let range) = self else { return value }
      return Datum(min(max(value.int64, range.lowerBound), range.upperBound))
    }
  }

  private static func float(_ value: Double) -> ColumnPosition {
    let nearest = Float(value)
    if Double(nearest) == value || value.isNaN { return .equal(Datum(nearest)) }
    return .above(Datum(Double(nearest) > value ? nearest.nextDown : nearest))
  }

  /// A name is compared as the bytes before its first zero; so a text that is not too long is one.
  private static func name(_ value: Datum) -> ColumnPosition {
    let text = value.bytes
    let limit = NameType.length - 1
    return text.count <= limit ? .equal(value) : .above(Datum(text.upTo(limit)))
  }
}

/// Dates and times. The last and first finite values are reached by none: a date may be later than all timestamps.
extension IndexKeyConversion {
  private static let lastTimestamp = Datum(Timestamp.infinity - 1)
  private static let firstTimestamp = Datum(Timestamp.minusInfinity + 1)
  private static let day: Int64 = 86_400_000_000

  private static func date(_ timestamp: Int64) -> ColumnPosition {
    let day = Datum(Timestamp.date(timestamp))
    guard Timestamp.isFinite(timestamp), MixedDates.compare(date: day.int32, timestamp: timestamp) != 0 else {
      return .equal(day)
    }
    return .above(day)
  }

  /// Where clocks were put over midnight, two days may begin at the same time, or days be off by one.
  private static func date(_ moment: Int64, _ zone: TimeZone) -> ColumnPosition {
    let near = Timestamp.date(moment)
    guard Timestamp.isFinite(moment) else { return .equal(Datum(near)) }
    var first: Int32?
    var last = near - 3
    for day in near - 3...near + 3 {
      let order = MixedDates.compare(date: day, timestampTZ: moment, zone)
      if order > 0 { break }
      last = day
      if order == 0, first == nil { first = day }
    }
    guard let first else { return .above(Datum(last)) }
    return first == last ? .equal(Datum(first)) : .range(Datum(first), Datum(last))
  }

  private static func timestamp(_ date: Int32) -> ColumnPosition {
    guard let start = try? SQLDate.timestamp(date) else { return .above(lastTimestamp) }
    return .equal(Datum(start))
  }

  private static func timestampTZ(_ date: Int32, _ zone: TimeZone) -> ColumnPosition {
    guard let start = try? SQLDate.timestampTZ(date, in: zone) else {
      return .above(date > 0 ? lastTimestamp : Datum(Timestamp.minusInfinity))
    }
    return .equal(Datum(start))
  }

  private static func timestampTZ(_ local: Int64, _ zone: TimeZone) -> ColumnPosition {
    guard let moment = try? Timestamp.absolute(local, in: zone) else {
      return .above(local > 0 ? lastTimestamp : Datum(Timestamp.minusInfinity))
    }
    return .equal(Datum(moment))
  }

  /// What clocks show is in the order of time only as long as they are not put back or forward. Where that happens
  /// near the moment, all of some days has to be looked at.
  private static func timestamp(_ moment: Int64, _ zone: TimeZone) -> ColumnPosition {
    guard Timestamp.isFinite(moment) else { return .equal(Datum(moment)) }
    let days = 2 * day
    let (low, high) = (Timestamp.minusInfinity + days, Timestamp.infinity - days)
    guard moment > low, moment < high, let local = try? Timestamp.local(moment, in: zone), local > low, local < high
    else { return .around(firstTimestamp, lastTimestamp) }
    for step in stride(from: -days, through: days, by: Int(day / 2)) {
      guard let there = try? Timestamp.absolute(local + step, in: zone), there == moment + step else {
        return .around(Datum(local - days), Datum(local + days))
      }
    }
    return .equal(Datum(local))
  }
}
