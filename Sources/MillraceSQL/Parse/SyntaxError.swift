/// Why a string is no statement, in PostgreSQL's words; or which part of a statement is not supported.
public struct SyntaxError: Error, Equatable, Sendable {
  /// Five characters: `42601` for what the grammar refuses, `0A000` for what is not supported, `54001` for too much
  /// nesting.
  public var sqlState: String
  public var message: String
  public var detail: String?
  public var hint: String?
  /// In characters from the begin of the string, the first being 1, as the protocol has it; `nil` if it is nowhere.
  public var position: Int?

  public init(
    sqlState: String, message: String, detail: String? = nil, hint: String? = nil, position: Int? = nil
  ) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.position = position
  }

  /// Later versions of PostgreSQL quote all of what is glued to a number or parameter, libpg_query's its first letter.
  func withWholeToken(of source: String) -> SyntaxError {
    guard message.hasPrefix("trailing junk after "), message.hasSuffix("\""), let position,
      let last = message.dropLast().utf8.last, Self.continuesIdentifier(last), last != UInt8(ascii: "$"),
      let begin = source.unicodeScalars.index(
        source.startIndex, offsetBy: position - 1, limitedBy: source.endIndex),
      let quote = message.firstIndex(of: "\"")
    else { return self }
    // A character of several bytes was cut after its first, and is a replacement character by now.
    let token = message[message.index(after: quote)...].dropLast().split(separator: "\u{FFFD}").first ?? ""
    let rest = source.utf8[begin...]
    guard rest.starts(with: token.utf8) else { return self }
    let more = rest.dropFirst(token.utf8.count).prefix(while: Self.continuesIdentifier)
    var whole = self
    whole.message = message[...quote] + token + String(decoding: more, as: UTF8.self) + "\""
    return whole
  }

  /// The scanner's ident_cont.
  private static func continuesIdentifier(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
      true
    default: false
    }
  }

  static func stackDepthExceeded(maxStackDepth: Int) -> SyntaxError {
    SyntaxError(
      sqlState: "54001", message: "stack depth limit exceeded",
      hint: "Increase the configuration parameter \"max_stack_depth\" (currently \(maxStackDepth / 1024)kB), "
        + "after ensuring the platform's stack depth limit is adequate.")
  }
}
