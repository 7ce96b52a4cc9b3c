/// Why a setting was refused: a message and, where there is more to say, a detail and a hint, as PostgreSQL words them.
public struct SettingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of refusal, for code that must tell one from another.
  public enum Reason: Hashable, Sendable {
    /// No setting has this name.
    case unrecognized
    /// The text is not a value of this setting.
    case invalidValue
    /// The text is a number that the setting does not allow.
    case outOfRange
    /// The setting cannot change at this moment.
    case notNow
    /// The setting is a superuser's to change.
    case permissionDenied
    /// `name=value` was expected and this is something else.
    case malformedAssignment
  }

  public let reason: Reason
  /// What is wrong. It starts in lower case and has no full stop, as it follows `ERROR:` or a program's name.
  public let message: String
  /// What exactly is wrong: a whole sentence.
  public let detail: String?
  /// What to do: a whole sentence.
  public let hint: String?

  init(_ reason: Reason, _ message: String, detail: String? = nil, hint: String? = nil) {
    self.reason = reason
    self.message = message
    self.detail = detail
    self.hint = hint
  }

  /// Message, detail and hint on one line, for places that have only one.
  public var description: String {
    [message, detail, hint].compactMap { $0 }
      .map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
      .joined(separator: ". ")
  }
}

extension SettingError {
  static func unrecognized(_ name: String, hint: String?) -> Self {
    Self(.unrecognized, "unrecognized configuration parameter \"\(name)\"", hint: hint)
  }

  static func invalidValue(_ name: String, _ text: String, detail: String? = nil, hint: String? = nil) -> Self {
    Self(.invalidValue, "invalid value for parameter \"\(name)\": \"\(text)\"", detail: detail, hint: hint)
  }

  /// PostgreSQL prints a number that was understood and then refused without quotes and in base units.
  static func refusedNumber(_ name: String, _ number: Int, detail: String) -> Self {
    Self(.invalidValue, "invalid value for parameter \"\(name)\": \(number)", detail: detail)
  }

  static func outOfRange(_ name: String, _ value: String, _ lower: String, _ upper: String) -> Self {
    Self(.outOfRange, "\(value) is outside the valid range for parameter \"\(name)\" (\(lower) .. \(upper))")
  }
}
