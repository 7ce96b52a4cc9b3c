import CPostgresParser

/// Makes the syntax tree of a raw parse tree: one function for each node, which reads all fields of the node in the
/// order in which millrace_nodes.h lists them. A field that the syntax tree does not carry is refused unless it says
/// nothing.
final class NodeDecoder {
  var reader: RawTreeReader
  private let source: String
  private let maxStackDepth: Int
  private var nesting = 0
  private let nestingLimit: Int
  /// The last location that was read: where an error is reported whose own node has none.
  var near = Location(0)

  init(_ reader: RawTreeReader, source: String, maxStackDepth: Int) {
    self.reader = reader
    self.source = source
    self.maxStackDepth = maxStackDepth
    nestingLimit = min(Parser.nestingMax, StackDepth.room(maxStackDepth) / Parser.stackPerLevel)
  }

  func statements() throws(SyntaxError) -> [RawStatement] {
    let statements = try list(rawStatement)
    precondition(reader.isAtEnd, "the raw parse tree was not read to its end")
    return statements
  }

  private func rawStatement() throws(SyntaxError) -> RawStatement {
    try expect(.rawStmt)
    let location = int32()
    let length = Int(int32())
    near = firstToken(from: Location(location))
    // The grammar does not say how long the last statement is.
    return RawStatement(
      statement: try statement(), location: Int(location),
      length: length == 0 ? source.utf8.count - Int(location) : length)
  }

  /// Runs `body` one level deeper, unless that is too deep.
  @inline(__always)
  func nested<Result>(_ body: () throws(SyntaxError) -> Result) throws(SyntaxError) -> Result {
    guard nesting < nestingLimit else { throw .stackDepthExceeded(maxStackDepth: maxStackDepth) }
    try StackDepth.check(maxStackDepth)
    nesting += 1
    defer { nesting -= 1 }
    return try body()
  }

  // MARK: - Fields

  func int32() -> Int32 { Int32(bitPattern: reader.word()) }

  func bool() -> Bool { reader.word() != 0 }

  /// A `char`, 0 where nothing was said.
  func character() -> Character? {
    let word = reader.word()
    return word == 0 ? nil : Character(Unicode.Scalar(UInt8(truncatingIfNeeded: word)))
  }

  func location() -> Location {
    let location = Location(int32())
    if location.isKnown { near = location }
    return location
  }

  func optionalString() -> String? { reader.string() }

  /// A string that the grammar always sets.
  func string() -> String {
    guard let string = reader.string() else { preconditionFailure("the grammar left out a string that must be there") }
    return string
  }

  /// One of an enumeration of C, by its number.
  func enumerator<Value>(_ values: [Value], _ what: StaticString = #function) -> Value {
    let number = Int(int32())
    precondition(values.indices.contains(number), "the grammar has no \(what) \(number)")
    return values[number]
  }

  // MARK: - Nodes

  /// Reads the begin of a node, which must be of that kind.
  func expect(_ expected: MillraceNode) throws(SyntaxError) {
    let node = reader.node()
    guard node == expected else { throw unexpected(node) }
  }

  /// Reads a node if one is there.
  func optional<Value>(_ value: () throws(SyntaxError) -> Value) throws(SyntaxError) -> Value? {
    reader.readIfNull() ? nil : try value()
  }

  /// Reads a list; no list is an empty one.
  func list<Element>(_ element: () throws(SyntaxError) -> Element) throws(SyntaxError) -> [Element] {
    if reader.readIfNull() { return [] }
    try expect(.list)
    return try elements(element)
  }

  /// The same, after its begin was read.
  func elements<Element>(_ element: () throws(SyntaxError) -> Element) throws(SyntaxError) -> [Element] {
    let count = Int(reader.word())
    var elements: [Element] = []
    elements.reserveCapacity(count)
    for _ in 0..<count { elements.append(try element()) }
    return elements
  }

  /// A list of String nodes: a name with its schema, or the names of columns.
  func names() throws(SyntaxError) -> [String] { try list(stringNode) }

  func stringNode() throws(SyntaxError) -> String {
    try expect(.string)
    return string()
  }

  // MARK: - What is refused

  /// Refuses what comes next unless nothing is there.
  func refuse(_ construct: String, at location: Location? = nil) throws(SyntaxError) {
    if !reader.readIfNull() { throw unsupported(construct, at: location) }
  }

  func refuse(_ construct: String, if condition: Bool, at location: Location? = nil) throws(SyntaxError) {
    if condition { throw unsupported(construct, at: location) }
  }

  func unsupported(_ construct: String, at location: Location? = nil) -> SyntaxError {
    SyntaxError(
      sqlState: "0A000", message: "\(construct) is not supported", position: position(of: location ?? near))
  }

  /// The error for a node that cannot be here.
  func unexpected(_ node: MillraceNode) -> SyntaxError {
    switch node {
    case .unsupported: return unsupported(string())
    case .paramRef:
      let number = int32()
      return misplaced(ParameterReference(number: number, location: location()))
    default: return unsupported("this construct")
    }
  }

  /// libpg_query's grammar takes parameters in some places where PostgreSQL's takes only literals.
  func misplaced(_ parameter: ParameterReference) -> SyntaxError {
    SyntaxError(
      sqlState: "42601", message: "syntax error at or near \"$\(parameter.number)\"",
      position: position(of: parameter.location))
  }

  /// In characters from 1.
  func position(of location: Location) -> Int? {
    guard location.isKnown else { return nil }
    // Every character has one byte that does not continue another.
    return source.utf8.prefix(Int(location.offset)).count { $0 & 0xC0 != 0x80 } + 1
  }

  /// The digits that follow the first character of a token.
  func digits(behind location: Location) -> Substring {
    let rest = source.utf8.dropFirst(Int(location.offset) + 1)
    return Substring(rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
  }

  /// The first byte that is neither white space nor comment.
  private func firstToken(from location: Location) -> Location {
    var rest = source.utf8.dropFirst(Int(max(location.offset, 0)))
    while let byte = rest.first {
      if byte == UInt8(ascii: " ") || (9...13).contains(byte) || byte == UInt8(ascii: ";") {
        rest = rest.dropFirst()
      } else if rest.starts(with: "--".utf8) {
        rest = rest.drop { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
      } else if rest.starts(with: "/*".utf8) {
        rest = Self.withoutComment(rest)
      } else {
        break
      }
    }
    return Location(Int32(source.utf8.count - rest.count))
  }

  /// Without the comment that it begins with; they nest.
  private static func withoutComment(_ text: Substring.UTF8View) -> Substring.UTF8View {
    var rest = text.dropFirst(2)
    var depth = 1
    while depth > 0, let byte = rest.first {
      let isBegin = byte == UInt8(ascii: "/") && rest.dropFirst().first == UInt8(ascii: "*")
      let isEnd = byte == UInt8(ascii: "*") && rest.dropFirst().first == UInt8(ascii: "/")
      depth += isBegin ? 1 : isEnd ? -1 : 0
      rest = rest.dropFirst(isBegin || isEnd ? 2 : 1)
    }
    return rest
  }
}
