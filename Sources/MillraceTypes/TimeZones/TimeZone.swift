import Synchronization

/// A time zone: when its clocks were set to what.
///
/// Immutable, and read once a process: whoever asks for the same name gets the same object.
public final class TimeZone: Sendable {
  struct Transition: Sendable {
    /// Seconds since 1970 in UTC.
    let at: Int64
    /// What holds from then on.
    let period: TimeZoneRule.Period
  }

  /// The name in the database's spelling.
  public let name: String
  /// Before the first transition.
  private let first: TimeZoneRule.Period
  private let transitions: [Transition]
  /// After the last one.
  private let rule: TimeZoneRule?

  init(name: String, first: TimeZoneRule.Period, transitions: [Transition], rule: TimeZoneRule?) {
    self.name = name
    self.first = first
    self.transitions = transitions
    self.rule = rule
  }

  public static let utc = TimeZone(
    name: "UTC", first: TimeZoneRule.Period(abbreviation: "UTC", offset: 0, isDST: false), transitions: [], rule: nil)

  private static let known = Mutex<[String: TimeZone?]>([:])

  /// A zone of the system's database, in any case of letters, or one in POSIX's notation; nil if there is none.
  public static func named(_ name: String) -> TimeZone? {
    let key = name.uppercased()
    if let zone = known.withLock({ $0[key] }) { return zone }
    let zone = read(name, key)
    // A name that means nothing is remembered as well, but not so many that a client could fill the memory.
    known.withLock { if $0.count < 4096 { $0[key] = .some(zone) } }
    return zone
  }

  private static func read(_ name: String, _ key: String) -> TimeZone? {
    if key == "GMT" {
      return TimeZone(
        name: "GMT", first: TimeZoneRule.Period(abbreviation: "GMT", offset: 0, isDST: false), transitions: [],
        rule: nil)
    }
    if let zone = TimeZoneFile.zone(named: name) { return zone }
    guard let rule = TimeZoneRule(key) else { return nil }
    return TimeZone(name: key, first: rule.standard, transitions: [], rule: rule)
  }

  /// A zone a fixed time away from UTC, as `SET TIME ZONE 3.5` makes it.
  public static func fixed(secondsEast offset: Int) -> TimeZone {
    func text(_ seconds: Int) -> String {
      let (hours, rest) = (seconds / 3600, seconds % 3600)
      var text = hours < 10 ? "0\(hours)" : "\(hours)"
      if rest != 0 { text += rest / 60 < 10 ? ":0\(rest / 60)" : ":\(rest / 60)" }
      if rest % 60 != 0 { text += rest % 60 < 10 ? ":0\(rest % 60)" : ":\(rest % 60)" }
      return text
    }
    let shown = text(abs(offset))
    let abbreviation = (offset < 0 ? "-" : "+") + shown
    return TimeZone(
      name: "<\(abbreviation)>\(offset < 0 ? "+" : "-")\(shown)",
      first: TimeZoneRule.Period(abbreviation: abbreviation, offset: offset, isDST: false), transitions: [], rule: nil)
  }

  // MARK: - UTC to local

  /// What clocks show at a time in seconds since 1970.
  func period(at time: Int64) -> TimeZoneRule.Period {
    guard let last = transitions.last, time < last.at else { return latePeriod(at: time) }
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].at <= time { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? first : transitions[low - 1].period
  }

  private func latePeriod(at time: Int64) -> TimeZoneRule.Period {
    let base = transitions.last?.period ?? first
    guard let rule else { return base }
    guard rule.summer != nil else {
      return transitions.isEmpty || rule.standard.offset == base.offset ? base : rule.standard
    }
    var current = base
    var isSet = transitions.isEmpty ? nil : transitions.last?.at
    let year = Self.year(of: time)
    for year in year - 1...year {
      for change in rule.changes(inYear: year) where change.at <= time && change.at >= isSet ?? change.at {
        current = change.period
        isSet = change.at
      }
    }
    return current
  }

  private static func year(of time: Int64) -> Int {
    let day = Int((Double(time) / 86_400).rounded(.down)) + Calendar.unixEpochDay
    return Calendar.date(ofJulianDay: day).year
  }

  /// The first transition after a time.
  func nextTransition(after time: Int64) -> Transition? {
    if let last = transitions.last, time < last.at {
      var (low, high) = (0, transitions.count)
      while low < high {
        let middle = (low + high) / 2
        if transitions[middle].at <= time { low = middle + 1 } else { high = middle }
      }
      return transitions[low]
    }
    guard let rule, rule.summer != nil else { return nil }
    let year = Self.year(of: time)
    for year in year - 1...year + 1 {
      for change in rule.changes(inYear: year) where change.at > time {
        return Transition(at: change.at, period: change.period)
      }
    }
    return nil
  }

  // MARK: - Local to UTC

  /// Seconds east of UTC at a local time, given in seconds since 1970 as if it were UTC (DetermineTimeZoneOffset).
  ///
  /// A local time that clocks skipped is taken as of before the transition, one that they showed twice as of after it.
  func offset(atLocal local: Int64) -> (offset: Int, isDST: Bool) {
    let previous = local - 86_400
    let before = period(at: previous)
    guard let next = nextTransition(after: previous) else { return (before.offset, before.isDST) }
    let after = next.period
    let beforeTime = local - Int64(before.offset)
    let afterTime = local - Int64(after.offset)
    let takesBefore: Bool
    if beforeTime < next.at && afterTime < next.at {
      takesBefore = true
    } else if beforeTime > next.at && afterTime >= next.at {
      takesBefore = false
    } else {
      takesBefore = beforeTime > afterTime
    }
    return takesBefore ? (before.offset, before.isDST) : (after.offset, after.isDST)
  }

  // MARK: - Abbreviations

  private var allPeriods: [TimeZoneRule.Period] {
    [first] + transitions.map(\.period) + (rule.map { [$0.standard] + ($0.summer.map { [$0.period] } ?? []) } ?? [])
  }

  /// Whether the zone ever used an abbreviation, given in capitals, and always for the same.
  func meanings(ofAbbreviation name: String) -> (offset: Int, isDST: Bool, isFixed: Bool)? {
    let matching = allPeriods.filter { $0.abbreviation == name }
    guard let found = matching.first else { return nil }
    let isFixed = matching.allSatisfy { $0.offset == found.offset && $0.isDST == found.isDST }
    return (found.offset, found.isDST, isFixed)
  }

  /// What an abbreviation, given in capitals, meant at a time, or when it was last used before, or first after.
  func offset(ofAbbreviation name: String, at time: Int64) -> (offset: Int, isDST: Bool)? {
    var periods = transitions.filter { $0.at <= time }
    if let rule, time >= transitions.last?.at ?? .min {
      let year = Self.year(of: time)
      for year in year - 1...year {
        periods += rule.changes(inYear: year).filter { $0.at <= time }.map { Transition(at: $0.at, period: $0.period) }
      }
    }
    if let found = periods.last(where: { $0.period.abbreviation == name }) {
      return (found.period.offset, found.period.isDST)
    }
    if first.abbreviation == name { return (first.offset, first.isDST) }
    return allPeriods.first { $0.abbreviation == name }.map { ($0.offset, $0.isDST) }
  }
}
