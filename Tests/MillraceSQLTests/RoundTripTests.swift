import Testing

@testable import MillraceSQL

@Suite("The syntax tree says all of a statement")
struct RoundTripTests {
  @Test("the corpus has at least 300 statements")
  func corpusIsLarge() {
    #expect(Corpus.statements.count >= 300)
    #expect(Set(Corpus.statements).count == Corpus.statements.count)
  }

  @Test("the text of a tree parses to an equal tree", arguments: Corpus.statements)
  func roundTrip(sql: String) throws {
    let parsed = try Parser.parse(sql)
    #expect(parsed.count == 1)
    let statement = try #require(parsed.first).statement
    let text = Deparser.text(of: statement)
    let again = try #require(try Parser.parse(text).first, "\(text)").statement
    #expect(again == statement, "\(text)")
    #expect(Deparser.text(of: again) == text)
  }
}
