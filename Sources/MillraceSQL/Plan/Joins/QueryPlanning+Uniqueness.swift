import MillraceEngine
import MillraceTypes

/// Where a row has one partner at most (PostgreSQL's src/backend/optimizer/plan/analyzejoins.c).
extension QueryPlanning {
  /// `innerrel_is_unique`.
  func isUnique(
    _ inner: RelationInfo, for outer: RelationInfo, _ kind: JoinKind, _ clauses: [Restriction], _ join: RelationSet
  ) -> Bool {
    guard inner.entry != nil else { return false }
    if kind == .inner, let known = inner.uniqueFor[outer.members] { return known }
    let isOuter = kind != .inner
    let equalities = clauses.filter { clause in
      !(isOuter && clause.filters(join)) && !clause.mergeFamilies.isEmpty && clause.joins(outer.members, inner.members)
    }
    let result = isDistinct(inner, equalities)
    if kind == .inner { inner.uniqueFor[outer.members] = result }
    return result
  }

  /// Whether no two rows of a relation are equal in what these clauses compare (`rel_is_distinct_for`).
  func isDistinct(_ relation: RelationInfo, _ clauses: [Restriction]) -> Bool {
    func operand(_ clause: Restriction) -> TypedExpression? {
      guard let (left, right) = clause.operands else { return nil }
      return clause.left.isSubset(of: relation.members) ? left : right
    }
    let expressions = clauses.compactMap { operand($0)?.withoutRelabels }
    if relation.descriptor != nil {
      let constants = relation.restrictions.compactMap { restriction -> TypedExpression? in
        guard !restriction.mergeFamilies.isEmpty, let (left, right) = restriction.operands else { return nil }
        if restriction.left.isEmpty { return right.withoutRelabels }
        return restriction.right.isEmpty ? left.withoutRelabels : nil
      }
      let known = expressions + constants
      return relation.indexes.contains { index in
        guard index.isUnique, index.isPredicateImplied else { return false }
        return index.columns.allSatisfy { column in
          known.contains { expression in
            if let number = column.column, case .variable(let variable) = expression {
              return variable.entry == relation.entry && variable.column == .column(number)
            }
            return column.expression?.withoutRelabels == expression
          }
        }
      }
    }
    guard let inner = relation.subquery?.query else { return false }
    let columns = Set(
      expressions.compactMap { expression -> Int? in
        guard case .variable(let variable) = expression, variable.entry == relation.entry,
          case .column(let column) = variable.column
        else { return nil }
        return column
      })
    return inner.isDistinct(in: columns)
  }

  /// Semi joins with something that has no duplicates are plain joins (`reduce_unique_semijoins`).
  func reduceSemiJoins() {
    specialJoins.removeAll { special in
      guard special.kind == .semi, let entry = special.minimumRight.single, special.right == special.minimumRight,
        let inner = relations[entry]
      else { return false }
      let join = special.minimumLeft | special.minimumRight
      var clauses = inner.joinClauses.filter { $0.required.isSubset(of: join) }
      clauses += impliedEqualities(join, outer: special.minimumLeft, inner: special.minimumRight)
      let usable = clauses.filter {
        !$0.mergeFamilies.isEmpty && $0.joins(special.minimumLeft, special.minimumRight)
      }
      return isDistinct(inner, usable)
    }
  }

  /// The distinct rows of a semi join's right side; nil where they cannot be had (`create_unique_path`).
  func uniquePath(_ relation: RelationInfo, _ special: SpecialJoin) -> Path? {
    if let known = relation.uniquePath { return known }
    let made = makeUniquePath(relation, special)
    relation.uniquePath = .some(made)
    return made
  }

  private func makeUniquePath(_ relation: RelationInfo, _ special: SpecialJoin) -> Path? {
    guard !special.semiExpressions.isEmpty, special.semiCanSort || special.semiCanHash,
      let input = relation.cheapestTotal, input.required.isEmpty, relation.lateral.isEmpty
    else { return nil }
    let rows = groupCount(special.semiExpressions, rows: relation.rows)
    let count = Double(special.semiExpressions.count)
    var sorted: Path?
    if special.semiCanSort {
      let order = special.semiExpressions.indices.compactMap { place -> PathKey? in
        guard let families = equality(special.semiOperators[place])?.families, let family = families.first else {
          return nil
        }
        let known = sortClass(special.semiExpressions[place], families: families)
        return PathKey(known, family: family, isDescending: false, isNullsFirst: false)
      }
      let made = sortPath(input, order).below(.uniqueRows(input, special, isHashed: false))
      made.total += settings.cpuOperatorCost * relation.rows * count
      (made.rows, made.ordering) = (rows, order)
      sorted = made
    }
    var hashed: Path?
    if special.semiCanHash, Double(hashEntryWidth(relation.width)) * rows <= settings.hashMemory {
      let keys = special.semiExpressions.map { expression in
        SortGroupExpression(
          expression: expression, order: SortOrder(expression.type.id, equality: 0, ordering: 0))
      }
      let aggregate = AggregatePath(strategy: .hashed, groups: rows, keys: keys, aggregates: [], having: [])
      let made = aggregatePath(input, aggregate, width: relation.width, ordering: [])
        .below(.uniqueRows(input, special, isHashed: true))
      made.rows = rows
      hashed = made
    }
    guard let sorted else { return hashed }
    guard let hashed else { return sorted }
    return hashed.isCheaper(than: sorted) ? hashed : sorted
  }

  private func hashEntryWidth(_ width: Int) -> Int { alignedWidth(width) + 64 }
}

extension Query {
  /// Whether no two rows are equal in these columns of the result (`query_is_distinct_for`).
  func isDistinct(in columns: Set<Int>) -> Bool {
    let shown = targets.indices.filter { !targets[$0].isHidden }
    func covers(_ clauses: [SortGroupClause]) -> Bool {
      clauses.allSatisfy { clause in shown.firstIndex(of: clause.target).map { columns.contains($0) } ?? false }
    }
    switch distinct {
    case .all(let clauses): if covers(clauses) { return true }
    case .on(let clauses): if covers(clauses) { return true }
    case .no: break
    }
    if !groupBy.isEmpty { return covers(groupBy) }
    if hasAggregates || having != nil { return true }
    if case .operation(let operation) = setOperations, !operation.isAll {
      return shown.indices.allSatisfy { columns.contains($0) }
    }
    return false
  }
}
