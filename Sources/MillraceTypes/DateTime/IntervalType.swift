/// The type `interval`: microseconds, days and months in sixteen bytes.
public enum IntervalType {
  public static func value(_ datum: Datum) -> Interval {
    let bytes = datum.bytes
    return Interval(months: bytes.load(at: 12), days: bytes.load(at: 8), microseconds: bytes.load(at: 0))
  }

  public static func datum(_ interval: Interval, in arena: Arena) -> Datum {
    arena.make { bytes in
      bytes.append(native: interval.microseconds)
      bytes.append(native: interval.days)
      bytes.append(native: interval.months)
    }
  }

  public static func compare(_ a: Datum, _ b: Datum) -> Int { Interval.compare(value(a), value(b)) }

  private static func hashed(_ value: Datum) -> UInt32 {
    Hashing.fold(Int64(truncatingIfNeeded: IntervalType.value(value).comparisonValue))
  }

  // MARK: - Typmod

  private static let fullRange: Int32 = 0x7FFF
  private static let fullPrecision: Int32 = 0xFFFF

  static func range(_ typmod: Int32) -> DateTimeMask? {
    let range = typmod >> 16 & 0x7FFF
    return typmod < 0 || range == fullRange ? nil : DateTimeMask(rawValue: UInt32(range))
  }

  /// Cuts off what an `interval hour to minute` has no fields for, and rounds the seconds.
  public static func apply(typmod: Int32, to value: Interval) throws(TypeError) -> Interval {
    guard typmod >= 0, value.isFinite else { return value }
    var result = value
    if let range = range(typmod), !range.contains(.second) {
      if range.contains(.minute) {
        result.microseconds -= result.microseconds % Calendar.microsecondsPerMinute
      } else if range.contains(.hour) {
        result.microseconds -= result.microseconds % Calendar.microsecondsPerHour
      } else {
        result.microseconds = 0
        if !range.contains(.day) { result.days = 0 }
        if range == .year { result.months -= result.months % 12 }
      }
    }
    let digits = typmod & fullPrecision
    if digits < 6 {
      var unit: Int64 = 1
      for _ in digits..<6 { unit *= 10 }
      let half = result.microseconds >= 0 ? unit / 2 : -unit / 2
      let (sum, overflows) = result.microseconds.addingReportingOverflow(half)
      if overflows { throw Interval.outOfRange }
      result.microseconds = sum / unit * unit
    }
    return result
  }

  /// The grammar gives the range as a mask of fields, and perhaps a precision.
  private static func typmod(_ words: [String]) throws(TypeError) -> Int32 {
    guard let range = words.first.flatMap({ Int32($0) }), words.count <= 2 else {
      throw .invalidParameter("invalid INTERVAL type modifier")
    }
    guard words.count == 2 else { return range == fullRange ? -1 : range << 16 | fullPrecision }
    guard let digits = Int32(words[1]) else { throw .invalidParameter("invalid INTERVAL type modifier") }
    if digits < 0 { throw .invalidParameter("INTERVAL(\(digits)) precision must not be negative") }
    return range << 16 | min(digits, 6)
  }

  private static func typmodText(_ typmod: Int32) -> String {
    guard typmod >= 0 else { return "" }
    var text = ""
    if let range = range(typmod) {
      let fields: [(DateTimeMask, String)] = [
        (.year, "year"), (.month, "month"), (.day, "day"), (.hour, "hour"), (.minute, "minute"), (.second, "second"),
      ]
      let names = fields.filter { range.contains($0.0) }.map(\.1)
      if let first = names.first, let last = names.last { text = first == last ? " \(first)" : " \(first) to \(last)" }
    }
    let digits = typmod & fullPrecision
    return digits == fullPrecision ? text : text + "(\(digits))"
  }

  // MARK: - Input

  public static func parse(_ text: ByteView, typmod: Int32, _ settings: DateTimeSettings) throws(TypeError) -> Interval
  {
    let parts: IntervalParts
    do throws(DateTimeError) {
      parts = try Self.parts(text, typmod, settings)
    } catch {
      if case .fieldOverflow = error { throw DateTimeError.intervalOverflow.error(text, type: "interval") }
      throw error.error(text, type: "interval")
    }
    if parts.isInfinite { return parts.years > 0 ? .infinity : .minusInfinity }
    guard let interval = parts.interval else { throw Interval.outOfRange }
    return try apply(typmod: typmod, to: interval)
  }

  private static func parts(
    _ text: ByteView, _ typmod: Int32, _ settings: DateTimeSettings
  ) throws(DateTimeError) -> IntervalParts {
    do throws(DateTimeError) {
      var decoder = IntervalDecoder(range: range(typmod), style: settings.intervalStyle)
      switch try decoder.decode(try DateTimeField.split(text)) {
      case .parts: return decoder.parts
      case .infinity: return .infinite(1)
      case .minusInfinity: return .infinite(-1)
      }
    } catch {
      // What PostgreSQL's own notation does not know may be ISO 8601's.
      guard case .badFormat = error else { throw error }
      return try ISO8601Interval(text).parts
    }
  }

  static let functions = TypeDescriptor.Functions(
    input: { (text, typmod, settings, arena) throws(TypeError) in
      datum(try parse(text, typmod: typmod, settings.dateTime), in: arena)
    },
    output: { value, settings, text in
      IntervalEncoder.append(IntervalType.value(value), settings.dateTime.intervalStyle, to: &text)
    },
    receive: { (message, typmod, arena) throws(TypeError) in
      let time = try message.integer(Int64.self)
      let days = try message.integer(Int32.self)
      let months = try message.integer(Int32.self)
      return datum(
        try apply(typmod: typmod, to: Interval(months: months, days: days, microseconds: time)), in: arena)
    },
    send: { value, message in
      let interval = IntervalType.value(value)
      message.append(bigEndian: interval.microseconds)
      message.append(bigEndian: interval.days)
      message.append(bigEndian: interval.months)
    },
    compare: compare, equal: { compare($0, $1) == 0 }, hash: { Hashing.word(hashed($0)) },
    hashExtended: { Hashing.word(hashed($0), seed: $1) },
    typmodInput: { (words) throws(TypeError) in try typmod(words) }, typmodOutput: typmodText)
}
