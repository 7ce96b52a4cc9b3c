import MillraceTypes

/// How a regular expression is read and applied: the letters that PostgreSQL's functions take, and `(?...)`.
struct RegularExpressionOptions: Hashable {
  var ignoresCase = false
  /// `.` and complemented sets do not take newlines.
  var newlineStops = false
  /// `^` and `$` hold at lines.
  var anchorsAtLines = false
  var isExpanded = false
  var isLiteral = false

  /// - Returns: false for a letter that means nothing.
  mutating func apply(_ letter: UInt8) -> Bool {
    switch letter {
    case UInt8(ascii: "i"): ignoresCase = true
    case UInt8(ascii: "c"): ignoresCase = false
    case UInt8(ascii: "n"), UInt8(ascii: "m"): (newlineStops, anchorsAtLines) = (true, true)
    case UInt8(ascii: "p"): (newlineStops, anchorsAtLines) = (true, false)
    case UInt8(ascii: "w"): (newlineStops, anchorsAtLines) = (false, true)
    case UInt8(ascii: "s"): (newlineStops, anchorsAtLines) = (false, false)
    case UInt8(ascii: "x"): isExpanded = true
    case UInt8(ascii: "t"): isExpanded = false
    case UInt8(ascii: "q"): isLiteral = true
    case UInt8(ascii: "e"), UInt8(ascii: "b"): isLiteral = false
    default: return false
    }
    return true
  }
}

/// Reads PostgreSQL's advanced regular expressions (its documentation, 9.7.3; after Henry Spencer's).
struct RegularExpressionParser {
  private let pattern: [UInt32]
  private var at = 0
  private var options: RegularExpressionOptions
  private(set) var groupCount = 0
  private(set) var hasBackReferences = false
  private var lookAroundDepth = 0
  private var nesting = 0

  private static let nestingMax = 1000
  /// `DUPMAX`.
  private static let repetitionMax = 255

  init(_ pattern: [UInt32], _ options: RegularExpressionOptions) {
    (self.pattern, self.options) = (pattern, options)
  }

  static func invalid(_ message: String) -> TypeError {
    TypeError(SQLState("2201B"), "invalid regular expression: \(message)")
  }

  private func code(_ letter: Unicode.Scalar) -> UInt32 { letter.value }
  private func peek(_ offset: Int = 0) -> UInt32? { at + offset < pattern.count ? pattern[at + offset] : nil }
  private func looksAt(_ text: StaticString) -> Bool {
    let bytes = ByteView(text)
    guard at + bytes.count <= pattern.count else { return false }
    for index in 0..<bytes.count where pattern[at + index] != UInt32(bytes[index]) { return false }
    return true
  }

  /// The whole.
  mutating func parse() throws(TypeError) -> RegularExpressionNode {
    if looksAt("***=") {
      at += 4
      options.isLiteral = true
    } else if looksAt("***:") {
      at += 4
    } else if looksAt("***") {
      throw Self.invalid("quantifier operand invalid")
    }
    if options.isLiteral {
      let letters = pattern[at...].map { RegularExpressionNode(.set(single($0))) }
      return RegularExpressionNode(.sequence(letters))
    }
    try parseEmbeddedOptions()
    let node = try parseChoice()
    if at < pattern.count { throw Self.invalid("parentheses () not balanced") }
    return node
  }

  /// `(?i)` at the beginning.
  private mutating func parseEmbeddedOptions() throws(TypeError) {
    guard looksAt("(?"), let letter = peek(2), (0x61...0x7A).contains(letter) else { return }
    at += 2
    while let letter = peek(), letter != code(")") {
      guard let byte = UInt8(exactly: letter), options.apply(byte) else {
        throw Self.invalid("invalid embedded option")
      }
      at += 1
    }
    guard peek() != nil else { throw Self.invalid("invalid embedded option") }
    at += 1
    if options.isLiteral { throw Self.invalid("invalid embedded option") }
  }

  private mutating func parseChoice() throws(TypeError) -> RegularExpressionNode {
    nesting += 1
    defer { nesting -= 1 }
    if nesting > Self.nestingMax { throw Self.invalid("regular expression is too complex") }
    try RegularExpressionWatch.checkStack()
    var choices = [try parseSequence()]
    while peek() == code("|") {
      at += 1
      choices.append(try parseSequence())
    }
    return choices.count == 1 ? choices[0] : RegularExpressionNode(.choice(choices))
  }

  private mutating func parseSequence() throws(TypeError) -> RegularExpressionNode {
    var parts: [RegularExpressionNode] = []
    while true {
      skipExpanded()
      guard let next = peek(), next != code("|"), next != code(")") || nesting == 1 else { break }
      if next == code(")"), nesting == 1 { throw Self.invalid("parentheses () not balanced") }
      parts.append(try parseQuantified())
    }
    if parts.isEmpty { return RegularExpressionNode(.empty) }
    return parts.count == 1 ? parts[0] : RegularExpressionNode(.sequence(parts))
  }

  /// White space and comments, where they do not count; `(?#...)` always.
  private mutating func skipExpanded() {
    while let next = peek() {
      if looksAt("(?#") {
        while let skipped = peek(), skipped != code(")") { at += 1 }
        at += peek() == nil ? 0 : 1
        continue
      }
      guard options.isExpanded else { return }
      if CharacterSet.spaces.contains(next) {
        at += 1
      } else if next == code("#") {
        while let skipped = peek(), skipped != 0x0A { at += 1 }
      } else {
        return
      }
    }
  }

  // MARK: Atoms

  private mutating func parseQuantified() throws(TypeError) -> RegularExpressionNode {
    let atom = try parseAtom()
    skipExpanded()
    guard let (min, max, isRange) = try parseQuantifier() else { return atom }
    if case .constraint = atom.kind { throw Self.invalid("quantifier operand invalid") }
    var isShortest = false
    if peek() == code("?") {
      at += 1
      isShortest = true
    }
    skipExpanded()
    let saved = at
    if try parseQuantifier() != nil {
      at = saved
      throw Self.invalid("quantifier operand invalid")
    }
    return RegularExpressionNode(.repetition(atom, min: min, max: max), isShortest: isShortest, isRange: isRange)
  }

  private mutating func parseQuantifier() throws(TypeError) -> (min: Int, max: Int?, isRange: Bool)? {
    switch peek() {
    case code("*"):
      at += 1
      return (0, nil, true)
    case code("+"):
      at += 1
      return (1, nil, true)
    case code("?"):
      at += 1
      return (0, 1, true)
    case code("{"):
      guard let digit = peek(1), CharacterSet.digits.contains(digit) else { return nil }
      at += 1
      let min = try parseCount()
      var max: Int? = min
      var isRange = false
      if peek() == code(",") {
        at += 1
        (max, isRange) = (nil, true)
        if let digit = peek(), CharacterSet.digits.contains(digit) { max = try parseCount() }
      }
      guard peek() == code("}") else {
        throw Self.invalid(peek() == nil ? "braces {} not balanced" : "invalid repetition count(s)")
      }
      at += 1
      if let max, max < min { throw Self.invalid("invalid repetition count(s)") }
      return (min, max, isRange)
    default: return nil
    }
  }

  private mutating func parseCount() throws(TypeError) -> Int {
    var count = 0
    while let digit = peek(), CharacterSet.digits.contains(digit) {
      count = count * 10 + Int(digit - 0x30)
      at += 1
      if count > Self.repetitionMax { throw Self.invalid("invalid repetition count(s)") }
    }
    return count
  }

  private func single(_ character: UInt32) -> CharacterSet {
    let set = CharacterSet(character...character)
    return options.ignoresCase ? set.ignoringCase : set
  }

  private mutating func parseAtom() throws(TypeError) -> RegularExpressionNode {
    guard let next = peek() else { return RegularExpressionNode(.empty) }
    at += 1
    switch next {
    case code("("): return try parseGroup()
    case code("["): return try parseBracket()
    case code("."):
      var set = CharacterSet.all
      if options.newlineStops { set.remove(0x0A) }
      return RegularExpressionNode(.set(set))
    case code("^"): return RegularExpressionNode(.constraint(options.anchorsAtLines ? .lineStart : .textStart))
    case code("$"): return RegularExpressionNode(.constraint(options.anchorsAtLines ? .lineEnd : .textEnd))
    case code("\\"): return try parseEscape()
    case code("*"), code("+"), code("?"): throw Self.invalid("quantifier operand invalid")
    case code("{"):
      if let digit = peek(), CharacterSet.digits.contains(digit) { throw Self.invalid("quantifier operand invalid") }
      return RegularExpressionNode(.set(single(next)))
    default: return RegularExpressionNode(.set(single(next)))
    }
  }

  private mutating func parseGroup() throws(TypeError) -> RegularExpressionNode {
    if looksAt("?:") {
      at += 2
      return try parseUntilParenthesis()
    }
    let lookArounds: [(StaticString, Bool, Bool)] = [
      ("?=", true, false), ("?!", true, true), ("?<=", false, false), ("?<!", false, true),
    ]
    for (text, isAhead, isNegated) in lookArounds where looksAt(text) {
      at += text.utf8CodeUnitCount
      lookAroundDepth += 1
      defer { lookAroundDepth -= 1 }
      let inner = try parseUntilParenthesis()
      if inner.program.isTooLarge { throw Self.invalid("regular expression is too complex") }
      return RegularExpressionNode(.constraint(.lookAround(inner, isAhead: isAhead, isNegated: isNegated)))
    }
    if peek() == code("?") { throw Self.invalid("quantifier operand invalid") }
    // Groups in a constraint remember nothing.
    if lookAroundDepth > 0 { return try parseUntilParenthesis() }
    groupCount += 1
    let number = groupCount
    return RegularExpressionNode(.group(number, try parseUntilParenthesis()))
  }

  private mutating func parseUntilParenthesis() throws(TypeError) -> RegularExpressionNode {
    let inner = try parseChoice()
    guard peek() == code(")") else { throw Self.invalid("parentheses () not balanced") }
    at += 1
    return inner
  }

  // MARK: Escapes

  private mutating func parseEscape() throws(TypeError) -> RegularExpressionNode {
    guard let next = peek() else { throw Self.invalid("invalid escape \\ sequence") }
    at += 1
    if let set = Self.shorthand(next) { return RegularExpressionNode(.set(stopping(set, next))) }
    let constraints: [UInt32: RegularExpressionNode.Constraint] = [
      code("A"): .textStart, code("Z"): .textEnd, code("m"): .wordStart, code("M"): .wordEnd,
      code("y"): .wordBoundary, code("Y"): .noWordBoundary,
    ]
    if let constraint = constraints[next] { return RegularExpressionNode(.constraint(constraint)) }
    if (0x31...0x39).contains(next), let number = try parseReference(next) {
      hasBackReferences = true
      if lookAroundDepth > 0 { throw Self.invalid("invalid backreference number") }
      return RegularExpressionNode(.backReference(number))
    }
    at -= 1
    return RegularExpressionNode(.set(single(try parseCharacterEscape())))
  }

  /// Complemented classes do not take newlines where those stop.
  private func stopping(_ set: CharacterSet, _ letter: UInt32) -> CharacterSet {
    var set = set
    if options.newlineStops, letter == code("D") || letter == code("W") { set.remove(0x0A) }
    return set
  }

  private static func shorthand(_ letter: UInt32) -> CharacterSet? {
    switch Unicode.Scalar(letter) {
    case "d": CharacterSet.digits
    case "s": CharacterSet.spaces
    case "w": CharacterSet.word
    case "D": CharacterSet.digits.inverted
    case "S": CharacterSet.spaces.inverted
    case "W": CharacterSet.word.inverted
    default: nil
    }
  }

  /// `\1`; with more digits, a reference only where there are so many groups, else an octal number.
  private mutating func parseReference(_ first: UInt32) throws(TypeError) -> Int? {
    var number = Int(first - 0x30)
    var end = at
    while end < pattern.count, CharacterSet.digits.contains(pattern[end]), end - at < 2 {
      let longer = number * 10 + Int(pattern[end] - 0x30)
      if longer > groupCount { break }
      number = longer
      end += 1
    }
    let hasMoreDigits = end < pattern.count && CharacterSet.digits.contains(pattern[end]) && end == at
    if number > groupCount {
      if hasMoreDigits { return nil }
      throw Self.invalid("invalid backreference number")
    }
    at = end
    return number
  }

  /// An escape that stands for one character; the backslash has been read.
  private mutating func parseCharacterEscape() throws(TypeError) -> UInt32 {
    guard let next = peek() else { throw Self.invalid("invalid escape \\ sequence") }
    at += 1
    let simple: [UInt32: UInt32] = [
      code("a"): 7, code("b"): 8, code("B"): 0x5C, code("e"): 0x1B, code("f"): 0x0C, code("n"): 0x0A, code("r"): 0x0D,
      code("t"): 9, code("v"): 0x0B,
    ]
    if let character = simple[next] { return character }
    switch next {
    case code("c"):
      guard let letter = peek() else { throw Self.invalid("invalid escape \\ sequence") }
      at += 1
      return letter & 0x1F
    case code("u"): return try parseHexadecimal(min: 4, max: 4)
    case code("U"): return try parseHexadecimal(min: 8, max: 8)
    case code("x"): return try parseHexadecimal(min: 1, max: 255)
    case 0x30...0x39:
      at -= 1
      var value: UInt32 = 0
      var count = 0
      while count < 3, let digit = peek(), (0x30...0x37).contains(digit), value * 8 + digit - 0x30 <= 0xFF {
        value = value * 8 + digit - 0x30
        at += 1
        count += 1
      }
      if count == 0 { throw Self.invalid("invalid escape \\ sequence") }
      return value
    default:
      if (0x41...0x5A).contains(next) || (0x61...0x7A).contains(next) {
        throw Self.invalid("invalid escape \\ sequence")
      }
      return next
    }
  }

  private mutating func parseHexadecimal(min: Int, max: Int) throws(TypeError) -> UInt32 {
    var value: UInt32 = 0
    var count = 0
    while count < max, let digit = peek(), let number = Self.hexadecimal(digit) {
      value = value << 4 | number
      if value > 0x7FFF_FFFF { throw Self.invalid("invalid escape \\ sequence") }
      at += 1
      count += 1
    }
    guard count >= min else { throw Self.invalid("invalid escape \\ sequence") }
    return value
  }

  private static func hexadecimal(_ digit: UInt32) -> UInt32? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }

  // MARK: Brackets

  private mutating func parseBracket() throws(TypeError) -> RegularExpressionNode {
    if looksAt("[:<:]]") {
      at += 6
      return RegularExpressionNode(.constraint(.wordStart))
    }
    if looksAt("[:>:]]") {
      at += 6
      return RegularExpressionNode(.constraint(.wordEnd))
    }
    var isNegated = false
    if peek() == code("^") {
      at += 1
      isNegated = true
    }
    var set = CharacterSet()
    var isFirst = true
    while true {
      guard let next = peek() else { throw Self.invalid("brackets [] not balanced") }
      if next == code("]"), !isFirst {
        at += 1
        break
      }
      isFirst = false
      try parseBracketItem(into: &set)
    }
    if options.ignoresCase { set = set.ignoringCase }
    if isNegated {
      set = set.inverted
      if options.newlineStops { set.remove(0x0A) }
    }
    return RegularExpressionNode(.set(set))
  }

  private mutating func parseBracketItem(into set: inout CharacterSet) throws(TypeError) {
    if looksAt("[:") {
      at += 2
      let name = try parseBracketName(end: ":")
      guard let named = CharacterSet(named: name) else { throw Self.invalid("invalid character class") }
      return set.formUnion(named)
    }
    if looksAt("\\"), let letter = peek(1), let shorthand = Self.shorthand(letter) {
      at += 2
      return set.formUnion(shorthand)
    }
    let start = try parseBracketCharacter()
    guard peek() == code("-"), let after = peek(1), after != code("]") else { return set.insert(start...start) }
    at += 1
    if looksAt("[:") { throw Self.invalid("invalid character range") }
    let end = try parseBracketCharacter()
    guard start <= end else { throw Self.invalid("invalid character range") }
    set.insert(start...end)
  }

  private mutating func parseBracketCharacter() throws(TypeError) -> UInt32 {
    guard let next = peek() else { throw Self.invalid("brackets [] not balanced") }
    if looksAt("[.") || looksAt("[=") {
      at += 2
      let name = try parseBracketName(end: next == 0 ? "." : pattern[at - 1] == code(".") ? "." : "=")
      guard let only = name.unicodeScalars.first, name.unicodeScalars.count == 1 else {
        throw Self.invalid("invalid collating element")
      }
      return only.value
    }
    at += 1
    if next == code("\\") { return try parseCharacterEscape() }
    return next
  }

  private mutating func parseBracketName(end: Unicode.Scalar) throws(TypeError) -> String {
    var name = String.UnicodeScalarView()
    while let next = peek() {
      if next == end.value, peek(1) == code("]") {
        at += 2
        return String(name)
      }
      if let scalar = Unicode.Scalar(next) { name.append(scalar) }
      at += 1
    }
    throw Self.invalid("brackets [] not balanced")
  }
}
