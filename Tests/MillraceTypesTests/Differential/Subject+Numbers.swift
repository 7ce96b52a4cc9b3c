import MillraceTestSupport

extension DifferentialTests.Subject {
  static let all: [Self] = numbers + texts + others + dateTimes + arrays

  private static func integers(_ bits: Int) -> [String] {
    let limit = UInt64(1) << UInt64(bits - 1)
    let edges = [
      "0", "1", "-1", "+7", "-0", "00012", "\(limit - 1)", "-\(limit)", "\(limit)", "-\(limit + 1)", "\(limit)x",
      "99999999999999999999999999", "-99999999999999999999999999x", "", " ", " 5 ", "\t5\n", "5 5", "- 5", "--5", "+-5",
      "5.0", "1e3", "0x", "0x1F", "0X1f", "-0x10", "0o17", "0O17", "0b101", "0B11", "0b12", "0o8", "0xg", "1_000", "_1",
      "1_", "1__0", "0x_1", "0x1_", "0b_1", "0_1", "abc", "12abc", "１", "NaN", "0x7FFF", "0x8000", "-0x8000",
      "0x7FFFFFFF", "0x80000000", "-0x80000000", "-0x80000001", "0x7FFFFFFFFFFFFFFF", "-0x8000000000000000",
      "0x8000000000000000", "0b" + String(repeating: "1", count: bits - 1), "0b" + String(repeating: "1", count: bits),
    ]
    var random = SeededGenerator(seed: UInt64(bits))
    return edges
      + (0..<150).map { _ in
        let value = Int64(bitPattern: random.next()) >> Int64(random.below(64))
        return "\(value)"
      }
  }

  private static let floats: [String] = {
    let edges = [
      "0", "-0", "1", "-1", "0.1", "0.3", "1.5", "1e0", "1e5", "1e6", "1e7", "123456", "1234567", "999999", "1e14",
      "1e15",
      "1e16", "123456789012345", "1234567890123456", "0.0001", "0.00001", "0.00012345", "1e-4", "1e-5", "1.1e-5",
      "1e37",
      "3.4028235e38", "3.4028236e38", "1e39", "-1e39", "1e-37", "1.17549435e-38", "1e-45", "7e-46", "1e-46", "1e308",
      "1.7976931348623157e308", "1.7976931348623159e308", "-1e400", "1e400", "1e-400", "4.9e-324", "2e-324", "5e-324",
      "2.2250738585072014e-308", "NaN", "nan", "NAN ", "+nan", "-nan", "inf", "-inf", "+inf", "Infinity", "-Infinity",
      "infinit", "infinityx", "", " ", "1 ", " 1", "1x", "x1", ".", ".5", "5.", "1e", "1e+", "0x1p3", "0x10", "1_000",
      "9007199254740991", "9007199254740992", "9007199254740993", "18014398509481984", "18014398509481988",
      "1.8014398509481986e16", "36028797018963972", "72057594037927945", "9223372036854775807", "16777216", "16777217",
      "33554432", "33554434", "67108864", "67108868", "8388608.5", "0.30000001192092896", "1.1754944e-38", "nan(1)",
      "2.225073858507201e-308", "1e22", "1e23", "8.5e22", "123456.7", "1234567.8", "100000", "1e-3", "3.14159265358979",
    ]
    var random = SeededGenerator(seed: 8)
    return edges
      + (0..<200).map { _ in "\(Double(bitPattern: random.next()))" }
      + (0..<200).map { _ in "\(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))" }
      + (0..<100).map { _ in "\(Double(random.below(100_000_000)) / 1000)" }
      + (54..<70).flatMap { power in
        (0..<4).map { "\((UInt128(1) << UInt128(power)) + UInt128($0) << UInt128(power - 52))" }
      }
  }()

  static let numerics: [String] = {
    let edges = [
      "0", "-0", "0.0", "0.000", "1", "-1", "10", "100", "1000", "10000", "100000", "9999", "99999999", "0.1", "0.01",
      "0.001", "0.0001", "0.00001", "1.5", "-1.50", "12345678901234567890.123456789", "1e10", "1E-10", "1.5e3",
      "1.5e-3",
      "1e1000", "1e-1000", "1e131071", "1e131072", "1e-16383", "1e-16384", "9e999999999999", "NaN", "nan", " NaN ",
      "-NaN",
      "+NaN", "Infinity", "-Infinity", "inf", "-inf", "+inf", "infinite", "", " ", ".", ".5", "5.", "-.5", "+.5",
      "1..2",
      "1.2.3", "1e", "1e+", "1e+5", "1e-5", "e5", "1_000", "1_000.000_1", "_1", "1_", "1__0", "1._5", "1_.5", "1e1_0",
      "0x1F", "0x1f_ff", "0b1010", "0o777", "0x", "0b2", "0xffffffffffffffffffffffff", "-0x10", "1 2", "--1", "12a",
      "0.00000000000000000000000001", "123456789.987654321", "4999.5", "5000", "49995000", "0.00005", "9999.9999",
      "1234567812345678", "99999999999999999999999999999999999999.5", "0x7fffffffffffffff", "-1e-20",
    ]
    var random = SeededGenerator(seed: 1700)
    return edges
      + (0..<200).map { _ in
        let digits = (0..<(1 + random.below(30))).map { _ in String(random.below(10)) }.joined()
        let point = random.below(digits.count + 1)
        let sign = ["", "-"][random.below(2)]
        let split = digits.index(digits.startIndex, offsetBy: point)
        let number = "\(sign)\(digits[..<split]).\(digits[split...])"
        return random.below(4) == 0 ? "\(number)e\(random.below(40) - 20)" : number
      }
  }()

  private static let oids = [
    "0", "1", "4294967295", "4294967296", "-1", "-2147483648", "-2147483649", "2147483648", "", " 7 ", "0x10", "010",
    "08", "1 2", "x", "1x", "99999999999999999999", "18446744073709551615", "-99999999999", "+5", "0x",
  ]

  private static let numbers: [Self] = [
    Self(name: "int2", send: "int2send", hash: "hashint2", texts: integers(16)),
    Self(name: "int4", send: "int4send", hash: "hashint4", texts: integers(32)),
    Self(name: "int8", send: "int8send", hash: "hashint8", texts: integers(64)),
    Self(name: "float4", send: "float4send", hash: "hashfloat4", texts: floats),
    Self(name: "float8", send: "float8send", hash: "hashfloat8", texts: floats),
    Self(name: "numeric", send: "numeric_send", hash: "hash_numeric", texts: numerics),
    Self(name: "oid", send: "oidsend", hash: "hashoid", texts: oids),
    Self(name: "xid", send: "xidsend", isOrdered: false, texts: oids),
    Self(name: "cid", send: "cidsend", isOrdered: false, texts: oids),
  ]
}
