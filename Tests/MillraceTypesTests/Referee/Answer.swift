import MillraceTypes

/// What Millrace says to a question, in the referee's form.
enum Answer {
  static func of(_ body: () throws(TypeError) -> String?) -> String {
    do throws(TypeError) { return try body() ?? "<null>" } catch { return text(of: error) }
  }

  static func text(of error: TypeError) -> String {
    "error \(error.sqlState): \(error.message) / \(error.detail ?? "") / \(error.hint ?? "")"
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

/// A text as a literal of SQL.
func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

/// E'…', for texts with control characters and backslashes.
func escapeQuoted(_ text: String) -> String {
  "E'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("\n", with: "\\n") + "'"
}
