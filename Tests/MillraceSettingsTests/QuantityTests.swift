import Testing

@testable import MillraceSettings

@Suite("Sizes, rates and times of the command line")
struct QuantityTests {
  @Test("sizes in PostgreSQL's and IEC units")
  func sizes() throws {
    let cases = [
      ("4096", 4096), ("0", 0), ("8kB", 8192), ("8KiB", 8192), ("1GiB", 1 << 30), ("1GB", 1 << 30),
      ("1.5MB", 1_572_864),
      ("2TiB", 2 << 40), ("512 MiB", 512 << 20), ("0x10kB", 16_384), ("1e3", 1000), (" 7 B ", 7), ("0.5", 0),
    ]
    for (text, bytes) in cases {
      #expect(try ByteCount(parsing: text).bytes == bytes, "\(text)")
    }
  }

  @Test("what is no size says why")
  func badSizes() throws {
    let units = "TB, GB, MB, kB, B, TiB, GiB, MiB, KiB"
    let cases = [
      ("12x", "\"12x\" is not a size: write a number and one of \(units)."),
      ("", "\"\" is not a size: write a number and one of \(units)."),
      ("1 M B", "\"1 M B\" is not a size: write a number and one of \(units)."),
      ("8KB", "\"8KB\" is not a size: write a number and one of \(units)."),
      ("-1kB", "\"-1kB\" is not a size: it is negative."),
      ("9999999999TB", "\"9999999999TB\" is not a size: it is too large."),
    ]
    for (text, message) in cases {
      let error = #expect(throws: QuantityError.self) { try ByteCount(parsing: text) }
      #expect(error?.description == message)
    }
  }

  @Test("sizes and times are shown exactly and read back")
  func roundTrip() throws {
    #expect(ByteCount(bytes: 8192).description == "8kB")
    #expect(ByteCount(bytes: 0).description == "0")
    #expect(ByteCount(bytes: 1025).description == "1025B")
    #expect(TimeSpan(microseconds: 0).description == "0s")
    #expect(TimeSpan(microseconds: 90_000_000).description == "90s")
    var random = TestRandom(seed: 3)
    for _ in 0..<2000 {
      let number = random.below(1 << random.number(in: 1...50))
      #expect(try ByteCount(parsing: ByteCount(bytes: number).description).bytes == number)
      #expect(try TimeSpan(parsing: TimeSpan(microseconds: number).description).microseconds == number)
    }
  }

  @Test("rates are sizes per second")
  func rates() throws {
    #expect(try ByteRate(parsing: "100MB/s").bytesPerSecond == 100 << 20)
    #expect(try ByteRate(parsing: "100MB").bytesPerSecond == 100 << 20)
    #expect(try ByteRate(parsing: "1.5GiB/s").description == "1536MB/s")
    let error = #expect(throws: QuantityError.self) { try ByteRate(parsing: "fast/s") }
    #expect(error?.description == "\"fast/s\" is not a rate: write a size per second, such as 100MB/s.")
  }

  @Test("times count seconds unless they say otherwise")
  func times() throws {
    let cases = [("5", 5_000_000), ("1.5s", 1_500_000), ("200ms", 200_000), ("2min", 120_000_000), ("7us", 7)]
    for (text, microseconds) in cases {
      #expect(try TimeSpan(parsing: text).microseconds == microseconds)
    }
    #expect(try TimeSpan(parsing: "1.5s").duration == .milliseconds(1500))
    #expect(try TimeSpan(parsing: "90s").seconds == 90)
    let error = #expect(throws: QuantityError.self) { try TimeSpan(parsing: "5 sec") }
    #expect(
      error?.description == "\"5 sec\" is not a length of time: write a number and one of d, h, min, s, ms, us.")
  }
}
