import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Conditions between two types of one operator family, looked up in indexes, against PostgreSQL's answers without any.
@Suite("Indexes are searched for values of other types", .serialized)
struct CrossTypeIndexTests {
  /// A type, and values in which something is special to it or to its neighbours.
  private struct Kind {
    let column: String
    let type: String
    let values: [String]
  }

  private static let families: [[Kind]] = [
    [
      Kind(column: "i2", type: "smallint", values: ["-32768", "-1", "0", "1", "7", "32767"]),
      Kind(
        column: "i4", type: "int",
        values: ["-2147483648", "-32769", "-32768", "-1", "0", "1", "7", "32767", "32768", "65537", "2147483647"]),
      Kind(
        column: "i8", type: "bigint",
        values: [
          "-9223372036854775808", "-2147483649", "-2147483648", "-32769", "-1", "0", "1", "7", "32768", "65537",
          "2147483647", "2147483648", "4294967296", "4294967297", "9223372036854775807",
        ]),
    ],
    [
      Kind(
        column: "f4", type: "real",
        values: [
          "0", "-0", "1.5", "-1.5", "0.1", "3.4028235e38", "-3.4028235e38", "1e-45", "-1e-45", "NaN", "Infinity",
          "-Infinity", "16777216",
        ]),
      Kind(
        column: "f8", type: "double precision",
        values: [
          "0", "-0", "1.5", "-1.5", "0.1", "1e300", "-1e300", "1e-300", "-1e-300", "NaN", "Infinity", "-Infinity",
          "16777217", "3.4028234663852886e38", "3.4028235677973366e38", "0.10000000149011612", "-0.10000000149011613",
        ]),
    ],
    [
      Kind(
        column: "d", type: "date",
        values: [
          "-infinity", "infinity", "4714-11-24 BC", "1999-12-31", "2000-01-01", "2011-12-29", "2011-12-30",
          "2011-12-31", "2020-03-08", "2020-11-01", "294276-12-31", "294277-01-01", "5874897-12-31",
        ]),
      Kind(
        column: "ts", type: "timestamp",
        values: [
          "-infinity", "infinity", "4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "1999-12-31 12:00",
          "2000-01-01", "2011-12-30", "2011-12-30 12:00", "2020-03-08", "2020-03-08 02:30", "2020-03-08 03:00",
          "2020-03-08 01:59:59.999999", "2020-11-01 00:59:59.999999", "2020-11-01 01:30", "2020-11-01 02:00",
        ]),
      Kind(
        column: "tz", type: "timestamptz",
        values: [
          "-infinity", "infinity", "4714-11-24 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00",
          "1999-12-31 12:00+00", "2000-01-01 05:00+00", "2000-01-01 00:00+00", "2011-12-30 10:00+00",
          "2011-12-30 09:59:59.999999+00", "2020-03-08 05:00+00", "2020-03-08 07:00+00", "2020-03-08 07:30+00",
          "2020-03-08 06:59:59.999999+00", "2020-11-01 05:30+00", "2020-11-01 06:30+00", "2020-11-01 04:00+00",
        ]),
    ],
    [
      Kind(
        column: "t", type: "text",
        values: texts + [String(repeating: "x", count: 64), String(repeating: "é", count: 32)]),
      Kind(column: "v", type: "varchar", values: texts + [String(repeating: "x", count: 70), "xy"]),
      Kind(column: "n", type: "name", values: texts + ["xz", String(repeating: "é", count: 31)]),
    ],
  ]

  private static let texts = [
    "", "a", "b", "x", String(repeating: "x", count: 63), String(repeating: "x", count: 62),
    String(repeating: "é", count: 31) + "a", String(repeating: "x", count: 62) + "y",
  ]

  private static let operators = ["<", "<=", "=", ">=", ">"]
  private static var kinds: [Kind] { families.flatMap(\.self) }

  private static func literal(_ value: String, _ kind: Kind) -> String { "'\(value)'::\(kind.type)" }

  /// The columns' values one after another, each column at its own pace, and some nulls.
  private static var schema: [String] {
    let count = 34
    let rows = (0..<count).map { row -> String in
      let values = kinds.enumerated().map { place, kind in
        (row + place) % 11 == 5 ? "null" : "'\(kind.values[row % kind.values.count])'"
      }
      return "(\(row), \(values.joined(separator: ", ")))"
    }
    let columns = kinds.map { "\($0.column) \($0.type)" }.joined(separator: ", ")
    return ["up", "down"].flatMap { table -> [String] in
      [
        "create table \(table) (id int primary key, \(columns))",
        "insert into \(table) values \(rows.joined(separator: ", "))",
      ]
        + kinds.enumerated().map { place, kind in
          let order = table == "up" ? "" : place % 2 == 0 ? " desc" : " desc nulls last"
          return "create index on \(table) (\(kind.column)\(order))"
        }
    }
  }

  @Test(
    "whatever the types, the operator and the order of the index",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func joins() throws {
    let pair = try PlanPair()
    var compared = 0
    try pair.whileRunning {
      for sql in Self.schema { try pair.run(sql) }
      try pair.analyze(["up", "down"])
      for setting in ["hashjoin", "mergejoin", "material"] { try pair.run("set enable_\(setting) = off") }
      // PostgreSQL looks at all rows; here they are to be found.
      for setting in ["indexscan", "bitmapscan"] { try pair.runOnServer("set enable_\(setting) = off") }
      #expect(pair.rig.execute("set enable_seqscan = off").failure == nil)
      for zone in ["America/New_York", "Pacific/Apia"] {
        try pair.run("set timezone = '\(zone)'")
        for (place, family) in Self.families.enumerated() where place == 2 || zone == "America/New_York" {
          for (column, value) in family.flatMap({ column in family.map { (column, $0) } }) {
            for (number, sign) in Self.operators.enumerated() {
              let isBitmap = number == (compared % 5)
              #expect(pair.rig.execute("set enable_indexscan = \(isBitmap ? "off" : "on")").failure == nil)
              let inner = (number + compared) % 2 == 0 ? "up" : "down"
              // Of the second, the index has all that is wanted.
              let wanted = number % 2 == 0 ? "id" : column.column
              try compare(
                "select o.id, i.\(wanted) from up o join \(inner) i on i.\(column.column) \(sign) o.\(value.column)",
                pair)
              compared += 1
            }
          }
        }
      }
    }
    #expect(compared == 5 * (9 + 4 + 9 + 9 + 9))
  }

  @Test(
    "constants, lists and conditions on both sides",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18 found"))
  func constants() throws {
    let pair = try PlanPair()
    var random = SeededGenerator(for: "index conditions with constants of other types")
    try pair.whileRunning {
      for sql in Self.schema { try pair.run(sql) }
      try pair.analyze(["up", "down"])
      for setting in ["indexscan", "bitmapscan"] { try pair.runOnServer("set enable_\(setting) = off") }
      #expect(pair.rig.execute("set enable_seqscan = off").failure == nil)
      try pair.run("set timezone = 'America/New_York'")
      for number in 0..<160 {
        let family = Self.families[number % Self.families.count]
        func pick<Element>(_ list: [Element]) -> Element { list[random.below(list.count)] }
        let (column, kind) = (pick(family), pick(family))
        func value() -> String { Self.literal(pick(kind.values), kind) }
        let condition: String
        switch number % 5 {
        case 0: condition = "\(column.column) = any (array[\(value()), \(value()), \(value())])"
        case 1: condition = "\(column.column) > \(value()) and \(column.column) <= \(value())"
        case 2: condition = "\(value()) \(pick(Self.operators)) \(column.column)"
        default: condition = "\(column.column) \(pick(Self.operators)) \(value())"
        }
        // A list of times with a zone is not looked for among those without one.
        let isFound = number % 5 != 0 || column.column != "ts" || kind.column != "tz"
        try compare("select id from \(number % 2 == 0 ? "up" : "down") where \(condition)", pair, isFound: isFound)
      }
      try compare("select id from up where i4 in (1, 4294967297, null)", pair)
      try compare("select id from up where d = null::timestamp", pair, isFound: false)
    }
  }

  private func compare(_ sql: String, _ pair: PlanPair, isFound: Bool = true) throws {
    let expected = try pair.rows(sql)
    let own = pair.rig.execute(sql)
    #expect(own.failure == nil, "\(sql)")
    #expect(Self.sorted(own.rows) == Self.sorted(expected), "\(sql)")
    guard isFound else { return }
    let plan = pair.rig.execute("explain (costs off) \(sql)").rows.map { $0[0] ?? "" }
    #expect(plan.contains { $0.contains("Index Cond") } || !plan.contains { $0.contains("Scan") }, "\(sql): \(plan)")
  }

  private static func sorted(_ rows: [[String?]]) -> [String] {
    rows.map { $0.map { $0 ?? "null" }.joined(separator: "|") }.sorted()
  }
}
