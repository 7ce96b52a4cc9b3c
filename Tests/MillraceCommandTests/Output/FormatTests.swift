import Testing

@testable import MillraceCommand

@Suite("Number formats")
struct FormatTests {
  @Test("sizes")
  func bytes() {
    let cases = [
      (0, "0 B"), (512, "512 B"), (1023, "1,023 B"), (1024, "1 KiB"), (8192, "8 KiB"), (1536, "1.50 KiB"),
      (1_048_575, "1.00 MiB"), (1 << 20, "1 MiB"), (512 << 20, "512 MiB"), (1_342_177_280, "1.25 GiB"),
      (1_099_511_627_775, "1.00 TiB"), (Int.max, "8 EiB"),
    ]
    for (bytes, text) in cases {
      #expect(Format.bytes(bytes) == text)
    }
  }

  @Test("rates stay in MiB/s")
  func rates() {
    #expect(Format.rate(bytesPerSecond: 0) == "0 MiB/s")
    #expect(Format.rate(bytesPerSecond: 3.25 * 1_048_576) == "3.25 MiB/s")
    #expect(Format.rate(bytesPerSecond: 83.44 * 1_048_576) == "83.4 MiB/s")
    #expect(Format.rate(bytesPerSecond: 1234 * 1_048_576) == "1,234 MiB/s")
    #expect(Format.rate(bytesPerSecond: 12_345.6 * 1_048_576) == "12,346 MiB/s")
    #expect(Format.rate(bytesPerSecond: .nan) == "- MiB/s")
  }

  @Test("operations per second")
  func operations() {
    let cases = [
      (0.0, "0"), (0.5, "0.500"), (8.0, "8.00"), (842, "842"), (999.4, "999"), (999.6, "1.00k"), (1240, "1.24k"),
      (17_640, "17.6k"), (176_100, "176k"), (999_600, "1.00M"), (1_240_000, "1.24M"), (.infinity, "-"),
    ]
    for (rate, text) in cases {
      #expect(Format.operationsPerSecond(rate) == text)
    }
  }

  @Test("latencies")
  func latencies() {
    let cases = [
      (0.0, "0 µs"), (0.25, "250 ns"), (0.9996, "1.00 µs"), (84.24, "84.2 µs"), (999.6, "1.00 ms"), (1250, "1.25 ms"),
      (2_100_000, "2.10 s"), (123_000_000, "123 s"), (.nan, "-"),
    ]
    for (microseconds, text) in cases {
      #expect(Format.latency(microseconds: microseconds) == text)
    }
  }

  @Test("counts in groups of three")
  func counts() {
    let cases = [
      (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (11_166, "11,166"), (1_234_567, "1,234,567"),
      (-1000, "-1,000"), (-999, "-999"), (Int.min, "-9,223,372,036,854,775,808"),
    ]
    for (number, text) in cases {
      #expect(Format.count(number) == text)
    }
  }

  @Test("clocks")
  func clocks() {
    let cases = [(0.0, "0:00"), (7.9, "0:07"), (725, "12:05"), (3723, "1:02:03"), (.infinity, "-"), (-1, "-")]
    for (seconds, text) in cases {
      #expect(Format.clock(seconds: seconds) == text)
    }
  }

  @Test("percents are rounded down: 100 % is all of it")
  func percents() {
    #expect(Format.percent(0, of: 7) == "0 %")
    #expect(Format.percent(29, of: 100) == "29 %")
    #expect(Format.percent(999_999, of: 1_000_000) == "99 %")
    #expect(Format.percent(1_000_000, of: 1_000_000) == "100 %")
    #expect(Format.percent(8, of: 7) == "100 %")
    #expect(Format.percent(0, of: 0) == "100 %")
  }

  @Test("three significant digits, whatever the size")
  func significant() {
    let cases = [
      (0.0, "0"), (0.0425, "0.0425"), (4.25, "4.25"), (9.994, "9.99"), (9.996, "10.0"), (99.96, "100"), (425.4, "425"),
      (4250, "4,250"), (-4.25, "-4.25"), (-0.0, "0"), (1e20, "-"),
    ]
    for (value, text) in cases {
      #expect(Format.significant(value) == text)
    }
    #expect(Format.fixed(-0.001, 2) == "0.00")
    #expect(Format.ratio(3, to: 2) == "1.50×")
    #expect(Format.ratio(3, to: 0) == "-")
  }
}
