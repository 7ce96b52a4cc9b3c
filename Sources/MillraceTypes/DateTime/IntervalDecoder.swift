/// Finds out what the fields of an interval's text mean (datetime.c's DecodeInterval).
struct IntervalDecoder {
  enum Outcome {
    case parts
    case infinity, minusInfinity
  }

  /// What a typmod restricts the interval to; nil if to nothing.
  let range: DateTimeMask?
  let style: DateTimeSettings.IntervalStyle
  private(set) var parts = IntervalParts()
  private var found: DateTimeMask = []
  /// The unit that was read last, which belongs to the number before it.
  private var unit: DateTimeToken.Unit?
  private var awaitsNumber = false
  private var isNegatedBySQL = false

  init(range: DateTimeMask?, style: DateTimeSettings.IntervalStyle) {
    self.range = range
    self.style = style
  }

  /// From the last field to the first, so that a unit is known before its number.
  mutating func decode(_ fields: [DateTimeField]) throws(DateTimeError) -> Outcome {
    let hyphen = UInt8(ascii: "-")
    if style == .sqlStandard, let first = fields.first, first.text[0] == hyphen {
      // A sign at the beginning is for all, if it is the only one.
      isNegatedBySQL = !fields.dropFirst().contains { $0.text[0] == hyphen || $0.text[0] == UInt8(ascii: "+") }
    }
    var outcome = Outcome.parts
    var isAgo = false
    for (index, field) in fields.enumerated().reversed() {
      var mask: DateTimeMask = []
      switch field.kind {
      case .time: mask = try decodeTime(field.text[...], isNegative: false)
      case .zone:
        if field.text.dropFirst().contains(UInt8(ascii: ":")), (try? microseconds(field.text.dropFirst())) != nil {
          mask = try decodeTime(field.text.dropFirst(), isNegative: field.text[0] == hyphen)
        } else {
          mask = try decodeNumber(field.text)
        }
      case .date, .number: mask = try decodeNumber(field.text)
      case .string, .special:
        let isLast = index == fields.count - 1
        switch DateTimeToken.ofInterval(field.text) ?? DateTimeToken.ofDate(field.text) {
        case .ignored: continue
        case .unit(let unit):
          guard !awaitsNumber else { throw .badFormat }
          self.unit = unit
          awaitsNumber = true
        case .ago:
          guard isLast else { throw .badFormat }
          isAgo = true
        case .special(.infinity) where isLast, .special(.minusInfinity) where isLast:
          mask = [.date, .time]
          outcome = DateTimeToken.ofDate(field.text) == .special(.infinity) ? .infinity : .minusInfinity
        default: throw .badFormat
        }
      }
      guard found.isDisjoint(with: mask) else { throw .badFormat }
      found.formUnion(mask)
    }
    guard !found.isEmpty, !awaitsNumber else { throw .badFormat }
    if isAgo { try parts.negate() }
    return outcome
  }

  private func microseconds(_ text: ArraySlice<UInt8>) throws(DateTimeError) -> Int64 {
    let time = try ClockTime(text, range: range)
    var sum = IntervalParts()
    try sum.addMicroseconds(Int64(time.hour), 0, Calendar.microsecondsPerHour)
    try sum.addMicroseconds(Int64(time.minute), 0, Calendar.microsecondsPerMinute)
    try sum.addMicroseconds(Int64(time.second), 0, Calendar.microsecondsPerSecond)
    try sum.addMicroseconds(Int64(time.microsecond), 0, 1)
    return sum.microseconds
  }

  private mutating func decodeTime(_ text: ArraySlice<UInt8>, isNegative: Bool) throws(DateTimeError) -> DateTimeMask {
    guard !awaitsNumber else { throw .badFormat }
    let time = try microseconds(text)
    parts.microseconds = isNegative || (isNegatedBySQL && time > 0) ? -time : time
    unit = .day
    return .time
  }

  /// What a number means that has no unit: the last field of the type's range, or seconds.
  private var unitOfLastNumber: DateTimeToken.Unit {
    guard let range else { return .second }
    if range.contains(.second) { return .second }
    if range.contains(.minute) { return .minute }
    if range.contains(.hour) { return .hour }
    if range.contains(.day) { return .day }
    return range.contains(.month) ? .month : .year
  }

  private mutating func decodeNumber(_ text: [UInt8]) throws(DateTimeError) -> DateTimeMask {
    awaitsNumber = false
    var unit = self.unit ?? unitOfLastNumber
    let isNegative = text[0] == UInt8(ascii: "-")
    let (integer, end) = try DateTimeNumber.integer(text[...], bits: 64)
    var value = Int64(integer)
    var fraction = 0.0
    if end < text.count {
      switch text[end] {
      case UInt8(ascii: "-"):
        // SQL's years-months.
        let (months, monthsEnd) = try DateTimeNumber.integer(text[(end + 1)...])
        guard 0..<12 ~= months else { throw .fieldOverflow }
        guard monthsEnd == text.count else { throw .badFormat }
        unit = .month
        let (product, tooLarge) = value.multipliedReportingOverflow(by: 12)
        let (sum, overflows) = product.addingReportingOverflow(Int64(isNegative ? -months : months))
        guard !tooLarge, !overflows else { throw .fieldOverflow }
        value = sum
      case UInt8(ascii: "."):
        fraction = try DateTimeNumber.fraction(text[end...])
        if isNegative { fraction = -fraction }
      default: throw .badFormat
      }
    }
    if isNegatedBySQL {
      if value > 0 { value = -value }
      if fraction > 0 { fraction = -fraction }
    }
    self.unit = unit == .hour ? .day : unit
    return try add(value, fraction, unit)
  }

  private mutating func add(
    _ value: Int64, _ fraction: Double, _ unit: DateTimeToken.Unit
  ) throws(DateTimeError) -> DateTimeMask {
    switch unit {
    case .microsecond:
      try parts.addMicroseconds(value, fraction, 1)
      return .microsecond
    case .millisecond:
      try parts.addMicroseconds(value, fraction, 1000)
      return .millisecond
    case .second:
      try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerSecond)
      return fraction == 0 ? .second : .allSeconds
    case .minute:
      try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerMinute)
      return .minute
    case .hour:
      try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerHour)
      return .hour
    case .day:
      try parts.addDays(value)
      try parts.addFraction(fraction, ofMicroseconds: Calendar.microsecondsPerDay)
      return .day
    case .week:
      try parts.addDays(value, 7)
      try parts.addFraction(fraction, ofDays: 7)
      return .week
    case .month:
      try parts.addMonths(value)
      try parts.addFraction(fraction, ofDays: 30)
      return .month
    case .year:
      try parts.addYears(value, fraction)
      return .year
    case .decade:
      try parts.addYears(value, fraction, 10)
      return .decade
    case .century:
      try parts.addYears(value, fraction, 100)
      return .century
    case .millennium:
      try parts.addYears(value, fraction, 1000)
      return .millennium
    default: throw .badFormat
    }
  }
}
