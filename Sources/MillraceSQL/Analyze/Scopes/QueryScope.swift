/// A query while it is analysed: what has been made of it, and which names can be used (ParseState of
/// parser/parse_node.h).
final class QueryScope {
  /// The query around.
  let parent: QueryScope?
  /// What has been analysed so far.
  var query = Query()
  /// What columns can be taken from.
  var namespace: [NamespaceItem] = []
  /// Queries of WITH that can be referred to: their places in ``Query/with``.
  var commonTables: [String: Int] = [:]
  /// Those of them that are being analysed, and may refer to themselves.
  var recursions: [String: Recursion] = [:]
  /// Those that are analysed after the one at hand.
  var laterCommonTables: Set<String> = []
  /// The recursion whose UNION this query is.
  var ownRecursion: Recursion?
  /// Where the expression stands that is being analysed.
  var kind = ExpressionKind.other
  /// Whether a literal of unknown type in the targets becomes text: not so where the targets go to columns or are
  /// combined with others.
  var resolvesUnknowns = true
  /// Whether FOR UPDATE applies to all that it refers to, because of a query further out.
  var lockedFromOutside: LockingClause?
  /// FOR UPDATE of the query itself, which decides how its tables are locked.
  var locking: [LockingClause] = []
  /// Whether items that only LATERAL may use can be used now.
  var isLateralActive = false

  /// A query of WITH RECURSIVE while it is analysed.
  final class Recursion {
    let name: String
    /// What it gives, once its first part is known.
    var columns: [RangeTableColumn]?
    var columnNames: [String]
    var referenceCount = 0
    let isUnion: Bool
    let location: Location

    init(_ table: CommonTableExpression, isUnion: Bool) {
      (name, columnNames, location) = (table.name, table.columnNames, table.location)
      self.isUnion = isUnion
    }
  }

  init(_ parent: QueryScope? = nil) { self.parent = parent }

  /// The scope so many queries further out.
  func ancestor(_ levels: Int) -> QueryScope? {
    var scope: QueryScope? = self
    for _ in 0..<levels { scope = scope?.parent }
    return scope
  }

  /// Adds an entry to the range table.
  /// - Returns: its index.
  func add(_ entry: RangeTableEntry) -> Int {
    query.rangeTable.append(entry)
    return query.rangeTable.count - 1
  }

  /// Does something with expressions of a certain kind.
  func with<Result>(
    _ kind: ExpressionKind, _ body: () throws(SQLError) -> Result
  ) throws(SQLError) -> Result {
    let before = self.kind
    self.kind = kind
    defer { self.kind = before }
    return try body()
  }
}

/// An entry of FROM as names see it (ParseNamespaceItem).
struct NamespaceItem {
  /// Its index in the range table.
  var entry: Int
  /// What columns can be qualified with; nil for a join without alias.
  var name: String?
  /// The table, so that a schema can be checked; 0 for others and where there is an alias.
  var relation: UInt32 = 0
  /// Whether its name can be used.
  var isNameVisible = true
  /// Whether its columns can be used without its name.
  var areColumnsVisible = true
  /// Whether only LATERAL may use it, because it stands in the same FROM.
  var isLateralOnly = false
  /// Whether LATERAL may use it: not so across an outer join that cannot be turned round.
  var isLateralAllowed = true
  /// Whether it has ctid and the like.
  var hasSystemColumns = false
  /// For the alias of a USING clause: how many of the first columns it shows.
  var columnLimit: Int?
}
