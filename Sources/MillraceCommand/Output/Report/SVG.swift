/// Numbers of drawings.
enum SVG {
  /// At most two digits after the point, never an exponent and never "nan": a drawing with such a number is not drawn.
  static func number(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e9 else { return "0" }
    let hundredths = Int((value * 100).rounded())
    let (whole, rest) = (hundredths.magnitude / 100, hundredths.magnitude % 100)
    let sign = hundredths < 0 ? "-" : ""
    if rest == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole)." + (rest < 10 ? "0" : "") + (rest % 10 == 0 ? "\(rest / 10)" : "\(rest)")
  }

  /// A part of 1 as a percentage.
  static func percent(_ part: Double) -> String {
    number(part * 100) + "%"
  }
}
