/// Statements that the syntax tree carries, each on lines of its own and ended by a semicolon at the end of a line.
enum Corpus {
  static let statements = [queries, expressions, modifications, definitions, sessions].flatMap(split)

  static func split(_ text: String) -> [String] {
    var statements: [String] = []
    var lines: [Substring] = []
    for line in text.split(separator: "\n") {
      lines.append(line)
      if line.hasSuffix(";") {
        statements.append(lines.joined(separator: "\n"))
        lines = []
      }
    }
    precondition(lines.isEmpty, "the last statement of a corpus has no semicolon")
    return statements
  }
}
