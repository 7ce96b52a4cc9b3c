/// Which fields of a date or time have been found, so that none is given twice.
struct DateTimeMask: OptionSet {
  let rawValue: UInt32

  static let month = Self(rawValue: 1 << 1)
  static let year = Self(rawValue: 1 << 2)
  static let day = Self(rawValue: 1 << 3)
  static let zone = Self(rawValue: 1 << 5)
  static let summerZone = Self(rawValue: 1 << 6)
  static let dynamicZone = Self(rawValue: 1 << 7)
  static let halfDay = Self(rawValue: 1 << 9)
  static let hour = Self(rawValue: 1 << 10)
  static let minute = Self(rawValue: 1 << 11)
  static let second = Self(rawValue: 1 << 12)
  static let millisecond = Self(rawValue: 1 << 13)
  static let microsecond = Self(rawValue: 1 << 14)
  static let dayOfYear = Self(rawValue: 1 << 15)
  static let weekday = Self(rawValue: 1 << 16)
  static let era = Self(rawValue: 1 << 18)
  static let week = Self(rawValue: 1 << 24)
  static let decade = Self(rawValue: 1 << 25)
  static let century = Self(rawValue: 1 << 26)
  static let millennium = Self(rawValue: 1 << 27)
  static let summerTime = Self(rawValue: 1 << 28)
  static let special = Self(rawValue: 1 << 0)

  static let date: Self = [.year, .month, .day]
  static let allSeconds: Self = [.second, .millisecond, .microsecond]
  static let time: Self = [.hour, .minute, .second, .millisecond, .microsecond]
}
