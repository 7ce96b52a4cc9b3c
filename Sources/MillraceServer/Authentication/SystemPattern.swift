#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A regular expression as the system understands it (POSIX, extended), for the few names of the rules.
struct SystemPattern {
  private let text: String

  /// - Returns: nil where the system does not take it.
  init?(_ text: String) {
    self.text = text
    guard Self.run(text, on: nil) == 0 else { return nil }
  }

  func matches(_ name: String) -> Bool { Self.run(text, on: name) == 0 }

  private static func run(_ text: String, on name: String?) -> Int32 {
    var pattern = regex_t()
    let code = regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB)
    guard code == 0 else { return code }
    defer { regfree(&pattern) }
    return name.map { regexec(&pattern, $0, 0, nil, 0) } ?? 0
  }
}
