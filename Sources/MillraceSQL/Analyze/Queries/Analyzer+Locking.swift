import MillraceEngine
import MillraceTypes

/// FOR UPDATE and its like (transformLockingClause of src/backend/parser/analyze.c).
extension Analyzer {
  func analyze(locking clauses: [LockingClause], _ scope: QueryScope) throws(SQLError) {
    for clause in clauses {
      try checkLocking(clause.strength.words, scope.query)
      if clause.relations.isEmpty {
        for entry in scope.query.rangeTable.indices { mark(entry, clause, scope) }
      } else {
        for relation in clause.relations { try mark(relation, clause, scope) }
      }
    }
    if let outside = scope.lockedFromOutside {
      try checkLocking(outside.strength.words, scope.query)
      for entry in scope.query.rangeTable.indices { mark(entry, outside, scope) }
    }
  }

  /// CheckSelectLocking.
  private func checkLocking(_ words: String, _ query: Query) throws(SQLError) {
    let obstacle: String? =
      if query.setOperations != nil {
        "UNION/INTERSECT/EXCEPT"
      } else if query.distinct != .no {
        "DISTINCT clause"
      } else if !query.groupBy.isEmpty {
        "GROUP BY clause"
      } else if query.having != nil {
        "HAVING clause"
      } else if query.hasAggregates {
        "aggregate functions"
      } else if query.hasTargetSetFunctions {
        "set-returning functions in the target list"
      } else {
        nil
      }
    if let obstacle { throw SQLError(.featureNotSupported, "\(words) is not allowed with \(obstacle)") }
  }

  private func mark(_ relation: RangeVariable, _ clause: LockingClause, _ scope: QueryScope) throws(SQLError) {
    let words = clause.strength.words
    if relation.schema != nil || relation.catalog != nil {
      throw SQLError(.syntaxError, "\(words) must specify unqualified relation names", at: relation.location)
    }
    guard let item = scope.namespace.first(where: { $0.isNameVisible && $0.name == relation.name }) else {
      throw SQLError(
        .undefinedTable, "relation \"\(relation.name)\" in \(words) clause not found in FROM clause",
        at: relation.location)
    }
    let noun: String? =
      switch scope.query.rangeTable[item.entry].kind {
      case .join: "a join"
      case .function: "a function"
      case .values: "VALUES"
      case .commonTable: "a WITH query"
      default: nil
      }
    if let noun {
      throw SQLError(.featureNotSupported, "\(words) cannot be applied to \(noun)", at: relation.location)
    }
    mark(item.entry, clause, scope)
  }

  /// applyLockingClause: the strongest counts, and of the policies that which waits least.
  private func mark(_ entry: Int, _ clause: LockingClause, _ scope: QueryScope) {
    guard case .relation = scope.query.rangeTable[entry].kind else { return }
    let strength = clause.strength.typed
    let policy: RowLockWait =
      switch clause.waitPolicy {
      case .block: .block
      case .skip: .skip
      case .error: .error
      }
    if let known = scope.query.rowMarks.firstIndex(where: { $0.entry == entry }) {
      if strength.rank > scope.query.rowMarks[known].strength.rank {
        scope.query.rowMarks[known].strength = strength
      }
      if policy.rank > scope.query.rowMarks[known].waitPolicy.rank {
        scope.query.rowMarks[known].waitPolicy = policy
      }
    } else {
      scope.query.rowMarks.append(RowMark(entry: entry, strength, policy))
    }
  }
}

extension QueryScope {
  /// The clause that locks an item of FROM, if any does.
  func lock(on name: String?) -> LockingClause? {
    if let lockedFromOutside { return lockedFromOutside }
    return locking.first { clause in
      clause.relations.isEmpty || clause.relations.contains { $0.name == name }
    }
  }

  func isLocked(_ name: String) -> Bool { lock(on: name) != nil }
}

extension LockingClause.Strength {
  /// LCS_asString.
  var words: String {
    switch self {
    case .keyShare: "FOR KEY SHARE"
    case .share: "FOR SHARE"
    case .noKeyUpdate: "FOR NO KEY UPDATE"
    case .update: "FOR UPDATE"
    }
  }

  var typed: RowLockStrength {
    switch self {
    case .keyShare: .keyShare
    case .share: .share
    case .noKeyUpdate: .noKeyUpdate
    case .update: .update
    }
  }
}

extension RowLockStrength {
  fileprivate var rank: Int {
    switch self {
    case .keyShare: 0
    case .share: 1
    case .noKeyUpdate: 2
    case .update: 3
    }
  }
}

extension RowLockWait {
  fileprivate var rank: Int {
    switch self {
    case .block: 0
    case .skip: 1
    case .error: 2
    }
  }
}
