/// The words that texts of dates, times and intervals are made of (datetime.c's datetktbl and deltatktbl).
enum DateTimeToken: Equatable {
  enum Special: Equatable { case now, today, tomorrow, yesterday, zulu, epoch, infinity, minusInfinity }

  enum Unit: Equatable {
    case microsecond, millisecond, second, minute, hour, day, week, month, quarter, year, decade, century, millennium
    case timeZone, timeZoneHour, timeZoneMinute
    case dayOfWeek, isoDayOfWeek, dayOfYear, isoYear, julian, epoch
    /// The `t` of ISO 8601.
    case isoTime
  }

  case special(Special)
  case month(Int)
  case weekday(Int)
  case ante, post
  case annoDomini, beforeChrist
  case unit(Unit)
  case summerTime
  case ignored
  case ago

  /// Words are told apart by their first ten letters.
  private static func key(_ word: [UInt8]) -> String { String(decoding: word.prefix(10), as: UTF8.self) }

  /// A word of a date or time, in lower case.
  static func ofDate(_ word: [UInt8]) -> DateTimeToken? { dateWords[key(word)] }

  /// A word of an interval, in lower case.
  static func ofInterval(_ word: [UInt8]) -> DateTimeToken? { intervalWords[key(word)] }

  private static let dateWords: [String: DateTimeToken] = {
    var words: [String: DateTimeToken] = [
      "+infinity": .special(.infinity), "infinity": .special(.infinity), "-infinity": .special(.minusInfinity),
      "now": .special(.now), "today": .special(.today), "tomorrow": .special(.tomorrow),
      "yesterday": .special(.yesterday), "allballs": .special(.zulu), "epoch": .special(.epoch),
      "ad": .annoDomini, "bc": .beforeChrist, "am": .ante, "pm": .post, "at": .ignored, "on": .ignored,
      "dst": .summerTime, "d": .unit(.day), "dow": .unit(.dayOfWeek), "doy": .unit(.dayOfYear), "h": .unit(.hour),
      "isodow": .unit(.isoDayOfWeek), "isoyear": .unit(.isoYear), "j": .unit(.julian), "jd": .unit(.julian),
      "julian": .unit(.julian), "m": .unit(.month), "mm": .unit(.minute), "s": .unit(.second), "t": .unit(.isoTime),
      "y": .unit(.year), "sept": .month(9), "tues": .weekday(2), "thur": .weekday(4), "thurs": .weekday(4),
      "weds": .weekday(3),
    ]
    for (index, name) in Calendar.monthNames.enumerated() {
      let name = String(describing: name).lowercased()
      words[name] = .month(index + 1)
      words[String(name.prefix(3))] = .month(index + 1)
    }
    for (index, name) in Calendar.dayNames.enumerated() {
      let name = String(describing: name).lowercased()
      words[name] = .weekday(index)
      words[String(name.prefix(3))] = .weekday(index)
    }
    return words
  }()

  private static let intervalWords: [String: DateTimeToken] = {
    var words: [String: DateTimeToken] = ["@": .ignored, "ago": .ago]
    let units: [(Unit, String)] = [
      (.century, "c cent centuries century"), (.day, "d day days"), (.decade, "dec decade decades decs"),
      (.hour, "h hour hours hr hrs"), (.minute, "m min mins minute minutes"),
      (.microsecond, "microsecon us usec usecond"),
      (.microsecond, "useconds usecs"), (.millennium, "mil millennia millennium mils"),
      (.millisecond, "millisecon ms msec msecond mseconds msecs"), (.month, "mon mons month months"),
      (.quarter, "qtr quarter"), (.second, "s sec second seconds secs"), (.timeZone, "timezone"),
      (.timeZoneHour, "timezone_h"), (.timeZoneMinute, "timezone_m"), (.week, "w week weeks"),
      (.year, "y year years yr yrs"),
    ]
    for (unit, names) in units {
      for name in names.split(separator: " ") { words[String(name)] = .unit(unit) }
    }
    return words
  }()
}
