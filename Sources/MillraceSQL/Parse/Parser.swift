import CPostgresParser

/// PostgreSQL's own grammar and scanner (libpg_query, PostgreSQL 15), and the syntax tree that comes of it.
///
/// Every statement of PostgreSQL 15 is understood by the grammar. What the tree has no node for, and each option that
/// its node does not carry, is refused with `0A000`, its name and position; nothing is left out silently.
public struct Parser: Sendable {
  /// How deeply expressions, queries and joins may be nested in one another, whatever the stack: a tree may be released
  /// by a thread with a stack of 512 KiB.
  public static let nestingMax = 1000

  /// What one level of nesting may take of the stack, in bytes. The parser takes less, and stops where this would
  /// exceed the thread's stack, so that a tree can be compared, written as text and released where it was parsed. On a
  /// stack of 2 MiB nearly all of ``nestingMax`` can be used.
  #if DEBUG
    static let stackPerLevel = 14 * 1024
  #else
    static let stackPerLevel = 2 * 1024
  #endif

  /// The setting `standard_conforming_strings`: whether a backslash in `'...'` is just a character.
  public var standardConformingStrings = true
  /// The setting `max_stack_depth`, in bytes. A thread with a smaller stack has a lower limit.
  public var maxStackDepth = 2048 * 1024

  public init() {}

  /// The statements of a string, separated by semicolons; empty ones are left out.
  ///
  /// Errors are PostgreSQL's own, up to the position. Runs on any thread, several at once; PostgreSQL's parser keeps
  /// some kilobytes for each thread that used it, until that ends. Takes a few microseconds for a small statement.
  public static func parse(_ sql: String) throws(SyntaxError) -> [RawStatement] { try Parser().parse(sql) }

  /// The same, with settings.
  public func parse(_ sql: String) throws(SyntaxError) -> [RawStatement] {
    var source = sql
    source.makeContiguousUTF8()
    guard !source.utf8.contains(0) else {
      throw SyntaxError(sqlState: "22021", message: "invalid byte sequence for encoding \"UTF8\": 0x00")
    }
    var options = MillraceParseOptions()
    options.standard_conforming_strings = standardConformingStrings
    options.stack_reserve = StackDepth.reserve
    options.max_stack_depth = maxStackDepth
    return try RawTree.withTree(of: source, options) { (reader) throws(SyntaxError) in
      try NodeDecoder(reader, source: source, maxStackDepth: maxStackDepth).statements()
    }
  }

  /// One expression, as catalogs hold the text of defaults and checks. The locations in it are some bytes too large.
  public static func parseExpression(_ sql: String) throws(SyntaxError) -> Expression {
    let before = "SELECT ("
    let statements: [RawStatement]
    do {
      statements = try parse("\(before)\(sql)\n)")
    } catch {
      var shifted = error
      shifted.position = error.position.map { max(1, $0 - before.count) }
      throw shifted
    }
    guard statements.count == 1, case .select(let select) = statements[0].statement,
      case .select(let block) = select.body, block.targets.count == 1, let target = block.targets.first,
      select == .only(target), !isRow(target.expression, at: Int32(before.utf8.count - 1))
    else { throw SyntaxError(sqlState: "42601", message: "\"\(sql)\" is not one expression") }
    return target.expression
  }

  /// Whether the parentheses there made a row of several expressions.
  private static func isRow(_ expression: Expression, at offset: Int32) -> Bool {
    guard case .row(let row) = expression else { return false }
    return !row.isExplicit && row.location.offset == offset
  }
}

extension SelectStatement {
  /// `SELECT target`, and nothing else.
  fileprivate static func only(_ target: ResultTarget) -> SelectStatement {
    SelectStatement(
      with: nil,
      body: .select(
        SelectBlock(
          distinct: .no, into: nil, targets: [ResultTarget(expression: target.expression, location: .unknown)],
          from: [], condition: nil, groupBy: [], isGroupDistinct: false, having: nil, windows: [])),
      orderBy: [], limit: LimitClause(count: nil, offset: nil, isWithTies: false), locking: [])
  }
}
