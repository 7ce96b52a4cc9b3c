/// Swift or C text taken apart: the code without comments and without what string literals contain, and the
/// comments alone. Both keep every newline and every column.
///
/// It knows nested comments, raw and multi-line strings and interpolation (whose contents are code). It does
/// not know regular expression literals between single slashes; the project has none.
struct SourceViews {
  private(set) var code: [UInt8]
  private(set) var comments: [UInt8]

  /// Where the scanner is. A string remembers how it ends; an interpolation how deep its parentheses are.
  private enum Context {
    case string(hashes: Int, quotes: Int, quote: UInt8)
    case interpolation(depth: Int)
  }

  private let text: [UInt8]
  private let language: Language
  private var at = 0
  private var contexts: [Context] = []

  init(of text: [UInt8], language: Language) {
    self.text = text
    self.language = language
    let blank = text.map { $0 == UInt8(ascii: "\n") ? $0 : UInt8(ascii: " ") }
    code = blank
    comments = blank
    while at < text.count { step() }
  }

  private mutating func step() {
    if case .string(let hashes, let quotes, let quote) = contexts.last {
      stepInString(hashes: hashes, quotes: quotes, quote: quote)
    } else if startsHere("//") {
      while at < text.count, text[at] != UInt8(ascii: "\n") { keepAsComment() }
    } else if startsHere("/*") {
      takeBlockComment()
    } else if let string = openingOfString() {
      keepAsCode(string.length)
      contexts.append(.string(hashes: string.hashes, quotes: string.quotes, quote: string.quote))
    } else {
      followParentheses()
      keepAsCode(1)
    }
  }

  private mutating func takeBlockComment() {
    var depth = 0
    repeat {
      if startsHere("/*") {
        if depth == 0 || language == .swift { depth += 1 }
        keepAsComment()
      } else if startsHere("*/") {
        depth -= 1
        keepAsComment()
      }
      keepAsComment()
    } while depth > 0 && at < text.count
  }

  /// `"`, `"""`, `#"` and the like; in C also `'`.
  private func openingOfString() -> (hashes: Int, quotes: Int, quote: UInt8, length: Int)? {
    var hashes = 0
    while language == .swift, at + hashes < text.count, text[at + hashes] == UInt8(ascii: "#") { hashes += 1 }
    guard at + hashes < text.count else { return nil }
    let quote = text[at + hashes]
    if quote == UInt8(ascii: "'"), language == .c { return (0, 1, quote, 1) }
    guard quote == UInt8(ascii: "\"") else { return nil }
    let isMultiline = language == .swift && startsHere("\"\"\"", offset: hashes)
    let quotes = isMultiline ? 3 : 1
    return (hashes, quotes, quote, hashes + quotes)
  }

  private mutating func stepInString(hashes: Int, quotes: Int, quote: UInt8) {
    let isEscape = text[at] == UInt8(ascii: "\\") && hasHashes(hashes, from: at + 1)
    if isEscape, language == .swift, at + 1 + hashes < text.count, text[at + 1 + hashes] == UInt8(ascii: "(") {
      keepAsCode(2 + hashes)
      contexts.append(.interpolation(depth: 0))
    } else if isEscape {
      at += 2 + hashes
    } else if hasQuotes(quotes, quote), hasHashes(hashes, from: at + quotes) {
      keepAsCode(quotes + hashes)
      contexts.removeLast()
    } else {
      // A string on one line ends with the line, whatever was forgotten.
      if quotes == 1, text[at] == UInt8(ascii: "\n") { contexts.removeLast() }
      at += 1
    }
  }

  private mutating func followParentheses() {
    guard case .interpolation(let depth) = contexts.last else { return }
    if text[at] == UInt8(ascii: "(") {
      contexts[contexts.count - 1] = .interpolation(depth: depth + 1)
    } else if text[at] == UInt8(ascii: ")") {
      if depth == 0 { contexts.removeLast() } else { contexts[contexts.count - 1] = .interpolation(depth: depth - 1) }
    }
  }

  private func startsHere(_ word: StaticString, offset: Int = 0) -> Bool {
    let start = at + offset
    guard start + word.utf8CodeUnitCount <= text.count else { return false }
    return (0..<word.utf8CodeUnitCount).allSatisfy { text[start + $0] == word.utf8Start[$0] }
  }

  private func hasHashes(_ count: Int, from start: Int) -> Bool {
    start + count <= text.count && text[start..<start + count].allSatisfy { $0 == UInt8(ascii: "#") }
  }

  private func hasQuotes(_ count: Int, _ quote: UInt8) -> Bool {
    at + count <= text.count && text[at..<at + count].allSatisfy { $0 == quote }
  }

  private mutating func keepAsCode(_ count: Int) {
    for _ in 0..<count where at < text.count {
      code[at] = text[at]
      at += 1
    }
  }

  private mutating func keepAsComment() {
    guard at < text.count else { return }
    comments[at] = text[at]
    at += 1
  }
}
