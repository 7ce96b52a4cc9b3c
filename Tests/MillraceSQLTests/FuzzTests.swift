import MillraceTestSupport
import Testing

@testable import MillraceSQL

@Suite("Broken statements are errors")
struct FuzzTests {
  /// Parses, and what can be parsed is written and parsed again.
  private func check(_ sql: String) throws -> Bool {
    guard let statements = try? Parser.parse(sql) else { return false }
    for raw in statements {
      #expect(raw.location >= 0 && raw.length >= 0 && raw.location + raw.length <= sql.utf8.count, "\(sql)")
      let text = Deparser.text(of: raw.statement)
      do {
        let again = try Parser.parse(text)
        #expect(again.count == 1 && again[0].statement == raw.statement, "\(sql)\nbecame\n\(text)")
        let original = String(sql.utf8.dropFirst(raw.location).prefix(raw.length)) ?? ""
        if !RawTree.isNormalized(original.uppercased()) {
          #expect(RawTree.words(of: text) == RawTree.words(of: original), "\(original)\nbecame\n\(text)")
        }
      } catch {
        Issue.record("\(sql)\nbecame\n\(text)\nwhich is: \(error)")
      }
    }
    return true
  }

  @Test("changed tokens give an error or a tree that survives the way to text and back")
  func tokens() throws {
    var mutation = Mutation(SeededGenerator(for: "changed tokens"), of: Corpus.statements)
    var good = 0
    for _ in 0..<5000 where try check(mutation.nextStatement()) { good += 1 }
    #expect(good > 500 && good < 4500)
  }

  @Test("so do changed bytes")
  func bytes() throws {
    var mutation = Mutation(SeededGenerator(for: "changed bytes"), of: Corpus.statements)
    var good = 0
    for _ in 0..<5000 where try check(mutation.nextBytes()) { good += 1 }
    #expect(good > 200 && good < 4500)
  }

  @Test("so do several statements in one string")
  func severalStatements() throws {
    var mutation = Mutation(SeededGenerator(for: "several statements"), of: Corpus.statements)
    for _ in 0..<300 {
      _ = try check((0..<5).map { _ in mutation.nextStatement() }.joined(separator: ";"))
    }
  }
}
