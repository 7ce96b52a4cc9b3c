/// From text to value, by the rules of PostgreSQL's `guc.c`.
extension SettingDefinition {
  /// Reads a value of this setting.
  ///
  /// - Throws: `SettingError` in PostgreSQL's words if the text is not a value of this setting or is out of its range.
  public func parse(_ text: String) throws(SettingError) -> SettingStorage {
    switch kind {
    case .bool:
      guard let value = Self.parseBool(text) else {
        throw SettingError(.invalidValue, "parameter \"\(name)\" requires a Boolean value")
      }
      return .bool(value)
    case .integer(let kind):
      let value = SettingStorage.integer(try parseInteger(text, kind.unit))
      try check(value)
      return value
    case .real:
      let value = SettingStorage.real(try parseReal(text))
      try check(value)
      return value
    case .enumeration(let kind):
      return .text(try parseEnumeration(text, kind))
    case .list(let names):
      return .text(try parseList(text, names))
    case .string:
      return .text(text)
    }
  }

  /// Throws if a number is outside the range of this setting or excluded from it; other values are always sound.
  func check(_ value: SettingStorage) throws(SettingError) {
    switch (kind, value) {
    case (.integer(let kind), .integer(let number)):
      guard kind.range.contains(number) else {
        let bounds = (kind.unit.plain(kind.range.lowerBound), kind.unit.plain(kind.range.upperBound))
        throw .outOfRange(name, kind.unit.plain(number), bounds.0, bounds.1)
      }
      if let excluded = kind.excluded, excluded.range.contains(number) {
        throw .refusedNumber(name, number, detail: excluded.detail)
      }
    case (.real(let range), .real(let number)):
      guard range.contains(number) else {
        // PostgreSQL prints the largest number of all with six digits.
        let upper = range.upperBound == .greatestFiniteMagnitude ? "1.79769e+308" : Self.display(range.upperBound)
        throw .outOfRange(name, Self.display(number), Self.display(range.lowerBound), upper)
      }
    default:
      return
    }
  }

  /// `on`, `off`, `true`, `false`, `yes`, `no`, any beginning of them that means only one thing, `1` and `0`.
  private static func parseBool(_ text: String) -> Bool? {
    let lowered = text.asciiLowercased
    switch lowered {
    case "1", "on": return true
    case "0", "of", "off": return false
    case "": return nil
    default:
      if ["true", "yes"].contains(where: { $0.hasPrefix(lowered) }) { return true }
      if ["false", "no"].contains(where: { $0.hasPrefix(lowered) }) { return false }
      return nil
    }
  }

  private func parseInteger(_ text: String, _ unit: SettingUnit) throws(SettingError) -> Int {
    var scanner = NumberScanner(text)
    guard var value = scanner.scanInteger() else { throw .invalidValue(name, text) }
    let unitName = scanner.scanUnitName()
    if unitName != "" {
      guard let dimension = unit.dimension else { throw .invalidValue(name, text) }
      guard let unitName, let converted = unit.convert(value, unitName: unitName) else {
        throw .invalidValue(name, text, hint: dimension.hint)
      }
      value = converted
    }
    value.round(.toNearestOrEven)
    guard (Double(Int32.min)...Double(Int32.max)).contains(value) else {
      throw .invalidValue(name, text, hint: "Value exceeds integer range.")
    }
    return Int(value)
  }

  private func parseReal(_ text: String) throws(SettingError) -> Double {
    var scanner = NumberScanner(text)
    guard let value = scanner.scanReal(), scanner.scanUnitName() == "" else { throw .invalidValue(name, text) }
    return value
  }

  private func parseEnumeration(_ text: String, _ kind: SettingEnumerationKind) throws(SettingError) -> String {
    let lowered = text.asciiLowercased
    if kind.names.contains(lowered) { return lowered }
    if let name = kind.synonyms[lowered] { return name }
    throw .invalidValue(name, text, detail: kind.refusals[lowered], hint: kind.hint)
  }

  /// Words separated by commas with optional blanks, each plain or in double quotes; the result has each word once,
  /// in the order of the definition.
  private func parseList(_ text: String, _ names: [String]) throws(SettingError) -> String {
    guard let items = Self.splitList(text) else {
      throw .invalidValue(name, text, detail: "Invalid list syntax in parameter \"\(name)\".")
    }
    for item in items where !names.contains(item.asciiLowercased) {
      throw .invalidValue(
        name, text, detail: "Invalid option \"\(item)\".",
        hint: "Available options: " + names.joined(separator: ", ") + ".")
    }
    let chosen = Set(items.map(\.asciiLowercased))
    return names.filter(chosen.contains).joined(separator: ", ")
  }

  /// The items of a list, or nil if an item is empty, a quote stays open, or two items have no comma between them.
  private static func splitList(_ text: String) -> [String]? {
    var items: [String] = []
    var rest = text.drop(while: \.isBlank)
    while !rest.isEmpty {
      if rest.first == "\"" {
        guard let (item, behind) = takeQuoted(rest.dropFirst()) else { return nil }
        items.append(item)
        rest = behind
      } else {
        let item = rest.prefix { $0 != "," && !$0.isBlank }
        guard !item.isEmpty else { return nil }
        items.append(String(item))
        rest = rest[item.endIndex...]
      }
      rest = rest.drop(while: \.isBlank)
      guard !rest.isEmpty else { return items }
      guard rest.first == "," else { return nil }
      rest = rest.dropFirst().drop(while: \.isBlank)
      if rest.isEmpty { return nil }
    }
    return items
  }

  /// Reads up to the closing double quote; two in a row stand for one.
  private static func takeQuoted(_ text: Substring) -> (item: String, rest: Substring)? {
    var item = ""
    var rest = text
    while let character = rest.popFirst() {
      if character != "\"" {
        item.append(character)
      } else if rest.first == "\"" {
        item.append("\"")
        rest = rest.dropFirst()
      } else {
        return (item, rest)
      }
    }
    return nil
  }
}

extension Character {
  /// What C's `isspace` calls a space. A carriage return and line feed are one character in Swift.
  var isBlank: Bool {
    switch self {
    case " ", "\t", "\n", "\u{B}", "\u{C}", "\r", "\r\n": true
    default: false
    }
  }
}

extension String {
  /// Lower case for A to Z only, the way PostgreSQL compares names and words.
  var asciiLowercased: String {
    String(
      decoding: utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}
