/// Collects what EXPLAIN says, as lines of text or as a JSON document (PostgreSQL's
/// src/backend/commands/explain_format.c).
struct ExplainOutput {
  let format: ExplainOptions.Format
  private(set) var text = ""
  /// Of text: in units of two spaces. Of JSON: how deep groups are nested.
  var indent = 0
  /// For each open group of JSON: whether something stands in it already.
  private var hasMembers: [Bool] = []

  init(_ format: ExplainOptions.Format) { self.format = format }

  var isText: Bool { format == .text }

  // MARK: Text

  mutating func append(_ part: String) { text += part }
  mutating func indentLine() { text += String(repeating: " ", count: indent * 2) }

  mutating func line(_ content: String) {
    indentLine()
    text += content + "\n"
  }

  // MARK: Properties

  mutating func property(_ label: String, _ value: String) {
    if isText { line("\(label): \(value)") } else { member(label, Self.quoted(value)) }
  }

  mutating func property(_ label: String, _ value: Int, unit: String = "") {
    if isText { line("\(label): \(value)\(unit.isEmpty ? "" : " " + unit)") } else { member(label, "\(value)") }
  }

  mutating func property(_ label: String, _ value: Double, digits: Int, unit: String = "") {
    let number = Self.fixed(value, digits)
    if isText { line("\(label): \(number)\(unit.isEmpty ? "" : " " + unit)") } else { member(label, number) }
  }

  mutating func property(_ label: String, _ value: Bool) {
    if isText { line("\(label): \(value)") } else { member(label, "\(value)") }
  }

  mutating func list(_ label: String, _ values: [String]) {
    if isText {
      line("\(label): \(values.joined(separator: ", "))")
    } else {
      member(label, "[" + values.map(Self.quoted).joined(separator: ", ") + "]")
    }
  }

  // MARK: JSON

  mutating func open(_ bracket: String, _ label: String? = nil) {
    guard !isText else { return }
    separate()
    if let label { text += Self.quoted(label) + ": " }
    text += bracket
    hasMembers.append(false)
    indent += 1
  }

  mutating func close(_ bracket: String) {
    guard !isText else { return }
    indent -= 1
    if hasMembers.popLast() == true {
      text += "\n"
      indentLine()
    }
    text += bracket
  }

  private mutating func member(_ label: String, _ value: String) {
    separate()
    text += "\(Self.quoted(label)): \(value)"
  }

  /// Goes to the place of the next member of a group.
  private mutating func separate() {
    guard let isFurther = hasMembers.last else { return }
    text += isFurther ? ",\n" : "\n"
    hasMembers[hasMembers.count - 1] = true
    indentLine()
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{8}": result += "\\b"
      case "\u{C}": result += "\\f"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// As `%.*f` prints it.
  static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let product = value.magnitude * scale
    // Too large to have digits behind the point.
    guard product < 9e18 else { return "\(value)" }
    // What multiplying has rounded away decides where it looks like exactly one half.
    let error = (-product).addingProduct(value.magnitude, scale)
    var scaled = product.rounded(.down)
    let rest = product - scaled
    if rest > 0.5 || (rest == 0.5 && (error > 0 || (error == 0 && scaled.truncatingRemainder(dividingBy: 2) == 1))) {
      scaled += 1
    }
    let whole = UInt64(scaled)
    let sign = value < 0 && whole > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    let unit = UInt64(scale)
    let fraction = String(whole % unit)
    return "\(sign)\(whole / unit)." + String(repeating: "0", count: digits - fraction.utf8.count) + fraction
  }
}
