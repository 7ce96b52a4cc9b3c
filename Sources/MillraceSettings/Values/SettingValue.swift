/// A Swift type that the value of a setting is read as.
public protocol SettingValue: Sendable {
  /// Nil if the stored value is of another kind, which only a key that disagrees with the catalog can cause.
  init?(storage: SettingStorage)
  var storage: SettingStorage { get }
}

extension Bool: SettingValue {
  public init?(storage: SettingStorage) {
    guard case .bool(let value) = storage else { return nil }
    self = value
  }

  public var storage: SettingStorage { .bool(self) }
}

extension Int: SettingValue {
  public init?(storage: SettingStorage) {
    guard case .integer(let value) = storage else { return nil }
    self = value
  }

  public var storage: SettingStorage { .integer(self) }
}

extension Double: SettingValue {
  public init?(storage: SettingStorage) {
    guard case .real(let value) = storage else { return nil }
    self = value
  }

  public var storage: SettingStorage { .real(self) }
}

extension String: SettingValue {
  public init?(storage: SettingStorage) {
    guard case .text(let value) = storage else { return nil }
    self = value
  }

  public var storage: SettingStorage { .text(self) }
}

/// A setting whose value is one of some words. The raw values are the words; the order of the cases is the order in
/// which messages list them.
public protocol SettingEnumeration: SettingValue, RawRepresentable, CaseIterable where RawValue == String {
  /// Further words that are accepted and never listed, in lower case.
  static var synonyms: [String: Self] { get }
  /// Words that are known and cannot be had here, in lower case, each with a sentence that says why.
  static var refusals: [String: String] { get }
}

extension SettingEnumeration {
  public static var synonyms: [String: Self] { [:] }
  public static var refusals: [String: String] { [:] }

  public init?(storage: SettingStorage) {
    guard case .text(let word) = storage else { return nil }
    self.init(rawValue: word)
  }

  public var storage: SettingStorage { .text(rawValue) }
}

/// A setting whose value is any set of some words.
public protocol SettingList: SettingValue, OptionSet {
  /// Every word with its member, in the order in which they are shown.
  static var names: [(name: String, member: Self)] { get }
}

extension SettingList {
  public init?(storage: SettingStorage) {
    guard case .text(let text) = storage else { return nil }
    self.init()
    let words = text.split(separator: ",").map { $0.drop(while: \.isBlank) }
    for (name, member) in Self.names where words.contains(name[...]) {
      formUnion(member)
    }
  }

  public var storage: SettingStorage {
    .text(Self.names.filter { isSuperset(of: $0.member) }.map(\.name).joined(separator: ", "))
  }
}
