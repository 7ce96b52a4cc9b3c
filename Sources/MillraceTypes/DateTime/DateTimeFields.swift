/// A text of a date, a time or an interval, taken apart into fields (datetime.c's ParseDateTime).
struct DateTimeField {
  enum Kind { case number, date, time, string, special, zone }

  let kind: Kind
  /// Letters are in lower case.
  let text: [UInt8]

  static let countMax = 25

  static func split(_ text: ByteView) throws(DateTimeError) -> [DateTimeField] {
    var splitter = Splitter(text: text)
    return try splitter.split()
  }

  private struct Splitter {
    let text: ByteView
    var at = 0
    var word: [UInt8] = []

    var current: UInt8 { at < text.count ? text[at] : 0 }
    func isCurrent(_ byte: Unicode.Scalar) -> Bool { current == UInt8(ascii: byte) }
    var isDigit: Bool { ASCII.isDigit(current) }
    var isLetter: Bool { ASCII.isLetter(current) }

    mutating func take() {
      word.append(ASCII.lower(current))
      at += 1
    }

    mutating func takeDigits() { while isDigit { take() } }

    mutating func split() throws(DateTimeError) -> [DateTimeField] {
      var fields: [DateTimeField] = []
      while at < text.count {
        if ASCII.isSpace(current) {
          at += 1
          continue
        }
        guard fields.count < countMax else { throw .badFormat }
        word = []
        let kind: Kind
        if isDigit {
          kind = takeNumber()
        } else if isCurrent(".") {
          take()
          takeDigits()
          kind = .number
        } else if isLetter {
          kind = takeWord()
        } else if isCurrent("+") || isCurrent("-") {
          kind = try takeSigned()
        } else if ASCII.isPunctuation(current) {
          at += 1
          continue
        } else {
          throw .badFormat
        }
        fields.append(DateTimeField(kind: kind, text: word))
      }
      return fields
    }

    /// A time, a date, or a number that what surrounds it will tell the meaning of.
    mutating func takeNumber() -> Kind {
      takeDigits()
      if isCurrent(":") {
        take()
        while isDigit || isCurrent(":") || isCurrent(".") { take() }
        return .time
      }
      guard isCurrent("-") || isCurrent("/") || isCurrent(".") else { return .number }
      let delimiter = current
      take()
      if isDigit {
        var kind: Kind = delimiter == UInt8(ascii: ".") ? .number : .date
        takeDigits()
        if current == delimiter, at < text.count {
          kind = .date
          take()
          while isDigit || (current == delimiter && at < text.count) { take() }
        }
        return kind
      }
      while ASCII.isLetterOrDigit(current) || (current == delimiter && at < text.count) { take() }
      return .date
    }

    /// A word; or a date that begins with a month's name, or a time zone's name with punctuation in it.
    mutating func takeWord() -> Kind {
      while isLetter { take() }
      var isDate = isCurrent("-") || isCurrent("/") || isCurrent(".")
      if !isDate, isCurrent("+") || isDigit { isDate = DateTimeToken.ofDate(word) == nil }
      guard isDate else { return .string }
      repeat {
        take()
      } while ASCII.isLetterOrDigit(current) || isCurrent("+") || isCurrent("-") || isCurrent("/")
        || isCurrent("_") || isCurrent(".") || isCurrent(":")
      return .date
    }

    mutating func takeSigned() throws(DateTimeError) -> Kind {
      take()
      while ASCII.isSpace(current) { at += 1 }
      if isDigit {
        take()
        while isDigit || isCurrent(":") || isCurrent(".") || isCurrent("-") { take() }
        return .zone
      }
      guard isLetter else { throw .badFormat }
      while isLetter { take() }
      return .special
    }
  }
}

/// Numbers at the beginning of a field's text, as C's `strtol` and `strtod` find them.
enum DateTimeNumber {
  /// The number and where it ends; nil for a number that does not fit into 32 bits, or `bits`.
  static func integer(_ text: ArraySlice<UInt8>, bits: Int = 32) throws(DateTimeError) -> (value: Int, end: Int) {
    var at = text.startIndex
    var isNegative = false
    if at < text.endIndex, text[at] == UInt8(ascii: "-") || text[at] == UInt8(ascii: "+") {
      isNegative = text[at] == UInt8(ascii: "-")
      at += 1
    }
    let first = at
    var magnitude = 0
    var overflows = false
    while at < text.endIndex, ASCII.isDigit(text[at]) {
      let digit = Int(text[at] - UInt8(ascii: "0"))
      let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
      let (difference, carry) = product.subtractingReportingOverflow(digit)
      overflows = overflows || tooLarge || carry
      // Kept negative, for there is one negative number more than positive ones.
      magnitude = difference
      at += 1
    }
    if at == first { return (0, text.startIndex) }
    if !isNegative, magnitude == .min { overflows = true }
    if overflows { throw .fieldOverflow }
    let value = isNegative ? magnitude : -magnitude
    if bits == 32, Int32(exactly: value) == nil { throw .fieldOverflow }
    return (value, at)
  }

  /// A fraction that begins with its point (ParseFraction).
  static func fraction(_ text: ArraySlice<UInt8>) throws(DateTimeError) -> Double {
    guard text.dropFirst().allSatisfy(ASCII.isDigit) else { throw .badFormat }
    if text.count == 1 { return 0 }
    return Double("0" + String(decoding: text, as: UTF8.self)) ?? 0
  }

  /// The same in microseconds, rounded.
  static func microseconds(_ text: ArraySlice<UInt8>) throws(DateTimeError) -> Int {
    Int((try fraction(text) * 1_000_000).rounded(.toNearestOrEven))
  }
}
