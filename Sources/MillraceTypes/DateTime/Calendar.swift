/// The Gregorian calendar, extended to all times, counted in Julian days (PostgreSQL's datetime.c).
public enum Calendar {
  /// Julian days of 1970-01-01 and of 2000-01-01, from which dates and timestamps count.
  public static let unixEpochDay = 2_440_588
  public static let postgresEpochDay = 2_451_545

  static let microsecondsPerDay: Int64 = 86_400_000_000
  static let microsecondsPerHour: Int64 = 3_600_000_000
  static let microsecondsPerMinute: Int64 = 60_000_000
  static let microsecondsPerSecond: Int64 = 1_000_000

  @inlinable public static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  public static func days(inMonth month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// `date2j`: the year before 1 is 0. Months beyond 1 to 12 count on.
  public static func julianDay(year: Int, month: Int, day: Int) -> Int {
    let (years, months) = month > 2 ? (year + 4800, month + 1) : (year + 4799, month + 13)
    let century = years / 100
    return years * 365 - 32_167 + years / 4 - century + century / 4 + 7834 * months / 256 + day
  }

  /// `j2date`.
  public static func date(ofJulianDay day: Int) -> (year: Int, month: Int, day: Int) {
    // The proleptic calendar repeats after 400 years, which are 146,097 days.
    let shifted = day + 32_044
    var era = shifted / 146_097
    if shifted < 0 && shifted % 146_097 != 0 { era -= 1 }
    let dayOfEra = shifted - era * 146_097
    let century = (4 * dayOfEra + 3) / 146_097
    let dayOfCentury = dayOfEra - century * 146_097 / 4
    let yearOfCentury = (4 * dayOfCentury + 3) / 1461
    let dayOfYear = dayOfCentury - 1461 * yearOfCentury / 4
    let marchMonth = (5 * dayOfYear + 2) / 153
    return (
      era * 400 + century * 100 + yearOfCentury - 4800 + marchMonth / 10, marchMonth + 3 - 12 * (marchMonth / 10),
      dayOfYear - (153 * marchMonth + 2) / 5 + 1
    )
  }

  /// `j2day`: 0 is Sunday.
  public static func weekday(_ julianDay: Int) -> Int {
    let day = (julianDay + 1) % 7
    return day < 0 ? day + 7 : day
  }

  /// `IS_VALID_JULIAN`: the dates for which timestamps and dates can be computed.
  static func isValid(year: Int, month: Int) -> Bool {
    (year > -4713 || (year == -4713 && month >= 11)) && (year < 5_874_898 || (year == 5_874_898 && month < 6))
  }

  // MARK: - Weeks (ISO 8601)

  /// The Julian day of the first day of a week.
  static func firstDay(ofWeek week: Int, year: Int) -> Int {
    let fourth = julianDay(year: year, month: 1, day: 4)
    return (week - 1) * 7 + fourth - weekday(fourth - 1)
  }

  static func isoWeek(year: Int, month: Int, day: Int) -> (year: Int, week: Int) {
    let today = julianDay(year: year, month: month, day: day)
    var isoYear = year
    var fourth = julianDay(year: year, month: 1, day: 4)
    var offset = weekday(fourth - 1)
    if today < fourth - offset {
      isoYear -= 1
      fourth = julianDay(year: isoYear, month: 1, day: 4)
      offset = weekday(fourth - 1)
    }
    var week = (today - (fourth - offset)) / 7 + 1
    if week >= 52 {
      fourth = julianDay(year: isoYear + 1, month: 1, day: 4)
      offset = weekday(fourth - 1)
      if today >= fourth - offset {
        isoYear += 1
        week = (today - (fourth - offset)) / 7 + 1
      }
    }
    return (isoYear, week)
  }

  static let monthNames: [StaticString] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  static let dayNames: [StaticString] = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
}
