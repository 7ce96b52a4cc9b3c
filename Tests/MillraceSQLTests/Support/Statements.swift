/// The statements of a text: one a line, unless a line begins with spaces and goes on with the one before.
func statements(_ text: String) -> [String] {
  var statements: [String] = []
  for line in text.split(separator: "\n") {
    if line.hasPrefix("  "), let last = statements.popLast() {
      statements.append("\(last) \(line.drop { $0 == " " })")
    } else {
      statements.append(String(line))
    }
  }
  return statements
}
