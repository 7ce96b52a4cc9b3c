/// An interval in ISO 8601's notation, `P1Y2M3DT4H5M6S` or `P0001-02-03T04:05:06` (DecodeISO8601Interval).
struct ISO8601Interval {
  private let text: ByteView
  private var at = 1
  private var isDate = true
  private var hasField = false
  private(set) var parts = IntervalParts()

  init(_ text: ByteView) throws(DateTimeError) {
    guard text.count >= 2, text[0] == UInt8(ascii: "P") else { throw .badFormat }
    self.text = text
    try decode()
  }

  private var current: UInt8? { at < text.count ? text[at] : nil }

  private mutating func decode() throws(DateTimeError) {
    while let byte = current {
      if byte == UInt8(ascii: "T") {
        at += 1
        beginTime()
        continue
      }
      let start = at
      let (value, fraction) = try number()
      let unit = current
      at += 1
      let width = integerWidth(from: start)
      let isDone = isDate ? try addDate(value, fraction, unit, width) : try addTime(value, fraction, unit, width)
      if isDone { return }
    }
  }

  private mutating func beginTime() {
    isDate = false
    hasField = false
  }

  /// True at the end of the text.
  private mutating func addDate(
    _ value: Int64, _ fraction: Double, _ unit: UInt8?, _ width: Int
  ) throws(DateTimeError) -> Bool {
    switch unit {
    case UInt8(ascii: "Y"): try parts.addYears(value, fraction)
    case UInt8(ascii: "M"):
      try parts.addMonths(value)
      try parts.addFraction(fraction, ofDays: 30)
    case UInt8(ascii: "W"):
      try parts.addDays(value, 7)
      try parts.addFraction(fraction, ofDays: 7)
    case UInt8(ascii: "D"):
      try parts.addDays(value)
      try parts.addFraction(fraction, ofMicroseconds: Calendar.microsecondsPerDay)
    case UInt8(ascii: "T"), nil, UInt8(ascii: "-"):
      if unit != UInt8(ascii: "-"), width == 8, !hasField {
        try parts.addYears(value / 10_000, 0)
        try parts.addMonths(value / 100 % 100)
        try parts.addDays(value % 100)
        try parts.addFraction(fraction, ofMicroseconds: Calendar.microsecondsPerDay)
        beginTime()
        return unit == nil
      }
      return try addExtendedDate(value, fraction, unit)
    default: throw .badFormat
    }
    hasField = true
    return false
  }

  private mutating func addExtendedDate(
    _ value: Int64, _ fraction: Double, _ unit: UInt8?
  ) throws(DateTimeError) -> Bool {
    if hasField { throw .badFormat }
    try parts.addYears(value, fraction)
    if let done = endsDate(unit) { return done }
    let (months, monthFraction) = try number()
    try parts.addMonths(months)
    try parts.addFraction(monthFraction, ofDays: 30)
    if let done = endsDate(current) { return skipping(done) }
    guard current == UInt8(ascii: "-") else { throw .badFormat }
    at += 1
    let (days, dayFraction) = try number()
    try parts.addDays(days)
    try parts.addFraction(dayFraction, ofMicroseconds: Calendar.microsecondsPerDay)
    if let done = endsDate(current) { return skipping(done) }
    throw .badFormat
  }

  private mutating func skipping(_ done: Bool) -> Bool {
    at += 1
    return done
  }

  private mutating func endsDate(_ unit: UInt8?) -> Bool? {
    guard let unit else { return true }
    guard unit == UInt8(ascii: "T") else { return nil }
    beginTime()
    return false
  }

  private mutating func addTime(
    _ value: Int64, _ fraction: Double, _ unit: UInt8?, _ width: Int
  ) throws(DateTimeError) -> Bool {
    switch unit {
    case UInt8(ascii: "H"): try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerHour)
    case UInt8(ascii: "M"): try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerMinute)
    case UInt8(ascii: "S"): try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerSecond)
    case nil, UInt8(ascii: ":"):
      if unit == nil, width == 6, !hasField {
        try parts.addMicroseconds(value / 10_000, 0, Calendar.microsecondsPerHour)
        try parts.addMicroseconds(value / 100 % 100, 0, Calendar.microsecondsPerMinute)
        try parts.addMicroseconds(value % 100, 0, Calendar.microsecondsPerSecond)
        try parts.addFraction(fraction, ofMicroseconds: 1)
        return true
      }
      if hasField { throw .badFormat }
      try parts.addMicroseconds(value, fraction, Calendar.microsecondsPerHour)
      if unit == nil { return true }
      let (minutes, minuteFraction) = try number()
      try parts.addMicroseconds(minutes, minuteFraction, Calendar.microsecondsPerMinute)
      if current == nil { return true }
      guard current == UInt8(ascii: ":") else { throw .badFormat }
      at += 1
      let (seconds, secondFraction) = try number()
      try parts.addMicroseconds(seconds, secondFraction, Calendar.microsecondsPerSecond)
      guard current == nil else { throw .badFormat }
      return true
    default: throw .badFormat
    }
    hasField = true
    return false
  }

  private func integerWidth(from start: Int) -> Int {
    var first = start
    if text[first] == UInt8(ascii: "-") { first += 1 }
    var end = first
    while end < text.count, ASCII.isDigit(text[end]) { end += 1 }
    return end - first
  }

  private mutating func number() throws(DateTimeError) -> (value: Int64, fraction: Double) {
    let start = at
    guard let first = current, ASCII.isDigit(first) || first == UInt8(ascii: "-") || first == UInt8(ascii: ".") else {
      throw .badFormat
    }
    at += 1
    while let byte = current, ASCII.isDigit(byte) || byte == UInt8(ascii: ".") { at += 1 }
    if let byte = current, byte | 0x20 == UInt8(ascii: "e") {
      at += 1
      if let sign = current, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { at += 1 }
      while let byte = current, ASCII.isDigit(byte) { at += 1 }
    }
    guard let value = Double(text[start..<at].string) else { throw .badFormat }
    guard abs(value) <= 1.0e15 else { throw .fieldOverflow }
    let whole = value.rounded(.towardZero)
    return (Int64(whole), value - whole)
  }
}
