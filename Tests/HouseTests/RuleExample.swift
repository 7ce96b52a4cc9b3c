/// A small repository that breaks a rule in one place, and one that is like it and does not.
struct RuleExample: Sendable {
  let ruleName: String
  let bad: [SourceFile]
  /// Where the one violation is.
  let path: String
  let line: Int
  let good: [SourceFile]

  init(_ rule: Rule, in path: String, bad: String, line: Int = 1, good: String) {
    self.init(
      rule, bad: [SourceFile(path: path, text: bad)], at: path, line: line, good: [SourceFile(path: path, text: good)])
  }

  init(_ rule: Rule, bad: [SourceFile], at path: String, line: Int = 0, good: [SourceFile]) {
    ruleName = rule.name
    self.bad = bad
    self.path = path
    self.line = line
    self.good = good
  }

  static let all: [RuleExample] =
    words + layout + unsafePointers + floors + references
    + Ban.rules.map { rule in RuleExample(ban: rule) }

  private init(ban rule: Rule) {
    let word = String(rule.name.dropFirst("no ".count))
    let call = word.hasPrefix(".") ? "value" + word : word
    let line = word.hasSuffix("(") ? call + ")\n" : call + "\n"
    // Bans hold in a library, or else in tests.
    let path = word.contains("sleep") ? "Tests/MillraceIOTests/A.swift" : "Sources/MillraceIO/A.swift"
    self.init(
      rule, in: path, bad: "let a = 1\n  \(line)", line: 2,
      good:
        "// \(line)let a = \"\(call)\"\nlet b = other\(word.hasPrefix(".") ? "Words" : word.replacing("!", with: ""))\n"
    )
  }

  private static let words = [
    RuleExample(
      .reasonsForUnchecked, in: "Sources/MillraceIO/A.swift",
      bad: "final class A: @unchecked Sendable {\n  let b = 1\n  // Safe because it is constant.\n}\n",
      good: """
        // Safe because every field is
        // constant.
        final class A: @unchecked Sendable {}
        nonisolated(unsafe) var b = 1  // Safe because only the tests write it.
        struct C: @unchecked Sendable {
          // Safe because nobody
          // changes it.
        }

        """),
    RuleExample(
      .noMarkers, in: "Sources/MillraceIO/A.swift", bad: "let a = 1  // TODO: two\n",
      good: "let a = \"TODO\"  // The method is called autoDO.\n"),
    RuleExample(.noMarkers, in: "docs/a.md", bad: "# A\n\nFIXME\n", line: 3, good: "# A\n\nfixed\n"),
    RuleExample(
      .noWorkplace, in: "scripts/a.sh", bad: "cd /wo" + "rk/main\n", good: "cd \"$HOME/wo" + "rk/main\"\n"),
    RuleExample(
      .noWorkplace, in: "scripts/a.py", bad: "url = 'https://pypi." + "org/simple'\n", good: "url = argument\n"),
    RuleExample(
      .onlyOneFileNamesPackages, in: "docs/a.md", bad: "Run `apt-get in" + "stall fio`.\n",
      good: "Run `make test`; apt-get does the rest.\n"),
  ]

  private static let layout = [
    RuleExample(
      .lineLength, in: "Sources/MillraceIO/A.swift", bad: "// " + String(repeating: "é", count: 118) + "\n",
      good: "// " + String(repeating: "é", count: 117) + "\n"),
    RuleExample(
      .lineLength, in: "docs/a.md", bad: String(repeating: "a ", count: 60) + "b\n",
      good: "| " + String(repeating: "a ", count: 60) + "b\n"),
    RuleExample(.whitespace, in: "Sources/MillraceIO/A.swift", bad: "\tlet a = 1\n", good: "  let a = 1\n"),
    RuleExample(.whitespace, in: "docs/a.md", bad: "a \n", good: "a\n"),
    RuleExample(.whitespace, in: "docs/a.md", bad: "a\n\u{62}\u{0D}\u{0A}", line: 2, good: "a\nb\n"),
    RuleExample(.whitespace, in: "x/Makefile", bad: "a:\n\tb \n", line: 2, good: "a:\n\tb\n"),
    RuleExample(.lastNewline, in: "docs/a.md", bad: "a\nb", line: 2, good: "a\nb\n"),
    RuleExample(
      .fileLength, in: "scripts/a.py", bad: String(repeating: "a\n", count: 501), line: 0,
      good: String(repeating: "a\n", count: 500)),
    RuleExample(
      .fileSize, in: "docs/a.txt", bad: String(repeating: "a", count: 256 * 1024) + "\n", line: 0,
      good: String(repeating: "a", count: 256 * 1024 - 1) + "\n"),
    RuleExample(
      .shortFunctions, in: "Sources/MillraceIO/A.swift",
      bad: "struct A {\n" + function(named: "func a<B>(b: () -> B = { 1 }) throws", lines: 71) + "}\n", line: 2,
      good: "struct A {\n" + function(named: "func a()", lines: 70) + function(named: "func b()", lines: 70) + "}\n"),
    RuleExample(
      .shortFunctions, in: "Sources/CMillrace/a.c", bad: "int b;\n" + function(named: "static int a(int b)", lines: 71),
      line: 2, good: "struct a {\n" + String(repeating: "int b;\n", count: 90) + "};\n"),
  ]

  private static func function(named signature: String, lines: Int) -> String {
    "\(signature) {\n" + String(repeating: "  if a { \"}\" }\n", count: lines - 2) + "}\n"
  }

  private static let unsafeUser = SourceFile(
    path: "Sources/MillraceIO/A.swift", text: "let a = 1\nlet b: UnsafeMutablePointer<Int>? = nil\n")
  private static func unsafeList(_ text: String) -> SourceFile { SourceFile(path: Rule.unsafeList, text: text) }

  private static let unsafePointers = [
    RuleExample(
      .unsafePointers, bad: [unsafeUser, unsafeList("# none\n")], at: unsafeUser.path, line: 2,
      good: [unsafeUser, unsafeList("# one\n\(unsafeUser.path) the kernel writes into it\n")]),
    RuleExample(
      .unsafePointers, bad: [unsafeUser, unsafeList("\(unsafeUser.path)\n")], at: Rule.unsafeList, line: 1,
      good: [unsafeUser, unsafeList("\(unsafeUser.path) shared memory\n")]),
    RuleExample(
      .unsafePointers,
      bad: [
        SourceFile(path: unsafeUser.path, text: "let a = 1  // UnsafeMutablePointer\n"),
        unsafeList("\n\(unsafeUser.path) shared memory\n"),
      ], at: Rule.unsafeList, line: 2, good: [SourceFile(path: unsafeUser.path, text: "let a = 1\n")]),
  ]

  private static let floors = [
    RuleExample(
      .floors, in: "Sources/MillraceIO/A.swift", bad: "import Synchronization\nimport MillraceStorage\n", line: 2,
      good: "internal import CMillrace\npublic import struct Logging.Logger\n"),
    RuleExample(
      .floors, in: "Sources/MillraceStorage/A.swift", bad: "public import struct Foundation.URL\n",
      good: "#if canImport(Glibc)\n  import Glibc\n#endif\nimport MillraceIO\n"),
    RuleExample(
      .floors, in: "Sources/MillraceStorage/A.swift", bad: "import MillraceSimulation\n",
      good: "let text = \"\"\"\n  import MillraceSimulation\n  \"\"\"\n"),
    RuleExample(
      .floors, in: "Sources/MillraceNew/A.swift", bad: "import Glibc\n", good: "let a = 1\n"),
  ]

  private static let references: [RuleExample] = [
    RuleExample(
      .links, in: "docs/a.md", bad: "[b](b.md)\n", good: "`[b](b.md)` [c](https://example.com/c)\n"),
    RuleExample(
      .links, bad: [SourceFile(path: "docs/a.md", text: "# One `two`\n\n[here](../docs/a.md#one)\n")],
      at: "docs/a.md", line: 3,
      good: [SourceFile(path: "docs/a.md", text: "# One `two`\n\n[here](../docs/a.md#one-two) [and](#one-two)\n")]),
    RuleExample(
      .reachableDocuments,
      bad: [
        SourceFile(path: "README.md", text: "[a](docs/a.md)\n"), SourceFile(path: "docs/a.md", text: "a\n"),
        SourceFile(path: "docs/b.md", text: "[a](a.md)\n"),
      ], at: "docs/b.md",
      good: [
        SourceFile(path: "README.md", text: "[a](docs/a.md)\n"), SourceFile(path: "docs/a.md", text: "[b](b.md)\n"),
        SourceFile(path: "docs/b.md", text: "b\n"),
      ]),
    RuleExample(
      .usedTypes,
      bad: [
        SourceFile(path: "Sources/MillraceIO/Used.swift", text: "public struct Used {}  // not Unused\n"),
        SourceFile(path: "Sources/MillraceIO/Unused.swift", text: "public struct Unused { let used: Used }\n"),
      ], at: "Sources/MillraceIO/Unused.swift",
      good: [
        SourceFile(path: "Sources/MillraceIO/A.swift", text: "struct A {}\n"),
        SourceFile(path: "Tests/MillraceIOTests/ATests.swift", text: "let a = A()\n"),
      ]),
    RuleExample(
      .permissions, in: "scripts/a.sh", bad: "#!/usr/bin/env bash\n", good: "# To be sourced.\n"),
    RuleExample(
      .permissions, bad: [SourceFile(path: "docs/a.md", text: "a\n", isExecutable: true)],
      at: "docs/a.md",
      good: [SourceFile(path: ".ci/run", text: "#!/bin/sh\n", isExecutable: true)]),
  ]
}
