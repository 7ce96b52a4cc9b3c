import MillraceEngine
import MillraceTypes

extension FunctionRegistry {
  mutating func addTimestamps() {
    addTimestampArithmetic()
    addTimestampCasts()
    addZones()
    addMakers()
    addIntervals()
    addParts()
    addOverlaps()
  }

  private mutating func addTimestampArithmetic() {
    scalar("timestamp_pl_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(call[0].int64, call.interval(1)))
    }
    scalar("interval_pl_timestamp(interval,timestamp)") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(call[1].int64, call.interval(0)))
    }
    scalar("timestamp_mi_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.subtracting(call[0].int64, call.interval(1)))
    }
    scalar("timestamptz_pl_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(call[0].int64, call.interval(1), in: call.dateTime.timeZone))
    }
    scalar("interval_pl_timestamptz(interval,timestamptz)") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(call[1].int64, call.interval(0), in: call.dateTime.timeZone))
    }
    scalar("timestamptz_mi_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.subtracting(call[0].int64, call.interval(1), in: call.dateTime.timeZone))
    }
    scalar("timestamptz_pl_interval_at_zone") { (call) throws(TypeError) in
      let zone = try TimeZone.meant(by: call.text(2), session: call.dateTime.timeZone)
      return Datum(try Timestamp.adding(call[0].int64, call.interval(1), in: zone))
    }
    scalar("timestamptz_mi_interval_at_zone") { (call) throws(TypeError) in
      let zone = try TimeZone.meant(by: call.text(2), session: call.dateTime.timeZone)
      return Datum(try Timestamp.subtracting(call[0].int64, call.interval(1), in: zone))
    }
    scalar("timestamp_mi") { (call) throws(TypeError) in
      call.make(try Timestamp.difference(call[0].int64, call[1].int64))
    }
    scalar("timestamp_age") { (call) throws(TypeError) in
      call.make(try Timestamp.age(call[0].int64, call[1].int64))
    }
    scalar("timestamptz_age") { (call) throws(TypeError) in
      call.make(try Timestamp.age(call[0].int64, call[1].int64, in: call.dateTime.timeZone))
    }
    scalar("age(timestamp)") { (call) throws(TypeError) in
      call.make(try Timestamp.age(try call.today(), call[0].int64))
    }
    scalar("age(timestamptz)") { (call) throws(TypeError) in
      let zone = call.dateTime.timeZone
      return call.make(
        try Timestamp.age(try Timestamp.absolute(try call.today(), in: zone), call[0].int64, in: zone))
    }
    scalar("timestamp_bin") { (call) throws(TypeError) in
      Datum(try Timestamp.bin(call.interval(0), call[1].int64, origin: call[2].int64))
    }
    scalar("timestamptz_bin") { (call) throws(TypeError) in
      Datum(try Timestamp.bin(call.interval(0), call[1].int64, origin: call[2].int64))
    }
    unary("timestamp_finite") { (call) throws(TypeError) in try call.each { Datum(Timestamp.isFinite($0.int64)) } }
  }

  private mutating func addTimestampCasts() {
    scalar("timestamp_date") { call in Datum(Timestamp.date(call[0].int64)) }
    scalar("timestamptz_date") { (call) throws(TypeError) in
      Datum(Timestamp.date(try Timestamp.local(call[0].int64, in: call.dateTime.timeZone)))
    }
    scalar("timestamp_timestamptz") { (call) throws(TypeError) in
      Datum(try Timestamp.absolute(call[0].int64, in: call.dateTime.timeZone))
    }
    scalar("timestamptz_timestamp") { (call) throws(TypeError) in
      Datum(try Timestamp.local(call[0].int64, in: call.dateTime.timeZone))
    }
    scalar("timestamp_scale", "timestamptz_scale") { (call) throws(TypeError) in
      let digits = call[1].int32
      guard digits == -1 || 0...6 ~= digits || call[0].isInfinite else {
        throw TypeError(.invalidParameterValue, "timestamp(\(digits)) precision must be between 0 and 6")
      }
      return Datum(Timestamp.rounded(call[0].int64, digits: digits))
    }
    scalar("float8_timestamptz") { (call) throws(TypeError) in Datum(try Timestamp.fromUnix(call[0].float8)) }
  }

  private mutating func addZones() {
    // What clocks in a zone show becomes a moment, and the other way round.
    scalar("timestamp_zone") { (call) throws(TypeError) in
      if call[1].isInfinite { return call[1] }
      let zone = try TimeZone.meant(by: call.text(0), session: call.dateTime.timeZone)
      return Datum(try Timestamp.absolute(call[1].int64, in: zone))
    }
    scalar("timestamptz_zone") { (call) throws(TypeError) in
      if call[1].isInfinite { return call[1] }
      let zone = try TimeZone.meant(by: call.text(0), session: call.dateTime.timeZone)
      return Datum(try Timestamp.local(call[1].int64, in: zone))
    }
    scalar("timestamp_izone") { (call) throws(TypeError) in
      if call[1].isInfinite { return call[1] }
      return Datum(try Timestamp.absolute(call[1].int64, in: try TimeZone.meant(by: call.interval(0))))
    }
    scalar("timestamptz_izone") { (call) throws(TypeError) in
      if call[1].isInfinite { return call[1] }
      return Datum(try Timestamp.local(call[1].int64, in: try TimeZone.meant(by: call.interval(0))))
    }
    scalar("timestamp_at_local") { (call) throws(TypeError) in
      Datum(try Timestamp.absolute(call[0].int64, in: call.dateTime.timeZone))
    }
    scalar("timestamptz_at_local") { (call) throws(TypeError) in
      Datum(try Timestamp.local(call[0].int64, in: call.dateTime.timeZone))
    }
  }

  private mutating func addMakers() {
    scalar("make_timestamp") { (call) throws(TypeError) in Datum(try call.timestampOfFields()) }
    scalar("make_timestamptz") { (call) throws(TypeError) in
      Datum(try Timestamp.absolute(try call.timestampOfFields(), in: call.dateTime.timeZone))
    }
    scalar("make_timestamptz_at_timezone") { (call) throws(TypeError) in
      let zone = try TimeZone.meant(by: call.text(6), session: call.dateTime.timeZone)
      return Datum(try Timestamp.absolute(try call.timestampOfFields(), in: zone))
    }
    scalar("make_interval") { (call) throws(TypeError) in
      func field(_ index: Int) -> Int64 { Int64(call[index].int32) }
      let outOfRange = TypeError(.datetimeFieldOverflow, "interval out of range")
      let seconds = (call[6].float8 * 1_000_000).rounded(.toNearestOrEven)
      guard let months = Int32(exactly: field(0) * 12 + field(1)), let days = Int32(exactly: field(2) * 7 + field(3)),
        call[6].float8.isFinite, let micros = Int64(exactly: seconds)
      else { throw outOfRange }
      let (sum, overflows) = ((field(4) * 60 + field(5)) * 60_000_000).addingReportingOverflow(micros)
      guard !overflows else { throw outOfRange }
      return call.make(Interval(months: months, days: days, microseconds: sum))
    }
  }

  private mutating func addIntervals() {
    scalar("interval_pl") { (call) throws(TypeError) in
      call.make(try Interval.adding(call.interval(0), call.interval(1)))
    }
    scalar("interval_mi") { (call) throws(TypeError) in
      call.make(try Interval.subtracting(call.interval(0), call.interval(1)))
    }
    scalar("interval_um") { (call) throws(TypeError) in call.make(try Interval.negating(call.interval(0))) }
    scalar("interval_mul") { (call) throws(TypeError) in
      call.make(try Interval.multiplying(call.interval(0), by: call[1].float8))
    }
    scalar("mul_d_interval") { (call) throws(TypeError) in
      call.make(try Interval.multiplying(call.interval(1), by: call[0].float8))
    }
    scalar("interval_div") { (call) throws(TypeError) in
      call.make(try Interval.dividing(call.interval(0), by: call[1].float8))
    }
    scalar("interval_justify_hours") { (call) throws(TypeError) in
      call.make(try call.interval(0).justifyingHours())
    }
    scalar("interval_justify_days") { (call) throws(TypeError) in call.make(try call.interval(0).justifyingDays()) }
    scalar("interval_justify_interval") { (call) throws(TypeError) in call.make(try call.interval(0).justified()) }
    scalar("interval_scale") { (call) throws(TypeError) in
      call.make(try IntervalType.apply(typmod: call[1].int32, to: call.interval(0)))
    }
    scalar("interval_finite") { call in Datum(call.interval(0).isFinite) }
    scalar("interval_larger") { call in IntervalType.compare(call[0], call[1]) > 0 ? call[0] : call[1] }
    scalar("interval_smaller") { call in IntervalType.compare(call[0], call[1]) < 0 ? call[0] : call[1] }
  }

  // MARK: Parts

  private mutating func addParts() {
    part("extract_timestamp", "timestamp_part") { (call) throws(TypeError) in
      try DateTimePart.extract(call.text(0), from: call[1].int64)
    }
    part("extract_timestamptz", "timestamptz_part") { (call) throws(TypeError) in
      try DateTimePart.extract(call.text(0), fromTimestampTZ: call[1].int64, in: call.dateTime.timeZone)
    }
    part("extract_time", "time_part") { (call) throws(TypeError) in
      try DateTimePart.extract(call.text(0), fromTime: call[1].int64)
    }
    part("extract_timetz", "timetz_part") { (call) throws(TypeError) in
      try DateTimePart.extract(
        call.text(0), fromTime: TimeTZType.time(call[1]), zone: TimeTZType.zone(call[1]))
    }
    part("extract_interval", "interval_part") { (call) throws(TypeError) in
      try DateTimePart.extract(call.text(0), fromInterval: call.interval(1))
    }
    scalar("extract_date") { (call) throws(TypeError) in
      guard let value = try DateTimePart.extract(call.text(0), fromDate: call[1].int32) else { return nil }
      return try call.make(value.numeric)
    }
    // date_part of a date takes it for a timestamp.
    scalar("date_part(text,date)") { (call) throws(TypeError) in
      let timestamp = try SQLDate.timestamp(call[1].int32)
      return try DateTimePart.extract(call.text(0), from: timestamp).map { Datum($0.float) }
    }
    scalar("timestamp_trunc") { (call) throws(TypeError) in
      Datum(try DateTimePart.truncate(call.text(0), call[1].int64))
    }
    scalar("timestamptz_trunc") { (call) throws(TypeError) in
      Datum(try DateTimePart.truncate(call.text(0), timestampTZ: call[1].int64, in: call.dateTime.timeZone))
    }
    scalar("timestamptz_trunc_zone") { (call) throws(TypeError) in
      let zone = try TimeZone.meant(by: call.text(2), session: call.dateTime.timeZone)
      return Datum(try DateTimePart.truncate(call.text(0), timestampTZ: call[1].int64, in: zone))
    }
    scalar("interval_trunc") { (call) throws(TypeError) in
      call.make(try DateTimePart.truncate(call.text(0), call.interval(1)))
    }
  }

  private mutating func part(
    _ extract: String, _ datePart: String,
    _ body: @escaping @Sendable (CallFrame) throws(TypeError) -> DateTimePartValue?
  ) {
    scalar(extract) { (call) throws(TypeError) in
      guard let value = try body(call) else { return nil }
      return try call.make(value.numeric)
    }
    scalar(datePart) { (call) throws(TypeError) in try body(call).map { Datum($0.float) } }
  }

  // MARK: OVERLAPS

  private mutating func addOverlaps() {
    scalar("overlaps_timestamp", "overlaps_time") { call in
      Overlap.decide((0..<4).map { call.optional($0)?.int64 }, <).map { Datum($0) }
    }
    scalar("overlaps_timetz") { call in
      Overlap.decide((0..<4).map { call.optional($0) }) { TimeTZType.compare($0, $1) < 0 }.map { Datum($0) }
    }
    for type in ["timestamp", "timestamptz", "time"] {
      scalar("overlaps(\(type),interval,\(type),interval)") { (call) throws(TypeError) in
        try call.overlaps(type, isLength: [1, 3])
      }
      scalar("overlaps(\(type),\(type),\(type),interval)") { (call) throws(TypeError) in
        try call.overlaps(type, isLength: [3])
      }
      scalar("overlaps(\(type),interval,\(type),\(type))") { (call) throws(TypeError) in
        try call.overlaps(type, isLength: [1])
      }
    }
  }
}

extension CallFrame {
  /// Midnight of the day on which the transaction began.
  fileprivate func today() throws(TypeError) -> Int64 {
    let local = try Timestamp.local(context.session.transactionTime, in: dateTime.timeZone)
    return try SQLDate.timestamp(Timestamp.date(local))
  }

  fileprivate func timestampOfFields() throws(TypeError) -> Int64 {
    let date = try SQLDate.make(year: Int(self[0].int32), month: Int(self[1].int32), day: Int(self[2].int32))
    let time = try ClockFields.time(hour: self[3].int32, minute: self[4].int32, second: self[5].float8)
    return try Timestamp.adding(try SQLDate.timestamp(date), Interval(microseconds: time))
  }

  /// OVERLAPS where an end is given as a length.
  fileprivate func overlaps(_ type: String, isLength: Set<Int>) throws(TypeError) -> Datum? {
    var ends: [Int64?] = []
    for index in 0..<4 {
      guard isLength.contains(index) else {
        ends.append(optional(index)?.int64)
        continue
      }
      guard optional(index) != nil, let start = ends[index - 1] else {
        ends.append(nil)
        continue
      }
      switch type {
      case "time": ends.append(try SQLTime.adding(start, interval(index)))
      case "timestamp": ends.append(try Timestamp.adding(start, interval(index)))
      default: ends.append(try Timestamp.adding(start, interval(index), in: dateTime.timeZone))
      }
    }
    return Overlap.decide(ends, <).map { Datum($0) }
  }
}

/// `(a, b) OVERLAPS (c, d)` as the standard has it: half-open periods whose ends may come in any order, of which one
/// end may be unknown (date.c's overlaps_time).
enum Overlap {
  static func decide<Value>(_ ends: [Value?], _ isLess: (Value, Value) -> Bool) -> Bool? {
    guard let first = ordered(ends[0], ends[1], isLess), let second = ordered(ends[2], ends[3], isLess) else {
      return nil
    }
    if isLess(second.start, first.start) { return decide(earlier: second, later: first, isLess) }
    if isLess(first.start, second.start) { return decide(earlier: first, later: second, isLess) }
    return first.end == nil || second.end == nil ? nil : true
  }

  private static func ordered<Value>(
    _ a: Value?, _ b: Value?, _ isLess: (Value, Value) -> Bool
  ) -> (start: Value, end: Value?)? {
    guard let a else { return b.map { ($0, nil) } }
    guard let b else { return (a, nil) }
    return isLess(b, a) ? (b, a) : (a, b)
  }

  private static func decide<Value>(
    earlier: (start: Value, end: Value?), later: (start: Value, end: Value?), _ isLess: (Value, Value) -> Bool
  ) -> Bool? {
    guard let end = earlier.end else { return nil }
    if isLess(later.start, end) { return true }
    // Had the later period an unknown end, it could have begun earlier.
    return later.end == nil ? nil : false
  }
}

extension Datum {
  /// Whether a timestamp is `infinity` or `-infinity`, whatever the zone.
  fileprivate var isInfinite: Bool { int64 == .max || int64 == .min }
}
