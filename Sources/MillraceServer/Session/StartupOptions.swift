/// The `options` of a startup packet: a command line for the session (`process_postgres_switches`).
enum StartupOptions {
  /// - Returns: settings by name.
  /// - Throws: FATAL: something else than `-c name=value` or `--name=value`.
  static func parse(_ text: String?) throws(ErrorReport) -> [(name: String, value: String)] {
    var words = split(text ?? "")[...]
    var settings: [(name: String, value: String)] = []
    while let word = words.popFirst() {
      let assignment: Substring
      if word == "-c" {
        guard let next = words.popFirst() else { throw invalid(word) }
        assignment = next[...]
      } else if word.hasPrefix("-c") || word.hasPrefix("--") {
        assignment = word.dropFirst(2)
      } else {
        throw invalid(word)
      }
      let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw ErrorReport(.fatal, .syntaxError, "\(word.hasPrefix("--") ? "--" : "-c ")\(assignment) requires a value")
      }
      settings.append((String(parts[0].replacing("-", with: "_")), String(parts[1])))
    }
    return settings
  }

  private static func invalid(_ word: String) -> ErrorReport {
    ErrorReport(.fatal, .syntaxError, "invalid command-line argument for server process: \(word)")
  }

  /// Words between blanks; a backslash takes its meaning from the character behind it.
  private static func split(_ text: String) -> [String] {
    var words: [String] = []
    var word: String?
    var isEscaped = false
    for character in text {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character.isWhitespace {
        if let finished = word { words.append(finished) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let word { words.append(word) }
    return words
  }

  /// What is not printable ASCII as `\xe2` and the like (`pg_clean_ascii`).
  static func printable(_ text: String) -> String {
    text.utf8.map { byte in
      (32...126).contains(byte) ? String(UnicodeScalar(byte)) : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }
}
