import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// Every method of joining gives the rows that the definition of a join says.
@Suite(.serialized) struct JoinMethodTests {
  private struct Row: Hashable {
    var id: Int
    var key: Int?
  }

  /// What stands in the settings, and must not matter.
  private static let methods = [
    "", "hashjoin", "mergejoin", "nestloop", "hashjoin mergejoin", "hashjoin nestloop", "mergejoin nestloop",
  ]

  private func matches(_ left: Row, _ right: Row) -> Bool {
    left.key != nil && left.key == right.key && (left.id + right.id) % 3 != 0
  }

  /// The pairs of ids, sorted, as text.
  private func expected(_ kind: String, _ left: [Row], _ right: [Row]) -> [String] {
    var rows: [String] = []
    func text(_ a: Row?, _ b: Row?) -> String { "\(a.map { "\($0.id)" } ?? "-")|\(b.map { "\($0.id)" } ?? "-")" }
    for a in left {
      let partners = right.filter { matches(a, $0) }
      rows += partners.map { text(a, $0) }
      if partners.isEmpty, kind == "left" || kind == "full" { rows.append(text(a, nil)) }
    }
    if kind == "right" || kind == "full" {
      for b in right where !left.contains(where: { matches($0, b) }) { rows.append(text(nil, b)) }
    }
    return rows.sorted()
  }

  private func insert(_ rows: [Row], into table: String, _ rig: SQLRig) {
    let values = rows.map { "(\($0.id), \($0.key.map(String.init) ?? "null"), 'text of \($0.id)')" }
    let answer = rig.execute("insert into \(table) values \(values.joined(separator: ", "))")
    #expect(answer.failure == nil)
  }

  @Test("inner, left, right and full joins, with a condition besides the keys")
  func outer() throws {
    var generator = SeededGenerator(for: "joins by every method")
    let rig = try SQLRig()
    for table in ["x", "y"] {
      #expect(rig.execute("create table \(table) (id int primary key, k int, t text)").failure == nil)
    }
    // Few rows, many, and so many that one key fills more than a batch.
    for (leftCount, rightCount, keys) in [(5, 7, 4), (300, 200, 150), (60, 1500, 2)] {
      for table in ["x", "y"] { #expect(rig.execute("delete from \(table)").failure == nil) }
      let left = (0..<leftCount).map { Row(id: $0, key: generator.below(9) == 0 ? nil : generator.below(keys)) }
      let right = (0..<rightCount).map { Row(id: $0, key: generator.below(9) == 0 ? nil : generator.below(keys)) }
      insert(left, into: "x", rig)
      insert(right, into: "y", rig)
      for kind in ["inner", "left", "right", "full"] {
        let expected = expected(kind, left, right)
        for method in Self.methods where kind == "inner" || kind == "left" || !method.contains("hashjoin merge") {
          for name in method.split(separator: " ") { _ = rig.execute("set enable_\(name) = off") }
          let answer = rig.execute(
            """
            select coalesce(x.id::text, '-') || '|' || coalesce(y.id::text, '-')
            from x \(kind) join y on x.k = y.k and (x.id + y.id) % 3 <> 0
            """)
          for name in method.split(separator: " ") { _ = rig.execute("reset enable_\(name)") }
          #expect(answer.failure == nil)
          #expect(answer.rows.compactMap { $0[0] }.sorted() == expected, "\(kind) join without \(method)")
        }
      }
    }
    try rig.close()
  }

  @Test("EXISTS and NOT EXISTS")
  func semi() throws {
    var generator = SeededGenerator(for: "semi and anti joins by every method")
    let rig = try SQLRig()
    for table in ["x", "y"] {
      #expect(rig.execute("create table \(table) (id int primary key, k int, t text)").failure == nil)
    }
    let left = (0..<400).map { Row(id: $0, key: generator.below(9) == 0 ? nil : generator.below(90)) }
    let right = (0..<250).map { Row(id: $0, key: generator.below(9) == 0 ? nil : generator.below(90)) }
    insert(left, into: "x", rig)
    insert(right, into: "y", rig)
    for (word, wanted) in [("exists", true), ("not exists", false)] {
      let expected = left.filter { a in right.contains { matches(a, $0) } == wanted }.map { "\($0.id)" }.sorted()
      for method in Self.methods {
        for name in method.split(separator: " ") { _ = rig.execute("set enable_\(name) = off") }
        let answer = rig.execute(
          "select id from x where \(word) (select from y where x.k = y.k and (x.id + y.id) % 3 <> 0)")
        for name in method.split(separator: " ") { _ = rig.execute("reset enable_\(name)") }
        #expect(answer.rows.compactMap { $0[0] }.sorted() == expected, "\(word) without \(method)")
      }
    }
    try rig.close()
  }
}
