/// A length of time, as it is written on a command line: `5`, `1.5s`, `200ms`, `2min`.
public struct TimeSpan: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Never negative.
  public let microseconds: Int

  public init(microseconds: Int) {
    precondition(microseconds >= 0, "a length of time is not negative")
    self.microseconds = microseconds
  }

  /// Reads a length of time in PostgreSQL's units. A number without a unit counts seconds.
  public init(parsing text: String) throws(QuantityError) {
    microseconds = try Quantity.parse(text, noun: "a length of time", units: Self.units, bare: 1_000_000)
  }

  public var duration: Duration { .microseconds(microseconds) }

  public var seconds: Double { Double(microseconds) / 1_000_000 }

  /// In PostgreSQL's units, exact: `90s`, `2min`, `250ms`.
  public var description: String {
    microseconds == 0 ? "0s" : Quantity.display(microseconds, units: Self.units)
  }

  public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

  static let units = SettingDimension.time.units
}
