/// A point in time as PostgreSQL's records have it, microseconds since 2000, printed as `pg_waldump` does, in UTC.
package struct Timestamp: CustomStringConvertible {
  private let microseconds: Int64

  package init(_ microseconds: Int64) { self.microseconds = microseconds }

  package var description: String {
    let (seconds, fraction) = Self.floorDivide(microseconds, 1_000_000)
    let (days, second) = Self.floorDivide(seconds, 86_400)
    let (year, month, day) = Self.civil(days + 10_957)
    return "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2)) "
      + "\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))."
      + "\(digits(fraction, 6)) UTC"
  }

  private func digits(_ value: Int64, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(count - text.count, 0)) + text
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (Int64, Int64) {
    let remainder = (value % divisor + divisor) % divisor
    return ((value - remainder) / divisor, remainder)
  }

  /// The date of a day counted from 1970 (Hinnant: chrono-Compatible Low-Level Date Algorithms, 2013).
  private static func civil(_ day: Int64) -> (Int64, Int64, Int64) {
    let (era, dayOfEra) = floorDivide(day + 719_468, 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
  }
}
