import Testing

@testable import MillraceSettings

@Suite("Units")
struct SettingUnitTests {
  /// A setting of each unit that takes any number, so that only the unit decides.
  private func wide(_ unit: SettingUnit) -> SettingDefinition {
    .integer("wide", unit, default: 0, in: Int(Int32.min)...Int(Int32.max), .session, "Takes any number.")
  }

  private func parse(_ text: String, _ unit: SettingUnit) -> Int? {
    guard case .integer(let value)? = try? wide(unit).parse(text) else { return nil }
    return value
  }

  @Test("every unit name after every base unit")
  func everyUnitName() {
    let names = ["", "B", "kB", "MB", "GB", "TB", "us", "ms", "s", "min", "h", "d"]
    // One of each in base units. Nil: not a unit of this setting, or beyond 32 bits.
    let expected: [(SettingUnit, [Int?])] = [
      (.none, [1, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil]),
      (.bytes, [1, 1, 1024, 1_048_576, 1_073_741_824, nil, nil, nil, nil, nil, nil, nil]),
      (.kilobytes, [1, 0, 1, 1024, 1_048_576, 1_073_741_824, nil, nil, nil, nil, nil, nil]),
      (.megabytes, [1, 0, 0, 1, 1024, 1_048_576, nil, nil, nil, nil, nil, nil]),
      (.blocks, [1, 0, 0, 128, 131_072, 134_217_728, nil, nil, nil, nil, nil, nil]),
      (.microseconds, [1, nil, nil, nil, nil, nil, 1, 1000, 1_000_000, 60_000_000, nil, nil]),
      (.milliseconds, [1, nil, nil, nil, nil, nil, 0, 1, 1000, 60_000, 3_600_000, 86_400_000]),
      (.seconds, [1, nil, nil, nil, nil, nil, 0, 0, 1, 60, 3600, 86_400]),
    ]
    #expect(expected.count == SettingUnit.allCases.count)
    for (unit, values) in expected {
      for (name, value) in zip(names, values) {
        #expect(parse("1" + name, unit) == value, "1\(name) as \(unit)")
        #expect(parse("1 \(name) ", unit) == value, "1 \(name) with blanks as \(unit)")
      }
    }
  }

  @Test("unit names are told apart by case", arguments: ["KB", "kb", "mb", "Mb", "S", "Min", "MS", "k", "KiB", "µs"])
  func wrongUnits(name: String) {
    for unit in SettingUnit.allCases {
      #expect(parse("1" + name, unit) == nil)
    }
  }

  @Test("fractions are rounded to the next smaller unit, then to the base unit")
  func fractions() {
    #expect(parse("1.5MB", .blocks) == 192)
    #expect(parse("1.5kB", .kilobytes) == 2)
    #expect(parse("2.5kB", .kilobytes) == 2)
    #expect(parse("30.1GB", .kilobytes) == 30_822 * 1024)
    #expect(parse("12kB", .blocks) == 2)
    #expect(parse("4kB", .blocks) == 0)
    #expect(parse("0.5h", .seconds) == 1800)
    #expect(parse("1.5us", .microseconds) == 2)
    #expect(parse("-1.5", .none) == -2)
  }

  @Test("numbers are shown in the largest unit that divides them")
  func display() {
    let cases: [(SettingUnit, Int, String)] = [
      (.blocks, 1, "8kB"), (.blocks, 16, "128kB"), (.blocks, 2048, "16MB"), (.blocks, 16_384, "128MB"),
      (.blocks, 131_072, "1GB"), (.blocks, 129, "1032kB"), (.blocks, 0, "0"), (.blocks, -1, "-1"),
      (.kilobytes, 2048, "2MB"), (.kilobytes, 1, "1kB"), (.kilobytes, 16_777_216, "16GB"),
      (.megabytes, 80, "80MB"), (.megabytes, 1024, "1GB"), (.megabytes, 1 << 20, "1TB"), (.bytes, 524_288, "512kB"),
      (.bytes, 1000, "1000B"), (.milliseconds, 100, "100ms"), (.milliseconds, 60_000, "1min"),
      (.milliseconds, 86_400_000, "1d"), (.seconds, 300, "5min"), (.seconds, 90, "90s"), (.seconds, 7200, "2h"),
      (.microseconds, 100, "100us"), (.microseconds, 1000, "1ms"), (.none, 64, "64"),
    ]
    for (unit, value, text) in cases {
      #expect(unit.display(value) == text)
      #expect(parse(text, unit) == value, "\(text) reads back")
    }
  }

  @Test("what is shown reads back to the same number", arguments: SettingUnit.allCases)
  func displayRoundTrip(unit: SettingUnit) {
    var random = TestRandom(seed: 7)
    let edges = Array(-2...4096) + [Int(Int32.max), Int(Int32.min)]
    for value in edges + (0..<5000).map({ _ in random.number(in: 0...Int(Int32.max)) }) {
      #expect(parse(unit.display(value), unit) == value, "\(unit.display(value))")
    }
  }
}
