import MillraceTestSupport
import Testing

@testable import MillraceTypes

/// What is computed in 64 bits is what is computed digit by digit, to the last byte.
@Suite struct CompactNumericTests {
  private let arena = Arena()

  /// Numbers around every limit of the short way, and some from the seed.
  private static func texts(_ generator: inout SeededGenerator) -> [String] {
    var texts = [
      "0", "0.00", "1", "-1", "9999", "10000", "-10000.0001", "0.0001", "0.00001", "-0.5", "0.05", "99999999.9999",
      "100000000", "9223372036854775807", "-9223372036854775808", "8999999999999999", "9000000000000000000",
      "123456789012345678901234567890", "0.00000000000000001", "1e16", "1e20", "1e-16", "1e-17", "1e100", "1.5e-30",
      "NaN", "Infinity", "-Infinity", "0.0000", "899.9999999999999999", "900.0000000000000001", "12345.678900",
      "0." + String(repeating: "0", count: 70), "1." + String(repeating: "0", count: 80),
    ]
    for _ in 0..<200 {
      let whole = generator.below(19)
      let decimals = generator.below(10)
      var text = generator.below(2) == 0 ? "-" : ""
      for _ in 0..<max(whole, 1) { text += String(generator.below(10)) }
      if decimals > 0 { text += "." }
      for _ in 0..<decimals { text += String(generator.below(3) == 0 ? 0 : generator.below(10)) }
      texts.append(text)
    }
    return texts
  }

  private func slow(_ text: String) throws -> Numeric { try Array(text.utf8).withByteView { try Numeric(parsing: $0) } }

  private func bytes(_ datum: Datum) -> [UInt8] { Array(datum.bytes) }

  private func text(_ datum: Datum) throws -> String {
    try #require(TypeDescriptor.all.first { $0.name == "numeric" }).text(of: datum)
  }

  private func slowText(_ value: Numeric) -> String {
    var text: [UInt8] = []
    value.appendText(to: &text)
    return String(decoding: text, as: UTF8.self)
  }

  @Test func `texts are read and written alike`() throws {
    var generator = SeededGenerator(for: "compact numerics")
    for text in Self.texts(&generator) {
      let value = try slow(text)
      let expected = try NumericType.datum(value, in: arena)
      let read = Array(text.utf8).withByteView { CompactNumeric(parsing: $0) }
      if let read { #expect(bytes(read.datum(in: arena)) == bytes(expected), "\(text)") }
      let written = try self.text(expected)
      #expect(written == slowText(value), "\(text)")
    }
  }

  @Test func `sums, differences and products are the same`() throws {
    var generator = SeededGenerator(for: "compact numerics")
    let texts = Self.texts(&generator)
    for a in texts {
      for b in texts.shuffled(using: &generator).prefix(40) {
        let (left, right) = (try slow(a), try slow(b))
        let (first, second) = (try NumericType.datum(left, in: arena), try NumericType.datum(right, in: arena))
        let sum = try NumericType.sum(first, second, in: arena)
        #expect(try bytes(sum) == bytes(NumericType.datum(left + right, in: arena)), "\(a) + \(b)")
        let difference = try NumericType.difference(first, second, in: arena)
        #expect(try bytes(difference) == bytes(NumericType.datum(left - right, in: arena)), "\(a) - \(b)")
        let product = try NumericType.product(first, second, in: arena)
        #expect(try bytes(product) == bytes(NumericType.datum(left * right, in: arena)), "\(a) * \(b)")
        arena.reset()
      }
    }
  }

  @Test func `rounding to a precision and a scale is the same, and refuses the same`() throws {
    var generator = SeededGenerator(for: "compact numerics")
    for text in Self.texts(&generator) {
      let value = try slow(text)
      for (precision, scale) in [(10, 2), (15, 2), (4, 0), (5, 5), (18, 4), (3, -2), (1000, 0), (20, 17)] {
        let typmod = NumericType.typmod(precision: precision, scale: scale)
        let datum = try NumericType.datum(value, in: arena)
        let ours = try? bytes(NumericType.apply(typmod: typmod, to: datum, in: arena))
        let expected = try? bytes(NumericType.datum(NumericType.apply(typmod: typmod, to: value), in: arena))
        #expect(ours == expected, "\(text)::numeric(\(precision), \(scale))")
      }
    }
  }

  @Test func `a compact sum and what does not fit make the accumulator's total`() throws {
    var generator = SeededGenerator(for: "compact numerics")
    for _ in 0..<50 {
      var (compact, rest, expected) = (CompactNumericSum(), NumericAccumulator(), NumericAccumulator())
      for text in Self.texts(&generator).shuffled(using: &generator).prefix(60)
      where !text.contains("N") && !text.contains("I") {
        let datum = try NumericType.datum(try slow(text), in: arena)
        expected.add(datum)
        if !compact.add(datum) { rest.add(datum) }
      }
      rest.add(compact)
      #expect(rest.count == expected.count)
      let (ours, theirs) = (rest.total, expected.total)
      #expect(ours.map(slowText) == theirs.map(slowText))
      let (average, expectedAverage) = (try rest.average(), try expected.average())
      #expect(average.map(slowText) == expectedAverage.map(slowText))
    }
  }
}
