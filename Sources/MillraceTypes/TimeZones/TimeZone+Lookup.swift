extension TimeZone {
  /// The zone that SQL means by a name: an abbreviation such as `CET`, a zone of the database, or POSIX's notation
  /// (`AT TIME ZONE`; PostgreSQL's DecodeTimezoneName).
  /// - Parameter session: the session's zone, whose own abbreviations come first.
  /// - Throws: 22023 where there is none of that name.
  public static func meant(by name: ByteView, session: TimeZone) throws(TypeError) -> TimeZone {
    let text = name.string
    switch TimeZoneAbbreviation.find(text, session: session) {
    case .fixed(let offset, _): return fixed(secondsEast: offset)
    case .dynamic(let zone): return zone
    case nil: break
    }
    guard let zone = named(text) else {
      throw TypeError(.invalidParameterValue, "time zone \"\(text)\" not recognized")
    }
    return zone
  }

  /// The zone that an interval stands for.
  public static func meant(by interval: Interval) throws(TypeError) -> TimeZone {
    func shown() -> String {
      let arena = Arena()
      return withExtendedLifetime(arena) { TypeDescriptor.interval.text(of: IntervalType.datum(interval, in: arena)) }
    }
    guard interval.isFinite else {
      throw TypeError(.invalidParameterValue, "interval time zone \"\(shown())\" must be finite")
    }
    guard interval.months == 0, interval.days == 0 else {
      throw TypeError(
        .invalidParameterValue, "interval time zone \"\(shown())\" must not include months or days")
    }
    return fixed(secondsEast: Int(interval.microseconds / Calendar.microsecondsPerSecond))
  }

  /// Seconds east of UTC at a time.
  public func secondsEast(at timestamp: Int64) -> Int { period(at: Timestamp.unixSeconds(timestamp)).offset }
}
