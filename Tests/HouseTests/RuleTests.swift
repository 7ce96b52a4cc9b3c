import Testing

/// Every rule is shown to notice what it forbids, at the right line, and to leave its like alone.
@Suite("the rules of the house")
struct RuleTests {
  @Test("a rule finds exactly what breaks it", arguments: RuleExample.all)
  func findsViolation(example: RuleExample) throws {
    let rule = try #require(Rule.all.first { $0.name == example.ruleName })
    let found = rule.check(Repository(example.bad))
    #expect(found.map(\.path) == [example.path], "\(rule.name): \(found)")
    #expect(found.map(\.line) == [example.line], "\(rule.name): \(found)")
    #expect(found.allSatisfy { $0.message.count > 10 })
    #expect(rule.check(Repository(example.good)).isEmpty, "\(rule.name): \(rule.check(Repository(example.good)))")
  }

  @Test("every rule has an example")
  func everyRuleHasExample() {
    let shown = Set(RuleExample.all.map(\.ruleName))
    #expect(Rule.all.map(\.name).filter { !shown.contains($0) } == [])
    #expect(Set(Rule.all.map(\.name)).count == Rule.all.count)
  }

  @Test("the command prints in its one output file and nowhere else")
  func printing() throws {
    let rule = try #require(Rule.all.first { $0.name == "no print(" })
    let output = SourceFile(path: Ban.outputFile, text: "print(a)\n")
    let other = SourceFile(
      path: "Sources/MillraceCommand/Bench.swift", text: "output.print(a)\nfunc print() {}\n  print(a)\n")
    let test = SourceFile(path: "Tests/MillraceIOTests/A.swift", text: "print(seed)\n")
    let found = rule.check(Repository([output, other, test]))
    #expect(found.map(\.path) == [other.path])
    #expect(found.map(\.line) == [3])
  }

  @Test("chance with a given generator is allowed")
  func seededChance() throws {
    let rule = try #require(Rule.all.first { $0.name == "no .random(" })
    let file = SourceFile(
      path: "Tests/A/B.swift", text: "Int.random(in: 0..<9, using: &generator)\nInt.random(in: 0..<9)\n")
    #expect(rule.check(Repository([file])).map(\.line) == [2])
  }

  @Test("an import line names its module whatever stands before it")
  func importedModules() {
    let expected = [
      "import Glibc": "Glibc", "@testable import MillraceIO": "MillraceIO",
      "public import struct Logging.Logger": "Logging",
      "  @_spi(A) internal import B": "B", "import class A.B": "A", "important import A": nil, "let a = b": nil,
    ]
    for (line, module) in expected { #expect(Floor.importedModule(in: line) == module, "\(line)") }
  }
}

/// The small readers that the rules stand on.
@Suite("reading source text")
struct ReadingTests {
  @Test(
    "code is separated from comments and strings",
    arguments: [
      (#"a("b // c") // d"#, #"a("      ") "#, "// d"),
      (#"a /* b /* c */ d */ e"#, "a " + String(repeating: " ", count: 17) + " e", "/* b /* c */ d */"),
      (#""a \(b("c")) d" e"#, #""  \(b(" "))  " e"#, ""),
      (##"#"a "b" \(c) \#(d)"# e"##, ##"#"           \#(d)"# e"##, ""),
      (#""a \" b" c"#, #""      " c"#, ""),
    ])
  func views(text: String, code: String, comments: String) {
    let views = SourceViews(of: Array(text.utf8), language: .swift)
    #expect(trimmed(views.code) == code.trimmingEnd())
    #expect(trimmed(views.comments).drop { $0 == " " } == comments)
    #expect(views.code.count == text.utf8.count)
  }

  private func trimmed(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self).trimmingEnd() }

  @Test("strings of several lines keep their lines")
  func multilineStrings() {
    let file = SourceFile(path: "a.swift", text: "let a = \"\"\"\n  { \"x\" // y\n  \\(b) \"\"\"\nlet c = 1 // d\n")
    #expect(file.codeLines.map { $0.trimmingEnd() } == ["let a = \"\"\"", "", "  \\(b) \"\"\"", "let c = 1"])
    #expect(file.commentLines.map { $0.drop { $0 == " " } } == ["", "", "", "// d"])
  }

  @Test("functions are found with their lines")
  func functions() {
    let text = """
      protocol A { func none(); var b: Int { get } }
      struct B {
        var c: Int {
          1
        }
        var d: () -> Int = { 1 }
        init(e: () -> Void = {}) { self.init() }
        static func == (f: B, g: B) -> Bool where H == I {
          func inner() {
          }
        }
      }
      """
    let found = FunctionScanner(SourceFile(path: "a.swift", text: text).codeLines).swiftFunctions()
    #expect(
      found == [
        .init(name: "b", firstLine: 1, lastLine: 1), .init(name: "c", firstLine: 3, lastLine: 5),
        .init(name: "init", firstLine: 7, lastLine: 7), .init(name: "=", firstLine: 8, lastLine: 11),
        .init(name: "inner", firstLine: 9, lastLine: 10),
      ])
  }

  @Test("functions in C are found, and only those")
  func cFunctions() {
    let text = "struct a {\n int b;\n};\nint c(int d) {\n  if (d) {\n  }\n}\nint e[] = {1};\nvoid f(void)\n{\n}\n"
    let found = FunctionScanner(SourceFile(path: "a.c", text: text).codeLines).cFunctions()
    #expect(found == [.init(name: "c", firstLine: 4, lastLine: 7), .init(name: "f", firstLine: 9, lastLine: 11)])
  }

  @Test("a heading's anchor is what a renderer makes of it")
  func anchors() {
    let document = SourceFile(path: "a.md", text: "# A b-C\n## `io_uring`: why?\n## A b-C\n```\n# code\n```\n")
    #expect(MarkdownLink.anchors(in: document) == ["a-b-c", "io_uring-why", "a-b-c-1"])
  }
}

extension String {
  fileprivate func trimmingEnd() -> String {
    String(self[..<(lastIndex { !$0.isWhitespace }.map { index(after: $0) } ?? startIndex)])
  }
}
