/// Puts the digits of a number into the places of a template, one after the other.
struct NumberWriter {
  private var layout: NumberLayout
  private let digits: [UInt8]
  private let isNegative: Bool
  /// Places before the number's first digit.
  private let spaces: Int
  private var isSignWritten: Bool
  /// The last digit after the point that is not zero, or the point: what follows is left out where the template says
  /// FM.
  private var lastRelevant: Int?
  private var count: Int
  private var current = 0
  private var at = 0
  /// Whether the place before held a digit.
  private var isInNumber = false
  private(set) var output: [UInt8] = []
  /// Where a place asked for a digit after the last one. PostgreSQL writes the zero there that ends a string in C, and
  /// so nothing of what follows is seen.
  private var end: Int?

  init(_ layout: NumberLayout, _ digits: [UInt8], spaces: Int, isNegative: Bool) {
    self.layout = layout
    self.digits = digits
    self.spaces = spaces
    self.isNegative = isNegative
    let flags = layout.flags
    if !flags.isDisjoint(with: [.plus, .minus]) {
      isSignWritten = flags.contains(.minus)
    } else {
      if !isNegative, flags.contains(.fillMode) { self.layout.flags.remove(.brackets) }
      isSignWritten = !isNegative && flags.contains(.fillMode) && !flags.contains(.localeSign)
      if layout.signPlace == .before, layout.before == layout.digitsBeforeSign { self.layout.signPlace = .after }
    }
    count = layout.after + layout.before - 1
    if flags.isSuperset(of: [.fillMode, .decimal]), let point = digits.firstIndex(of: UInt8(ascii: ".")) {
      var last = digits.lastIndex { $0 != UInt8(ascii: "0") } ?? point
      last = max(last, point)
      if layout.zeroEnd > spaces { last = max(last, min(digits.count - 1, layout.zeroEnd - spaces)) }
      lastRelevant = last
    }
    if !isSignWritten, spaces == 0 { count += 1 }
  }

  mutating func write(_ nodes: [TemplateNode<NumberPattern>]) throws(TypeError) {
    defer { if let end { output.removeLast(output.count - end) } }
    for node in nodes {
      switch node {
      case .literal(let character), .separator(let character), .space(let character):
        output.append(contentsOf: character)
      case .pattern(let pattern, _): try write(pattern)
      }
    }
  }

  private var isFilled: Bool { layout.flags.contains(.fillMode) }

  private mutating func write(_ pattern: NumberPattern) throws(TypeError) {
    switch pattern {
    case .nine: writePlace(isZero: false)
    case .zero: writePlace(isZero: true)
    case .point, .localePoint: writePlace(isZero: false)
    case .comma, .group:
      if isInNumber { output.append(",") } else if !isFilled { output.append(" ") }
    case .currency: output.append(" ")
    case .ordinal(let upper):
      if digits.first == UInt8(ascii: "#") || isNegative || layout.flags.contains(.decimal) { return }
      guard let last = digits.last, ASCII.isDigit(last) else {
        throw TypeError(
          .invalidTextRepresentation, "\"\(String(decoding: digits, as: UTF8.self))\" is not a number")
      }
      output.append(Ordinal.suffix(digits, upper: upper))
    case .minus:
      if isNegative { output.append("-") } else if !isFilled { output.append(" ") }
    case .plus:
      if !isNegative { output.append("+") } else if !isFilled { output.append(" ") }
    case .signed: output.append(isNegative ? "-" : "+")
    case .blank, .exponent, .fillMode, .brackets, .roman, .sign, .spelled, .shift, .unused: break
    }
  }

  private func digit(_ index: Int) -> UInt8? { index < digits.count ? digits[index] : nil }

  private var endsAtPoint: Bool { lastRelevant.map { digits[$0] == UInt8(ascii: ".") } ?? false }

  /// A lone zero before the point, for which `9.9` has no digit.
  private var isZeroBeforePoint: Bool {
    !layout.flags.contains(.zero) && at == 0 && digits.first == UInt8(ascii: "0") && layout.after != 0
  }

  private mutating func writeSign() {
    let flags = layout.flags
    if flags.contains(.localeSign) {
      if layout.signPlace == .before {
        output.append(isNegative ? "-" : "+")
        isSignWritten = true
      }
    } else if flags.contains(.brackets) {
      output.append(isNegative ? "<" : " ")
      isSignWritten = true
    } else if !isNegative {
      if !isFilled { output.append(" ") }
      isSignWritten = true
    } else {
      output.append("-")
      isSignWritten = true
    }
  }

  /// A digit, a point, or what stands where there is none.
  private mutating func writePlace(isZero: Bool) {
    isInNumber = false
    let hasZeros = layout.flags.contains(.zero)
    if !isSignWritten, current >= spaces || (hasZeros && layout.zeroStart == current),
      !isZeroBeforePoint || endsAtPoint
    {
      writeSign()
    }
    if current < spaces, layout.zeroStart > current || !hasZeros {
      if !isFilled { output.append(" ") }
    } else if hasZeros, current < spaces, layout.zeroStart <= current {
      output.append("0")
      isInNumber = true
    } else {
      writeDigit(isZero: isZero)
      if at < digits.count { at += 1 }
    }
    var end = count + (spaces > 0 ? 1 : 0) + (layout.flags.contains(.decimal) ? 1 : 0)
    if let lastRelevant, lastRelevant == at { end = current }
    if current + 1 == end {
      if isSignWritten, layout.flags.contains(.brackets) {
        output.append(isNegative ? ">" : " ")
      } else if layout.flags.contains(.localeSign), layout.signPlace == .after {
        output.append(isNegative ? "-" : "+")
      }
    }
    current += 1
  }

  private mutating func writeDigit(isZero: Bool) {
    let byte = digit(at)
    if byte == UInt8(ascii: ".") {
      if lastRelevant == nil || !endsAtPoint || isFilled { output.append(".") }
    } else if let lastRelevant, at > lastRelevant, !isZero {
      return
    } else if isZeroBeforePoint {
      if !isFilled { output.append(" ") } else if endsAtPoint { output.append("0") }
    } else {
      if let byte { output.append(byte) } else if end == nil { end = output.count }
      isInNumber = true
    }
  }
}
