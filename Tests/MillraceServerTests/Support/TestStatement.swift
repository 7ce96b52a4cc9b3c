import MillraceServer

/// The few statements that the test executor knows.
enum TestStatement: Equatable {
  /// `select 1`, `select 'a', 2`, `select $1::int4`: one row.
  case select([Value])
  /// `select generate_series(1, 10)`, `select repeat('x', 100) from generate_series(1, 10)`.
  case series(first: Int, last: Int, width: Int?)
  /// `select pg_sleep(1000)`: until it is cancelled.
  case wait
  /// `select 1/0`: an error. In the middle of rows with `select 1/(5-n) from generate_series(1, 10) n`.
  case divide(afterRows: Int)
  case begin, commit, rollback
  /// `insert into numbers values (1)`.
  case insert([Int])
  case count
  case copyIn, copyOut
  /// `notice hello`.
  case notice(String)
  /// `set application_name = 'a'`.
  case setApplicationName(String)

  enum Value: Equatable {
    case integer(Int)
    case text(String)
    case null
    /// From 1; with the type that the statement says.
    case parameter(Int, type: UInt32?)
  }

  /// - Returns: nil for nothing.
  init?(_ sql: String) throws(ErrorReport) {
    let text = sql.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard !text.isEmpty else { return nil }
    let lowered = text.lowercased()
    switch lowered {
    case "begin": self = .begin
    case "commit": self = .commit
    case "rollback": self = .rollback
    case "select count(*) from numbers": self = .count
    case "copy numbers from stdin": self = .copyIn
    case "copy numbers to stdout": self = .copyOut
    case "select 1/0": self = .divide(afterRows: 0)
    case _ where lowered.hasPrefix("select pg_sleep("): self = .wait
    case _ where lowered.hasPrefix("notice "): self = .notice(String(text.dropFirst(7)))
    default: self = try Self.longer(text, lowered)
    }
  }

  private static func longer(_ text: String, _ lowered: String) throws(ErrorReport) -> TestStatement {
    if let match = lowered.wholeMatch(of: #/select 1/\((\d+)-n\) from generate_series\(1, ?\d+\) n/#) {
      return .divide(afterRows: (Int(match.1) ?? 1) - 1)
    }
    if let match = lowered.wholeMatch(of: #/select generate_series\((-?\d+), ?(\d+)\)/#) {
      return .series(first: Int(match.1) ?? 0, last: Int(match.2) ?? 0, width: nil)
    }
    if let match = lowered.wholeMatch(of: #/select repeat\('x', ?(\d+)\) from generate_series\((-?\d+), ?(\d+)\)/#) {
      return .series(first: Int(match.2) ?? 0, last: Int(match.3) ?? 0, width: Int(match.1) ?? 0)
    }
    if let match = lowered.wholeMatch(of: #/insert into numbers values ?(.*)/#) {
      return .insert(match.1.split { !$0.isNumber }.compactMap { Int($0) })
    }
    if let match = text.wholeMatch(of: #/(?i:set application_name (?:to|=) )'(.*)'/#) {
      return .setApplicationName(String(match.1))
    }
    if lowered.hasPrefix("select ") {
      var values: [Value] = []
      for part in text.dropFirst(7).split(separator: ",") { values.append(try value(part, text)) }
      return .select(values)
    }
    let word = text.split(separator: " ").first ?? ""
    throw ErrorReport(.error, .syntaxError, "syntax error at or near \"\(word)\"", position: 1)
  }

  private static func value(_ part: Substring, _ text: String) throws(ErrorReport) -> Value {
    let trimmed = part.drop { $0 == " " }
    if let number = Int(trimmed) { return .integer(number) }
    if trimmed.lowercased() == "null" { return .null }
    if trimmed.hasPrefix("'"), trimmed.hasSuffix("'"), trimmed.count > 1 {
      return .text(String(trimmed.dropFirst().dropLast()).replacing("''", with: "'"))
    }
    if let match = trimmed.wholeMatch(of: #/\$(\d+)(::int4|::int8|::text)?/#) {
      let types: [Substring: UInt32] = ["::int4": 23, "::int8": 20, "::text": 25]
      return .parameter(Int(match.1) ?? 1, type: match.2.flatMap { types[$0] })
    }
    let position = text.distance(from: text.startIndex, to: part.startIndex) + 1
    throw ErrorReport(.error, "42703", "column \"\(trimmed)\" does not exist", position: position)
  }

  var columns: [ColumnDescription]? {
    switch self {
    case .select(let values):
      values.enumerated().map { index, value in
        switch value {
        case .integer: ColumnDescription("?column?", type: 23, typeLength: 4)
        case .parameter(_, let type) where type == 23: ColumnDescription("int4", type: 23, typeLength: 4)
        case .parameter(_, let type) where type == 20: ColumnDescription("int8", type: 20, typeLength: 8)
        default: ColumnDescription("?column?", type: 25, typeLength: -1)
        }
      }
    case .series(_, _, let width):
      [
        width == nil
          ? ColumnDescription("generate_series", type: 23, typeLength: 4)
          : ColumnDescription("repeat", type: 25, typeLength: -1)
      ]
    case .wait: [ColumnDescription("pg_sleep", type: 2278, typeLength: 4)]
    case .divide: [ColumnDescription("?column?", type: 23, typeLength: 4)]
    case .count: [ColumnDescription("count", type: 20, typeLength: 8)]
    default: nil
    }
  }

  /// How many parameters it has, and their types as far as it says.
  var parameterTypes: [UInt32] {
    guard case .select(let values) = self else { return [] }
    var types: [Int: UInt32] = [:]
    for case .parameter(let number, let type) in values { types[number] = type ?? 25 }
    return (0..<(types.keys.max() ?? 0)).map { types[$0 + 1] ?? 25 }
  }
}
