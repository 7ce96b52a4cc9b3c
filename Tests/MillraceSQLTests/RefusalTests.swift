import Testing

@testable import MillraceSQL

@Suite("What the syntax tree does not carry is refused")
struct RefusalTests {
  @Test("with 0A000, its name and position", arguments: Corpus.refused)
  func refused(sql: String, construct: String, position: Int) {
    #expect(
      throws: SyntaxError(
        sqlState: "0A000", message: "\(construct) is not supported", position: position)
    ) { try Parser.parse(sql) }
  }

  @Test("no name is missing")
  func names() {
    for refused in Corpus.refused { #expect(!refused.construct.contains("this "), "\(refused.sql)") }
  }

  @Test("positions count characters, also behind other statements, comments and white space")
  func positions() throws {
    let error = #expect(throws: SyntaxError.self) {
      try Parser.parse("SELECT 'ünïcödé 日本語 😀';\n -- Kommentär /* \n /* x /* y */ ü */ LISTEN a")
    }
    #expect(error?.position == 62)
  }
}
