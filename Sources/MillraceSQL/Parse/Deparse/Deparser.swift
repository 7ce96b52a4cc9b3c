/// The syntax tree back as SQL text, for catalogs (defaults, checks, views) and EXPLAIN.
///
/// Parsing the text gives an equal tree. Expressions are in parentheses as PostgreSQL's ruleutils.c puts them when it
/// does not print for reading: around everything that has operators.
public enum Deparser {
  public static func text(of statement: Statement) -> String {
    var writer = SQLWriter()
    writer.statement(statement)
    return writer.text
  }

  public static func text(of query: SelectStatement) -> String {
    var writer = SQLWriter()
    writer.select(query)
    return writer.text
  }

  public static func text(of expression: Expression) -> String {
    var writer = SQLWriter()
    writer.expression(expression)
    return writer.text
  }

  public static func text(of type: TypeName) -> String {
    var writer = SQLWriter()
    writer.type(type)
    return writer.text
  }

  /// An identifier, in quotes where it needs them: as PostgreSQL's quote_identifier().
  public static func quoted(identifier: String) -> String { Keyword.quoted(identifier) }

  /// A string literal that means the same whatever `standard_conforming_strings` says.
  public static func quoted(literal: String) -> String {
    let body = literal.replacing("'", with: "''")
    return literal.utf8.contains(UInt8(ascii: "\\")) ? "E'\(body.replacing("\\", with: "\\\\"))'" : "'\(body)'"
  }
}

/// Appends SQL text, each function one kind of node.
struct SQLWriter {
  private(set) var text = ""

  mutating func write(_ string: String) { text += string }

  mutating func write(_ string: String, if condition: Bool) {
    if condition { text += string }
  }

  mutating func identifier(_ name: String) { text += Keyword.quoted(name) }

  mutating func literal(_ string: String) { text += Deparser.quoted(literal: string) }

  /// Names with dots between them.
  mutating func name(_ parts: [String]) {
    separated(parts, by: ".") { $0.identifier($1) }
  }

  mutating func separated<Element>(
    _ elements: [Element], by separator: String = ", ", _ body: (inout SQLWriter, Element) -> Void
  ) {
    for (index, element) in elements.enumerated() {
      if index > 0 { text += separator }
      body(&self, element)
    }
  }

  /// The elements in parentheses.
  mutating func list<Element>(_ elements: [Element], _ body: (inout SQLWriter, Element) -> Void) {
    text += "("
    separated(elements, body)
    text += ")"
  }

  /// Names in parentheses after a space; nothing if there are none.
  mutating func columns(_ names: [String]) {
    if names.isEmpty { return }
    text += " "
    list(names) { $0.identifier($1) }
  }

  /// A clause that is there only if its elements are.
  mutating func clause<Element>(
    _ keyword: String, _ elements: [Element], _ body: (inout SQLWriter, Element) -> Void
  ) {
    if elements.isEmpty { return }
    text += keyword.isEmpty ? " " : " " + keyword + " "
    separated(elements, body)
  }

  mutating func clause(_ keyword: String, _ expression: Expression?) {
    guard let expression else { return }
    text += " " + keyword + " "
    self.expression(expression)
  }

  mutating func clause(_ keyword: String, identifier: String?) {
    guard let identifier else { return }
    text += " " + keyword + " "
    self.identifier(identifier)
  }
}
