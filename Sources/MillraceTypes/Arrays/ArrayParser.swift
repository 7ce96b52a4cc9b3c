/// Takes an array's text apart: `{1,2,NULL}`, `{{a,b},{"c d",e}}`, `[0:1]={1,2}` (PostgreSQL 17's `array_in`).
struct ArrayParser {
  private let text: ByteView
  private let delimiter: UInt8
  private var at = 0
  var shape = ArrayShape()

  private enum Token {
    case levelStart, levelEnd, delimiter, null
    case element([UInt8])
  }

  init(_ text: ByteView, delimiter: UInt8) {
    self.text = text
    self.delimiter = delimiter
  }

  private func malformed(_ detail: String) -> TypeError {
    TypeError(.invalidTextRepresentation, "malformed array literal: \"\(text.string)\"", detail: detail)
  }

  private func unexpected(_ byte: UInt8) -> TypeError {
    malformed("Unexpected \"\(Character(Unicode.Scalar(byte)))\" character.")
  }

  private mutating func skipSpace() {
    while at < text.count, ASCII.isSpace(text[at]) { at += 1 }
  }

  private func isNext(_ byte: UInt8) -> Bool { at < text.count && text[at] == byte }

  /// The elements' texts, nil where NULL. Afterwards ``shape`` has the dimensions.
  mutating func parse() throws(TypeError) -> [[UInt8]?] {
    let hasDimensions = try parseDimensions()
    if hasDimensions {
      guard isNext(UInt8(ascii: "=")) else { throw malformed("Missing \"=\" after array dimensions.") }
      at += 1
      skipSpace()
      guard isNext(UInt8(ascii: "{")) else { throw malformed("Array contents must start with \"{\".") }
    } else {
      guard isNext(UInt8(ascii: "{")) else {
        throw malformed("Array value must start with \"{\" or dimension information.")
      }
    }
    let elements = try parseContents(hasDimensions: hasDimensions)
    skipSpace()
    guard at == text.count else { throw malformed("Junk after closing right brace.") }
    if elements.isEmpty { shape = ArrayShape() }
    if !hasDimensions { shape.lowerBounds = shape.lengths.map { _ in 1 } }
    return elements
  }

  // MARK: - Dimensions

  private mutating func parseDimensions() throws(TypeError) -> Bool {
    skipSpace()
    while isNext(UInt8(ascii: "[")) {
      at += 1
      guard shape.lengths.count < ArrayShape.dimensionsMax else {
        throw TypeError(
          .programLimitExceeded, "number of array dimensions exceeds the maximum allowed (\(ArrayShape.dimensionsMax))")
      }
      guard let first = try parseBound() else { throw explicitDimensions() }
      var (lower, upper) = (1, first)
      if isNext(UInt8(ascii: ":")) {
        at += 1
        lower = first
        guard let second = try parseBound() else { throw malformed("Missing array dimension value.") }
        upper = second
      }
      guard isNext(UInt8(ascii: "]")) else { throw malformed("Missing \"]\" after array dimensions.") }
      at += 1
      if upper == Int(Int32.max) {
        throw TypeError(.programLimitExceeded, "array upper bound is too large: \(upper)")
      }
      guard upper >= lower else {
        throw TypeError(.arraySubscriptError, "upper bound cannot be less than lower bound")
      }
      shape.lengths.append(upper - lower + 1)
      shape.lowerBounds.append(lower)
      skipSpace()
    }
    return !shape.lengths.isEmpty
  }

  private func explicitDimensions() -> TypeError {
    malformed("\"[\" must introduce explicitly-specified array dimensions.")
  }

  private mutating func parseBound() throws(TypeError) -> Int? {
    let start = at
    if isNext(UInt8(ascii: "-")) || isNext(UInt8(ascii: "+")) { at += 1 }
    let first = at
    var value = 0
    while at < text.count, ASCII.isDigit(text[at]) {
      value = value * 10 + Int(text[at] - UInt8(ascii: "0"))
      if value > Int(Int32.max) {
        throw TypeError(.programLimitExceeded, "array bound is out of integer range")
      }
      at += 1
    }
    if at == first {
      at = start
      return nil
    }
    return text[start] == UInt8(ascii: "-") ? -value : value
  }

  // MARK: - Contents

  private mutating func parseContents(hasDimensions: Bool) throws(TypeError) -> [[UInt8]?] {
    var elements: [[UInt8]?] = []
    var lengths = hasDimensions ? shape.lengths.map(Optional.some) : []
    var counts: [Int] = []
    var isFrozen = hasDimensions
    var expectsDelimiter = false
    let mismatch = malformed(
      hasDimensions
        ? "Specified array dimensions do not match array contents."
        : "Multidimensional arrays must have sub-arrays with matching dimensions.")
    repeat {
      switch try nextToken() {
      case .levelStart:
        if expectsDelimiter { throw unexpected(UInt8(ascii: "{")) }
        guard counts.count < ArrayShape.dimensionsMax else {
          throw TypeError(
            .programLimitExceeded,
            "number of array dimensions exceeds the maximum allowed (\(ArrayShape.dimensionsMax))")
        }
        counts.append(0)
        if counts.count > lengths.count {
          if isFrozen { throw mismatch }
          lengths.append(nil)
        }
      case .levelEnd:
        guard let count = counts.popLast() else { throw unexpected(UInt8(ascii: "}")) }
        if count > 0, !expectsDelimiter { throw unexpected(UInt8(ascii: "}")) }
        if let outer = counts.indices.last { counts[outer] += 1 }
        let expected = lengths[counts.count] ?? count
        if expected != count { throw mismatch }
        lengths[counts.count] = expected
        expectsDelimiter = true
      case .delimiter:
        if !expectsDelimiter { throw unexpected(delimiter) }
        expectsDelimiter = false
      case .null: try add(nil)
      case .element(let element): try add(element)
      }
    } while !counts.isEmpty
    shape.lengths = lengths.map { $0 ?? 0 }
    return elements

    func add(_ element: [UInt8]?) throws(TypeError) {
      if expectsDelimiter { throw malformed("Unexpected array element.") }
      isFrozen = true
      guard counts.count == lengths.count else { throw mismatch }
      elements.append(element)
      counts[counts.count - 1] += 1
      expectsDelimiter = true
    }
  }

  private mutating func nextToken() throws(TypeError) -> Token {
    skipSpace()
    guard at < text.count else { throw malformed("Unexpected end of input.") }
    switch text[at] {
    case UInt8(ascii: "{"):
      at += 1
      return .levelStart
    case UInt8(ascii: "}"):
      at += 1
      return .levelEnd
    case UInt8(ascii: "\""):
      at += 1
      return .element(try quotedElement())
    case delimiter:
      at += 1
      return .delimiter
    default: return try unquotedElement()
    }
  }

  private mutating func quotedElement() throws(TypeError) -> [UInt8] {
    var element: [UInt8] = []
    while at < text.count, text[at] != UInt8(ascii: "\"") {
      if text[at] == UInt8(ascii: "\\") {
        at += 1
        guard at < text.count else { break }
      }
      element.append(text[at])
      at += 1
    }
    guard at < text.count else { throw malformed("Unexpected end of input.") }
    at += 1
    skipSpace()
    guard at < text.count else { throw malformed("Unexpected end of input.") }
    guard isNext(delimiter) || isNext(UInt8(ascii: "{")) || isNext(UInt8(ascii: "}")) else {
      throw malformed("Incorrectly quoted array element.")
    }
    return element
  }

  private mutating func unquotedElement() throws(TypeError) -> Token {
    var element: [UInt8] = []
    var end = 0
    var hasEscape = false
    while at < text.count, text[at] != delimiter, text[at] != UInt8(ascii: "}") {
      switch text[at] {
      case UInt8(ascii: "{"): throw unexpected(text[at])
      case UInt8(ascii: "\""): throw malformed("Incorrectly quoted array element.")
      case UInt8(ascii: "\\"):
        at += 1
        guard at < text.count else { throw malformed("Unexpected end of input.") }
        hasEscape = true
        element.append(text[at])
        end = element.count
      default:
        element.append(text[at])
        if !ASCII.isSpace(text[at]) { end = element.count }
      }
      at += 1
    }
    guard at < text.count else { throw malformed("Unexpected end of input.") }
    element.removeLast(element.count - end)
    if !hasEscape, element.withByteView({ ASCII.isEqualIgnoringCase($0, "NULL") }) { return .null }
    return .element(element)
  }
}
