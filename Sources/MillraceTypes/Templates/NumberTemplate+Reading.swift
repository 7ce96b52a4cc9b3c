extension NumberTemplate {
  /// `to_number`: the number that a text holds in the places of the template.
  public func number(from text: ByteView) throws(TypeError) -> Numeric {
    if layout.flags.contains(.exponent) {
      throw TypeError(.featureNotSupported, "\"EEEE\" not supported for input")
    }
    var reader = NumberReader(layout, text)
    try reader.read(nodes)
    var value = try reader.number.withByteView { (number) throws(TypeError) in try Numeric(parsing: number) }
    let precision = reader.layout.before + layout.shifted + reader.digitsAfter
    value = try NumericType.apply(
      typmod: NumericType.typmod(precision: precision, scale: reader.digitsAfter), to: value)
    guard layout.flags.contains(.shift) else { return value }
    return value * (try Numeric.power(Numeric(Int64(10)), Numeric(Int64(-layout.shifted))))
  }
}

/// Collects the digits of a number from a text, place by place (formatting.c's NUM_processor for `to_number`).
struct NumberReader {
  private(set) var layout: NumberLayout
  private let text: ByteView
  private var at = 0
  private var sign = UInt8(ascii: " ")
  private var digits: [UInt8] = []
  private var digitsBefore = 0
  private(set) var digitsAfter = 0
  private var hasPoint = false

  init(_ layout: NumberLayout, _ text: ByteView) {
    self.layout = layout
    self.text = text
  }

  /// What was read, with its sign.
  var number: [UInt8] {
    var number = [sign] + digits
    if number.last == UInt8(ascii: ".") { number.removeLast() }
    return number
  }

  private var isAtEnd: Bool { at >= text.count }
  private func isNext(_ byte: Unicode.Scalar) -> Bool { !isAtEnd && text[at] == UInt8(ascii: byte) }
  private var hasNoSign: Bool { sign == UInt8(ascii: " ") }

  mutating func read(_ nodes: [TemplateNode<NumberPattern>]) throws(TypeError) {
    for node in nodes {
      if isAtEnd { return }
      switch node {
      case .literal, .separator, .space: skipCharacter()
      case .pattern(let pattern, _): try read(pattern)
      }
    }
  }

  private mutating func skipCharacter() {
    at += min(UTF8Encoding.length(ofCharacterWith: text[at]), text.count - at)
  }

  /// Skips characters that cannot belong to the number.
  private mutating func skipOthers(_ count: Int) {
    for _ in 0..<count {
      guard !isAtEnd, !"0123456789.,+-".utf8.contains(text[at]) else { return }
      skipCharacter()
    }
  }

  private mutating func read(_ pattern: NumberPattern) throws(TypeError) {
    switch pattern {
    case .nine, .zero: readPlace(isDigit: true)
    case .point, .localePoint: readPlace(isDigit: false)
    case .comma, .group:
      // A group's separator is looked for once the number has begun, or anywhere where the template is not filled.
      if !layout.flags.contains(.fillMode), isNext(",") { at += 1 }
    case .currency: skipOthers(1)
    case .ordinal:
      if !layout.flags.contains(.decimal) { skipOthers(2) }
    case .minus:
      if isNext("-") { takeSign() } else { skipOthers(1) }
    case .plus:
      if isNext("+") { takeSign() } else { skipOthers(1) }
    case .signed:
      if isNext("-") || isNext("+") { takeSign() } else { skipOthers(1) }
    case .roman: try readRoman()
    case .blank, .exponent, .fillMode, .brackets, .sign, .spelled, .shift, .unused: break
    }
  }

  private mutating func takeSign() {
    sign = text[at]
    at += 1
  }

  private mutating func readPlace(isDigit: Bool) {
    if isNext(" ") { at += 1 }
    if isAtEnd { return }
    if hasNoSign, isDigit, digitsBefore + digitsAfter == 0 { readLeadingSign() }
    if isAtEnd { return }
    var isRead = false
    if ASCII.isDigit(text[at]) {
      if hasPoint, digitsAfter == layout.after {
        at += 1
        return
      }
      digits.append(text[at])
      if hasPoint { digitsAfter += 1 } else { digitsBefore += 1 }
      isRead = true
    } else if layout.flags.contains(.decimal), !hasPoint, isNext(".") {
      digits.append(text[at])
      hasPoint = true
      isRead = true
    }
    if hasNoSign, digitsBefore + digitsAfter > 0 { readTrailingSign(isRead) }
    at += 1
  }

  private mutating func readLeadingSign() {
    if layout.flags.contains(.localeSign), layout.signPlace == .before {
      if isNext("-") || isNext("+") { takeSign() }
    } else if isNext("-") || (layout.flags.contains(.brackets) && isNext("<")) {
      sign = UInt8(ascii: "-")
      at += 1
    } else if isNext("+") {
      takeSign()
    }
  }

  private mutating func readTrailingSign(_ isRead: Bool) {
    if layout.flags.contains(.localeSign), isRead, at + 1 < text.count, !ASCII.isDigit(text[at + 1]) {
      if text[at + 1] == UInt8(ascii: "-") || text[at + 1] == UInt8(ascii: "+") {
        at += 1
        sign = text[at]
      }
    } else if !isRead, layout.flags.isDisjoint(with: [.localeSign, .plus, .minus]), isNext("-") || isNext("+") {
      sign = text[at]
    }
  }

  private mutating func readRoman() throws(TypeError) {
    while isNext(" ") { at += 1 }
    let start = at
    while !isAtEnd, ASCII.isLetter(text[at]) { at += 1 }
    let letters = text[start..<at].map(ASCII.upper)
    guard let value = (1...3999).first(where: { NumberTemplate.roman($0) == letters }) else {
      throw TypeError(.invalidTextRepresentation, "invalid Roman numeral")
    }
    digits = Array("\(value)".utf8)
    layout.before = digits.count
  }
}
