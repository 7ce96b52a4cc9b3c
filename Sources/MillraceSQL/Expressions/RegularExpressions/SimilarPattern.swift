import MillraceTypes

/// Patterns of SIMILAR TO, as regular expressions (regexp.c's similar_escape_internal).
enum SimilarPattern {
  /// - Parameter escape: one character, or none.
  static func append(_ pattern: ByteView, escape: ByteView, to text: inout [UInt8]) throws(TypeError) {
    if UTF8Encoding.characterCount(escape) > 1 {
      throw TypeError(
        .invalidEscapeSequence, "invalid escape string", hint: "Escape string must be empty or one character.")
    }
    text.append("^(?:")
    var at = 0
    var separators = 0
    var isInBracket = false
    var bracketStart = 0
    while at < pattern.count {
      if !escape.isEmpty, pattern.from(at).hasPrefix(escape) {
        at += escape.count
        guard at < pattern.count else { break }
        let next = pattern[at]
        if next == UInt8(ascii: "\""), !isInBracket {
          // What is between two of them is what substring gives.
          separators += 1
          guard separators <= 2 else {
            throw TypeError(
              SQLState("2200C"),
              "SQL regular expression may not contain more than two escape-double-quote separators")
          }
          text.append(separators == 1 ? "){1,1}?(" : "){1,1}(?:")
          at += 1
          continue
        }
        let length = UTF8Encoding.prefixLength(pattern.from(at), characters: 1)
        text.append("\\")
        text.append(pattern[at..<at + length])
        at += length
        continue
      }
      let byte = pattern[at]
      at += 1
      if isInBracket {
        if byte == UInt8(ascii: "\\") { text.append("\\") }
        text.append(byte)
        let isFirst = text.count == bracketStart + 1 || (text.count == bracketStart + 2 && text[bracketStart] == 0x5E)
        if byte == UInt8(ascii: "]"), !isFirst { isInBracket = false }
        continue
      }
      switch byte {
      case UInt8(ascii: "["):
        text.append(byte)
        (isInBracket, bracketStart) = (true, text.count)
      case UInt8(ascii: "%"): text.append(".*")
      case UInt8(ascii: "_"): text.append(".")
      case UInt8(ascii: "("): text.append("(?:")
      case UInt8(ascii: "\\"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "$"):
        text.append("\\")
        text.append(byte)
      default: text.append(byte)
      }
    }
    text.append(")$")
  }
}
