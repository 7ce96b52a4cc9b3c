import Foundation

/// Numbers as people read them: three significant digits, one space before the unit, the same everywhere.
enum Format {
  /// A size in IEC units: `512 B`, `8 KiB`, `1.25 GiB`.
  static func bytes(_ count: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var value = Double(count)
    var unit = 0
    // More than this would be printed as 1024.
    while unit + 1 < units.count, value.magnitude >= 1023.5 {
      value /= 1024
      unit += 1
    }
    let isWhole = value == value.rounded()
    return (isWhole ? fixed(value, 0) : significant(value)) + " " + units[unit]
  }

  /// A rate, always in MiB/s, so that the numbers of a column compare: `3.25 MiB/s`, `1,234 MiB/s`.
  static func rate(bytesPerSecond: Double) -> String {
    mebibytesPerSecond(bytesPerSecond / 1_048_576)
  }

  static func mebibytesPerSecond(_ rate: Double) -> String {
    significant(rate) + " MiB/s"
  }

  /// Operations per second, thinned out: `842`, `17.6k`, `176k`, `1.24M`.
  static func operationsPerSecond(_ rate: Double) -> String {
    scaled(rate, [("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9)])
  }

  /// A latency in the unit that suits it: `84.2 µs`, `1.25 ms`, `2.10 s`.
  static func latency(microseconds: Double) -> String {
    scaled(microseconds, [(" ns", 1e-3), (" µs", 1), (" ms", 1e3), (" s", 1e6)])
  }

  /// A whole number in groups of three digits: `11,166`.
  static func count(_ number: Int) -> String {
    var text = ""
    for (position, digit) in String(number.magnitude).reversed().enumerated() {
      if position > 0 && position % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + String(text.reversed())
  }

  /// A time as a clock shows it: `0:07`, `12:05`, `1:02:03`. The fraction of a second is dropped.
  static func clock(seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "-" }
    let whole = Int(seconds)
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return hours > 0 ? "\(hours):\(padded(minutes)):\(padded(rest))" : "\(minutes):\(padded(rest))"
  }

  /// A part of a whole in whole percent, rounded down, so that 100 % means all of it. For parts below 2^56.
  static func percent(_ part: Int, of whole: Int) -> String {
    guard whole > 0 else { return "100 %" }
    return "\(max(0, min(part, whole)) * 100 / whole) %"
  }

  /// How many times one number is another: `1.43×`; a dash if the other is zero.
  static func ratio(_ value: Double, to base: Double) -> String {
    guard base != 0, (value / base).isFinite else { return "-" }
    return significant(value / base) + "×"
  }

  /// Three significant digits, and all of them before the point: `0.0425`, `4.25`, `42.5`, `425`, `4,250`.
  static func significant(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    guard value != 0 else { return "0" }
    let digitsBeforePoint = Int(log10(value.magnitude).rounded(.down)) + 1
    let decimals = max(0, 3 - digitsBeforePoint)
    // Rounding may add a digit before the point: 9.996 becomes 10.0 and not 10.00.
    let scale = pow(10, Double(decimals))
    let rounded = (value * scale).rounded() / scale
    let digitsAfterRounding = Int(log10(rounded.magnitude).rounded(.down)) + 1
    return fixed(rounded, max(0, 3 - digitsAfterRounding))
  }

  /// That many digits after the point, and groups of three before it.
  static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "-" }
    let text = String(format: "%.*f", decimals, value.magnitude)
    let parts = text.split(separator: ".")
    let whole = parts.first.flatMap { Int($0) } ?? 0
    let isNegative = value < 0 && text.contains { ("1"..."9").contains($0) }
    return (isNegative ? "-" : "") + count(whole) + (parts.count > 1 ? "." + parts[1] : "")
  }

  /// In the largest unit that leaves at least 1, with three significant digits.
  private static func scaled(_ value: Double, _ units: [(name: String, size: Double)]) -> String {
    guard value.isFinite else { return "-" }
    guard value != 0 else { return "0" + (units.first { $0.size == 1 }?.name ?? "") }
    // More than 999.5 of the smaller unit would be printed as 1000.
    let unit = units.last { value.magnitude >= $0.size * 0.9995 } ?? units[0]
    return significant(value / unit.size) + unit.name
  }
}
