import Foundation
import MillraceTestSupport
import MillraceTypes
import Testing

@testable import MillraceSQL

/// Files are read and written by COPY of PostgreSQL 18 and of this engine: rows, errors with their CONTEXT, and the
/// bytes of what is written are compared.
@Suite("COPY is PostgreSQL's", .serialized)
struct CopyDifferentialTests {
  @Test("files give the same rows and errors", .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18"))
  func written() throws {
    let pair = try CopyPair()
    try pair.whileRunning {
      try pair.run(
        "CREATE TABLE t (id int8, k int4 NOT NULL DEFAULT 7, v text, f float8, d date, CONSTRAINT odd CHECK (k <> 13))")
      try pair.run("CREATE TABLE u (id int4 PRIMARY KEY, v varchar(5) DEFAULT 'none')")
      try pair.run("CREATE INDEX ON u (v)")
      for (columns, options, data) in Self.files { try pair.load("t" + columns, options, data) }
      for data in Self.keys { try pair.load("u", "", Array(data.utf8)) }
      try pair.load("u (id)", "", Array("1\n2\n".utf8))
    }
  }

  /// What is copied into `t`.
  private static let files: [(columns: String, options: String, data: [UInt8])] =
    [
      ("", "", "1\t2\tthree\t4.5\t2020-01-02\n-2\t+3\t\\N\t\\N\t\\N\n"), ("", "", ""), ("", "", "\n"),
      ("", "", "1\t2\ta\\tb\\nc\\\\d\\x41\\101\\q\t1\t2020-01-02\r\n"), ("", "", "1\t2\tno end\t1\t2020-01-02"),
      ("", "", "1\t2\ttwo\\\nlines\t1\t2020-01-02\n3\t4\t\t1\t2020-01-02\n"), ("", "", "1\t2\n"),
      ("", "", "x\t2\n"), ("", "", "1\t2\tx\t1\t2020-01-02\textra\n"), ("", "", "1\t2\tx\t1\tno date\n"),
      ("", "", "1\t\\N\tx\t1\t2020-01-02\n"), ("", "", "1\t1\ta\t1\t2020-01-02\n1\t13\tx\t1\t2020-01-02\n"),
      ("", "", "1\t99999999999\tx\t1\t2020-01-02\n"), ("", "", "9223372036854775808\t1\tx\t1\t2020-01-02\n"),
      ("", "", "9223372036854775807\t-2147483648\tx\t1e400\t2020-01-02\n"),
      ("", "", " 0x1F \t1_000\tx\t-0\tinfinity\n\\.\nno more\n"), ("(v, id)", "", "a\t1\nb\t2\n"),
      ("(v)", "(DELIMITER '|', NULL 'nil')", "a|b\n"), ("(v, k)", "(DELIMITER '|', NULL 'nil')", "nil|3\nx\\|y|4\n"),
      ("(v, k)", "(FORMAT csv)", "\"a, \"\"b\"\"\",1\n,2\n\"\",3\n\"two\nlines\",4\n"),
      ("(v, k)", "(FORMAT csv, ESCAPE '\\')", "\"a \\\" b\",1\nplain,2\n"), ("(v, k)", "(FORMAT csv)", "\"open,1"),
      ("(v, k)", "(FORMAT csv, HEADER)", "v,k\nx,1\n"), ("(v, k)", "(FORMAT csv, HEADER match)", "v,other\nx,1\n"),
      ("(v, k)", "(FORMAT csv, HEADER match)", "v\nx,1\n"), ("(v, k)", "(FORMAT csv, FORCE_NULL (v))", "\"\",1\n"),
      ("(v, k)", "(FORMAT csv, FORCE_NOT_NULL (v))", ",1\n"), ("(v, k)", "(FORMAT csv)", "x,y\n"),
      ("(v, k)", "(FORMAT binary)", "not binary data"), ("(v)", "", "\\xC3\\xA9\n\\xFF\n"),
    ].map { ($0.0, $0.1, Array($0.2.utf8)) } + [("(v)", "", [0x61, 10, 0xFF, 0xFE, 10])]

  /// What is copied into `u`, whose keys must be unique.
  private static let keys = [
    "1\ta\n2\tb\n3\tc\n", "1\ta\n2\tb\n1\tc\n", "1\ta\n2\tlonger than five\n", "1\ta\n1\tb\nx\tc\n",
    (0..<2500).map { "\($0)\t\($0 % 7)\n" }.joined(), (0..<2500).map { "\($0 % 2000)\tx\n" }.joined(),
  ]

  @Test(
    "what is written is the same, byte for byte",
    .enabled(if: PostgresInstallation.isExpected(18), "no PostgreSQL 18"), arguments: 1...3 as ClosedRange<UInt64>)
  func writes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let pieces = [
      "a", "\\t", "\\\\", "\\n", "\\N", ",", "\"", "é", "日", " ", "x y z, 0123456789 abcdefghijklmn", "'", "\\r",
    ]
    var data = ""
    for number in 0..<1500 {
      let text = (0..<random.below(12)).map { _ in pieces[random.below(pieces.count)] }.joined()
      let key = random.below(8) == 0 ? "\\N" : "\(Int32(truncatingIfNeeded: random.next()))"
      let long = random.below(300) == 0 ? String(repeating: "long \(number) ", count: 1000) : text
      data += "\(number)\t\(key)\t\(long)\t\(random.below(3) == 0 ? "\\N" : "\(random.below(1000)).25")\n"
    }
    let pair = try CopyPair()
    try pair.whileRunning {
      try pair.run("CREATE TABLE w (id int8, k int4, v text, n numeric)")
      try pair.load("w", "", Array(data.utf8), isEmptied: false)
      for options in ["", "(FORMAT csv)", "(FORMAT csv, HEADER, FORCE_QUOTE *)", "(FORMAT binary)", "(DELIMITER '|')"] {
        // Where rows stand is nobody's business.
        try pair.write("(SELECT * FROM w ORDER BY id)", options)
        try pair.write("(SELECT v FROM w ORDER BY id DESC)", options)
      }
    }
  }
}

/// A server and an engine that read and write the same files.
private final class CopyPair {
  private let cluster: PostgresCluster
  private let rig: SQLRig
  private let directory: TemporaryDirectory
  private var server: ServerSession?
  private var fileCount = 0

  init() throws {
    cluster = try PostgresCluster(.required(18), checksums: false, options: ["-E", "UTF8", "--locale=C"])
    rig = try SQLRig()
    directory = try TemporaryDirectory()
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: directory.path)
  }

  func whileRunning(_ body: () throws -> Void) throws {
    try cluster.whileRunning {
      server = try ServerSession(directory: cluster.temporary.path)
      try body()
    }
    try rig.close()
  }

  /// Runs a statement on both. - Returns: what it says, where both say the same.
  func run(_ sql: String, onServer: String? = nil, about: String = "") throws {
    let theirs = try server?.execute(onServer ?? sql)
    let own = rig.execute(sql)
    #expect(Self.shown(own) == theirs.map { Self.shown($0) }, "\(sql) \(about)")
  }

  private static func shown(_ answer: ServerSession.Answer) -> String {
    if let failure = answer.failure {
      let fields: [Character] = ["C", "M", "D", "W"]
      return fields.map { failure[$0] ?? "" }.joined(separator: " | ")
    }
    let rows = answer.rows.map { row in row.map { $0 ?? "NULL" }.joined(separator: "|") }
    return ([answer.tag ?? ""] + rows).joined(separator: "\n")
  }

  private func file() -> String {
    fileCount += 1
    return "\(directory.path)/\(fileCount)"
  }

  /// Copies data into a table on both, and looks at what is in it then.
  func load(_ table: String, _ options: String, _ data: [UInt8], isEmptied: Bool = true) throws {
    let path = file()
    try Data(data).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    let name = table.split(separator: " ")[0].split(separator: "(")[0]
    let about = "of \(String(decoding: data.prefix(60), as: UTF8.self))"
    try run("COPY \(table) FROM '\(path)' \(options)", about: about)
    try run("SELECT * FROM \(name) ORDER BY 1, 2", about: about)
    if isEmptied { try run("TRUNCATE \(name)") }
  }

  /// Copies to a file on both, and compares the files.
  func write(_ source: String, _ options: String) throws {
    let (own, theirs) = (file(), file())
    try run("COPY \(source) TO '\(own)' \(options)", onServer: "COPY \(source) TO '\(theirs)' \(options)")
    let (ours, expected) = (FileManager.default.contents(atPath: own), FileManager.default.contents(atPath: theirs))
    #expect(ours == expected, "COPY \(source) \(options)")
  }
}
