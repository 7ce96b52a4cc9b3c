/// `hh:mm:ss` with its variants (datetime.c's DecodeTimeCommon), of a time or of an interval.
struct ClockTime {
  /// What `interval minute to second` and the like restrict a value to.
  typealias Range = DateTimeMask

  var hour = 0
  var minute = 0
  var second = 0
  var microsecond = 0

  init(_ text: ArraySlice<UInt8>, range: Range?) throws(DateTimeError) {
    func isCurrent(_ at: Int, _ byte: Unicode.Scalar) -> Bool { at < text.endIndex && text[at] == UInt8(ascii: byte) }
    var end: Int
    (hour, end) = try DateTimeNumber.integer(text, bits: 64)
    guard isCurrent(end, ":") else { throw .badFormat }
    (minute, end) = try DateTimeNumber.integer(text[(end + 1)...])
    if end == text.endIndex {
      if range == [.minute, .second] { try shift() }
    } else if isCurrent(end, ".") {
      microsecond = try DateTimeNumber.microseconds(text[end...])
      try shift()
    } else if isCurrent(end, ":") {
      (second, end) = try DateTimeNumber.integer(text[(end + 1)...])
      if isCurrent(end, ".") {
        microsecond = try DateTimeNumber.microseconds(text[end...])
      } else if end != text.endIndex {
        throw .badFormat
      }
    } else {
      throw .badFormat
    }
    guard hour >= 0, 0...59 ~= minute, 0...60 ~= second, 0...1_000_000 ~= microsecond else { throw .fieldOverflow }
  }

  /// Two parts were minutes and seconds.
  private mutating func shift() throws(DateTimeError) {
    guard let minutes = Int32(exactly: hour) else { throw .fieldOverflow }
    (hour, minute, second) = (0, Int(minutes), minute)
  }
}
