import Foundation
import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// What strangers may send as data: COPY FROM has rows or an error, and the session goes on.
@Suite("Broken data is copied") struct CopyFuzzTests {
  static let formats = ["text", "csv", "binary"]

  private static let columns =
    "a int8, b text, c float8, d date, e numeric, f bytea, g bool, h timestamptz, i uuid, j char(5), k varchar(9),"
    + " l int2, m interval, n time, o name, p int4[]"

  private static let rows = """
    insert into c select n, case when n % 3 = 0 then 'tab' || chr(9) || chr(10) || '\\,"' || n end, n / 7.0,
      date '2020-01-01' + n, n * 1000003.125, decode(md5(n::text), 'hex'), n % 2 = 0,
      timestamptz '2021-02-03 04:05:06+00' + n * interval '1 hour', md5(n::text)::uuid, 'abc', 'v' || n, n,
      interval '3 days 2 hours' * n, time '01:02:03' + n * interval '1 minute', 'name' || n, array[n, null, n * 2]
      from generate_series(1, 12) n
    """

  @Test(arguments: CopyFuzzTests.formats)
  func `changed data gives rows or an error with its SQLSTATE`(format: String) throws {
    let rig = try SQLRig()
    let made = rig.execute("create table c (\(Self.columns))")
    try #require(made.failure == nil, "\(made.failure ?? [:])")
    let filled = rig.execute(Self.rows)
    try #require(filled.failure == nil, "\(filled.failure ?? [:])")
    let directory = try TemporaryDirectory()
    let file = directory.path + "/data"
    let written = rig.execute("copy c to '\(file)' (format \(format))")
    try #require(written.failure == nil, "\(written.failure ?? [:])")
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    let back = rig.execute("truncate c; copy c from '\(file)' (format \(format))")
    try #require(back.failure == nil, "\(back.failure ?? [:])")
    var (loaded, refused) = (0, 0)
    try Fuzzing.run("changed data of COPY, \(format)", rounds: 150) { random in
      try Data(Self.changed(whole, format, &random)).write(to: URL(fileURLWithPath: file))
      _ = rig.execute("truncate c")
      let answer = rig.execute("copy c from '\(file)' (format \(format)\(Self.options(format, &random)))")
      if let failure = answer.failure {
        refused += 1
        let state = failure["C"] ?? ""
        #expect(state.utf8.count == 5 && !state.hasPrefix("XX"), "\(failure), seed \(random.seed)")
      } else {
        loaded += 1
      }
      let count = rig.execute("select count(*), count(b), max(length(e::text)), min(h) from c")
      #expect(count.failure == nil, "seed \(random.seed)")
    }
    #expect(loaded > 0 && refused > 10)
    try rig.close()
  }

  private static func options(_ format: String, _ random: inout SeededGenerator) -> String {
    guard format != "binary", random.below(3) == 0 else { return "" }
    let texts = [", null 'x'", ", delimiter '|'", ", header", ", header match"]
    let csv = [", quote ''''", ", escape 'e'", ", force_null (b, e)", ", force_not_null (b)", ", null '\\N'"]
    let all = format == "csv" ? texts + csv : texts
    return all[random.below(all.count)]
  }

  /// Bytes that mean something in one of the formats.
  private static let telling = Array("\\\t\n\r,\"'|.NxX0789eE+-:{}".utf8) + [0, 1, 0x7F, 0x80, 0xC3, 0xE2, 0xF4, 0xFF]

  private static func changed(_ whole: [UInt8], _ format: String, _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = whole
    for _ in 0...random.below(2) * random.below(4) where !bytes.isEmpty {
      // The signature of binary data decides all the rest.
      let first = format == "binary" && random.below(8) > 0 ? min(19, bytes.count - 1) : 0
      let place = first + random.below(bytes.count - first)
      switch random.below(8) {
      case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes[place] = telling[random.below(telling.count)]
      case 2: bytes.insert(telling[random.below(telling.count)], at: place)
      case 3: bytes.remove(at: place)
      case 4: bytes.removeSubrange(place...)
      case 5: bytes.insert(contentsOf: bytes[place...].prefix(random.below(300)), at: place)
      case 6: bytes.insert(contentsOf: repeatElement(telling[random.below(telling.count)], count: 5000), at: place)
      default:
        // A length, where there is one.
        let value: UInt32 = [0, 1, .max, 0x7FFF_FFFF, 0x8000_0000, UInt32(random.below(70000))][random.below(6)]
        for index in 0..<min(4, bytes.count - place) {
          bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index))
        }
      }
    }
    return bytes
  }
}
