import CPostgresParser
import Foundation
import Testing

@testable import MillraceSQL

/// What millrace_nodes.h says is held against PostgreSQL's own headers: a field that it left out could be dropped
/// without anybody noticing.
@Suite("Every field of every node is handed over")
struct NodeListTests {
  private static let headers = "/usr/include/postgresql/15/server/nodes/"

  /// The fields of each struct, without what says which node it is.
  private static func declaredFields() throws -> [String: Set<String>] {
    var text = ""
    for name in ["primnodes.h", "parsenodes.h"] {
      text += try String(contentsOfFile: headers + name, encoding: .utf8)
    }
    text.replace(/\/\*(?s:.)*?\*\//, with: "")
    var fields: [String: Set<String>] = [:]
    for match in text.matches(of: /typedef struct (\w+)\s*\{([^{}]*)\}\s*\w+;/) {
      let declarations = match.2.split(separator: ";")
        .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        .filter { !$0.isEmpty && $0 != "NodeTag type" && $0 != "Expr xpr" }
      fields[String(match.1)] = Set(
        declarations.compactMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.last.map(String.init) })
    }
    return fields
  }

  /// Each node's name, then its fields.
  private static let described: [[String]] = sequence(first: 0) { $0 + 1 }.lazy
    .map { millrace_node_description($0) }.prefix { $0 != nil }.compactMap { $0 }
    .map { String(cString: $0).split(separator: " ").map(String.init) }

  @Test("the list has all fields that the headers declare, and no others")
  func allFields() throws {
    let declared = try Self.declaredFields()
    #expect(Self.described.count > 90)
    for node in Self.described {
      let fields = try #require(declared[node[0]], "\(node[0]) is declared")
      #expect(Set(node.dropFirst()) == fields, "\(node[0])")
      #expect(node.count == fields.count + 1, "\(node[0])")
    }
  }

  /// A statement that neither the list nor the table of names knows would be called "this construct".
  @Test("every statement that the grammar can make is in the list or has a name")
  func allStatementsHaveNames() throws {
    let names = try String(
      contentsOfFile: #filePath.replacing("Tests/MillraceSQLTests/NodeListTests.swift", with: "")
        + "Sources/CPostgresParser/names.c", encoding: .utf8)
    let listed = Set(Self.described.map { $0[0] })
    // Made by PL/pgSQL's entry points, by SQL functions' bodies, or only inside of other statements.
    let elsewhere: Set = ["PLAssignStmt", "ReturnStmt", "SetOperationStmt"]
    for node in try Self.declaredFields().keys where node.hasSuffix("Stmt") && !elsewhere.contains(node) {
      #expect(listed.contains(node) || names.contains("T_\(node),") || names.contains("(node, \(node))"), "\(node)")
    }
  }
}
