import MillraceEngine

/// What is said of names that mean nothing (errorMissingColumn and errorMissingRTE of parse_relation.c).
extension Analyzer {
  func undefinedColumn(_ name: String, _ scope: QueryScope, _ location: Location) throws(SQLError) -> SQLError {
    var error = SQLError(.undefinedColumn, "column \"\(name)\" does not exist", at: location)
    let (details, best) = inaccessible(name, qualifier: nil, scope)
    if let details {
      error.detail = details
      return error
    }
    error.hint = best
    return error
  }

  func hint(for name: String, qualifier: String, _ scope: QueryScope) throws(SQLError) -> String? {
    inaccessible(name, qualifier: qualifier, scope).hint
  }

  /// searchRangeTableForCol: a column of that name that cannot be used here, or one with a name that is nearly it.
  private func inaccessible(
    _ name: String, qualifier: String?, _ scope: QueryScope
  ) -> (detail: String?, hint: String?) {
    var matches = SimilarNames(limit: 3)
    var level: QueryScope? = scope
    while let here = level {
      for (index, entry) in here.query.rangeTable.enumerated() {
        if case .join = entry.kind { continue }
        if case .nothing = entry.kind { continue }
        let isUsable = here.namespace.contains { $0.entry == index }
        let penalty = qualifier.map { SimilarNames.distance($0, entry.name, limit: 3) } ?? 0
        for column in entry.columns where !column.name.isEmpty {
          if column.name == name, qualifier == nil || penalty == 0, !isUsable || qualifier == nil {
            return (
              "There is a column named \"\(name)\" in table \"\(entry.name)\", but it cannot be referenced from this "
                + "part of the query.", nil
            )
          }
          matches.consider(entry.name, column.name, wanted: name, penalty: penalty)
        }
      }
      level = here.parent
    }
    return (nil, matches.hint)
  }

  func missingTable(
    _ schema: String?, _ table: String, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> SQLError {
    var level: QueryScope? = scope
    var similar: RangeTableEntry?
    while let here = level, similar == nil {
      similar = here.query.rangeTable.first { entry in
        if case .join = entry.kind, !entry.hasAlias { return false }
        if entry.name == table { return true }
        if case .relation(let oid) = entry.kind, let relation = try? catalog.relation(oid) {
          return relation.name == table
        }
        return false
      }
      level = here.parent
    }
    let shown = schema.map { "\($0).\(table)" } ?? table
    guard let similar else {
      return SQLError(.undefinedTable, "missing FROM-clause entry for table \"\(shown)\"", at: location)
    }
    var error = SQLError(
      .undefinedTable, "invalid reference to FROM-clause entry for table \"\(shown)\"", at: location)
    if similar.hasAlias, similar.name != table {
      error.hint = "Perhaps you meant to reference the table alias \"\(similar.name)\"."
    } else {
      error.detail =
        "There is an entry for table \"\(similar.name)\", but it cannot be referenced from this part of the query."
    }
    return error
  }
}

/// Names that are nearly the one that was written (updateFuzzyAttrMatchState).
struct SimilarNames {
  private(set) var distance: Int
  private var found: [(table: String, column: String)] = []

  init(limit: Int) { distance = limit + 1 }

  mutating func consider(_ table: String, _ column: String, wanted: String, penalty: Int) {
    guard penalty <= distance else { return }
    let own = Self.distance(wanted, column, limit: distance + 1 - penalty)
    // More than half of the letters wrong is no likeness.
    guard own <= wanted.count / 2 else { return }
    let total = own + penalty
    if total < distance {
      distance = total
      found = [(table, column)]
    } else if total == distance {
      found.append((table, column))
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
