/// From value to text.
extension SettingDefinition {
  /// A value as `SHOW` prints it: numbers in the largest unit that divides them without a rest, `on` and `off`.
  /// `parse` reads every such text back to the same value.
  public func display(_ value: SettingStorage) -> String {
    switch (kind, value) {
    case (.integer(let kind), .integer(let number)): kind.unit.display(number)
    case (_, .bool(let flag)): flag ? "on" : "off"
    case (_, .integer(let number)): String(number)
    case (_, .real(let number)): Self.display(number)
    case (_, .text(let text)): text
    }
  }

  /// The default as `display` prints it.
  public var defaultText: String { display(defaultValue) }

  /// The shortest text that reads back as the same number, whole numbers without a point.
  static func display(_ number: Double) -> String {
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    let text = "\(number)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// What can be set, in words, for help texts and listings: `1 .. 128 (unit 8kB)`, `worker, sync, io_uring`.
  public var allowedText: String {
    switch kind {
    case .bool: "on, off"
    case .integer(let kind):
      kind.unit.display(kind.range.lowerBound) + " .. " + kind.unit.display(kind.range.upperBound)
    case .real(let range): Self.display(range.lowerBound) + " .. " + Self.display(range.upperBound)
    case .enumeration(let kind): kind.names.joined(separator: ", ")
    case .list(let names): "any of " + names.joined(separator: ", ")
    case .string: "any text"
    }
  }
}
