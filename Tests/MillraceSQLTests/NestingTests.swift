import Foundation
import Synchronization
import Testing

@testable import MillraceSQL

/// No statement may end the process, however deeply it is nested and however small the thread's stack is.
@Suite("Hostile nesting is an error")
struct NestingTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    let name: String
    let sql: @Sendable (Int) -> String
    var testDescription: String { name }

    init(_ name: String, _ prefix: String, _ begin: String, _ middle: String, _ end: String = "") {
      self.name = name
      sql = { prefix + String(repeating: begin, count: $0) + middle + String(repeating: end, count: $0) }
    }
  }

  private static let shapes: [Shape] = [
    Shape("parentheses", "SELECT ", "(", "1", ")"),
    Shape("sums", "SELECT 1", "+1", ""),
    Shape("sums to the right", "SELECT ", "1+(", "1", ")"),
    Shape("signs", "SELECT ", "- ", "a"),
    Shape("NOT", "SELECT ", "NOT ", "true"),
    Shape("AND inside of OR", "SELECT ", "a AND (b OR ", "c", ")"),
    Shape("subqueries", "SELECT ", "(SELECT ", "1", ")"),
    Shape("subqueries in FROM", "", "SELECT * FROM (", "SELECT 1", ") AS s"),
    Shape("EXISTS", "SELECT ", "EXISTS (SELECT WHERE ", "true", ")"),
    Shape("IN", "SELECT ", "a IN (1, ", "2", ")"),
    Shape("CASE", "SELECT ", "CASE WHEN a THEN ", "1", " END"),
    Shape("CASE of CASE", "SELECT ", "CASE ", "a", " WHEN 1 THEN 2 END"),
    Shape("functions", "SELECT ", "f(", "1", ")"),
    Shape("COALESCE", "SELECT ", "COALESCE(1, ", "1", ")"),
    Shape("casts", "SELECT 1", "::int", ""),
    Shape("CAST", "SELECT ", "CAST(", "1", " AS int)"),
    Shape("arrays", "SELECT ARRAY", "[", "1", "]"),
    Shape("subscripts", "SELECT ", "a[", "1", "]"),
    Shape("rows", "SELECT ", "ROW(", "1", ")"),
    Shape("fields", "SELECT ", "(", "a", ").b"),
    Shape("COLLATE", "SELECT a", " COLLATE \"C\"", ""),
    Shape("IS NULL", "SELECT a", " IS NULL", ""),
    Shape("BETWEEN", "SELECT ", "a BETWEEN 1 AND (", "2", ")"),
    Shape("LIKE", "SELECT ", "a LIKE (", "b", ")"),
    Shape("joins", "SELECT FROM t", " JOIN t ON a", ""),
    Shape("joins to the right", "SELECT FROM ", "t JOIN (", "t CROSS JOIN t", ") ON a"),
    Shape("UNION", "SELECT 1", " UNION SELECT 1", ""),
    Shape("UNION to the right", "", "SELECT 1 UNION (", "SELECT 1", ")"),
    Shape("WITH", "", "WITH a AS (", "SELECT 1", ") SELECT 1"),
    Shape("windows", "SELECT ", "sum(a) OVER (ORDER BY ", "b", ")"),
    Shape("grouping sets", "SELECT FROM t GROUP BY ", "GROUPING SETS (", "a", ")"),
    Shape("multiple assignment", "", "WITH a AS (UPDATE t SET (a, b, c) = (", "SELECT 1, 2, 3", ")) SELECT 1"),
    // Without the space PostgreSQL's scanner looks at all of them once more for each.
    Shape("comments", "", "/* ", "", "*/"),
    Shape("types", "SELECT ", "a::x(", "1", ")"),
  ]

  /// Runs on a thread with a stack of that size.
  private func onThread(stackBytes: Int, _ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      body()
      done.signal()
    }
    thread.stackSize = stackBytes
    thread.start()
    done.wait()
  }

  /// Parses, and uses the tree in all ways that follow its nesting. Returns whether it could be parsed.
  private static func use(_ sql: String) -> Bool {
    do {
      let statements = try Parser.parse(sql)
      #expect(statements == statements.map { $0 })
      for raw in statements { #expect(!Deparser.text(of: raw.statement).isEmpty) }
      return true
    } catch {
      switch error.sqlState {
      case "54001":
        #expect(error.message == "stack depth limit exceeded")
        #expect(error.hint?.hasPrefix("Increase the configuration parameter \"max_stack_depth\"") == true)
      // The grammar's own stack ends at 10,000 symbols, in PostgreSQL too.
      case "42601": #expect(error.message.hasPrefix("memory exhausted at or near"))
      default: Issue.record("\(error)")
      }
      return false
    }
  }

  /// Uses statements of so many levels on a thread with a stack of that size.
  /// - Returns: those that could be parsed.
  private func parsed(_ shape: Shape, levels: [Int], stackBytes: Int) -> [Int] {
    let parsed = Mutex<[Int]>([])
    for count in levels {
      let sql = shape.sql(count)
      onThread(stackBytes: stackBytes) { if Self.use(sql) { parsed.withLock { $0.append(count) } } }
    }
    return parsed.withLock { $0 }
  }

  @Test("on a stack of 512 KiB", arguments: shapes)
  func smallStack(shape: Shape) {
    let levels = [1, 3, 10, 30, 100, 300, 1000, 3000, 20_000, 100_000]
    #expect(parsed(shape, levels: levels, stackBytes: 512 << 10).starts(with: [1, 3]))
  }

  @Test("on a stack of 8 MiB", arguments: shapes)
  func largeStack(shape: Shape) {
    let levels = [1, 10, 40, 100, 1000, 3000, 100_000]
    #expect(parsed(shape, levels: levels, stackBytes: 8 << 20).starts(with: [1, 10, 40]))
  }

  @Test("a tree of the largest depth can be released on a stack of 512 KiB", arguments: shapes)
  func release(shape: Shape) {
    // The deepest that can be parsed at all.
    // Safe because the threads run one after the other.
    nonisolated(unsafe) var statements: [RawStatement]?
    onThread(stackBytes: 64 << 20) {
      var parser = Parser()
      parser.maxStackDepth = 60 << 20
      for count in stride(from: 1000, to: 0, by: -20) where statements == nil {
        statements = try? parser.parse(shape.sql(count))
      }
    }
    #expect(statements != nil)
    onThread(stackBytes: 512 << 10) { statements = nil }
    #expect(statements == nil)
  }

  @Test("max_stack_depth is obeyed")
  func maxStackDepth() throws {
    var parser = Parser()
    parser.maxStackDepth = 100 * 1024
    #expect(throws: SyntaxError.self) { try parser.parse("SELECT " + String(repeating: "f(", count: 90) + "1") }
    let sql = "SELECT 1" + String(repeating: "+1", count: 900)
    let error = #expect(throws: SyntaxError.self) { try parser.parse(sql) }
    #expect(error?.sqlState == "54001")
    #expect(error?.hint?.contains("(currently 100kB)") == true)
  }
}
