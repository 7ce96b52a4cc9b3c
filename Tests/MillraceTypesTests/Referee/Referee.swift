import Foundation
import MillraceTestSupport
import MillraceTypes
import Testing

/// A PostgreSQL 18 server that says what is right.
///
/// One server runs while a suite of comparisons runs. Each question is an expression of SQL, and what Millrace makes of
/// the same: the text of the value, or the error with its SQLSTATE, message, detail and hint.
struct Referee: Sendable {
  struct Question: Sendable {
    var sql: String
    var ours: String
    /// Settings for this question alone: `SET LOCAL …`.
    var prelude = ""
  }

  /// The server of the suite that runs.
  @TaskLocal static var current: Referee?

  let cluster: PostgresCluster

  /// Makes a cluster and starts its server.
  init() throws {
    cluster = try PostgresCluster(
      PostgresInstallation.required(18), options: ["--locale=C", "-E", "UTF8"],
      settings: ["timezone = 'UTC'", "datestyle = 'ISO, MDY'", "lc_messages = 'C'", "intervalstyle = 'postgres'"])
    let options = "-c listen_addresses='' -c unix_socket_directories='\(cluster.temporary.path)' -c fsync=off"
    try cluster.installation.run(
      "pg_ctl", ["start", "-w", "-D", cluster.path, "-o", options, "-l", cluster.temporary.path + "/log"])
    try cluster.query(
      """
      CREATE FUNCTION ask(prelude text, question text) RETURNS text LANGUAGE plpgsql AS $$
      DECLARE answer text; state text; message text; detail text; hint text;
      BEGIN
        IF prelude <> '' THEN EXECUTE prelude; END IF;
        EXECUTE question INTO answer;
        RESET datestyle; RESET intervalstyle; RESET timezone; RESET extra_float_digits; RESET bytea_output;
        RETURN coalesce(answer, '<null>');
      EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
          hint = PG_EXCEPTION_HINT;
        RETURN concat('error ', state, ': ', message, ' / ', detail, ' / ', hint);
      END $$
      """)
  }

  func stop() throws { try cluster.stop(mode: "fast") }

  /// The server's answers, in the order of the questions.
  func answers(_ questions: [Question]) throws -> [String] {
    func escaped(_ text: String) -> String {
      text.replacing("\\", with: "\\\\").replacing("\t", with: "\\t").replacing("\n", with: "\\n")
        .replacing("\r", with: "\\r")
    }
    let name = "questions-\(UUID().uuidString)"
    let path = cluster.temporary.path + "/" + name
    let lines = questions.enumerated().map { "\($0)\t\(escaped($1.prelude))\t\(escaped("SELECT " + $1.sql))\n" }
    try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    try PostgresCluster.giveToServer(path)
    let answers = try cluster.query(
      "CREATE TEMP TABLE questions (id int, prelude text, question text)",
      "COPY questions FROM '\(path)'",
      """
      COPY (
        SELECT 'x' || encode(convert_to(ask(prelude, question), 'UTF8'), 'hex') FROM questions ORDER BY id
      ) TO STDOUT
      """
    )
    return answers.map { line in
      var bytes: [UInt8] = []
      let digits = Array(line.utf8.dropFirst())
      for index in stride(from: 0, to: digits.count - 1, by: 2) {
        bytes.append(UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0)
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  /// Asks all questions and records an issue for each answer that is not ours.
  static func compare(_ questions: [Question], _ location: SourceLocation = #_sourceLocation) throws {
    let referee = try #require(current, "comparisons run in a suite with the trait .referee")
    let answers = try referee.answers(questions)
    #expect(answers.count == questions.count, sourceLocation: location)
    var shown = 0
    for (question, answer) in zip(questions, answers) where question.ours != answer {
      shown += 1
      if shown > 200 { break }
      Issue.record(
        "\(question.prelude) SELECT \(question.sql)\n  PostgreSQL: \(answer)\n  Millrace:   \(question.ours)",
        sourceLocation: location)
    }
  }
}

/// Runs one server for all tests of a suite.
struct RefereeTrait: SuiteTrait, TestScoping {
  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let referee = try Referee()
    do {
      try await Referee.$current.withValue(referee) { try await function() }
      try referee.stop()
    } catch {
      try? referee.cluster.stop(mode: "immediate")
      throw error
    }
  }
}

extension Trait where Self == RefereeTrait {
  static var referee: Self { Self() }
}
