/// Matching of LIKE and ILIKE (PostgreSQL's like_match.c), in the collation "C".
public enum LikePattern {
  private static let percent = UInt8(ascii: "%")
  private static let underscore = UInt8(ascii: "_")
  private static let backslash = UInt8(ascii: "\\")

  static let endsWithEscape = TypeError(.invalidEscapeSequence, "LIKE pattern must not end with escape character")

  /// Whether a text matches. `%` stands for any characters, `_` for one, a backslash takes the next character as it is.
  ///
  /// Costs no allocation. A failed match of what follows a `%` is tried again further on in the text; where there are
  /// several, only the last one moves, so that the cost is at most the product of both lengths.
  /// - Parameter ignoresCase: ILIKE; of ASCII letters only.
  public static func matches(_ text: ByteView, _ pattern: ByteView, ignoresCase: Bool = false) throws(TypeError) -> Bool
  {
    var (at, rule) = (0, 0)
    // Where to go on if what follows the last `%` does not match here.
    var retry: (at: Int, rule: Int)?
    while at < text.count || rule < pattern.count {
      if rule < pattern.count {
        switch pattern[rule] {
        case percent:
          rule += 1
          if rule == pattern.count { return true }
          if at < text.count { try checkEnd(text, at, pattern, rule) }
          retry = (at, rule)
          continue
        case underscore where at < text.count:
          rule += 1
          at += min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
          continue
        case backslash:
          guard rule + 1 < pattern.count else {
            // Nobody asks what it means where there is no text left to match.
            if at < text.count { throw endsWithEscape }
            break
          }
          if at < text.count, isSame(text[at], pattern[rule + 1], ignoresCase) {
            rule += 2
            at += 1
            continue
          }
        case let byte where byte != underscore:
          if at < text.count, isSame(text[at], byte, ignoresCase) {
            rule += 1
            at += 1
            continue
          }
        default: break
        }
      }
      guard let last = retry, last.at < text.count else { return false }
      // A character further, never into the middle of one.
      let next = last.at + min(UTF8Encoding.length(ofCharacterWith: text[last.at]), text.count - last.at)
      retry = (next, last.rule)
      (at, rule) = (next, last.rule)
    }
    return true
  }

  /// PostgreSQL looks at what follows a `%` before it looks for it, and so finds an escape character at the end.
  private static func checkEnd(
    _ text: ByteView, _ start: Int, _ pattern: ByteView, _ rule: Int
  ) throws(TypeError) {
    var (at, rule) = (start, rule)
    while rule < pattern.count, pattern[rule] == percent || pattern[rule] == underscore {
      if pattern[rule] == underscore {
        guard at < text.count else { return }
        at += min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
      }
      rule += 1
    }
    if rule == pattern.count - 1, pattern[rule] == backslash { throw endsWithEscape }
  }

  private static func isSame(_ a: UInt8, _ b: UInt8, _ ignoresCase: Bool) -> Bool {
    a == b || (ignoresCase && ASCII.lower(a) == ASCII.lower(b))
  }

  /// `LIKE … ESCAPE …`: the pattern with backslashes for what its escape character does (like_escape).
  public static func escaped(_ pattern: ByteView, escape: ByteView, to result: inout [UInt8]) throws(TypeError) {
    guard !escape.isEmpty else {
      // Without an escape character a backslash is one like all others.
      for byte in pattern.buffer {
        if byte == backslash { result.append(backslash) }
        result.append(byte)
      }
      return
    }
    guard UTF8Encoding.characterCount(escape) == 1 else {
      throw TypeError(
        .invalidEscapeSequence, "invalid escape string", hint: "Escape string must be empty or one character.")
    }
    if escape.count == 1, escape[0] == backslash { return result.append(pattern) }
    var at = 0
    var isAfterEscape = false
    while at < pattern.count {
      if !isAfterEscape, pattern.from(at).hasPrefix(escape) {
        result.append(backslash)
        at += escape.count
        isAfterEscape = true
      } else {
        if pattern[at] == backslash, !isAfterEscape { result.append(backslash) }
        let length = min(UTF8Encoding.length(ofCharacterWith: pattern[at]), pattern.count - at)
        result.append(pattern[at..<at + length])
        at += length
        isAfterEscape = false
      }
    }
  }

  /// What every matching text begins with, and whether the pattern is nothing else: for index scans.
  public static func fixedPrefix(_ pattern: ByteView, to prefix: inout [UInt8]) -> (isExact: Bool, isPattern: Bool) {
    var at = 0
    while at < pattern.count {
      if pattern[at] == percent || pattern[at] == underscore { return (false, true) }
      if pattern[at] == backslash {
        at += 1
        guard at < pattern.count else { return (false, true) }
      }
      prefix.append(pattern[at])
      at += 1
    }
    return (true, false)
  }
}
