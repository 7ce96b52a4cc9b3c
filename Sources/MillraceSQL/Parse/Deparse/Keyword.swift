import CPostgresParser

/// PostgreSQL's keywords, asked of its own table.
enum Keyword {
  /// With the numbers of PostgreSQL's common/keywords.h.
  enum Category: Int32 { case none = -1, unreserved, columnName, typeOrFunctionName, reserved }

  static func category(of word: String) -> Category { Category(rawValue: millrace_keyword_category(word)) ?? .none }

  /// In quotes unless it is in lower case, without odd characters, and no keyword that is reserved in some place.
  static func quoted(_ name: String) -> String {
    let category = isPlain(name) ? category(of: name) : .reserved
    return category == .none || category == .unreserved ? name : inQuotes(name)
  }

  /// The same, but every keyword in quotes: for places where words of the grammar may follow.
  static func quotedUnlessNoKeyword(_ name: String) -> String {
    isPlain(name) && category(of: name) == .none ? name : inQuotes(name)
  }

  private static func inQuotes(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }

  private static func isPlain(_ name: String) -> Bool {
    guard let first = name.utf8.first, first == UInt8(ascii: "_") || isLowerCase(first) else { return false }
    return name.utf8.allSatisfy { isLowerCase($0) || $0 == UInt8(ascii: "_") || (0x30...0x39).contains($0) }
  }

  private static func isLowerCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
