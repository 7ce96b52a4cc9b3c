/// The patterns of a template of numbers.
enum NumberPattern: Sendable {
  case comma, point, zero, nine, blank, localePoint, exponent, fillMode, group, currency, minus, plus, brackets
  case roman(upper: Bool), signed, spelled, sign, ordinal(upper: Bool), shift
  /// C, which PostgreSQL knows and does nothing with.
  case unused

  private static let all: [(StaticString, NumberPattern)] = [
    (",", .comma), (".", .point), ("0", .zero), ("9", .nine), ("B", .blank), ("C", .unused), ("D", .localePoint),
    ("EEEE", .exponent),
    ("FM", .fillMode), ("G", .group), ("L", .currency), ("MI", .minus), ("PL", .plus), ("PR", .brackets),
    ("RN", .roman(upper: true)), ("SG", .signed), ("SP", .spelled), ("S", .sign), ("TH", .ordinal(upper: true)),
    ("V", .shift), ("b", .blank), ("c", .unused), ("d", .localePoint), ("eeee", .exponent), ("fm", .fillMode),
    ("g", .group),
    ("l", .currency), ("mi", .minus), ("pl", .plus), ("pr", .brackets), ("rn", .roman(upper: false)), ("sg", .signed),
    ("sp", .spelled), ("s", .sign), ("th", .ordinal(upper: false)), ("v", .shift),
  ]

  static func parse(_ template: ByteView) -> [TemplateNode<NumberPattern>] {
    var scanner = TemplateScanner(template)
    var nodes: [TemplateNode<NumberPattern>] = []
    while !scanner.isAtEnd {
      if let found = all.first(where: { scanner.skip($0.0) }) {
        nodes.append(.pattern(found.1, []))
      } else {
        scanner.appendLiterals(to: &nodes, separators: false)
      }
    }
    return nodes
  }
}

/// What a template of numbers says as a whole (formatting.c's NUMDesc).
struct NumberLayout: Sendable {
  struct Flags: OptionSet, Sendable {
    let rawValue: UInt16
    static let decimal = Self(rawValue: 1)
    static let zero = Self(rawValue: 2)
    static let blank = Self(rawValue: 4)
    static let fillMode = Self(rawValue: 8)
    static let localeSign = Self(rawValue: 16)
    static let brackets = Self(rawValue: 32)
    static let minus = Self(rawValue: 64)
    static let plus = Self(rawValue: 128)
    static let roman = Self(rawValue: 256)
    static let shift = Self(rawValue: 512)
    static let exponent = Self(rawValue: 1024)
  }

  enum SignPlace: Sendable { case none, before, after }

  var flags: Flags = []
  /// Digits before and after the point, and digits that `V` shifts by.
  var before = 0
  var after = 0
  var shifted = 0
  /// Where zeros begin and end, counted in digits, from 1; 0 where there are none.
  var zeroStart = 0
  var zeroEnd = 0
  var signPlace = SignPlace.none
  /// The digits before the S.
  var digitsBeforeSign = 0

  init(_ nodes: [TemplateNode<NumberPattern>]) throws(TypeError) {
    for case .pattern(let pattern, _) in nodes { try add(pattern) }
  }

  private static func syntax(_ message: String, detail: String? = nil) -> TypeError {
    TypeError(.syntaxError, message, detail: detail)
  }

  private mutating func add(_ pattern: NumberPattern) throws(TypeError) {
    if flags.contains(.exponent) {
      guard case .exponent = pattern else { throw Self.syntax("\"EEEE\" must be the last pattern used") }
    }
    switch pattern {
    case .nine, .zero: try addDigit(pattern)
    case .blank:
      if before == 0, after == 0, !flags.contains(.zero) { flags.insert(.blank) }
    case .localePoint, .point:
      if flags.contains(.decimal) { throw Self.syntax("multiple decimal points") }
      if flags.contains(.shift) { throw Self.syntax("cannot use \"V\" and decimal point together") }
      flags.insert(.decimal)
    case .fillMode: flags.insert(.fillMode)
    case .sign, .minus, .plus, .signed, .brackets: try addSign(pattern)
    case .roman:
      if flags.contains(.roman) { throw Self.syntax("cannot use \"RN\" twice") }
      flags.insert(.roman)
    case .shift:
      if flags.contains(.decimal) { throw Self.syntax("cannot use \"V\" and decimal point together") }
      flags.insert(.shift)
    case .exponent:
      if flags.contains(.exponent) { throw Self.syntax("cannot use \"EEEE\" twice") }
      if !flags.isDisjoint(
        with: [.blank, .fillMode, .localeSign, .brackets, .minus, .plus, .roman, .shift])
      {
        throw Self.syntax(
          "\"EEEE\" is incompatible with other formats",
          detail: "\"EEEE\" may only be used together with digit and decimal point patterns.")
      }
      flags.insert(.exponent)
    case .comma, .group, .currency, .ordinal, .spelled, .unused: break
    }
    if flags.contains(.roman), !flags.isSubset(of: [.roman, .fillMode]) {
      throw Self.syntax(
        "\"RN\" is incompatible with other formats", detail: "\"RN\" may only be used together with \"FM\".")
    }
  }

  private mutating func addDigit(_ pattern: NumberPattern) throws(TypeError) {
    if case .nine = pattern {
      if flags.contains(.brackets) { throw Self.syntax("\"9\" must be ahead of \"PR\"") }
      if flags.contains(.shift) {
        shifted += 1
      } else if flags.contains(.decimal) {
        after += 1
      } else {
        before += 1
      }
      return
    }
    if flags.contains(.brackets) { throw Self.syntax("\"0\" must be ahead of \"PR\"") }
    if !flags.contains(.zero), !flags.contains(.decimal) {
      flags.insert(.zero)
      zeroStart = before + 1
    }
    if flags.contains(.decimal) { after += 1 } else { before += 1 }
    zeroEnd = before + after
  }

  private mutating func addSign(_ pattern: NumberPattern) throws(TypeError) {
    let hasSign = flags.contains(.localeSign)
    switch pattern {
    case .sign:
      if hasSign { throw Self.syntax("cannot use \"S\" twice") }
      if !flags.isDisjoint(with: [.plus, .minus, .brackets]) {
        throw Self.syntax("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together")
      }
      if !flags.contains(.decimal) {
        signPlace = .before
        digitsBeforeSign = before
      } else if signPlace == .none {
        signPlace = .after
      }
      flags.insert(.localeSign)
    case .minus:
      if hasSign { throw Self.syntax("cannot use \"S\" and \"MI\" together") }
      flags.insert(.minus)
    case .plus:
      if hasSign { throw Self.syntax("cannot use \"S\" and \"PL\" together") }
      flags.insert(.plus)
    case .signed:
      if hasSign { throw Self.syntax("cannot use \"S\" and \"SG\" together") }
      flags.formUnion([.minus, .plus])
    default:
      if hasSign || !flags.isDisjoint(with: [.plus, .minus]) {
        throw Self.syntax("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together")
      }
      flags.insert(.brackets)
    }
  }
}
