import MillraceTypes

/// Where a value lies between two others, as a number (PostgreSQL's convert_to_scalar,
/// src/backend/utils/adt/selfuncs.c).
enum ScalarPosition {
  /// From 0 to 1; 0.5 where the type does not say.
  static func fraction(_ value: Datum, from low: Datum, to high: Datum, _ type: TypeDescriptor) -> Double {
    let (first, middle, last): (Double, Double, Double)
    if type.category == UInt8(ascii: "S") {
      (first, middle, last) = texts(low.bytes, value.bytes, high.bytes)
    } else {
      guard let below = number(low, type), let at = number(value, type), let above = number(high, type) else {
        return 0.5
      }
      (first, middle, last) = (below, at, above)
    }
    if last <= first { return 0.5 }
    if middle <= first { return 0 }
    if middle >= last { return 1 }
    let fraction = (middle - first) / (last - first)
    return fraction.isNaN || fraction < 0 || fraction > 1 ? 0.5 : fraction
  }

  private static func number(_ value: Datum, _ type: TypeDescriptor) -> Double? {
    switch type.id {
    case .float8: Double(bitPattern: value.word)
    case .float4: Double(Float(bitPattern: UInt32(truncatingIfNeeded: value.word)))
    case .bool, .int2, .int4, .int8, .date, .time, .timestamp, .timestampTZ, .oid, .char:
      Double(Int64(bitPattern: value.word))
    case .numeric: Double(type.text(of: value))
    default: nil
    }
  }

  /// Texts are read as fractions to a base: the range of the bytes that occur, widened for digits and letters.
  private static func texts(_ low: ByteView, _ value: ByteView, _ high: ByteView) -> (Double, Double, Double) {
    guard !low.isEmpty || !high.isEmpty else { return (0, 0, 0) }
    var (least, most): (UInt8, UInt8) = (255, 0)
    for text in [low, value, high] {
      for byte in text {
        least = min(least, byte)
        most = max(most, byte)
      }
    }
    func widen(_ first: Character, _ last: Character) {
      guard let first = first.asciiValue, let last = last.asciiValue, least <= last, most >= first else { return }
      least = min(least, first)
      most = max(most, last)
    }
    widen("A", "Z")
    widen("a", "z")
    widen("0", "9")
    if most - least < 9 { (least, most) = (UInt8(ascii: " "), 127) }
    var common = 0
    while common < low.count, common < high.count, common < value.count, low[common] == high[common],
      low[common] == value[common]
    {
      common += 1
    }
    func scalar(_ text: ByteView) -> Double {
      guard text.count > common else { return 0 }
      let base = Double(most - least) + 1
      var (denominator, number) = (base, 0.0)
      for byte in text.from(common).upTo(min(12, text.count - common)) {
        let digit = max(Double(byte) - Double(least), -1)
        number += min(digit, base) / denominator
        denominator *= base
      }
      return number
    }
    return (scalar(low), scalar(value), scalar(high))
  }
}
