/// The type `numeric`, in PostgreSQL's format: a header of two or four bytes, then digits of base 10000 in two bytes
/// each.
public enum NumericType {
  private static let shortFlag: UInt16 = 0x8000
  private static let specialFlag: UInt16 = 0xC000
  private static let notANumber: UInt16 = 0xC000
  private static let positiveInfinity: UInt16 = 0xD000
  private static let negativeInfinity: UInt16 = 0xF000
  private static let negative: UInt16 = 0x4000
  private static let shortNegative: UInt16 = 0x2000

  /// The parts of a value, read in place.
  struct View {
    let kind: Numeric.Kind
    let isNegative: Bool
    let weight: Int
    let scale: Int
    let digits: ByteView

    @inline(__always) init(_ bytes: ByteView) {
      // Bytes of a damaged page may be none; such a value is zero.
      let header: UInt16 = bytes.count < 2 ? NumericType.shortFlag : bytes.load(at: 0)
      if header & specialFlag == specialFlag {
        kind =
          header == NumericType.notANumber
          ? .notANumber : header == NumericType.negativeInfinity ? .negativeInfinity : .positiveInfinity
        isNegative = false
        weight = 0
        scale = 0
        digits = ByteView()
      } else if header & shortFlag != 0 {
        kind = .finite
        isNegative = header & shortNegative != 0
        scale = Int(header >> 7 & 0x3F)
        weight = Int(header & 0x3F) - (header & 0x40 != 0 ? 0x40 : 0)
        digits = bytes.from(min(2, bytes.count))
      } else {
        kind = .finite
        isNegative = header & specialFlag == NumericType.negative
        scale = Int(header & 0x3FFF)
        weight = bytes.count < 4 ? 0 : Int(bytes.load(at: 2, as: Int16.self))
        digits = bytes.from(min(4, bytes.count))
      }
    }

    @inline(__always) var count: Int { digits.count / 2 }
    @inline(__always) func digit(_ index: Int) -> Int32 {
      min(Int32(digits.load(at: 2 * index, as: UInt16.self)), 9999)
    }
  }

  public static func value(_ datum: Datum) -> Numeric {
    let view = View(datum.bytes)
    guard view.kind == .finite else { return Numeric(kind: view.kind) }
    var value = Numeric()
    value.digits = [Int32](unsafeUninitializedCapacity: view.count) { digits, count in
      count = view.count
      for index in 0..<count { digits.initializeElement(at: index, to: view.digit(index)) }
    }
    value.weight = view.weight
    value.scale = view.scale
    value.isNegative = view.isNegative
    value.normalize()
    return value
  }

  /// A value in its format. Throws where it is too large for that.
  public static func datum(_ value: Numeric, in arena: Arena) throws(TypeError) -> Datum {
    switch value.kind {
    case .finite: break
    case .notANumber: return arena.make { $0.append(native: notANumber) }
    case .positiveInfinity: return arena.make { $0.append(native: positiveInfinity) }
    case .negativeInfinity: return arena.make { $0.append(native: negativeInfinity) }
    }
    let value = value.normalized()
    guard value.weight <= Int(Int16.max), value.weight >= Int(Int16.min), value.scale <= Numeric.scaleMax else {
      throw .numericOverflow
    }
    return arena.make { bytes in
      if value.scale <= 0x3F && value.weight <= 0x3F && value.weight >= -0x40 {
        bytes.append(
          native: shortFlag | (value.isNegative ? shortNegative : 0) | UInt16(value.scale) << 7
            | UInt16(truncatingIfNeeded: value.weight & 0x7F))
      } else {
        bytes.append(native: (value.isNegative ? negative : 0) | UInt16(value.scale))
        bytes.append(native: Int16(value.weight))
      }
      for digit in value.digits { bytes.append(native: Int16(digit)) }
    }
  }

  // MARK: - Comparison and hashing

  /// In place, without an allocation.
  public static func compare(_ a: Datum, _ b: Datum) -> Int {
    let (left, right) = (View(a.bytes), View(b.bytes))
    guard left.kind == .finite, right.kind == .finite else { return rank(left.kind) - rank(right.kind) }
    let (leftSign, rightSign) = (sign(left), sign(right))
    if leftSign != rightSign { return leftSign - rightSign }
    let order = compareMagnitudes(left, right)
    return leftSign < 0 ? -order : order
  }

  private static func rank(_ kind: Numeric.Kind) -> Int {
    switch kind {
    case .negativeInfinity: -1
    case .finite: 0
    case .positiveInfinity: 1
    case .notANumber: 2
    }
  }

  private static func sign(_ view: View) -> Int { view.count == 0 ? 0 : view.isNegative ? -1 : 1 }

  private static func compareMagnitudes(_ a: View, _ b: View) -> Int {
    if a.count == 0 || b.count == 0 { return a.count - b.count }
    if a.weight != b.weight { return a.weight < b.weight ? -1 : 1 }
    for index in 0..<min(a.count, b.count) {
      let (left, right) = (a.digit(index), b.digit(index))
      if left != right { return left < right ? -1 : 1 }
    }
    return a.count - b.count
  }

  /// `hash_numeric`: of the digits and the weight, whatever the scale.
  public static func hash(_ datum: Datum) -> UInt32 {
    let view = View(datum.bytes)
    guard view.kind == .finite else { return 0 }
    guard view.count > 0 else { return .max }
    return Hashing.bytes(view.digits) ^ UInt32(bitPattern: Int32(view.weight))
  }

  static func hash(_ datum: Datum, seed: UInt64) -> UInt64 {
    let view = View(datum.bytes)
    guard view.kind == .finite else { return seed }
    guard view.count > 0 else { return seed &- 1 }
    return Hashing.bytes(view.digits, seed: seed) ^ UInt64(bitPattern: Int64(view.weight))
  }

  // MARK: - Typmod

  /// Rounds to the scale of `numeric(precision, scale)` and refuses what has too many digits before the point.
  public static func apply(typmod: Int32, to value: Numeric) throws(TypeError) -> Numeric {
    guard typmod >= 4 else { return value }
    let (precision, scale) = parts(typmod)
    guard value.isFinite else {
      if value.isNaN { return value }
      throw TypeError(
        .numericValueOutOfRange, "numeric field overflow",
        detail: "A field with precision \(precision), scale \(scale) cannot hold an infinite value.")
    }
    var result = value
    result.round(toScale: scale)
    if result.scale < 0 { result.scale = 0 }
    guard let first = result.digits.first else { return result }
    let decimals = result.weight * 4 + (first < 10 ? 1 : first < 100 ? 2 : first < 1000 ? 3 : 4)
    if decimals > precision - scale {
      let limit = precision == scale ? "1" : "10^\(precision - scale)"
      throw TypeError(
        .numericValueOutOfRange, "numeric field overflow",
        detail: "A field with precision \(precision), scale \(scale) must round to an absolute value less than "
          + "\(limit).")
    }
    return result
  }

  /// The typmod of `numeric(precision, scale)`.
  ///
  /// What is too large for its bits is cut off, as PostgreSQL's `to_number` does with a template of many digits.
  public static func typmod(precision: Int, scale: Int) -> Int32 {
    Int32(truncatingIfNeeded: precision << 16 | scale & 0x7FF) &+ 4
  }

  static func parts(_ typmod: Int32) -> (precision: Int, scale: Int) {
    let value = Int(typmod &- 4)
    return (value >> 16 & 0xFFFF, ((value & 0x7FF) ^ 1024) - 1024)
  }

  private static func typmod(_ words: [String]) throws(TypeError) -> Int32 {
    let numbers = words.compactMap { Int($0) }
    guard numbers.count == words.count, numbers.count == 1 || numbers.count == 2 else {
      throw .invalidParameter("invalid NUMERIC type modifier")
    }
    guard 1...1000 ~= numbers[0] else {
      throw .invalidParameter("NUMERIC precision \(numbers[0]) must be between 1 and 1000")
    }
    if numbers.count == 2, !(-1000...1000 ~= numbers[1]) {
      throw .invalidParameter("NUMERIC scale \(numbers[1]) must be between -1000 and 1000")
    }
    return typmod(precision: numbers[0], scale: numbers.count == 2 ? numbers[1] : 0)
  }

  // MARK: - Binary form

  private static func receive(_ message: inout ByteReader, _ typmod: Int32) throws(TypeError) -> Numeric {
    func invalid(_ what: String) -> TypeError {
      TypeError(.invalidBinaryRepresentation, "invalid \(what) in external \"numeric\" value")
    }
    let count = Int(try message.integer(UInt16.self))
    let weight = Int(try message.integer(Int16.self))
    let sign = try message.integer(UInt16.self)
    let scale = Int(try message.integer(UInt16.self))
    guard [0, negative, notANumber, positiveInfinity, negativeInfinity].contains(sign) else { throw invalid("sign") }
    guard scale <= Numeric.scaleMax else { throw invalid("scale") }
    var value = Numeric()
    for _ in 0..<count {
      let digit = try message.integer(Int16.self)
      guard 0..<10_000 ~= digit else { throw invalid("digit") }
      value.digits.append(Int32(digit))
    }
    switch sign {
    case notANumber: return try apply(typmod: typmod, to: .notANumber)
    case positiveInfinity: return try apply(typmod: typmod, to: .positiveInfinity)
    case negativeInfinity: return try apply(typmod: typmod, to: .negativeInfinity)
    default: break
    }
    value.weight = weight
    value.isNegative = sign == negative
    // Digits beyond the scale are cut off, as if they had never been sent.
    value.truncate(toScale: scale)
    value.normalize()
    return try apply(typmod: typmod, to: value)
  }

  private static func send(_ datum: Datum, _ message: inout [UInt8]) {
    let view = View(datum.bytes)
    message.append(bigEndian: UInt16(view.count))
    message.append(bigEndian: Int16(view.weight))
    let sign: UInt16 =
      switch view.kind {
      case .finite: view.isNegative ? negative : 0
      case .notANumber: notANumber
      case .positiveInfinity: positiveInfinity
      case .negativeInfinity: negativeInfinity
      }
    message.append(bigEndian: sign)
    // PostgreSQL takes the bits that tell infinities from NaN for a scale, and so do those that read it.
    message.append(bigEndian: UInt16(view.kind == .finite || view.kind == .notANumber ? view.scale : 0x20))
    for index in 0..<view.count { message.append(bigEndian: Int16(view.digit(index))) }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, typmod, _, arena) throws(TypeError) in
      if let compact = CompactNumeric(parsing: text) {
        guard typmod >= 4 else { return compact.datum(in: arena) }
        let (precision, scale) = parts(typmod)
        if let rounded = compact.rounded(precision: precision, scale: scale) { return rounded.datum(in: arena) }
      }
      return try datum(try apply(typmod: typmod, to: try Numeric(parsing: text)), in: arena)
    },
    output: { datum, _, text in
      if let compact = CompactNumeric(datum) {
        compact.appendText(to: &text)
      } else {
        value(datum).appendText(to: &text)
      }
    },
    receive: { (message, typmod, arena) throws(TypeError) in try datum(try receive(&message, typmod), in: arena) },
    send: send,
    compare: compare, equal: { compare($0, $1) == 0 }, hash: { hash($0) }, hashExtended: { hash($0, seed: $1) },
    typmodInput: { (words) throws(TypeError) in try typmod(words) },
    typmodOutput: { typmod in
      guard typmod >= 4 else { return "" }
      let (precision, scale) = parts(typmod)
      return "(\(precision),\(scale))"
    })
}
