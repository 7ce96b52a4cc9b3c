import Testing

/// Something that holds for the whole repository, and how to find where it does not.
struct Rule: Sendable, CustomTestStringConvertible {
  /// What holds, in a few words.
  let name: String
  let check: @Sendable (Repository) -> [Violation]

  var testDescription: String { name }

  init(_ name: String, check: @escaping @Sendable (Repository) -> [Violation]) {
    self.name = name
    self.check = check
  }

  /// A rule that looks at one file at a time.
  init(_ name: String, eachFile check: @escaping @Sendable (SourceFile) -> [Violation]) {
    self.init(name, check: { repository in repository.files.flatMap(check) })
  }

  /// All rules that need nothing but the files. Those that run a program are in `ToolTests`.
  static let all: [Rule] =
    Ban.rules + [.reasonsForUnchecked, .noMarkers, .noWorkplace, .onlyOneFileNamesPackages]
    + layout + [.shortFunctions, .unsafePointers, .floors]
    + references
}

extension RuleExample: CustomTestStringConvertible {
  var testDescription: String { "\(ruleName) (\(path))" }
}
