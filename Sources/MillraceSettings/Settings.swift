/// The current values of all settings.
///
/// A plain value: a copy is a snapshot, and whoever holds it sees no later change. Everything starts with the catalog's
/// defaults. Every value inside is sound, as all ways in check it.
///
/// ```swift
/// var settings = Settings()
/// try settings.set("io_combine_limit", to: "256kB")
/// settings[.ioCombineLimit]          // 32, in blocks
/// settings.bytes(.ioCombineLimit)    // 262144
/// try settings.show("io_combine_limit")   // "256kB"
/// ```
public struct Settings: Sendable, Equatable {
  /// In the order of `SettingsCatalog.all`.
  private var values = SettingsCatalog.all.map(\.defaultValue)

  /// The defaults.
  public init() {}

  /// The value of a setting, integers in base units.
  public subscript<Value: SettingValue>(key: SettingKey<Value>) -> Value {
    guard let value = Value(storage: values[key.position]) else {
      preconditionFailure("\(key.definition.name) holds a value of another type than its key")
    }
    return value
  }

  /// Sets a setting from text, as `-c`, a configuration file and `SET` do.
  ///
  /// - Parameters:
  ///   - name: The name or an alias, in any case of letters.
  ///   - text: The value, read by PostgreSQL's rules: units, `on` and `off`, words in any case of letters.
  ///   - moment: When and by whom; decides which settings may change.
  /// - Throws: `SettingError` in PostgreSQL's words. The settings are then as before.
  public mutating func set(
    _ name: String, to text: String, at moment: SettingMoment = .start
  ) throws(SettingError) {
    let position = try Self.position(of: name)
    let definition = SettingsCatalog.all[position]
    try definition.context.requireChangeable(definition.name, at: moment)
    values[position] = try definition.parse(text)
  }

  /// Sets a setting from its Swift type, integers in base units.
  ///
  /// - Throws: `SettingError` if a number is out of range.
  public mutating func set<Value: SettingValue>(_ key: SettingKey<Value>, to value: Value) throws(SettingError) {
    let storage = value.storage
    try key.definition.check(storage)
    values[key.position] = storage
  }

  /// Gives a setting its default again.
  public mutating func reset(_ name: String, at moment: SettingMoment = .start) throws(SettingError) {
    let position = try Self.position(of: name)
    let definition = SettingsCatalog.all[position]
    try definition.context.requireChangeable(definition.name, at: moment)
    values[position] = definition.defaultValue
  }

  /// The value as PostgreSQL's `SHOW` prints it: `128kB`, `1min`, `on`. `set` reads it back to the same value.
  public func show(_ name: String) throws(SettingError) -> String {
    let position = try Self.position(of: name)
    return SettingsCatalog.all[position].display(values[position])
  }

  /// The settings that are not at their defaults, each with its value as `show` prints it.
  public var changed: [(definition: SettingDefinition, text: String)] {
    zip(SettingsCatalog.all, values)
      .filter { definition, value in value != definition.defaultValue }
      .map { definition, value in (definition, definition.display(value)) }
  }

  private static func position(of name: String) throws(SettingError) -> Int {
    guard let position = SettingsCatalog.position(of: name) else { throw SettingsCatalog.unrecognized(name) }
    return position
  }
}
