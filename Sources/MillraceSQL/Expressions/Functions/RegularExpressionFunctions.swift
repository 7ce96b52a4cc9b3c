import MillraceTypes

private typealias Calls = RegularExpressionCalls

/// `~`, SIMILAR TO and the functions with regular expressions (regexp.c).
extension FunctionRegistry {
  mutating func addRegularExpressions() {
    for (suffix, ignoresCase, isWanted) in [
      ("regexeq", false, true), ("regexne", false, false), ("icregexeq", true, true), ("icregexne", true, false),
    ] {
      var options = RegularExpressionOptions()
      options.ignoresCase = ignoresCase
      let fixed = options
      scalar("text" + suffix) { (call) throws(TypeError) in
        Datum(try Self.matches(call, call.text(0), fixed) == isWanted)
      }
      scalar("name" + suffix) { (call) throws(TypeError) in
        Datum(try Self.matches(call, NameType.text(call[0]), fixed) == isWanted)
      }
    }
    addMatching()
    addSearching()
    addReplacing()
    addSimilarTo()
  }

  private static func matches(
    _ call: CallFrame, _ text: ByteView, _ options: RegularExpressionOptions
  ) throws(TypeError) -> Bool {
    let expression = try Calls.expression(call, call.text(1), options)
    return try expression.matches(Calls.text(call, text))
  }

  private mutating func addMatching() {
    scalar("regexp_match", "regexp_match_no_flags") { (call) throws(TypeError) in
      let flags = call.count > 2 ? try Calls.Flags(call.text(2)) : Calls.Flags()
      try flags.requireOnce("regexp_match()", hint: "Use the regexp_matches function instead.")
      let expression = try Calls.expression(call, call.text(1), flags.options)
      let text = Calls.text(call, call.text(0))
      return try expression.firstMatch(in: text, from: 0).map { Calls.array(call, expression, $0, text) }
    }
    scalar("regexp_like", "regexp_like_no_flags") { (call) throws(TypeError) in
      let flags = call.count > 2 ? try Calls.Flags(call.text(2)) : Calls.Flags()
      try flags.requireOnce("regexp_like()")
      return Datum(try Self.matches(call, call.text(0), flags.options))
    }
    session("regexp_split_to_array", "regexp_split_to_array_no_flags") { (call) throws(SQLError) in
      ArrayType.make(try Calls.split(call, "regexp_split_to_array()"), of: .text, in: call.arena)
    }
    // substring(text from pattern): the first group, or the whole.
    scalar("textregexsubstr") { (call) throws(TypeError) in
      let expression = try Calls.expression(call, call.text(1), RegularExpressionOptions())
      let text = Calls.text(call, call.text(0))
      guard let match = try expression.firstMatch(in: text, from: 0) else { return nil }
      if expression.groupCount == 0 { return Calls.value(call, text, match.range) }
      return match.groups[0].map { Calls.value(call, text, $0) }
    }
  }

  /// regexp_count, regexp_instr and regexp_substr: with a place to begin, and the number of the match.
  private mutating func addSearching() {
    scalar("regexp_count", "regexp_count_no_flags", "regexp_count_no_start") { (call) throws(TypeError) in
      let search = try Search(call, "regexp_count()", flags: 3, number: nil)
      return Datum(Int32(try search.matches(call, all: true).count))
    }
    scalar(
      "regexp_instr", "regexp_instr_no_start", "regexp_instr_no_n", "regexp_instr_no_endoption",
      "regexp_instr_no_flags", "regexp_instr_no_subexpr"
    ) { (call) throws(TypeError) in
      let search = try Search(call, "regexp_instr()", flags: 5, number: 3)
      let end = call.count > 4 ? call[4].int32 : 0
      guard 0...1 ~= end else {
        throw TypeError(.invalidParameterValue, "invalid value for parameter \"endoption\": \(end)")
      }
      guard let range = try search.range(call, group: call.count > 6 ? call[6].int32 : 0) else {
        return Datum(Int32(0))
      }
      return Datum(Int32((end == 1 ? range.upperBound : range.lowerBound) + 1))
    }
    scalar(
      "regexp_substr", "regexp_substr_no_start", "regexp_substr_no_n", "regexp_substr_no_flags",
      "regexp_substr_no_subexpr"
    ) { (call) throws(TypeError) in
      let search = try Search(call, "regexp_substr()", flags: 4, number: 3)
      let range = try search.range(call, group: call.count > 5 ? call[5].int32 : 0)
      return range.map { Calls.value(call, search.text, $0) }
    }
  }

  private struct Search {
    let expression: RegularExpression
    let text: RegularExpressionText
    private let start: Int
    private let number: Int

    init(_ call: CallFrame, _ function: String, flags: Int, number: Int?) throws(TypeError) {
      func positive(_ index: Int, _ name: String) throws(TypeError) -> Int {
        guard call.count > index else { return 1 }
        guard call[index].int32 > 0 else {
          throw TypeError(
            .invalidParameterValue, "invalid value for parameter \"\(name)\": \(call[index].int32)")
        }
        return Int(call[index].int32)
      }
      start = try positive(2, "start") - 1
      self.number = try number.map { (index) throws(TypeError) in try positive(index, "n") } ?? 1
      let letters = call.count > flags ? try Calls.Flags(call.text(flags)) : Calls.Flags()
      try letters.requireOnce(function)
      expression = try Calls.expression(call, call.text(1), letters.options)
      text = Calls.text(call, call.text(0))
    }

    func matches(_ call: CallFrame, all: Bool) throws(TypeError) -> [RegularExpression.Match] {
      try Calls.matches(expression, text, from: start, isGlobal: all, needsGroups: !all)
    }

    /// The wanted match, or one of its groups; nil where there is none.
    func range(_ call: CallFrame, group: Int32) throws(TypeError) -> Range<Int>? {
      if group < 0 {
        throw TypeError(.invalidParameterValue, "invalid value for parameter \"subexpr\": \(group)")
      }
      let matches = try Calls.matches(expression, text, from: start, isGlobal: number > 1)
      guard number <= matches.count, Int(group) <= expression.groupCount else { return nil }
      return group == 0 ? matches[number - 1].range : matches[number - 1].groups[Int(group) - 1]
    }
  }

  private mutating func addReplacing() {
    scalar("textregexreplace_noopt") { (call) throws(TypeError) in
      try Replacement.replace(call, Calls.Flags(), start: 0, number: 1)
    }
    scalar("textregexreplace") { (call) throws(TypeError) in
      let letters = call.text(3)
      if let first = letters.first, (0x30...0x39).contains(first) {
        throw TypeError(
          .invalidParameterValue, "invalid regular expression option: \"\(Character(Unicode.Scalar(first)))\"",
          hint:
            "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer "
            + "explicitly."
        )
      }
      let flags = try Calls.Flags(letters)
      return try Replacement.replace(call, flags, start: 0, number: flags.isGlobal ? 0 : 1)
    }
    scalar(
      "textregexreplace_extended", "textregexreplace_extended_no_flags", "textregexreplace_extended_no_n"
    ) { (call) throws(TypeError) in
      let start = call[3].int32
      guard start > 0 else {
        throw TypeError(.invalidParameterValue, "invalid value for parameter \"start\": \(start)")
      }
      let flags = call.count > 5 ? try Calls.Flags(call.text(5)) : Calls.Flags()
      var number = flags.isGlobal ? 0 : 1
      if call.count > 4 {
        guard call[4].int32 >= 0 else {
          throw TypeError(.invalidParameterValue, "invalid value for parameter \"n\": \(call[4].int32)")
        }
        number = Int(call[4].int32)
      }
      return try Replacement.replace(call, flags, start: Int(start) - 1, number: number)
    }
  }

  private enum Replacement {
    /// - Parameter number: of the match that is replaced; 0 for all.
    static func replace(
      _ call: CallFrame, _ flags: Calls.Flags, start: Int, number: Int
    ) throws(TypeError) -> Datum {
      let expression = try Calls.expression(call, call.text(1), flags.options)
      let text = Calls.text(call, call.text(0))
      let replacement = call.text(2)
      let needsGroups = replacement.contains(UInt8(ascii: "\\"))
      let matches = try Calls.matches(
        expression, text, from: start, isGlobal: number != 1, needsGroups: needsGroups)
      if matches.isEmpty { return call[0] }
      return call.arena.make { (result: inout [UInt8]) in
        var at = 0
        for (index, match) in matches.enumerated() where number == 0 || index == number - 1 {
          Calls.append(text.characters[at..<match.range.lowerBound], to: &result)
          append(replacement, match, text, to: &result)
          at = match.range.upperBound
        }
        Calls.append(text.characters[at...], to: &result)
      }
    }

    /// The replacement, in which `\1` is a group, `\&` the whole, and `\\` a backslash.
    private static func append(
      _ replacement: ByteView, _ match: RegularExpression.Match, _ text: RegularExpressionText,
      to result: inout [UInt8]
    ) {
      var at = 0
      while at < replacement.count {
        let byte = replacement[at]
        at += 1
        guard byte == UInt8(ascii: "\\"), at < replacement.count else {
          result.append(byte)
          continue
        }
        let letter = replacement[at]
        switch letter {
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
          let number = Int(letter - UInt8(ascii: "0"))
          if number <= match.groups.count, let range = match.groups[number - 1] {
            Calls.append(text.characters[range], to: &result)
          }
          at += 1
        case UInt8(ascii: "&"):
          Calls.append(text.characters[match.range], to: &result)
          at += 1
        case UInt8(ascii: "\\"):
          result.append(byte)
          at += 1
        default: result.append(byte)
        }
      }
    }
  }

  private mutating func addSimilarTo() {
    scalar("similar_to_escape_1") { (call) throws(TypeError) in
      try call.make { (text) throws(TypeError) in
        try SimilarPattern.append(call.text(0), escape: ByteView("\\"), to: &text)
      }
    }
    scalar("similar_to_escape_2") { (call) throws(TypeError) in
      try call.make { (text) throws(TypeError) in
        try SimilarPattern.append(call.text(0), escape: call.text(1), to: &text)
      }
    }
    scalar("similar_escape") { (call) throws(TypeError) in
      guard let pattern = call.optional(0)?.bytes else { return nil }
      let escape = call.optional(1)?.bytes ?? ByteView("\\")
      return try call.make { (text) throws(TypeError) in
        try SimilarPattern.append(pattern, escape: escape, to: &text)
      }
    }
    // substring(text similar pattern escape character).
    scalar("substring(text,text,text)") { (call) throws(TypeError) in
      var pattern: [UInt8] = []
      try SimilarPattern.append(call.text(1), escape: call.text(2), to: &pattern)
      let expression = try pattern.withByteView { (view) throws(TypeError) in
        try Calls.expression(call, view, RegularExpressionOptions())
      }
      let text = Calls.text(call, call.text(0))
      guard let match = try expression.firstMatch(in: text, from: 0) else { return nil }
      if expression.groupCount == 0 { return Calls.value(call, text, match.range) }
      return match.groups[0].map { Calls.value(call, text, $0) }
    }
  }
}
