import MillraceEngine
import MillraceTypes

extension CallFrame {
  @inline(__always) func interval(_ index: Int) -> Interval { IntervalType.value(self[index]) }
  @inline(__always) func make(_ interval: Interval) -> Datum { IntervalType.datum(interval, in: arena) }
}

extension FunctionRegistry {
  mutating func addDates() {
    addDateArithmetic()
    addDateCasts()
    addDateComparisons()
    addTimes()
    addTimesWithZone()
  }

  private mutating func addDateArithmetic() {
    binary("date_pli") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try SQLDate.adding(a.int32, days: b.int32)) }
    }
    binary("integer_pl_date(int4,date)") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try SQLDate.adding(b.int32, days: a.int32)) }
    }
    binary("date_mii") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try SQLDate.subtracting(a.int32, days: b.int32)) }
    }
    binary("date_mi") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try SQLDate.difference(a.int32, b.int32)) }
    }
    scalar("date_pl_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(try SQLDate.timestamp(call[0].int32), call.interval(1)))
    }
    scalar("interval_pl_date(interval,date)") { (call) throws(TypeError) in
      Datum(try Timestamp.adding(try SQLDate.timestamp(call[1].int32), call.interval(0)))
    }
    scalar("date_mi_interval") { (call) throws(TypeError) in
      Datum(try Timestamp.subtracting(try SQLDate.timestamp(call[0].int32), call.interval(1)))
    }
    unary("date_finite") { (call) throws(TypeError) in try call.each { Datum(SQLDate.isFinite($0.int32)) } }
    scalar("make_date") { (call) throws(TypeError) in
      Datum(
        try SQLDate.make(year: Int(call[0].int32), month: Int(call[1].int32), day: Int(call[2].int32)))
    }
  }

  private mutating func addDateCasts() {
    unary("date_timestamp") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try SQLDate.timestamp(a.int32)) }
    }
    scalar("date_timestamptz") { (call) throws(TypeError) in
      Datum(try SQLDate.timestampTZ(call[0].int32, in: call.dateTime.timeZone))
    }
    scalar("datetime_timestamp") { (call) throws(TypeError) in
      Datum(try Self.timestamp(call[0].int32, at: call[1].int64))
    }
    scalar("timedate_pl(time,date)") { (call) throws(TypeError) in
      Datum(try Self.timestamp(call[1].int32, at: call[0].int64))
    }
    scalar("timestamptz(date,time)") { (call) throws(TypeError) in
      let local = try Self.timestamp(call[0].int32, at: call[1].int64)
      return Datum(try Timestamp.absolute(local, in: call.dateTime.timeZone))
    }
    scalar("datetimetz_timestamptz") { (call) throws(TypeError) in
      Datum(try Self.timestampTZ(call[0].int32, at: call[1]))
    }
    scalar("timetzdate_pl(timetz,date)") { (call) throws(TypeError) in
      Datum(try Self.timestampTZ(call[1].int32, at: call[0]))
    }
  }

  private static func timestamp(_ date: Int32, at time: Int64) throws(TypeError) -> Int64 {
    let start = try SQLDate.timestamp(date)
    guard Timestamp.isFinite(start) else { return start }
    return try Timestamp.adding(start, Interval(microseconds: time))
  }

  private static func timestampTZ(_ date: Int32, at time: Datum) throws(TypeError) -> Int64 {
    let start = try SQLDate.timestamp(date)
    guard Timestamp.isFinite(start) else { return start }
    let moment = TimeTZType.time(time) + Int64(TimeTZType.zone(time)) * 1_000_000
    return try Timestamp.adding(start, Interval(microseconds: moment))
  }

  private mutating func addTimes() {
    scalar("time_pl_interval") { (call) throws(TypeError) in
      Datum(try SQLTime.adding(call[0].int64, call.interval(1)))
    }
    scalar("interval_pl_time(interval,time)") { (call) throws(TypeError) in
      Datum(try SQLTime.adding(call[1].int64, call.interval(0)))
    }
    scalar("time_mi_interval") { (call) throws(TypeError) in
      Datum(try SQLTime.subtracting(call[0].int64, call.interval(1)))
    }
    scalar("time_mi_time") { call in call.make(Interval(microseconds: call[0].int64 - call[1].int64)) }
    scalar("time_scale") { call in Datum(SQLTime.rounded(call[0].int64, digits: call[1].int32)) }
    scalar("time_interval") { call in call.make(Interval(microseconds: call[0].int64)) }
    scalar("interval_time") { (call) throws(TypeError) in Datum(try SQLTime.time(of: call.interval(0))) }
    scalar("timestamp_time") { call in
      Timestamp.isFinite(call[0].int64) ? Datum(Timestamp.timeOfDay(call[0].int64)) : nil
    }
    scalar("timestamptz_time") { (call) throws(TypeError) in
      guard Timestamp.isFinite(call[0].int64) else { return nil }
      return Datum(Timestamp.timeOfDay(try Timestamp.local(call[0].int64, in: call.dateTime.timeZone)))
    }
    scalar("timetz_time") { call in Datum(TimeTZType.time(call[0])) }
    scalar("make_time") { (call) throws(TypeError) in
      Datum(try ClockFields.time(hour: call[0].int32, minute: call[1].int32, second: call[2].float8))
    }
  }

  private mutating func addTimesWithZone() {
    scalar("time_timetz") { call in
      let zone = call.dateTime.timeZone.secondsEast(at: call.context.session.transactionTime)
      return TimeTZType.make(call[0].int64, zone: Int32(-zone), in: call.arena)
    }
    scalar("timestamptz_timetz") { (call) throws(TypeError) in
      let (timestamp, zone) = (call[0].int64, call.dateTime.timeZone)
      guard Timestamp.isFinite(timestamp) else { return nil }
      let local = try Timestamp.local(timestamp, in: zone)
      return TimeTZType.make(
        Timestamp.timeOfDay(local), zone: Int32(-zone.secondsEast(at: timestamp)), in: call.arena)
    }
    scalar("timetz_scale") { call in
      TimeTZType.make(
        SQLTime.rounded(TimeTZType.time(call[0]), digits: call[1].int32), zone: TimeTZType.zone(call[0]),
        in: call.arena)
    }
    scalar("timetz_pl_interval") { (call) throws(TypeError) in
      TimeTZType.make(
        try SQLTime.adding(TimeTZType.time(call[0]), call.interval(1)), zone: TimeTZType.zone(call[0]), in: call.arena)
    }
    scalar("interval_pl_timetz(interval,timetz)") { (call) throws(TypeError) in
      TimeTZType.make(
        try SQLTime.adding(TimeTZType.time(call[1]), call.interval(0)), zone: TimeTZType.zone(call[1]), in: call.arena)
    }
    scalar("timetz_mi_interval") { (call) throws(TypeError) in
      TimeTZType.make(
        try SQLTime.subtracting(TimeTZType.time(call[0]), call.interval(1)), zone: TimeTZType.zone(call[0]),
        in: call.arena)
    }
    scalar("timetz_larger") { call in TimeTZType.compare(call[0], call[1]) > 0 ? call[0] : call[1] }
    scalar("timetz_smaller") { call in TimeTZType.compare(call[0], call[1]) < 0 ? call[0] : call[1] }
    scalar("timetz_zone") { (call) throws(TypeError) in
      let zone = try TimeZone.meant(by: call.text(0), session: call.dateTime.timeZone)
      return Self.moved(call[1], to: zone.secondsEast(at: call.context.session.transactionTime), call.arena)
    }
    scalar("timetz_izone") { (call) throws(TypeError) in
      Self.moved(call[1], to: try TimeZone.meant(by: call.interval(0)).secondsEast(at: 0), call.arena)
    }
    scalar("timetz_at_local") { call in
      let zone = call.dateTime.timeZone.secondsEast(at: call.context.session.transactionTime)
      return Self.moved(call[0], to: zone, call.arena)
    }
  }

  /// The same moment of the day as a clock in another zone shows it.
  private static func moved(_ time: Datum, to secondsEast: Int, _ arena: Arena) -> Datum {
    let day: Int64 = 86_400_000_000
    let moment = TimeTZType.time(time) + (Int64(TimeTZType.zone(time)) + Int64(secondsEast)) * 1_000_000
    let rest = moment % day
    return TimeTZType.make(rest < 0 ? rest + day : rest, zone: Int32(-secondsEast), in: arena)
  }
}

/// What clocks show, checked: for `make_time` and `make_timestamp`.
enum ClockFields {
  static func time(hour: Int32, minute: Int32, second: Double) throws(TypeError) -> Int64 {
    func shown(_ value: Int32) -> String { value < 10 && value >= 0 ? "0\(value)" : "\(value)" }
    func decimal(_ second: Double) -> String {
      if second.isNaN { return "NaN" }
      return second.isInfinite ? (second < 0 ? "-Infinity" : "Infinity") : shortest(second)
    }
    let refusal = TypeError(
      .datetimeFieldOverflow,
      "time field value out of range: \(hour):\(shown(minute)):\(padded(decimal(second)))")
    guard hour >= 0, 0...59 ~= minute, !second.isNaN, second >= 0, second <= 60 else { throw refusal }
    let microseconds = Int64((second * 1_000_000).rounded(.toNearestOrEven))
    let isMidnight = hour == 24 && minute == 0 && microseconds == 0
    guard hour < 24 || isMidnight, microseconds <= 60_000_000 else { throw refusal }
    return (Int64(hour) * 60 + Int64(minute)) * 60_000_000 + microseconds
  }

  /// To two characters, as `%02g` does.
  private static func padded(_ text: String) -> String { text.utf8.count < 2 ? "0" + text : text }

  private static func shortest(_ second: Double) -> String {
    second == second.rounded() && second.magnitude < 1000 ? "\(Int(second))" : "\(second)"
  }
}
