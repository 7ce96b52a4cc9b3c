/// What a text said, field by field; zero is nothing, as in PostgreSQL.
struct DateTimeReaderFields {
  var hour = 0, minute = 0, second = 0, secondOfDay = 0, millisecond = 0, microsecond = 0
  var year = 0, yearDigits = 0, century = 0, month = 0, day = 0
  /// 1 is Sunday.
  var dayOfWeek = 0, dayOfYear = 0, week = 0, weekOfMonth = 0, julian = 0
  var zoneSign = 0, zoneHour = 0, zoneMinute = 0
  var hasTwelveHours = false
  var isAfternoon = false
  var isBeforeChrist = false
  var abbreviation: (TimeZoneAbbreviation, String)?

  /// The time that the fields add up to.
  func time(usesISOWeeks: Bool, _ text: ByteView) throws(TypeError) -> LocalTime {
    var time = LocalTime(year: 0, month: 1, day: 1)
    try setTime(&time)
    var found = setYear(&time)
    try setDate(&time, &found, usesISOWeeks)
    time.microsecond = millisecond * 1000 + microsecond
    let overflow = DateTimeError.fieldOverflow.error(text, type: "timestamp")
    if found.contains(.month), !(1...12 ~= time.month) { throw overflow }
    if found.contains(.day), !(1...31 ~= time.day) { throw overflow }
    if found.isSuperset(of: .date), time.day > Calendar.days(inMonth: time.month, year: time.year) { throw overflow }
    guard 0..<24 ~= time.hour, 0..<60 ~= time.minute, 0..<60 ~= time.second, 0..<1_000_000 ~= time.microsecond else {
      throw overflow
    }
    return time
  }

  private func setTime(_ time: inout LocalTime) throws(TypeError) {
    if secondOfDay != 0 {
      (time.hour, time.minute, time.second) = (secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60)
    }
    if second != 0 { time.second = second }
    if minute != 0 { time.minute = minute }
    if hour != 0 { time.hour = hour }
    guard hasTwelveHours else { return }
    guard 1...12 ~= time.hour else {
      throw DateTimeReader.invalid(
        "hour \"\(time.hour)\" is invalid for the 12-hour clock",
        hint: "Use the 24-hour clock, or give an hour between 1 and 12.")
    }
    if isAfternoon, time.hour < 12 { time.hour += 12 } else if !isAfternoon, time.hour == 12 { time.hour = 0 }
  }

  private func setYear(_ time: inout LocalTime) -> DateTimeMask {
    let century = isBeforeChrist ? -century : century
    if year != 0 {
      if century != 0, yearDigits <= 2 {
        time.year = year % 100
        if time.year == 0 {
          time.year = century * 100 + (century >= 0 ? 0 : 1)
        } else {
          time.year = century >= 0 ? time.year + (century - 1) * 100 : (century + 1) * 100 - time.year + 1
        }
      } else {
        time.year = isBeforeChrist ? -year : year
        if time.year < 0 { time.year += 1 }
      }
      return .year
    }
    guard century != 0 else { return [] }
    time.year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1
    return .year
  }

  private func setDate(_ time: inout LocalTime, _ found: inout DateTimeMask, _ usesISOWeeks: Bool) throws(TypeError) {
    var (day, dayOfYear) = (day, dayOfYear)
    if julian != 0 {
      time.setDate(julianDay: julian)
      found.formUnion(.date)
    }
    if week != 0 {
      if usesISOWeeks {
        var julianDay = Calendar.firstDay(ofWeek: week, year: time.year)
        // Sunday is the last day of the week.
        if dayOfWeek > 1 { julianDay += dayOfWeek - 2 } else if dayOfWeek == 1 { julianDay += 6 }
        time.setDate(julianDay: julianDay)
        found.formUnion(.date)
      } else {
        dayOfYear = (week - 1) * 7 + 1
      }
    }
    if weekOfMonth != 0 { day = (weekOfMonth - 1) * 7 + 1 }
    if day != 0 {
      time.day = day
      found.insert(.day)
    }
    if month != 0 {
      time.month = month
      found.insert(.month)
    }
    guard dayOfYear != 0, time.month <= 1 || time.day <= 1 else { return }
    if time.year == 0, !isBeforeChrist {
      throw DateTimeReader.invalid("cannot calculate day of year without year information")
    }
    if usesISOWeeks {
      time.setDate(julianDay: Calendar.firstDay(ofWeek: 1, year: time.year) - 1 + dayOfYear)
      found.formUnion(.date)
    } else {
      setDayOfYear(dayOfYear, &time)
      found.formUnion([.month, .day])
    }
  }

  private func setDayOfYear(_ dayOfYear: Int, _ time: inout LocalTime) {
    var month = 1
    var rest = dayOfYear
    while month <= 12, rest > Calendar.days(inMonth: month, year: time.year) {
      rest -= Calendar.days(inMonth: month, year: time.year)
      month += 1
    }
    if time.month <= 1 { time.month = month }
    if time.day <= 1 { time.day = rest }
  }
}
