/// `to_char` of numbers (formatting.c's NUM_processor), in the locale "C".
public struct NumberTemplate: Sendable {
  let nodes: [TemplateNode<NumberPattern>]
  let layout: NumberLayout

  public init(_ template: ByteView) throws(TypeError) {
    nodes = NumberPattern.parse(template)
    layout = try NumberLayout(nodes)
  }

  /// Of a numeric or an integer.
  public func append(_ value: Numeric, to text: inout [UInt8]) throws(TypeError) {
    var layout = layout
    if layout.flags.contains(.roman) {
      let number = value.isFinite ? value.integer(as: Int32.self) ?? .max : .max
      return appendRoman(Int(number), to: &text)
    }
    if layout.flags.contains(.exponent) {
      guard value.isFinite else { return appendOverflow(layout, to: &text) }
      return appendScientific(value, layout.after, to: &text)
    }
    var value = value
    if layout.flags.contains(.shift) {
      value = value * (try Numeric.power(Numeric(Int64(10)), Numeric(Int64(layout.shifted))))
      layout.before += layout.shifted
    }
    var digits: [UInt8] = []
    value.rounded(toScale: layout.after).appendText(to: &digits)
    try append(digits, layout, to: &text)
  }

  /// Of a floating-point number, of which only so many digits are shown as are certain.
  /// - Parameter digits: 15 for `double precision`, 6 for `real`.
  public func append(_ value: Double, digits certain: Int = 15, to text: inout [UInt8]) throws(TypeError) {
    var layout = layout
    if layout.flags.contains(.roman) {
      let rounded = value.rounded(.toNearestOrEven)
      return appendRoman(Int(Int32(exactly: rounded) ?? .max), to: &text)
    }
    if layout.flags.contains(.exponent) {
      guard value.isFinite else { return appendOverflow(layout, to: &text) }
      if value.sign == .plus { text.append(" ") }
      return text.append(contentsOf: FloatText.format("%.*e", Int32(layout.after), value))
    }
    var value = value
    if layout.flags.contains(.shift) {
      for _ in 0..<layout.shifted { value *= 10 }
      layout.before += layout.shifted
    }
    let special = value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    let isNegative = value < 0
    let whole =
      value.isFinite ? FloatText.format("%.*f", 0, abs(value)).count : special.utf8.count - (isNegative ? 1 : 0)
    if whole >= certain {
      layout.after = 0
    } else if whole + layout.after > certain {
      layout.after = certain - whole
    }
    let number = value.isFinite ? FloatText.format("%.*f", Int32(layout.after), value) : Array(special.utf8)
    try append(number, layout, to: &text)
  }

  // MARK: - Special forms

  private func appendOverflow(_ layout: NumberLayout, to text: inout [UInt8]) {
    var shown = [UInt8](repeating: UInt8(ascii: "#"), count: layout.before + layout.after + 6)
    shown[0] = UInt8(ascii: " ")
    shown[layout.before + 1] = UInt8(ascii: ".")
    text.append(contentsOf: shown)
  }

  private func appendScientific(_ value: Numeric, _ digits: Int, to text: inout [UInt8]) {
    var exponent = 0
    if let first = value.digits.first {
      exponent = value.weight * 4 + (first < 10 ? 0 : first < 100 ? 1 : first < 1000 ? 2 : 3)
    }
    // Rounding may make it 10: PostgreSQL leaves it at that.
    var shown = value
    shown.round(toScale: digits - exponent)
    var decimals: [UInt8] = []
    // All of its decimal digits, so that moving the point is counting.
    for digit in shown.digits {
      for unit in [1000, 100, 10, 1] as [Int32] { decimals.append(UInt8(digit / unit % 10)) }
    }
    shown.set(decimals: decimals, weight: shown.weight * 4 + 3 - exponent)
    shown = shown.withScale(digits)
    if !shown.isNegative { text.append(" ") }
    shown.appendText(to: &text)
    text.append(exponent < 0 ? "e-" : "e+")
    text.append(decimal: abs(exponent), width: 2)
  }

  /// A number of 1 to 3999 in Roman digits.
  static func roman(_ number: Int) -> [UInt8] {
    let parts: [(Int, StaticString)] = [
      (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
      (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    var roman: [UInt8] = []
    var rest = number
    for (value, letters) in parts {
      while rest >= value {
        roman.append(letters)
        rest -= value
      }
    }
    return roman
  }

  private func appendRoman(_ number: Int, to text: inout [UInt8]) {
    let roman =
      1...3999 ~= number ? Self.roman(number) : [UInt8](repeating: UInt8(ascii: "#"), count: 15)
    let padding = layout.flags.contains(.fillMode) ? 0 : max(15 - roman.count, 0)
    for node in nodes {
      switch node {
      case .literal(let character), .separator(let character), .space(let character): text.append(contentsOf: character)
      case .pattern(.roman(let upper), _):
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
        text.append(contentsOf: upper ? roman : roman.map(ASCII.lower))
      default: break
      }
    }
  }

  /// Digits, perhaps with a sign and a point, into the places of the template.
  private func append(_ number: [UInt8], _ layout: NumberLayout, to text: inout [UInt8]) throws(TypeError) {
    var layout = layout
    let isNegative = number.first == UInt8(ascii: "-")
    var digits = isNegative ? Array(number.dropFirst()) : number
    let whole = digits.firstIndex(of: UInt8(ascii: ".")) ?? digits.count
    var spaces = 0
    if whole < layout.before {
      spaces = layout.before - whole
    } else if whole > layout.before {
      digits = [UInt8](repeating: UInt8(ascii: "#"), count: layout.before + layout.after + 1)
      digits[layout.before] = UInt8(ascii: ".")
    }
    layout.zeroStart = max(layout.zeroStart - 1, 0)
    var writer = NumberWriter(layout, digits, spaces: spaces, isNegative: isNegative)
    try writer.write(nodes)
    text.append(contentsOf: writer.output)
  }
}
