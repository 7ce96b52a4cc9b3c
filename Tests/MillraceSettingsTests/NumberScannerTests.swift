import Foundation
import Testing

@testable import MillraceSettings

@Suite("Numbers are scanned like C's strtol and strtod in the C locale")
struct NumberScannerTests {
  /// What PostgreSQL does with those two functions.
  private static func reference(_ text: String) -> (value: Double, rest: String)? {
    text.withCString { start in
      var end: UnsafeMutablePointer<CChar>?
      errno = 0
      var value = Double(strtol(start, &end, 0))
      guard var stop = end else { return nil }
      if "eE.".utf8.contains(UInt8(bitPattern: stop.pointee)) || errno == ERANGE {
        errno = 0
        value = strtod(start, &end)
        guard let again = end else { return nil }
        stop = again
      }
      if stop == UnsafeMutablePointer(mutating: start) || errno == ERANGE || value.isNaN { return nil }
      return (value, String(cString: stop))
    }
  }

  private static func scan(_ text: String) -> (value: Double, rest: String)? {
    var scanner = NumberScanner(text)
    guard let value = scanner.scanInteger() else { return nil }
    return (value, String(decoding: Array(text.utf8)[scanner.position...], as: UTF8.self))
  }

  private func expectSame(_ text: String, _ comment: Comment? = nil) {
    let (expected, actual) = (Self.reference(text), Self.scan(text))
    #expect(expected?.value == actual?.value, comment ?? "\"\(text)\"")
    #expect(expected?.rest == actual?.rest, comment ?? "\"\(text)\"")
  }

  @Test("every text of up to four characters of a number's alphabet")
  func everyShortText() {
    let alphabet = ["0", "1", "8", ".", "e", "x", "a", "-", " "]
    var texts = [""]
    for _ in 0..<4 {
      texts = texts.flatMap { text in alphabet.map { text + $0 } }
      texts.forEach { expectSame($0) }
    }
  }

  @Test(
    "texts at the edges",
    arguments: [
      "", " ", "+", "-", ".", "-.5", " .5", ".5", "+0x10", "0X1F", "0x", "0xg", "08", "0777", "-010", "1e", "1e+",
      "1e5",
      "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e308", "1e309",
      "1e-307", "1e-400", "0e-400", "0.0", "5.", "5.5.5", "0x1.8", "0x1.8p4", "0x.8", "0x1p-2000", "1.5e3kB", "\t\n12",
      "inf", "infinity", "nan", "1 000", "1_000", "٣", "0x1e5", "00x1", "1.e2", "99999999999999999999kB",
    ])
  func edges(text: String) {
    expectSame(text)
  }

  @Test("real numbers alone, with infinities and without not-a-number")
  func reals() {
    func real(_ text: String) -> Double? {
      var scanner = NumberScanner(text)
      return scanner.scanReal()
    }
    #expect(real("inf") == .infinity)
    #expect(real(" -Infinity") == -.infinity)
    #expect(real("nan") == nil)
    #expect(real("0x1.8p1") == 3)
    #expect(real("010") == 10)
    #expect(real("") == nil)
  }

  @Test("random texts", arguments: [UInt64(1), 2, 3])
  func randomTexts(seed: UInt64) {
    var random = TestRandom(seed: seed)
    let pieces = [
      "0", "1", "2", "7", "9", "12", "345", "0x", "0X", ".", "e", "E", "+", "-", " ", "\t", "kB", "f", "p", "x", "008",
      "18446744073709551616", "e10", "e-10", "E+3",
    ]
    for _ in 0..<20_000 {
      let text = (0..<random.number(in: 1...6)).map { _ in random.element(of: pieces) }.joined()
      expectSame(text, "seed \(seed): \"\(text)\"")
    }
  }
}
