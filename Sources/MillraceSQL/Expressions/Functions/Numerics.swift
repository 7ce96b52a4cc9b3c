import MillraceTypes

extension CallFrame {
  @inline(__always) func numeric(_ index: Int) -> Numeric { NumericType.value(self[index]) }
  @inline(__always) func make(_ value: Numeric) throws(TypeError) -> Datum {
    try NumericType.datum(value, in: arena)
  }
}

extension FunctionRegistry {
  mutating func addNumerics() {
    addNumericArithmetic()
    addNumericMathematics()
    addNumericRounding()
    addNumericCasts()
  }

  private mutating func addNumericArithmetic() {
    binary("numeric_add") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in try NumericType.sum(a, b, in: call.arena) }
    }
    binary("numeric_sub") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in try NumericType.difference(a, b, in: call.arena) }
    }
    binary("numeric_mul") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in try NumericType.product(a, b, in: call.arena) }
    }
    scalar("numeric_div") { (call) throws(TypeError) in
      try call.make(try Numeric.dividing(call.numeric(0), by: call.numeric(1)))
    }
    scalar("numeric_div_trunc") { (call) throws(TypeError) in
      try call.make(try Numeric.integerQuotient(call.numeric(0), call.numeric(1)))
    }
    scalar("numeric_mod") { (call) throws(TypeError) in
      try call.make(try Numeric.remainder(call.numeric(0), by: call.numeric(1)))
    }
    scalar("numeric_uminus") { (call) throws(TypeError) in try call.make(-call.numeric(0)) }
    scalar("numeric_abs") { (call) throws(TypeError) in try call.make(call.numeric(0).absolute) }
    scalar("numeric_sign") { (call) throws(TypeError) in
      let value = call.numeric(0)
      return try call.make(value.isNaN ? value : Numeric(Int64(value.sign)))
    }
    scalar("numeric_inc") { (call) throws(TypeError) in try call.make(call.numeric(0) + .one) }
    scalar("numeric_larger") { call in NumericType.compare(call[0], call[1]) > 0 ? call[0] : call[1] }
    scalar("numeric_smaller") { call in NumericType.compare(call[0], call[1]) < 0 ? call[0] : call[1] }
    scalar("numeric_cmp") { call in Datum(Int32(NumericType.compare(call[0], call[1]).signum())) }
  }

  private mutating func addNumericMathematics() {
    scalar("numeric_sqrt") { (call) throws(TypeError) in try call.make(try call.numeric(0).squareRoot()) }
    scalar("numeric_exp") { (call) throws(TypeError) in try call.make(try call.numeric(0).exponential()) }
    scalar("numeric_ln") { (call) throws(TypeError) in try call.make(try call.numeric(0).naturalLogarithm()) }
    scalar("numeric_log") { (call) throws(TypeError) in
      try call.make(try Numeric.logarithm(base: call.numeric(0), call.numeric(1)))
    }
    scalar("log(numeric)", "log10(numeric)") { (call) throws(TypeError) in
      try call.make(try Numeric.logarithm(base: Numeric(Int64(10)), call.numeric(0)))
    }
    scalar("numeric_power") { (call) throws(TypeError) in
      try call.make(try Numeric.power(call.numeric(0), call.numeric(1)))
    }
    scalar("numeric_gcd") { (call) throws(TypeError) in
      try call.make(try Numeric.greatestCommonDivisor(call.numeric(0), call.numeric(1)))
    }
    scalar("numeric_lcm") { (call) throws(TypeError) in
      try call.make(try Numeric.leastCommonMultiple(call.numeric(0), call.numeric(1)))
    }
    scalar("numeric_fac") { (call) throws(TypeError) in try call.make(try Numeric.factorial(call[0].int64)) }
    scalar("width_bucket_numeric") { (call) throws(TypeError) in
      try WidthBucket.number(call.numeric(0), call.numeric(1), call.numeric(2), count: call[3].int32)
    }
  }

  private mutating func addNumericRounding() {
    scalar("numeric_round") { (call) throws(TypeError) in
      try call.make(call.numeric(0).rounded(toScale: Int(call[1].int32)))
    }
    scalar("round(numeric)") { (call) throws(TypeError) in try call.make(call.numeric(0).rounded(toScale: 0)) }
    scalar("numeric_trunc") { (call) throws(TypeError) in
      try call.make(call.numeric(0).truncated(toScale: Int(call[1].int32)))
    }
    scalar("trunc(numeric)") { (call) throws(TypeError) in try call.make(call.numeric(0).truncated(toScale: 0)) }
    scalar("numeric_ceil") { (call) throws(TypeError) in try call.make(call.numeric(0).ceiling()) }
    scalar("numeric_floor") { (call) throws(TypeError) in try call.make(call.numeric(0).floor()) }
    scalar("numeric_scale") { call in
      let value = call.numeric(0)
      return value.isFinite ? Datum(Int32(value.scale)) : nil
    }
    scalar("numeric_min_scale") { call in call.numeric(0).minimalScale.map { Datum(Int32($0)) } }
    scalar("numeric_trim_scale") { (call) throws(TypeError) in
      let value = call.numeric(0)
      guard let scale = value.minimalScale else { return call[0] }
      return try call.make(value.truncated(toScale: scale))
    }
    // The cast to numeric(precision, scale).
    binary("numeric") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in try NumericType.apply(typmod: b.int32, to: a, in: call.arena) }
    }
  }

  private mutating func addNumericCasts() {
    unary("int2_numeric", "int4_numeric", "int8_numeric") { (call) throws(TypeError) in
      try call.each { value throws(TypeError) in NumericType.datum(value.int64, in: call.arena) }
    }
    scalar("float4_numeric") { (call) throws(TypeError) in try call.make(Numeric(call[0].float4)) }
    scalar("float8_numeric") { (call) throws(TypeError) in try call.make(Numeric(call[0].float8)) }
    scalar("numeric_int2") { (call) throws(TypeError) in Datum(try call.numeric(0).converting(to: Int16.self)) }
    scalar("numeric_int4") { (call) throws(TypeError) in Datum(try call.numeric(0).converting(to: Int32.self)) }
    scalar("numeric_int8") { (call) throws(TypeError) in Datum(try call.numeric(0).converting(to: Int64.self)) }
    scalar("numeric_float4") { (call) throws(TypeError) in Datum(try call.numeric(0).float4()) }
    scalar("numeric_float8") { (call) throws(TypeError) in Datum(try call.numeric(0).float8()) }
  }
}

/// `width_bucket`: into which of as many parts of equal width a value falls.
enum WidthBucket {
  private static func invalid(_ message: String) -> TypeError {
    TypeError(SQLState("2201G"), message)
  }

  static func number(_ value: Numeric, _ low: Numeric, _ high: Numeric, count: Int32) throws(TypeError) -> Datum {
    if count <= 0 { throw invalid("count must be greater than zero") }
    if value.isNaN || low.isNaN || high.isNaN { throw invalid("operand, lower bound, and upper bound cannot be NaN") }
    if low.isInfinite || high.isInfinite { throw invalid("lower and upper bounds must be finite") }
    let order = Numeric.compare(low, high)
    if order == 0 { throw invalid("lower bound cannot equal upper bound") }
    let (isBelow, isAbove) =
      order < 0
      ? (value < low, !(value < high)) : (low < value, !(high < value))
    if isBelow { return Datum(Int32(0)) }
    if isAbove {
      if count == .max { throw TypeError.outOfRange("integer") }
      return Datum(count + 1)
    }
    let quotient = try Numeric.integerQuotient((value - low) * Numeric(Int64(count)), high - low)
    return Datum(try quotient.converting(to: Int32.self) + 1)
  }

  static func float(_ value: Double, _ low: Double, _ high: Double, count: Int32) throws(TypeError) -> Datum {
    if count <= 0 { throw invalid("count must be greater than zero") }
    if value.isNaN || low.isNaN || high.isNaN { throw invalid("operand, lower bound, and upper bound cannot be NaN") }
    if low.isInfinite || high.isInfinite { throw invalid("lower and upper bounds must be finite") }
    if low == high { throw invalid("lower bound cannot equal upper bound") }
    let isRising = low < high
    if isRising ? value < low : value > low { return Datum(Int32(0)) }
    if isRising ? value >= high : value <= high {
      if count == .max { throw TypeError.outOfRange("integer") }
      return Datum(count + 1)
    }
    // Halves keep the widest bounds from overflowing.
    let width = high - low
    let share =
      width.isInfinite ? (value / 2 - low / 2) / (high / 2 - low / 2) : (value - low) / width
    return Datum(min(Int32(Double(count) * share), count - 1) + 1)
  }
}
