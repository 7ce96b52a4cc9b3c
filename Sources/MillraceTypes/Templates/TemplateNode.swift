/// A piece of a template of `to_char` and its kin (PostgreSQL's formatting.c).
enum TemplateNode<Pattern: Sendable>: Sendable {
  case pattern(Pattern, TemplateModifiers)
  /// A character that stands for itself.
  case literal([UInt8])
  /// In a template of dates: punctuation.
  case separator([UInt8])
  case space([UInt8])
}

/// What may stand before and after a pattern of dates.
struct TemplateModifiers: OptionSet, Sendable {
  let rawValue: UInt8
  /// FM: without padding.
  static let fillMode = Self(rawValue: 1)
  /// TH, th: an ordinal.
  static let upperOrdinal = Self(rawValue: 2)
  static let lowerOrdinal = Self(rawValue: 4)
  /// TM: in the language of the locale, which is English.
  static let translated = Self(rawValue: 8)
  /// SP, which means nothing.
  static let spelled = Self(rawValue: 16)
}

/// Takes a template apart. What quotation marks enclose stands for itself.
struct TemplateScanner {
  let text: ByteView
  private(set) var at = 0

  init(_ text: ByteView) { self.text = text }

  var isAtEnd: Bool { at >= text.count }

  /// Goes past a word that stands here.
  mutating func skip(_ word: StaticString) -> Bool {
    let word = ByteView(word)
    guard text.from(at).hasPrefix(word) else { return false }
    at += word.count
    return true
  }

  private mutating func character() -> [UInt8] {
    let length = min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
    defer { at += length }
    return text[at..<at + length].array
  }

  /// What is no pattern: one character, or all that quotation marks enclose.
  mutating func appendLiterals<Pattern>(to nodes: inout [TemplateNode<Pattern>], separators: Bool) {
    let quote = UInt8(ascii: "\"")
    let backslash = UInt8(ascii: "\\")
    if text[at] == quote {
      at += 1
      while at < text.count {
        if text[at] == quote {
          at += 1
          return
        }
        if text[at] == backslash, at + 1 < text.count { at += 1 }
        nodes.append(.literal(character()))
      }
      return
    }
    if text[at] == backslash, at + 1 < text.count, text[at + 1] == quote { at += 1 }
    let character = character()
    if separators, character.count == 1, ASCII.isPunctuation(character[0]) {
      nodes.append(.separator(character))
    } else if ASCII.isSpace(character[0]) {
      nodes.append(.space(character))
    } else {
      nodes.append(.literal(character))
    }
  }
}

/// English ordinals: 1st, 2nd, 3rd, 4th, 11th.
enum Ordinal {
  static func suffix(_ digits: some RandomAccessCollection<UInt8>, upper: Bool) -> StaticString {
    let beforeLast = digits.dropLast().last
    switch beforeLast == UInt8(ascii: "1") ? nil : digits.last {
    case UInt8(ascii: "1"): return upper ? "ST" : "st"
    case UInt8(ascii: "2"): return upper ? "ND" : "nd"
    case UInt8(ascii: "3"): return upper ? "RD" : "rd"
    default: return upper ? "TH" : "th"
    }
  }
}
