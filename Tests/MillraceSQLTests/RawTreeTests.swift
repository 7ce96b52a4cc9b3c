import Foundation
import Testing

@testable import MillraceSQL

/// PostgreSQL's raw trees of a statement and of the text that the syntax tree gives are compared word by word. A field
/// that the decoder forgot, or took for another, would be missing in the second.
@Suite("No field of a raw tree is lost")
struct RawTreeTests {
  private func compare(_ sql: String) throws -> Int {
    let statements = try Parser.parse(sql)
    for raw in statements {
      let original = String(sql.utf8.dropFirst(raw.location).prefix(raw.length)) ?? ""
      let text = Deparser.text(of: raw.statement)
      let expected = RawTree.words(of: original)
      #expect(!expected.isEmpty)
      #expect(RawTree.words(of: text) == expected, "\(original)\nbecame\n\(text)")
    }
    return statements.count
  }

  @Test("of the corpus", arguments: Corpus.statements.filter { !RawTree.isNormalized($0) })
  func corpus(sql: String) throws { _ = try compare(sql) }

  private static let sources = ["information_schema.sql", "system_views.sql", "system_functions.sql"]
    .map { "/usr/share/postgresql/15/\($0)" }.filter(FileManager.default.isReadableFile)

  @Test("of PostgreSQL's own views and grants", .enabled(if: !sources.isEmpty, "PostgreSQL 15's scripts are not here"))
  func ownScripts() throws {
    var compared = 0
    for source in Self.sources {
      var pending = ""
      for line in try String(contentsOfFile: source, encoding: .utf8).split(
        separator: "\n", omittingEmptySubsequences: false)
      {
        pending += line + "\n"
        guard line.hasSuffix(";") else { continue }
        do {
          compared += try compare(pending)
        } catch let error as SyntaxError {
          // Inside of a string there is more to come.
          if error.sqlState != "0A000" { continue }
        }
        pending = ""
      }
    }
    #expect(compared > 250)
  }
}
