import MillraceTypes

/// What functions with regular expressions share: compiled expressions, flags, results.
enum RegularExpressionCalls {
  /// The expressions that a place in a statement has used, the last ones.
  private final class Kept {
    var entries: [(pattern: [UInt8], options: RegularExpressionOptions, expression: RegularExpression)] = []
    static let countMax = 32
  }

  /// The flags of a function, in letters.
  struct Flags {
    var options = RegularExpressionOptions()
    var isGlobal = false

    init() {}

    init(_ letters: ByteView) throws(TypeError) {
      for letter in letters {
        if letter == UInt8(ascii: "g") {
          isGlobal = true
        } else if !options.apply(letter) {
          let shown = Character(Unicode.Scalar(letter))
          throw TypeError(.invalidParameterValue, "invalid regular expression option: \"\(shown)\"")
        }
      }
    }

    func requireOnce(_ function: String, hint: String? = nil) throws(TypeError) {
      if isGlobal {
        throw TypeError(
          .invalidParameterValue, "\(function) does not support the \"global\" option", hint: hint)
      }
    }
  }

  static func expression(
    _ call: CallFrame, _ pattern: ByteView, _ options: RegularExpressionOptions
  ) throws(TypeError) -> RegularExpression {
    let kept: Kept
    if let known = call.memory as? Kept {
      kept = known
    } else {
      kept = Kept()
      call.memory = kept
    }
    for entry in kept.entries where entry.options == options && entry.pattern.withByteView({ $0.isEqual(pattern) }) {
      return entry.expression
    }
    let made = try RegularExpression(characters(pattern), options)
    if kept.entries.count >= Kept.countMax { kept.entries.removeFirst() }
    kept.entries.append((pattern.array, options, made))
    return made
  }

  /// A text for one search.
  static func text(_ call: CallFrame, _ text: ByteView) -> RegularExpressionText {
    RegularExpressionText(characters(text), RegularExpressionWatch(call.context.session))
  }

  static func characters(_ text: ByteView) -> [UInt32] {
    var characters: [UInt32] = []
    characters.reserveCapacity(text.count)
    var at = 0
    while at < text.count {
      let byte = text[at]
      guard byte >= 0x80 else {
        characters.append(UInt32(byte))
        at += 1
        continue
      }
      let length = UTF8Encoding.prefixLength(text.from(at), characters: 1)
      var value = UInt32(byte) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
      for index in 1..<max(length, 1) { value = value << 6 | UInt32(text[at + index] & 0x3F) }
      characters.append(value)
      at += length
    }
    return characters
  }

  static func append(_ characters: ArraySlice<UInt32>, to text: inout [UInt8]) {
    for character in characters {
      if character < 0x80 {
        text.append(UInt8(character))
      } else if let scalar = Unicode.Scalar(character) {
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  static func value(_ call: CallFrame, _ text: RegularExpressionText, _ range: Range<Int>) -> Datum {
    call.arena.make { (bytes: inout [UInt8]) in append(text.characters[range], to: &bytes) }
  }

  // MARK: Matches

  /// All matches, or the first; an empty one is followed by the next character.
  static func matches(
    _ expression: RegularExpression, _ text: RegularExpressionText, from start: Int = 0, isGlobal: Bool,
    ignoringEmpty: Bool = false, needsGroups: Bool = true
  ) throws(TypeError) -> [RegularExpression.Match] {
    var matches: [RegularExpression.Match] = []
    var (at, previousEnd) = (start, -1)
    while at <= text.characters.count,
      let match = try expression.firstMatch(in: text, from: at, needsGroups: needsGroups)
    {
      let isEmpty = match.range.isEmpty
      // Empty matches at the end, or right behind the match before, do not split anything.
      let isIgnored =
        ignoringEmpty && isEmpty
        && (match.range.lowerBound == text.characters.count || match.range.lowerBound == max(previousEnd, 0))
      if !isIgnored {
        matches.append(match)
        if !isGlobal { break }
      }
      previousEnd = match.range.upperBound
      at = match.range.upperBound + (isEmpty ? 1 : 0)
    }
    return matches
  }

  /// A match as `regexp_match` gives it: the groups, or the whole where there are none.
  static func array(
    _ call: CallFrame, _ expression: RegularExpression, _ match: RegularExpression.Match, _ text: RegularExpressionText
  ) -> Datum {
    let ranges = expression.groupCount == 0 ? [match.range] : match.groups
    return ArrayType.make(ranges.map { $0.map { value(call, text, $0) } }, of: .text, in: call.arena)
  }

  private static func flags(_ call: CallFrame, _ index: Int) throws(TypeError) -> Flags {
    call.count > index ? try Flags(call.text(index)) : Flags()
  }

  /// `regexp_matches`.
  static func allMatches(_ call: CallFrame) throws(SQLError) -> [Datum?] {
    do throws(TypeError) {
      let flags = try flags(call, 2)
      let expression = try expression(call, call.text(1), flags.options)
      let text = Self.text(call, call.text(0))
      return try matches(expression, text, isGlobal: flags.isGlobal).map { array(call, expression, $0, text) }
    } catch { throw SQLError(error) }
  }

  /// `regexp_split_to_array` and `regexp_split_to_table`.
  static func split(_ call: CallFrame, _ function: String) throws(SQLError) -> [Datum?] {
    do throws(TypeError) {
      let flags = try flags(call, 2)
      try flags.requireOnce(function)
      let expression = try expression(call, call.text(1), flags.options)
      let text = Self.text(call, call.text(0))
      var parts: [Datum?] = []
      var start = 0
      for match in try matches(expression, text, isGlobal: true, ignoringEmpty: true, needsGroups: false) {
        parts.append(value(call, text, start..<match.range.lowerBound))
        start = match.range.upperBound
      }
      parts.append(value(call, text, start..<text.characters.count))
      return parts
    } catch { throw SQLError(error) }
  }
}
