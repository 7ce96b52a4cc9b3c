/// A setting's name with the text of its value: what follows `-c` on a command line.
public struct SettingAssignment: Hashable, Sendable {
  public let name: String
  public let value: String

  public init(name: String, value: String) { (self.name, self.value) = (name, value) }

  /// Reads `name=value`.
  ///
  /// Blanks around both are dropped. Dashes in the name mean underscores, as on PostgreSQL's command line. The value
  /// may stand in single quotes, as in `postgresql.conf`; two of them inside stand for one.
  ///
  /// - Throws: `SettingError` if there is no `=`, no name, or a quote stays open. The name and the value are not
  ///   looked at further; `Settings.set` does that.
  public init(_ text: String) throws(SettingError) {
    guard let separator = text.firstIndex(of: "=") else {
      throw SettingError(
        .malformedAssignment, "\"\(text)\" has no value", hint: "Write name=value, such as io_method=sync.")
    }
    name = Self.trim(text[..<separator]).replacing("-", with: "_")
    guard !name.isEmpty else {
      throw SettingError(
        .malformedAssignment, "\"\(text)\" has no name", hint: "Write name=value, such as io_method=sync.")
    }
    value = try Self.unquote(Self.trim(text[text.index(after: separator)...]), name)
  }

  private static func trim(_ text: Substring) -> String {
    var text = text.drop(while: \.isBlank)
    while text.last?.isBlank == true { text.removeLast() }
    return String(text)
  }

  private static func unquote(_ text: String, _ name: String) throws(SettingError) -> String {
    guard text.first == "'" else { return text }
    let inner = text.dropFirst().dropLast()
    let isClosed = text.utf8.count >= 2 && text.last == "'"
    guard isClosed, !inner.replacing("''", with: "").contains("'") else {
      throw SettingError(
        .malformedAssignment, "the value of \"\(name)\" has a quote that is not closed: \(text)",
        hint: "Write a quote inside a quoted value twice.")
    }
    return String(inner.replacing("''", with: "'"))
  }
}

extension Settings {
  /// Settings with these assignments applied to the defaults, the last one winning.
  ///
  /// - Throws: `SettingError` for the first assignment that cannot be applied.
  public init(_ assignments: [SettingAssignment]) throws(SettingError) {
    self.init()
    for assignment in assignments {
      try set(assignment.name, to: assignment.value)
    }
  }
}
