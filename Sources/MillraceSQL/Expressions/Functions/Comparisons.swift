import MillraceTypes

/// How values of a kind are compared. Types whose words order alike share one.
protocol ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool
  static func equal(_ a: Datum, _ b: Datum) -> Bool
  static func greater(_ a: Datum, _ b: Datum) -> Bool
}

extension ComparisonKey {
  /// Where both are of one type.
  @inline(__always) static func greater(_ a: Datum, _ b: Datum) -> Bool { less(b, a) }
}

/// Integers of all widths, dates, times, timestamps, bool, "char" and OIDs: their words are extended to 64 bits, so
/// that they can even be compared with one another.
private enum WordKey: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { a.int64 < b.int64 }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { a.int64 == b.int64 }
}

/// A comparison of two numbers, NaN being the greatest and equal to itself.
@inline(__always) private func isLess<Number: BinaryFloatingPoint>(_ a: Number, _ b: Number) -> Bool {
  a < b || (b.isNaN && !a.isNaN)
}
@inline(__always) private func isEqual<Number: BinaryFloatingPoint>(_ a: Number, _ b: Number) -> Bool {
  a == b || (b.isNaN && a.isNaN)
}

private enum Float8Key: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { isLess(a.float8, b.float8) }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { isEqual(a.float8, b.float8) }
}
private enum Float4Key: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { isLess(a.float4, b.float4) }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { isEqual(a.float4, b.float4) }
}
private enum Float48Key: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { isLess(Double(a.float4), b.float8) }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { isEqual(Double(a.float4), b.float8) }
  @inline(__always) static func greater(_ a: Datum, _ b: Datum) -> Bool { isLess(b.float8, Double(a.float4)) }
}
private enum Float84Key: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { isLess(a.float8, Double(b.float4)) }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { isEqual(a.float8, Double(b.float4)) }
  @inline(__always) static func greater(_ a: Datum, _ b: Datum) -> Bool { isLess(Double(b.float4), a.float8) }
}

/// text and varchar; bytea compares alike.
private enum BytesKey: ComparisonKey {
  @inline(__always) static func less(_ a: Datum, _ b: Datum) -> Bool { a.bytes.compare(b.bytes) < 0 }
  @inline(__always) static func equal(_ a: Datum, _ b: Datum) -> Bool { a.bytes.isEqual(b.bytes) }
}
private enum BpcharKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { BpcharType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { BpcharType.equal(a, b) }
}
private enum NameKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { NameType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { NameType.equal(a, b) }
}
private enum NameTextKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { NameType.text(a).compare(b.bytes) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { NameType.text(a).isEqual(b.bytes) }
  static func greater(_ a: Datum, _ b: Datum) -> Bool { NameType.text(a).compare(b.bytes) > 0 }
}
private enum TextNameKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { a.bytes.compare(NameType.text(b)) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { a.bytes.isEqual(NameType.text(b)) }
  static func greater(_ a: Datum, _ b: Datum) -> Bool { a.bytes.compare(NameType.text(b)) > 0 }
}
private enum NumericKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { NumericType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { NumericType.compare(a, b) == 0 }
}
private enum IntervalKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { IntervalType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { IntervalType.compare(a, b) == 0 }
}
private enum TimeTZKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { TimeTZType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { TimeTZType.compare(a, b) == 0 }
}
private enum TIDKey: ComparisonKey {
  static func less(_ a: Datum, _ b: Datum) -> Bool { TIDType.compare(a, b) < 0 }
  static func equal(_ a: Datum, _ b: Datum) -> Bool { TIDType.compare(a, b) == 0 }
}

/// The six comparisons, each a type of its own so that the loops are compiled for it.
private protocol ComparisonTest {
  static func holds(_ a: Datum, _ b: Datum) -> Bool
}
private enum Equal<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { Key.equal(a, b) }
}
private enum NotEqual<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { !Key.equal(a, b) }
}
private enum Less<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { Key.less(a, b) }
}
private enum LessOrEqual<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { !Key.greater(a, b) }
}
private enum Greater<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { Key.greater(a, b) }
}
private enum GreaterOrEqual<Key: ComparisonKey>: ComparisonTest {
  @inline(__always) static func holds(_ a: Datum, _ b: Datum) -> Bool { !Key.less(a, b) }
}

extension FunctionRegistry {
  private mutating func comparison<Test: ComparisonTest>(_ names: [String], _: Test.Type) {
    comparison(
      names, { (operands) throws(TypeError) in try operands.each { Datum(Test.holds($0, $1)) } },
      { operands in operands.keep { Test.holds($0, $1) } })
  }

  /// - Parameter families: what comes before `eq`, `lt` … in the functions' names, and what comes after.
  private mutating func comparisons<Key: ComparisonKey>(_ families: [String], suffix: String = "", _: Key.Type) {
    comparison(families.map { $0 + "eq" + suffix }, Equal<Key>.self)
    comparison(families.map { $0 + "ne" + suffix }, NotEqual<Key>.self)
    comparison(families.map { $0 + "lt" + suffix }, Less<Key>.self)
    comparison(families.map { $0 + "le" + suffix }, LessOrEqual<Key>.self)
    comparison(families.map { $0 + "gt" + suffix }, Greater<Key>.self)
    comparison(families.map { $0 + "ge" + suffix }, GreaterOrEqual<Key>.self)
  }

  mutating func addComparisons() {
    comparisons(
      [
        "int2", "int4", "int8", "int24", "int42", "int28", "int82", "int48", "int84", "bool", "char", "oid", "date_",
        "time_", "timestamp_", "xid8", "pg_lsn_",
      ], WordKey.self)
    comparison(["xideq", "cideq", "xideqint4"], Equal<WordKey>.self)
    comparison(["xidneq", "xidneqint4"], NotEqual<WordKey>.self)
    comparisons(["float8"], Float8Key.self)
    comparisons(["float4"], Float4Key.self)
    comparisons(["float48"], Float48Key.self)
    comparisons(["float84"], Float84Key.self)
    comparison(["texteq", "byteaeq", "uuid_eq"], Equal<BytesKey>.self)
    comparison(["textne", "byteane", "uuid_ne"], NotEqual<BytesKey>.self)
    comparison(["text_lt", "bytealt", "uuid_lt", "text_pattern_lt"], Less<BytesKey>.self)
    comparison(["text_le", "byteale", "uuid_le", "text_pattern_le"], LessOrEqual<BytesKey>.self)
    comparison(["text_gt", "byteagt", "uuid_gt", "text_pattern_gt"], Greater<BytesKey>.self)
    comparison(["text_ge", "byteage", "uuid_ge", "text_pattern_ge"], GreaterOrEqual<BytesKey>.self)
    comparisons(["bpchar"], BpcharKey.self)
    comparison(["bpchar_pattern_lt"], Less<BpcharKey>.self)
    comparison(["bpchar_pattern_le"], LessOrEqual<BpcharKey>.self)
    comparison(["bpchar_pattern_gt"], Greater<BpcharKey>.self)
    comparison(["bpchar_pattern_ge"], GreaterOrEqual<BpcharKey>.self)
    comparisons(["name"], NameKey.self)
    comparisons(["name"], suffix: "text", NameTextKey.self)
    comparisons(["text"], suffix: "name", TextNameKey.self)
    comparisons(["numeric_"], NumericKey.self)
    comparisons(["interval_"], IntervalKey.self)
    comparisons(["timetz_"], TimeTZKey.self)
    comparisons(["tid"], TIDKey.self)
  }
}
