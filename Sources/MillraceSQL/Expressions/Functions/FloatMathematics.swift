import MillraceTypes

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension FunctionRegistry {
  mutating func addFloatMathematics() {
    addRoots()
    addTrigonometry()
    addDegrees()
    addHyperbolics()
    addOtherFloatFunctions()
  }

  private mutating func addRoots() {
    unary("dsqrt") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Double.squareRoot(a.float8)) }
    }
    unary("dcbrt") { (call) throws(TypeError) in try call.each { Datum(cbrt($0.float8)) } }
    unary("dexp") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Double.exponential(a.float8)) }
    }
    unary("dlog1") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Double.naturalLogarithm(a.float8)) }
    }
    unary("dlog10") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Double.decimalLogarithm(a.float8)) }
    }
    binary("dpow") { (call) throws(TypeError) in
      try call.each { (a, b) throws(TypeError) in Datum(try Double.power(a.float8, b.float8)) }
    }
    unary("dround") { (call) throws(TypeError) in try call.each { Datum($0.float8.rounded(.toNearestOrEven)) } }
    unary("dtrunc") { (call) throws(TypeError) in try call.each { Datum($0.float8.rounded(.towardZero)) } }
    unary("dceil") { (call) throws(TypeError) in try call.each { Datum($0.float8.rounded(.up)) } }
    unary("dfloor") { (call) throws(TypeError) in try call.each { Datum($0.float8.rounded(.down)) } }
    unary("dsign") { (call) throws(TypeError) in
      try call.each { Datum($0.float8 > 0 ? 1.0 : $0.float8 < 0 ? -1.0 : 0.0) }
    }
  }

  private mutating func addTrigonometry() {
    unary("dsin") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(sin(try Trigonometry.finite(a.float8))) }
    }
    unary("dcos") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(cos(try Trigonometry.finite(a.float8))) }
    }
    unary("dtan") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(tan(try Trigonometry.finite(a.float8))) }
    }
    unary("dcot") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(1 / tan(try Trigonometry.finite(a.float8))) }
    }
    unary("dasin") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(asin(try Trigonometry.sine(a.float8))) }
    }
    unary("dacos") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(acos(try Trigonometry.sine(a.float8))) }
    }
    unary("datan") { (call) throws(TypeError) in try call.each { Datum(atan($0.float8)) } }
    binary("datan2") { (call) throws(TypeError) in try call.each { Datum(atan2($0.float8, $1.float8)) } }
  }

  private mutating func addDegrees() {
    unary("dsind") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Trigonometry.sineOfDegrees(a.float8)) }
    }
    unary("dcosd") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Trigonometry.cosineOfDegrees(a.float8)) }
    }
    unary("dtand") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Trigonometry.tangentOfDegrees(a.float8)) }
    }
    unary("dcotd") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Trigonometry.cotangentOfDegrees(a.float8)) }
    }
    unary("dasind") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        Datum(Trigonometry.degreesOfArcsine(try Trigonometry.sine(a.float8)))
      }
    }
    unary("dacosd") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        Datum(Trigonometry.degreesOfArccosine(try Trigonometry.sine(a.float8)))
      }
    }
    unary("datand") { (call) throws(TypeError) in
      try call.each { Datum(atan($0.float8) / Trigonometry.arctangentOfOne * 45) }
    }
    binary("datan2d") { (call) throws(TypeError) in
      try call.each { Datum(atan2($0.float8, $1.float8) / Trigonometry.arctangentOfOne * 45) }
    }
    unary("degrees") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in Datum(try Double.dividing(a.float8, by: Trigonometry.radiansPerDegree)) }
    }
    unary("radians") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        Datum(try Double.multiplying(a.float8, Trigonometry.radiansPerDegree))
      }
    }
    scalar("dpi") { _ in Datum(Double.pi) }
  }

  private mutating func addHyperbolics() {
    unary("dsinh") { (call) throws(TypeError) in try call.each { Datum(sinh($0.float8)) } }
    unary("dcosh") { (call) throws(TypeError) in try call.each { Datum(cosh($0.float8)) } }
    unary("dtanh") { (call) throws(TypeError) in try call.each { Datum(tanh($0.float8)) } }
    unary("dasinh") { (call) throws(TypeError) in try call.each { Datum(asinh($0.float8)) } }
    unary("dacosh") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        if a.float8 < 1 { throw Trigonometry.outOfRange }
        return Datum(acosh(a.float8))
      }
    }
    unary("datanh") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        if a.float8 < -1 || a.float8 > 1 { throw Trigonometry.outOfRange }
        return Datum(atanh(a.float8))
      }
    }
  }

  private mutating func addOtherFloatFunctions() {
    unary("derf") { (call) throws(TypeError) in try call.each { Datum(erf($0.float8)) } }
    unary("derfc") { (call) throws(TypeError) in try call.each { Datum(erfc($0.float8)) } }
    unary("dgamma") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        let value = a.float8
        if value.isNaN || value == .infinity { return a }
        if value == -.infinity { throw Trigonometry.overflow }
        let result = tgamma(value)
        if result.isInfinite || result.isNaN { throw Trigonometry.overflow }
        if result == 0 { throw Trigonometry.underflow }
        return Datum(result)
      }
    }
    unary("dlgamma") { (call) throws(TypeError) in
      try call.each { (a) throws(TypeError) in
        let result: Double = lgamma(a.float8)
        if result.isInfinite, !a.float8.isInfinite { throw Trigonometry.overflow }
        return Datum(result)
      }
    }
    scalar("width_bucket_float8") { (call) throws(TypeError) in
      try WidthBucket.float(call[0].float8, call[1].float8, call[2].float8, count: call[3].int32)
    }
  }
}

/// Sine and its kin with PostgreSQL's refusals, and of degrees with exact results where there are some (float.c).
enum Trigonometry {
  static let arctangentOfOne = atan(1.0)
  private static let sineOf30 = sin(30 * radiansPerDegree)
  private static let oneMinusCosineOf60 = 1 - cos(60 * radiansPerDegree)
  private static let arcsineOfHalf = asin(0.5)
  private static let arccosineOfHalf = acos(0.5)
  static let radiansPerDegree = 0.0174532925199432957692

  static let outOfRange = TypeError(.numericValueOutOfRange, "input is out of range")
  static let overflow = TypeError(.numericValueOutOfRange, "value out of range: overflow")
  static let underflow = TypeError(.numericValueOutOfRange, "value out of range: underflow")

  @inline(__always) static func finite(_ value: Double) throws(TypeError) -> Double {
    if value.isInfinite { throw outOfRange }
    return value
  }

  @inline(__always) static func sine(_ value: Double) throws(TypeError) -> Double {
    if value < -1 || value > 1 { throw outOfRange }
    return value
  }

  private static func sineTo30(_ x: Double) -> Double { sin(x * radiansPerDegree) / sineOf30 / 2 }
  private static func cosineTo60(_ x: Double) -> Double {
    1 - (1 - cos(x * radiansPerDegree)) / oneMinusCosineOf60 / 2
  }
  private static func sineTo90(_ x: Double) -> Double { x <= 30 ? sineTo30(x) : cosineTo60(90 - x) }
  private static func cosineTo90(_ x: Double) -> Double { x <= 60 ? cosineTo60(x) : sineTo30(90 - x) }

  static func sineOfDegrees(_ value: Double) throws(TypeError) -> Double {
    if value.isNaN { return value }
    var x = fmod(try finite(value), 360)
    var sign = 1.0
    if x < 0 { (x, sign) = (-x, -sign) }
    if x > 180 { (x, sign) = (360 - x, -sign) }
    if x > 90 { x = 180 - x }
    return sign * sineTo90(x)
  }

  static func cosineOfDegrees(_ value: Double) throws(TypeError) -> Double {
    if value.isNaN { return value }
    var x = fmod(try finite(value), 360)
    var sign = 1.0
    if x < 0 { x = -x }
    if x > 180 { x = 360 - x }
    if x > 90 { (x, sign) = (180 - x, -sign) }
    return sign * cosineTo90(x)
  }

  static func tangentOfDegrees(_ value: Double) throws(TypeError) -> Double {
    if value.isNaN { return value }
    var x = fmod(try finite(value), 360)
    var sign = 1.0
    if x < 0 { (x, sign) = (-x, -sign) }
    if x > 180 { (x, sign) = (360 - x, -sign) }
    if x > 90 { (x, sign) = (180 - x, -sign) }
    let result = sign * (sineTo90(x) / cosineTo90(x) / (sineTo90(45) / cosineTo90(45)))
    // Not minus zero.
    return result == 0 ? 0 : result
  }

  static func cotangentOfDegrees(_ value: Double) throws(TypeError) -> Double {
    if value.isNaN { return value }
    var x = fmod(try finite(value), 360)
    var sign = 1.0
    if x < 0 { (x, sign) = (-x, -sign) }
    if x > 180 { (x, sign) = (360 - x, -sign) }
    if x > 90 { (x, sign) = (180 - x, -sign) }
    let result = sign * (cosineTo90(x) / sineTo90(x) / (cosineTo90(45) / sineTo90(45)))
    return result == 0 ? 0 : result
  }

  private static func arcsine(_ x: Double) -> Double {
    x <= 0.5 ? asin(x) / arcsineOfHalf * 30 : 90 - acos(x) / arccosineOfHalf * 60
  }
  private static func arccosine(_ x: Double) -> Double {
    x <= 0.5 ? 90 - asin(x) / arcsineOfHalf * 30 : acos(x) / arccosineOfHalf * 60
  }

  static func degreesOfArcsine(_ x: Double) -> Double {
    if x.isNaN { return x }
    return x >= 0 ? arcsine(x) : -arcsine(-x)
  }

  static func degreesOfArccosine(_ x: Double) -> Double {
    if x.isNaN { return x }
    return x >= 0 ? arccosine(x) : 90 + arcsine(-x)
  }
}
