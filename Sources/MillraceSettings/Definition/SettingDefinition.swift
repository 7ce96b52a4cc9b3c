/// One setting: its name, what values it can have, what it is if nobody says anything, and when it may change.
public struct SettingDefinition: Sendable, Equatable {
  /// PostgreSQL's name where PostgreSQL has the setting.
  public let name: String
  /// Other names that are understood. They never appear in messages.
  public let aliases: [String]
  public let kind: SettingKind
  public let defaultValue: SettingStorage
  public let context: SettingContext
  /// What the setting does, in one sentence.
  public let summary: String

  private init(
    _ name: String, _ aliases: [String], _ kind: SettingKind, _ defaultValue: SettingStorage,
    _ context: SettingContext, _ summary: String
  ) {
    self.name = name
    self.aliases = aliases
    self.kind = kind
    self.defaultValue = defaultValue
    self.context = context
    self.summary = summary
  }
}

// The ways to define a setting, for the catalog.
extension SettingDefinition {
  static func bool(_ name: String, default value: Bool, _ context: SettingContext, _ summary: String) -> Self {
    Self(name, [], .bool, .bool(value), context, summary)
  }

  /// `value`, `range` and `excluded` count in `unit`.
  static func integer(
    _ name: String, _ unit: SettingUnit = .none, default value: Int, in range: ClosedRange<Int>,
    excluding excluded: SettingExclusion? = nil, _ context: SettingContext, _ summary: String
  ) -> Self {
    let kind = SettingIntegerKind(unit: unit, range: range, excluded: excluded)
    return Self(name, [], .integer(kind), .integer(value), context, summary)
  }

  static func real(
    _ name: String, default value: Double, in range: ClosedRange<Double>, _ context: SettingContext, _ summary: String
  ) -> Self {
    Self(name, [], .real(range), .real(value), context, summary)
  }

  static func enumeration<Value: SettingEnumeration>(
    _ name: String, default value: Value, _ context: SettingContext, _ summary: String
  ) -> Self {
    let kind = SettingEnumerationKind(
      names: Value.allCases.map(\.rawValue), synonyms: Value.synonyms.mapValues(\.rawValue), refusals: Value.refusals)
    return Self(name, [], .enumeration(kind), value.storage, context, summary)
  }

  /// An enumeration that nothing needs as a Swift type.
  static func words(
    _ name: String, default value: String, _ names: [String], synonyms: [String: String] = [:],
    refusals: [String: String] = [:], _ context: SettingContext, _ summary: String
  ) -> Self {
    let kind = SettingEnumerationKind(
      names: names.filter { refusals[$0] == nil }, synonyms: synonyms, refusals: refusals)
    return Self(name, [], .enumeration(kind), .text(value), context, summary)
  }

  static func string(_ name: String, default value: String, _ context: SettingContext, _ summary: String) -> Self {
    Self(name, [], .string, .text(value), context, summary)
  }

  static func list<Value: SettingList>(
    _ name: String, aliases: [String] = [], default value: Value, _ context: SettingContext, _ summary: String
  ) -> Self {
    Self(name, aliases, .list(Value.names.map(\.name)), value.storage, context, summary)
  }
}
