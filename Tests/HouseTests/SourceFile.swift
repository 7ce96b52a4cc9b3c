import Foundation

/// What a file is written in, as far as the rules care.
enum Language {
  case swift, c, shell, python, make, markdown, other

  init(path: String, text: String) {
    switch (path as NSString).pathExtension {
    case "swift": self = .swift
    case "c", "h": self = .c
    case "sh": self = .shell
    case "py": self = .python
    case "md": self = .markdown
    default:
      if path.hasSuffix("Makefile") {
        self = .make
      } else {
        self = text.hasPrefix("#!") && text.prefix(40).contains("sh\n") ? .shell : .other
      }
    }
  }

  /// Written by hand as a program: the rules about size and layout apply.
  var isCode: Bool {
    switch self {
    case .swift, .c, .shell, .python: true
    case .make, .markdown, .other: false
    }
  }
}

/// A file of the repository, with its text seen in three ways that have the same lines and columns.
struct SourceFile: Sendable {
  /// Relative to the repository, with slashes.
  let path: String
  let byteCount: Int
  let isExecutable: Bool
  let language: Language
  /// All of it; empty for a file that is not text.
  let lines: [String]
  /// With comments and the contents of string literals blanked, where the language is Swift or C.
  let codeLines: [String]
  /// With everything but comments blanked, where the language is Swift or C.
  let commentLines: [String]
  let endsWithNewline: Bool

  init(path: String, text: String, isExecutable: Bool = false) {
    self.init(path: path, data: Data(text.utf8), isExecutable: isExecutable)
  }

  init(path: String, data: Data, isExecutable: Bool) {
    let text = String(data: data, encoding: .utf8) ?? ""
    self.path = path
    self.isExecutable = isExecutable
    byteCount = data.count
    language = Language(path: path, text: text)
    endsWithNewline = text.isEmpty || text.hasSuffix("\n")
    lines = Self.split(text.utf8)
    switch language {
    case .swift, .c:
      let views = SourceViews(of: Array(text.utf8), language: language)
      codeLines = Self.split(views.code)
      commentLines = Self.split(views.comments)
    default:
      codeLines = lines
      commentLines = lines
    }
  }

  private static func split(_ bytes: some Collection<UInt8>) -> [String] {
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// The first folder below `Sources` or `Tests`, which is the target's name; nil elsewhere.
  var target: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && (parts[0] == "Sources" || parts[0] == "Tests") ? String(parts[1]) : nil
  }

  var isInSources: Bool { path.hasPrefix("Sources/") }
  var isInTests: Bool { path.hasPrefix("Tests/") }
}
