/// How dates and times are written and read: the settings DateStyle, IntervalStyle and TimeZone.
public struct DateTimeSettings: Sendable {
  public enum Style: Sendable { case iso, sql, postgres, german }
  public enum Order: Sendable { case yearMonthDay, dayMonthYear, monthDayYear }
  public enum IntervalStyle: Sendable { case postgres, postgresVerbose, sqlStandard, iso8601 }

  public var style = Style.iso
  public var order = Order.monthDayYear
  public var intervalStyle = IntervalStyle.postgres
  public var timeZone = TimeZone.utc
  /// When the transaction began, in microseconds since 2000-01-01 UTC: what `now` means.
  public var now: Int64 = 0

  public init() {}

  /// Sets what a value of DateStyle names, `SQL, DMY` for example, and leaves the rest. False if a word is none.
  public mutating func setDateStyle(_ text: String) -> Bool {
    for word in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
      switch word.lowercased() {
      case "iso": style = .iso
      case "sql": style = .sql
      case "german": style = .german
      case let word where word.hasPrefix("postgres"): style = .postgres
      case "ymd": order = .yearMonthDay
      case let word where word == "dmy" || word.hasPrefix("euro"): order = .dayMonthYear
      case let word where word == "mdy" || word == "us" || word.hasPrefix("noneuro"): order = .monthDayYear
      default: return false
      }
    }
    return true
  }

  /// The value of DateStyle that `SHOW` gives.
  public var dateStyle: String {
    let styleName =
      switch style {
      case .iso: "ISO"
      case .sql: "SQL"
      case .postgres: "Postgres"
      case .german: "German"
      }
    let orderName =
      switch order {
      case .yearMonthDay: "YMD"
      case .dayMonthYear: "DMY"
      case .monthDayYear: "MDY"
      }
    return "\(styleName), \(orderName)"
  }
}
