/// What a number in a chart measures, which decides how it is printed.
enum ValueFormat: Equatable {
  case mebibytesPerSecond
  case operationsPerSecond
  case microseconds
  case seconds
  case microsecondsPerOperation
  case ratio
  case percentile
  case count

  /// The number with its unit.
  func text(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    return switch self {
    case .mebibytesPerSecond: Format.mebibytesPerSecond(value)
    case .operationsPerSecond: Format.operationsPerSecond(value) + " IOPS"
    case .microseconds: Format.latency(microseconds: value)
    case .seconds: Format.significant(value) + " s"
    case .microsecondsPerOperation: Format.significant(value) + " µs"
    case .ratio: Format.significant(value) + "×"
    case .percentile: value >= 100 ? "max" : Self.trimmed(value) + " %"
    case .count: Format.count(Int(value.rounded()))
    }
  }

  /// The number for a mark on an axis, where zeroes after the point say nothing: `10 µs` and not `10.0 µs`.
  func tick(_ value: Double) -> String {
    let text = text(value)
    guard let unit = text.firstIndex(where: { !$0.isNumber && $0 != "." && $0 != "," && $0 != "-" }) else {
      return Self.withoutZeroes(text[...])
    }
    return Self.withoutZeroes(text[..<unit]) + text[unit...]
  }

  private static func withoutZeroes(_ number: Substring) -> String {
    guard number.contains(".") else { return String(number) }
    var number = number
    while number.last == "0" { number.removeLast() }
    if number.last == "." { number.removeLast() }
    return String(number)
  }

  /// `99.9`, `50`: as many digits as there are.
  private static func trimmed(_ value: Double) -> String {
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
