import MillraceTypes

/// Dates, timestamps and timestamps with a zone compared with one another.
///
/// A date beyond what a timestamp can say is later than all of them. Between a timestamp without a zone and one with
/// one, the session's zone decides.
enum MixedDates {
  /// Negative, zero or positive.
  static func compare(date: Int32, timestamp: Int64) -> Int {
    guard let start = try? SQLDate.timestamp(date) else { return timestamp == Timestamp.infinity ? -1 : 1 }
    return start < timestamp ? -1 : start == timestamp ? 0 : 1
  }

  static func compare(date: Int32, timestampTZ: Int64, _ zone: TimeZone) -> Int {
    guard let start = try? SQLDate.timestampTZ(date, in: zone) else {
      // Beyond either end: the first day of all begins earlier yet where clocks are ahead.
      if date > 0 { return timestampTZ == Timestamp.infinity ? -1 : 1 }
      return timestampTZ == Timestamp.minusInfinity ? 1 : -1
    }
    return start < timestampTZ ? -1 : start == timestampTZ ? 0 : 1
  }

  static func compare(timestamp: Int64, timestampTZ: Int64, _ zone: TimeZone) -> Int {
    guard let moment = try? Timestamp.absolute(timestamp, in: zone) else {
      // Beyond either end.
      if timestamp > 0 { return timestampTZ == Timestamp.infinity ? -1 : 1 }
      return timestampTZ == Timestamp.minusInfinity ? 1 : -1
    }
    return moment < timestampTZ ? -1 : moment == timestampTZ ? 0 : 1
  }
}

extension FunctionRegistry {
  mutating func addDateComparisons() {
    mixed("date", "timestamp") { MixedDates.compare(date: $0[0].int32, timestamp: $0[1].int64) }
    mixed("timestamp", "date") { -MixedDates.compare(date: $0[1].int32, timestamp: $0[0].int64) }
    mixed("date", "timestamptz") {
      MixedDates.compare(date: $0[0].int32, timestampTZ: $0[1].int64, $0.dateTime.timeZone)
    }
    mixed("timestamptz", "date") {
      -MixedDates.compare(date: $0[1].int32, timestampTZ: $0[0].int64, $0.dateTime.timeZone)
    }
    mixed("timestamp", "timestamptz") {
      MixedDates.compare(timestamp: $0[0].int64, timestampTZ: $0[1].int64, $0.dateTime.timeZone)
    }
    mixed("timestamptz", "timestamp") {
      -MixedDates.compare(timestamp: $0[1].int64, timestampTZ: $0[0].int64, $0.dateTime.timeZone)
    }
    scalar("date_cmp", "timestamp_cmp", "time_cmp", "xid8cmp") { call in
      Datum(Int32(call[0].int64 < call[1].int64 ? -1 : call[0].int64 == call[1].int64 ? 0 : 1))
    }
    scalar("interval_cmp") { call in Datum(Int32(IntervalType.compare(call[0], call[1]).signum())) }
    scalar("timetz_cmp") { call in Datum(Int32(TimeTZType.compare(call[0], call[1]).signum())) }
    scalar("bpcharcmp") { call in Datum(Int32(BpcharType.compare(call[0], call[1]).signum())) }
  }

  private mutating func mixed(_ left: String, _ right: String, _ compare: @escaping @Sendable (CallFrame) -> Int) {
    scalar("\(left)_eq_\(right)") { Datum(compare($0) == 0) }
    scalar("\(left)_ne_\(right)") { Datum(compare($0) != 0) }
    scalar("\(left)_lt_\(right)") { Datum(compare($0) < 0) }
    scalar("\(left)_le_\(right)") { Datum(compare($0) <= 0) }
    scalar("\(left)_gt_\(right)") { Datum(compare($0) > 0) }
    scalar("\(left)_ge_\(right)") { Datum(compare($0) >= 0) }
    scalar("\(left)_cmp_\(right)") { Datum(Int32(compare($0).signum())) }
  }
}
