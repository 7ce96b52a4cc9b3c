import CPostgresParser

@testable import MillraceSQL

extension RawTree {
  /// The raw tree without locations.
  static func words(of sql: String) -> [UInt32] {
    var options = MillraceParseOptions()
    options.standard_conforming_strings = true
    options.omit_locations = true
    options.stack_reserve = StackDepth.reserve
    options.max_stack_depth = 1 << 30
    var raw = MillraceParseResult()
    sql.withCString { millrace_parse($0, &options, &raw) }
    defer { millrace_parse_release(&raw) }
    return raw.failed ? [] : Array(UnsafeBufferPointer(start: raw.words, count: raw.count))
  }

  /// Whether the syntax tree makes one of what has two raw trees, so that these may differ.
  static func isNormalized(_ sql: String) -> Bool {
    // HEADER of the old syntax is a Boolean, and a word in parentheses; EXCLUDING takes one bit of all 31, of which the
    // tree has those that mean something.
    sql.contains("COPY") || sql.contains("EXCLUDING")
  }
}
