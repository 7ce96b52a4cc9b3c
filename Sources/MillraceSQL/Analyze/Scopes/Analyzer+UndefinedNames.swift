import MillraceEngine

/// What is said of names that mean nothing (errorMissingColumn and errorMissingRTE of
/// src/backend/parser/parse_relation.c).
extension Analyzer {
  // MARK: Columns

  /// - Parameter qualifier: the table's name, where one was written.
  func undefinedColumn(
    _ name: String, qualifier: String?, _ scope: QueryScope, _ location: Location
  ) -> SQLError {
    let shown = qualifier.map { "\($0).\(name)" } ?? "\"\(name)\""
    var error = SQLError(.undefinedColumn, "column \(shown) does not exist", at: location)
    var exact: [(scope: QueryScope, entry: Int)] = []
    var similar = SimilarNames()
    var level: QueryScope? = scope
    while let here = level {
      for (index, entry) in here.query.rangeTable.enumerated() {
        if case .join = entry.kind { continue }
        let penalty = qualifier.map { SimilarNames.distance($0, entry.name, limit: SimilarNames.distanceMax + 1) } ?? 0
        var isExact = false
        for column in entry.columns where !column.name.isEmpty {
          if column.name == name { isExact = true }
          similar.consider(entry.name, column.name, wanted: name, penalty: penalty)
        }
        if case .relation = entry.kind, SystemColumn(named: name) != nil { isExact = true }
        if isExact, penalty == 0 { exact.append((here, index)) }
      }
      level = here.parent
    }
    if exact.count > 1 {
      error.detail =
        "There are columns named \"\(name)\", but they are in tables that cannot be referenced from this part of the "
        + "query."
      if qualifier == nil { error.hint = "Try using a table-qualified name." }
    } else if let (home, entry) = exact.first {
      error.detail =
        "There is a column named \"\(name)\" in table \"\(home.query.rangeTable[entry].name)\", but it cannot be "
        + "referenced from this part of the query."
      if isVisibleIfLateral(entry, home) {
        error.hint = "To reference that column, you must mark this subquery with LATERAL."
      } else if qualifier == nil,
        home.namespace.contains(where: { $0.entry == entry && $0.isNameVisible && !$0.isLateralOnly })
      {
        error.hint = "To reference that column, you must use a table-qualified name."
      }
    } else {
      error.hint = similar.hint
    }
    return error
  }

  /// rte_visible_if_lateral.
  private func isVisibleIfLateral(_ entry: Int, _ scope: QueryScope) -> Bool {
    !scope.isLateralActive
      && scope.namespace.contains { $0.entry == entry && $0.isLateralOnly && $0.isLateralAllowed }
  }

  // MARK: Tables

  func missingTable(
    _ schema: String?, _ table: String, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> SQLError {
    guard let (home, index) = try similarEntry(schema, table, scope) else {
      return SQLError(.undefinedTable, "missing FROM-clause entry for table \"\(table)\"", at: location)
    }
    let entry = home.query.rangeTable[index]
    var error = SQLError(
      .undefinedTable, "invalid reference to FROM-clause entry for table \"\(table)\"", at: location)
    let isUsable = home.namespace.contains { $0.entry == index && $0.isNameVisible && !$0.isLateralOnly }
    if entry.hasAlias, entry.name != table, isUsable {
      error.hint = "Perhaps you meant to reference the table alias \"\(entry.name)\"."
    } else {
      error.detail =
        "There is an entry for table \"\(entry.name)\", but it cannot be referenced from this part of the query."
      if isVisibleIfLateral(index, home) {
        error.hint = "To reference that table, you must mark this subquery with LATERAL."
      }
    }
    return error
  }

  /// searchRangeTableForRel: an entry that has the name, or stands for the table of that name.
  private func similarEntry(
    _ schema: String?, _ table: String, _ scope: QueryScope
  ) throws(SQLError) -> (QueryScope, Int)? {
    let oid = try SQLError.wrapping { () throws(EngineError) -> UInt32? in
      if let schema, try catalog.namespace(named: schema) == nil { return nil }
      return try catalog.relationOID(named: table, schema: schema)
    }
    var level: QueryScope? = scope
    while let here = level {
      for (index, entry) in here.query.rangeTable.enumerated() {
        if case .join = entry.kind, !entry.hasAlias { continue }
        if case .nothing = entry.kind { continue }
        if entry.name == table { return (here, index) }
        if case .relation(let relation) = entry.kind, relation == oid { return (here, index) }
        if let view = entry.view, view == oid { return (here, index) }
      }
      level = here.parent
    }
    return nil
  }
}

/// Names that are nearly the one that was written (updateFuzzyAttrMatchState).
struct SimilarNames {
  /// MAX_FUZZY_DISTANCE.
  static let distanceMax = 3

  private var distance = Self.distanceMax + 1
  private var found: [(table: String, column: String)] = []

  mutating func consider(_ table: String, _ column: String, wanted: String, penalty: Int) {
    guard penalty <= distance else { return }
    let own = Self.distance(column, wanted, limit: distance + 1 - penalty)
    // More than half of the letters wrong is no likeness.
    guard own <= wanted.utf8.count / 2 else { return }
    let total = own + penalty
    if total < distance {
      distance = total
      found = [(table, column)]
    } else if total == distance {
      if found.count == 2 {
        // Too many are no help, and neither is what is no nearer.
        found = []
        distance = total - 1
      } else if found.count == 1 || distance <= Self.distanceMax {
        found.append((table, column))
      }
    }
  }

  var hint: String? {
    switch found.count {
    case 1: "Perhaps you meant to reference the column \"\(found[0].table).\(found[0].column)\"."
    case 2:
      "Perhaps you meant to reference the column \"\(found[0].table).\(found[0].column)\" or the column "
        + "\"\(found[1].table).\(found[1].column)\"."
    default: nil
    }
  }

  /// Levenshtein's distance: how many letters have to be inserted, removed or replaced; beyond `limit` not exact.
  static func distance(_ a: String, _ b: String, limit: Int) -> Int {
    let (a, b) = (Array(a.unicodeScalars), Array(b.unicodeScalars))
    if abs(a.count - b.count) > limit { return limit + 1 }
    var row = Array(0...b.count)
    for i in a.indices {
      var diagonal = row[0]
      row[0] = i + 1
      for j in b.indices {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1))
        diagonal = above
      }
    }
    return row[b.count]
  }
}
