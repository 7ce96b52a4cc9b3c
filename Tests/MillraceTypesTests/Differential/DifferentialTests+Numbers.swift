import MillraceTestSupport
import MillraceTypes
import Testing

extension DifferentialTests {
  @Test("arithmetic of integers")
  func integerArithmetic() throws {
    try integers(Int16.self, "int2", ["0", "1", "-1", "7", "-7", "181", "32767", "-32768", "-32767", "2", "12"])
    try integers(Int32.self, "int4", ["0", "1", "-1", "7", "-7", "46341", "2147483647", "-2147483648", "65536", "12"])
    try integers(
      Int64.self, "int8",
      ["0", "1", "-1", "9", "-9", "3037000500", "9223372036854775807", "-9223372036854775808", "12"])
  }

  private func integers<Number: SQLInteger>(_: Number.Type, _ name: String, _ texts: [String]) throws {
    typealias Operation = (sql: String, ours: (Number, Number) throws(TypeError) -> Number)
    let operations: [Operation] = [
      ("a + b", Number.adding), ("a - b", Number.subtracting), ("a * b", Number.multiplying),
      ("a / b", { (a, b) throws(TypeError) in try Number.dividing(a, by: b) }),
      ("a % b", { (a, b) throws(TypeError) in try Number.remainder(a, by: b) }),
      ("-a + 0::\(name) * b", { (a, _) throws(TypeError) in try Number.negating(a) }),
      ("abs(a) + 0::\(name) * b", { (a, _) throws(TypeError) in try Number.absolute(a) }),
    ]
    let wide: [Operation] = [
      ("gcd(a, b)", Number.greatestCommonDivisor), ("lcm(a, b)", Number.leastCommonMultiple),
    ]
    var questions: [Referee.Question] = []
    for (sql, ours) in operations + (Number.bitWidth > 16 ? wide : []) {
      for x in texts {
        for y in texts {
          let (a, b) = (try #require(Number(x)), try #require(Number(y)))
          questions.append(
            Referee.Question(
              sql: "\(sql) FROM (SELECT '\(x)'::\(name) a, '\(y)'::\(name) b) s",
              ours: Answer.of { () throws(TypeError) in "\(try ours(a, b))" }))
        }
      }
    }
    for x in texts {
      let a = try #require(Number(x))
      for count: Int32 in [0, 1, 5, 15, 16, 31, 32, 40, 63, 64, -1] {
        questions += [
          Referee.Question(sql: "'\(x)'::\(name) << \(count)", ours: "\(Number.shiftingLeft(a, by: count))"),
          Referee.Question(sql: "'\(x)'::\(name) >> \(count)", ours: "\(Number.shiftingRight(a, by: count))"),
        ]
      }
    }
    try Referee.compare(questions)
  }

  @Test("arithmetic of floating-point numbers")
  func floatArithmetic() throws {
    let texts = [
      "0", "-0", "1", "-1", "0.1", "1e-300", "1e300", "-1e300", "NaN", "Infinity", "-Infinity", "2.5", "3.5", "1e-30",
      "1e30", "2147483647.5", "-2147483648.5", "32767.4", "9.2e18", "9.3e18", "1e-45", "0.5", "4",
    ]
    typealias Operation = (sql: String, ours: (Double, Double) throws(TypeError) -> Double)
    let operations: [Operation] = [
      ("a + b", Double.adding), ("a - b", Double.subtracting), ("a * b", Double.multiplying),
      ("a / b", { (a, b) throws(TypeError) in try Double.dividing(a, by: b) }), ("power(a, b)", Double.power),
      ("CASE WHEN a < b THEN -1 WHEN a = b THEN 0 ELSE 1 END", { a, b in Double(a.sqlOrder(to: b)) }),
    ]
    func shown(_ value: Double) -> String { TypeDescriptor.float8.text(of: Datum(value)) }
    var questions: [Referee.Question] = []
    for (sql, ours) in operations {
      for x in texts {
        for y in texts {
          let (a, b) = (try #require(Double(x)), try #require(Double(y)))
          questions.append(
            Referee.Question(
              sql: "\(sql) FROM (SELECT '\(x)'::float8 a, '\(y)'::float8 b) s",
              ours: Answer.of { () throws(TypeError) in shown(try ours(a, b)) }))
        }
      }
    }
    typealias Function = (sql: String, ours: (Double) throws(TypeError) -> String)
    let functions: [Function] = [
      ("sqrt(a)", { (a) throws(TypeError) in shown(try Double.squareRoot(a)) }),
      ("exp(a)", { (a) throws(TypeError) in shown(try Double.exponential(a)) }),
      ("ln(a)", { (a) throws(TypeError) in shown(try Double.naturalLogarithm(a)) }),
      ("log(a)", { (a) throws(TypeError) in shown(try Double.decimalLogarithm(a)) }),
      ("a::int2", { (a) throws(TypeError) in "\(try Int16.rounding(a))" }),
      ("a::int4", { (a) throws(TypeError) in "\(try Int32.rounding(a))" }),
      ("a::int8", { (a) throws(TypeError) in "\(try Int64.rounding(a))" }),
      ("a::float4", { (a) throws(TypeError) in TypeDescriptor.float4.text(of: Datum(try Float.converting(a))) }),
      ("a::numeric", { a in Numeric(a).text }),
    ]
    for (sql, ours) in functions {
      for x in texts {
        let a = try #require(Double(x))
        questions.append(
          Referee.Question(
            sql: "\(sql) FROM (SELECT '\(x)'::float8 a) s", ours: Answer.of { () throws(TypeError) in try ours(a) }))
      }
    }
    try Referee.compare(questions)
  }

  @Test("fewer digits of floating-point numbers")
  func extraFloatDigits() throws {
    var questions: [Referee.Question] = []
    let arena = Arena()
    for digits in [0, -3, -15, 1, 3] {
      for text in ["1.2345678901234567", "1e23", "123456789", "0.1", "1e-7", "NaN", "100000", "1234567", "-0"] {
        var settings = TypeSettings()
        settings.extraFloatDigits = digits
        for (name, type) in [("float8", TypeDescriptor.float8), ("float4", .float4)] {
          let value = try type.value(of: text, in: arena)
          questions.append(
            Referee.Question(
              sql: "'\(text)'::\(name)", ours: type.text(of: value, settings),
              prelude: "SET LOCAL extra_float_digits = \(digits)"))
        }
      }
    }
    try Referee.compare(questions)
  }

  private static let numericOperands = [
    "0", "0.00", "1", "-1", "1.00", "2", "0.5", "-0.5", "10", "100", "9999", "10000", "10001", "0.0001", "0.00001", "3",
    "7",
    "-7", "12345678901234567890", "0.000000000000000000001", "99999999.99999999", "1.1", "0.9", "0.95",
    "2.718281828459045",
    "-12.34", "1234567.891", "1e20", "1e-20", "NaN", "Infinity", "-Infinity", "4", "16", "0.01", "0.0000000001",
    "123456789012345678901234567890.123456789",
  ]

  @Test("arithmetic of numeric")
  func numericArithmetic() throws {
    typealias Operation = (sql: String, ours: (Numeric, Numeric) throws(TypeError) -> Numeric)
    let operations: [Operation] = [
      ("a + b", { a, b in a + b }), ("a - b", { a, b in a - b }), ("a * b", { a, b in a * b }),
      ("a / b", { (a, b) throws(TypeError) in try Numeric.dividing(a, by: b) }),
      ("a % b", { (a, b) throws(TypeError) in try Numeric.remainder(a, by: b) }),
      ("div(a, b)", Numeric.integerQuotient), ("gcd(a, b)", Numeric.greatestCommonDivisor),
      ("lcm(a, b)", Numeric.leastCommonMultiple),
    ]
    var questions: [Referee.Question] = []
    for (sql, ours) in operations {
      for x in Self.numericOperands {
        for y in Self.numericOperands { questions.append(try Self.question(sql, ours, x, y)) }
      }
    }
    var random = SeededGenerator(for: "arithmetic of numeric")
    for _ in 0..<1500 {
      let (sql, ours) = operations[random.below(operations.count)]
      let (x, y) = (Self.randomNumeric(&random), Self.randomNumeric(&random))
      questions.append(try Self.question(sql, ours, x, y))
    }
    try Referee.compare(questions)
  }

  private static func randomNumeric(_ random: inout SeededGenerator) -> String {
    let before = (0...random.below(random.below(3) == 0 ? 60 : 12)).map { _ in "\(random.below(10))" }.joined()
    let after = (0..<random.below(random.below(3) == 0 ? 60 : 8)).map { _ in "\(random.below(10))" }.joined()
    return (random.below(2) == 0 ? "-" : "") + before + (after.isEmpty ? "" : "." + after)
  }

  private static func numeric(_ text: String) throws -> Numeric {
    try Array(text.utf8).withByteView { try Numeric(parsing: $0) }
  }

  private static func question(
    _ sql: String, _ ours: (Numeric, Numeric) throws(TypeError) -> Numeric, _ x: String, _ y: String
  ) throws -> Referee.Question {
    let arena = Arena()
    let (a, b) = (try numeric(x), try numeric(y))
    return Referee.Question(
      sql: "\(sql) FROM (SELECT '\(x)'::numeric a, '\(y)'::numeric b) s",
      ours: Answer.of { () throws(TypeError) in
        // Through the format, so that what has no room there is found.
        NumericType.value(try NumericType.datum(try ours(a, b), in: arena)).text
      })
  }

  @Test("roots, exponentials, logarithms and powers of numeric")
  func numericFunctions() throws {
    var questions: [Referee.Question] = []
    let unary: [(sql: String, ours: (Numeric) throws(TypeError) -> Numeric)] = [
      ("sqrt(a)", { (a) throws(TypeError) in try a.squareRoot() }),
      ("exp(a)", { (a) throws(TypeError) in try a.exponential() }),
      ("ln(a)", { (a) throws(TypeError) in try a.naturalLogarithm() }), ("ceil(a)", { $0.ceiling() }),
      ("floor(a)", { $0.floor() }), ("abs(a)", { $0.absolute }), ("-a", { -$0 }),
      ("sign(a)", { $0.isNaN ? $0 : Numeric(Int64($0.sign)) }),
      ("log(a)", { (a) throws(TypeError) in try Numeric.logarithm(base: Numeric(Int64(10)), a) }),
    ]
    var random = SeededGenerator(for: "functions of numeric")
    let operands =
      Self.numericOperands + ["0.1", "1.0000001", "0.99999999999", "5999", "-5999", "6001", "-6001", "1000.5"]
      + (0..<60).map { _ in Self.randomNumeric(&random) }
    for (sql, ours) in unary {
      for x in operands where !(sql == "exp(a)" && x.count > 30) {
        questions.append(try Self.question(sql, { (a, _) throws(TypeError) in try ours(a) }, x, "0"))
      }
    }
    let few = [
      "0", "1", "-1", "2", "0.5", "-0.5", "10", "-2", "3", "1.5", "-1.5", "100", "0.0001", "12.34", "NaN", "Infinity",
      "-Infinity",
      "33", "-33", "1.0001", "2147483648", "0.999999", "1e-10", "-3.0", "5.00", "1000.25",
    ]
    for x in few {
      for y in few {
        questions.append(try Self.question("power(a, b)", Numeric.power, x, y))
        questions.append(
          try Self.question("log(a, b)", { (a, b) throws(TypeError) in try Numeric.logarithm(base: a, b) }, x, y))
      }
    }
    for x in Self.numericOperands {
      for scale in [-25, -5, -4, -3, -1, 0, 1, 2, 3, 4, 5, 8, 25] {
        questions.append(try Self.question("round(a, \(scale))", { a, _ in a.rounded(toScale: scale) }, x, "0"))
        questions.append(try Self.question("trunc(a, \(scale))", { a, _ in a.truncated(toScale: scale) }, x, "0"))
      }
    }
    for number in [0, 1, 2, 5, 20, 50, 300, -1, 32178] as [Int64] {
      questions.append(
        Referee.Question(
          sql: "factorial(\(number))",
          ours: Answer.of { () throws(TypeError) in try Numeric.factorial(number).text }))
    }
    try Referee.compare(questions)
  }

  @Test("conversions of numeric")
  func numericConversions() throws {
    var questions: [Referee.Question] = []
    let texts =
      Self.numericOperands + [
        "32767.4", "32767.5", "-32768.5", "-32768.4", "2147483647.5", "-2147483648.5", "9223372036854775807.4",
        "9223372036854775807.5", "-9223372036854775808.5", "1e400", "1e-400", "1e39", "1e-50", "0.499999", "2.5", "3.5",
      ]
    for text in texts {
      let a = try Self.numeric(text)
      func ask(_ sql: String, _ ours: () throws(TypeError) -> String?) {
        questions.append(Referee.Question(sql: "\(sql) FROM (SELECT '\(text)'::numeric a) s", ours: Answer.of(ours)))
      }
      ask("a::int2") { () throws(TypeError) in "\(try a.converting(to: Int16.self))" }
      ask("a::int4") { () throws(TypeError) in "\(try a.converting(to: Int32.self))" }
      ask("a::int8") { () throws(TypeError) in "\(try a.converting(to: Int64.self))" }
      ask("a::float8") { () throws(TypeError) in TypeDescriptor.float8.text(of: Datum(try a.float8())) }
      ask("a::float4") { () throws(TypeError) in TypeDescriptor.float4.text(of: Datum(try a.float4())) }
      ask("scale(a)") { a.isFinite ? "\(a.scale)" : nil }
      ask("min_scale(a)") { a.minimalScale.map { "\($0)" } }
    }
    for number in [0, 1, -1, 9999, 10000, 10001, Int64.max, Int64.min, 100_000_000] {
      questions.append(Referee.Question(sql: "'\(number)'::int8::numeric", ours: Numeric(number).text))
    }
    try Referee.compare(questions)
  }
}
