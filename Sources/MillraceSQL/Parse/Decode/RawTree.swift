import CPostgresParser

/// PostgreSQL's raw parse tree in the form in which CPostgresParser hands it over, one word after the other.
enum RawTree {
  /// Parses and lets `body` read the tree, which is gone when it returns.
  static func withTree<Result>(
    of source: String, _ options: MillraceParseOptions,
    _ body: (RawTreeReader) throws(SyntaxError) -> Result
  ) throws(SyntaxError) -> Result {
    var raw = MillraceParseResult()
    var options = options
    source.withCString { millrace_parse($0, &options, &raw) }
    defer { millrace_parse_release(&raw) }
    if raw.stack_exhausted { throw .stackDepthExceeded(maxStackDepth: options.max_stack_depth) }
    guard !raw.failed, let words = raw.words else { throw error(raw).withWholeToken(of: source) }
    return try body(RawTreeReader(words: UnsafeBufferPointer(start: words, count: raw.count)))
  }

  private static func error(_ raw: MillraceParseResult) -> SyntaxError {
    let state = withUnsafeBytes(of: raw.sqlstate) { String(decoding: $0.prefix(5), as: UTF8.self) }
    return SyntaxError(
      sqlState: state, message: raw.message.map { String(cString: $0) } ?? "missing error text",
      detail: raw.detail.map { String(cString: $0) }, hint: raw.hint.map { String(cString: $0) },
      position: raw.cursor_position > 0 ? Int(raw.cursor_position) : nil)
  }
}

/// Reads the words in order. Valid only while ``RawTree/withTree(of:_:_:)`` runs its body.
struct RawTreeReader {
  private let words: UnsafeBufferPointer<UInt32>
  private var index = 0

  fileprivate init(words: UnsafeBufferPointer<UInt32>) { self.words = words }

  var isAtEnd: Bool { index == words.count }

  mutating func word() -> UInt32 {
    precondition(index < words.count, "the raw parse tree ends inside of a node")
    defer { index += 1 }
    return words[index]
  }

  /// What kind of node begins here.
  mutating func node() -> MillraceNode {
    guard let node = MillraceNode(rawValue: word()) else { preconditionFailure("the raw parse tree has no node here") }
    return node
  }

  /// Whether nothing is here, which is then read.
  mutating func readIfNull() -> Bool {
    precondition(index < words.count, "the raw parse tree ends inside of a node")
    guard words[index] == MillraceNode.null.rawValue else { return false }
    index += 1
    return true
  }

  mutating func string() -> String? {
    let length = Int(word()) - 1
    guard length >= 0 else { return nil }
    let count = (length + 3) / 4
    precondition(words.count - index >= count, "the raw parse tree ends inside of a string")
    defer { index += count }
    return String(
      decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(words)[index * 4..<index * 4 + length]),
      as: UTF8.self)
  }
}
