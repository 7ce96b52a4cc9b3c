/// What values a setting can have.
public enum SettingKind: Sendable, Equatable {
  case bool
  case integer(SettingIntegerKind)
  case real(ClosedRange<Double>)
  case enumeration(SettingEnumerationKind)
  /// Any number of these words, separated by commas.
  case list([String])
  case string
}

/// The bounds of an integer setting, in its base unit.
public struct SettingIntegerKind: Sendable, Equatable {
  public let unit: SettingUnit
  public let range: ClosedRange<Int>
  public let excluded: SettingExclusion?
}

/// Numbers inside a range that mean nothing.
public struct SettingExclusion: Sendable, Equatable {
  public let range: ClosedRange<Int>
  /// What is allowed instead: a whole sentence.
  public let detail: String

  init(_ range: ClosedRange<Int>, _ detail: String) {
    self.range = range
    self.detail = detail
  }
}

/// The words of an enumeration.
public struct SettingEnumerationKind: Sendable, Equatable {
  /// The values, in the order in which messages list them.
  public let names: [String]
  /// Further words that are accepted and mean one of the names.
  public let synonyms: [String: String]
  /// Known words that cannot be had on this platform, each with the sentence that says why.
  public let refusals: [String: String]

  /// The end of every message about an unknown word.
  var hint: String { "Available values: " + names.joined(separator: ", ") + "." }
}

/// The value of one setting as it is kept: what `SettingKey` turns into a Swift type.
public enum SettingStorage: Sendable, Hashable {
  case bool(Bool)
  /// In base units.
  case integer(Int)
  case real(Double)
  /// One of the names of the enumeration, or the names of a list in their canonical order, separated by commas, or
  /// any text.
  case text(String)
}
