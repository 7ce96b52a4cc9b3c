/// A piece of Swift that is not written in this project, and what is written instead.
struct Ban: Sendable {
  let word: String
  let isApplied: @Sendable (SourceFile) -> Bool
  let instead: String
  /// What on the same line makes it right.
  let unlessLineHas: String?

  init(
    _ word: String, in isApplied: @escaping @Sendable (SourceFile) -> Bool = { _ in true },
    unlessLineHas exception: String? = nil, instead: String
  ) {
    self.word = word
    self.isApplied = isApplied
    self.instead = instead
    unlessLineHas = exception
  }

  /// The one file of the command line that writes to standard output.
  static let outputFile = "Sources/MillraceCommand/Output.swift"

  private static let isLibrary: @Sendable (SourceFile) -> Bool = {
    $0.isInSources && $0.target != "MillraceCommand"
  }
  private static let mayNotPrint: @Sendable (SourceFile) -> Bool = { $0.isInSources && $0.path != outputFile }
  private static let isTest: @Sendable (SourceFile) -> Bool = { $0.isInTests }

  static let all: [Ban] = [
    Ban("try!", instead: "`do`/`catch`, or `throws` in a test: a crash names no cause"),
    Ban("print(", in: mayNotPrint, instead: "a result or a logger; the command prints in \(outputFile) only"),
    Ban("debugPrint(", in: mayNotPrint, instead: "a result or a logger"),
    Ban("dump(", in: mayNotPrint, instead: "a result or a logger"),
    Ban("SystemRandomNumberGenerator", instead: "a generator with a printed seed, so that a failure can be repeated"),
    Ban(".random(", unlessLineHas: "using:", instead: "a generator with a printed seed (`using:`)"),
    Ban(".randomElement(", unlessLineHas: "using:", instead: "a generator with a printed seed (`using:`)"),
    Ban(".shuffle(", unlessLineHas: "using:", instead: "a generator with a printed seed (`using:`)"),
    Ban(".shuffled(", unlessLineHas: "using:", instead: "a generator with a printed seed (`using:`)"),
    Ban("Date()", in: isLibrary, instead: "a monotonic clock; wall time goes backwards"),
    Ban("assert(", instead: "`precondition` with a message, which release builds check too; `#expect` in a test"),
    Ban("assertionFailure(", instead: "`preconditionFailure` with a message, which release builds check too"),
    Ban("fatalError()", instead: "`fatalError` with a sentence that says what broke"),
    Ban("preconditionFailure()", instead: "`preconditionFailure` with a sentence that says what broke"),
    Ban("sleep(", in: isTest, instead: "a wait for the event itself: a sleep is too long or too short"),
    Ban("usleep(", in: isTest, instead: "a wait for the event itself: a sleep is too long or too short"),
    Ban("Thread.sleep", in: isTest, instead: "a wait for the event itself: a sleep is too long or too short"),
    Ban("Task.sleep", in: isTest, instead: "a wait for the event itself: a sleep is too long or too short"),
  ]

  static let rules: [Rule] = all.map { ban in
    Rule("no \(ban.word)") { (file: SourceFile) in
      guard file.language == .swift, ban.isApplied(file) else { return [] }
      return file.codeLines.enumerated().compactMap { index, line in
        guard Text.find(ban.word, in: line) else { return nil }
        if let exception = ban.unlessLineHas, line.contains(exception) { return nil }
        return Violation(file.path, line: index + 1, "`\(ban.word)`: write \(ban.instead)")
      }
    }
  }
}
