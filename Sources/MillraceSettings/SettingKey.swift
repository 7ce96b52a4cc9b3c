/// A setting's name with the Swift type of its value: `settings[.ioCombineLimit]` is an `Int`.
///
/// The keys are static members, named like the settings; each is a look-up in a dictionary, so read settings when
/// something starts and not on a hot path.
public struct SettingKey<Value: SettingValue>: Sendable {
  /// Where the definition stands in `SettingsCatalog.all`.
  let position: Int

  /// - Precondition: The catalog has the setting and its kind is that of `Value`.
  init(_ name: StaticString) {
    guard let position = SettingsCatalog.position(of: String(describing: name)) else {
      preconditionFailure("no setting is called \(name)")
    }
    precondition(
      Value(storage: SettingsCatalog.all[position].defaultValue) != nil,
      "the key of \(name) has another type than its definition")
    self.position = position
  }

  public var definition: SettingDefinition { SettingsCatalog.all[position] }
}
