import MillraceTestSupport
import Testing

@testable import MillraceSQL

/// A server and an engine with the same table, that compute many expressions at a time.
final class ExpressionPair {
  private let cluster: PostgresCluster
  let rig: SQLRig
  private var server: ServerSession?
  private(set) var compared = 0
  private(set) var failed = 0

  init() throws {
    cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    rig = try SQLRig()
  }

  /// Evaluates an expression and says what came of it.
  private static let attempt = """
    CREATE FUNCTION attempt(sql text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE value text; state text; message text;
    BEGIN
      EXECUTE sql INTO value;
      RETURN CASE WHEN value IS NULL THEN 'null' ELSE '=' || value END;
    EXCEPTION WHEN others THEN
      GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
      RETURN state || ' ' || message;
    END $$
    """

  func whileRunning(_ schema: [String], _ body: () throws -> Void) throws {
    try cluster.whileRunning {
      let server = try ServerSession(directory: cluster.temporary.path)
      self.server = server
      try #require(server.execute(Self.attempt).failure == nil)
      for sql in ["SET TimeZone = 'UTC'", "SET DateStyle = 'ISO, MDY'"] + schema {
        try #require(server.execute(sql).failure == nil, "\(sql)")
        try #require(rig.execute(sql).failure == nil, "\(sql)")
      }
      try body()
    }
    try rig.close()
  }

  /// How many expressions are computed by one statement.
  private static let batch = 40
  private static let serverBatch = 400

  /// Compares values, and errors with their SQLSTATE and message.
  /// - Parameters:
  ///   - source: what follows the expression: `FROM et WHERE k = 1`.
  ///   - departures: expressions whose results may differ, with the reason.
  func compare(_ expressions: [String], _ source: String = "", departures: [String: String] = [:]) throws {
    var isValue: [String] = []
    var values: [String?] = []
    for start in stride(from: 0, to: expressions.count, by: Self.serverBatch) {
      let part = expressions[start..<min(start + Self.serverBatch, expressions.count)]
      for (expression, expected) in zip(part, try expected(part.map { "SELECT (\($0))::text \(source)" })) {
        compared += 1
        if expected == "null" || expected.hasPrefix("=") {
          isValue.append(expression)
          values.append(expected == "null" ? nil : String(expected.dropFirst()))
        } else {
          failed += 1
          check(expression, source, expected, departures)
        }
      }
    }
    for start in stride(from: 0, to: isValue.count, by: Self.batch) {
      let range = start..<min(start + Self.batch, isValue.count)
      let list = isValue[range].map { "(\($0))::text" }.joined(separator: ", ")
      let own = rig.execute("SELECT \(list) \(source)")
      if own.failure == nil, own.rows.first == Array(values[range]) { continue }
      // One of them differs.
      for index in range { check(isValue[index], source, values[index].map { "=\($0)" } ?? "null", departures) }
    }
  }

  private func expected(_ statements: [String]) throws -> [String] {
    let list = statements.map { "$q$\($0)$q$" }.joined(separator: ", ")
    let answer = try server?.execute(
      "SELECT attempt(s.sql) FROM unnest(ARRAY[\(list)]) WITH ORDINALITY s (sql, place) ORDER BY s.place")
    try #require(answer?.failure == nil, "\(answer?.failure ?? [:])")
    return answer?.rows.map { $0.first.flatMap { $0 } ?? "null" } ?? []
  }

  private func check(_ expression: String, _ source: String, _ expected: String, _ departures: [String: String]) {
    guard departures[expression] == nil else { return }
    let answer = rig.execute("SELECT (\(expression))::text \(source)")
    var own = answer.rows.first?.first.flatMap { $0 }.map { "=\($0)" } ?? "null"
    if let failure = answer.failure { own = "\(failure["C"] ?? "") \(failure["M"] ?? "")" }
    #expect(own == expected, "\(expression) \(source)")
  }
}
