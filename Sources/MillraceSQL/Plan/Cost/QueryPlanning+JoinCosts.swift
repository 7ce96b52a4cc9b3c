#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceEngine
import MillraceTypes

/// What joins cost (PostgreSQL's src/backend/optimizer/path/costsize.c).
extension QueryPlanning {
  /// How many outer rows have a partner, and how many of them: what lets a join stop early (`SemiAntiJoinFactors`).
  struct EarlyStop {
    var matchFraction: Double
    var matchCount: Double
  }

  func bytes(rows: Double, width: Int) -> Double { rows * Double(alignedWidth(width) + Self.heapTupleHeader) }
  func pageCount(rows: Double, width: Int) -> Double { (bytes(rows: rows, width: width) / 8192).rounded(.up) }

  /// `compute_semi_anti_join_factors`.
  func earlyStop(
    _ join: RelationSet, _ outer: RelationInfo, _ inner: RelationInfo, _ kind: JoinKind, _ special: SpecialJoin,
    _ clauses: [Restriction]
  ) -> EarlyStop {
    let isOuter = kind == .left || kind == .right || kind == .full || kind == .anti
    let matching = isOuter ? clauses.filter { !$0.filters(join) } : clauses
    let plain = SpecialJoin.inner(outer.members, inner.members)
    let fraction = selectivity(matching, nil, kind == .anti ? .anti : .semi, special)
    let all = selectivity(matching, nil, .inner, plain)
    let average = fraction > 0 ? max(all * inner.rows / fraction, 1) : 1
    return EarlyStop(matchFraction: fraction, matchCount: average)
  }

  /// What reading a path once more costs (`cost_rescan`).
  private func rescan(_ path: Path) -> (startup: Double, total: Double) {
    switch path.node {
    case .function: return (0, path.total - path.startup)
    case .join(let join) where join.method == .hash:
      let size = HashTableSize(rows: join.inner.rows, width: join.inner.width, memory: settings.hashMemory)
      return size.batches == 1 ? (0, path.total - path.startup) : (path.startup, path.total)
    case .commonTable, .workTable:
      return (0, settings.cpuTupleCost * path.rows + spill(path))
    case .memoize(let input, let memoize): return rescanCost(input, memoize)
    case .materialize, .sort: return (0, settings.cpuOperatorCost * path.rows + spill(path))
    default: return (path.startup, path.total)
    }
  }

  private func spill(_ path: Path) -> Double {
    let size = bytes(rows: path.rows, width: path.width)
    return size > settings.workMem * 1024 ? settings.seqPageCost * (size / 8192).rounded(.up) : 0
  }

  /// `cost_material`.
  func costMaterialize(_ path: Path) -> Path {
    let made = path.below(.materialize(path))
    made.total += 2 * settings.cpuOperatorCost * path.rows + spill(path)
    if !settings.enableMaterial { made.disabled += 1 }
    return made
  }

  // MARK: Nested loops

  func nestedLoopPath(_ joined: RelationInfo, _ join: JoinPath, _ ordering: [PathKey], _ stop: EarlyStop?) -> Path {
    let (outer, inner) = (join.outer, join.inner)
    let (outerRows, innerRows) = (max(outer.rows, 1), max(inner.rows, 1))
    let again = rescan(inner)
    let innerRun = inner.total - inner.startup
    let againRun = again.total - again.startup
    var startup = outer.startup + inner.startup
    var run = outer.total - outer.startup
    if outer.rows > 1 { run += (outer.rows - 1) * again.startup }
    var tuples = outerRows * innerRows
    if let stop {
      var matched = (outerRows * stop.matchFraction).rounded(.toNearestOrEven)
      var unmatched = outerRows - matched
      let part = 2 / (stop.matchCount + 1)
      tuples = matched * innerRows * part
      if hasIndexedClauses(join, joined.members) {
        run += innerRun * part
        if matched > 1 { run += (matched - 1) * againRun * part }
        run += unmatched * againRun / innerRows
      } else {
        tuples += unmatched * innerRows
        run += innerRun
        if unmatched >= 1 { unmatched -= 1 } else { matched -= 1 }
        if matched > 0 { run += matched * againRun * part }
        if unmatched > 0 { run += unmatched * againRun }
      }
    } else {
      run += innerRun
      if outer.rows > 1 { run += (outer.rows - 1) * againRun }
    }
    let condition = cost(join.clauses)
    startup += condition.startup
    run += (settings.cpuTupleCost + condition.perTuple) * tuples
    return finish(joined, join, ordering, startup: startup, run: run, isEnabled: settings.enableNestedLoop)
  }

  private func finish(
    _ joined: RelationInfo, _ join: JoinPath, _ ordering: [PathKey], startup: Double, run: Double, isEnabled: Bool,
    extraDisabled: Int = 0
  ) -> Path {
    let outer = join.outer.required | join.inner.required
    let required = outer.subtracting(joined.members)
    let parameters = joinParameterInfo(joined, required, join)
    return Path(
      .join(join), joined, rows: parameters?.rows ?? joined.rows, startup: startup, total: startup + run,
      width: joined.width, ordering: ordering, parameters: parameters,
      disabled: join.outer.disabled + join.inner.disabled + (isEnabled ? 0 : 1) + extraDisabled)
  }

  /// `get_joinrel_parampathinfo`: the rows that come out with these parameters.
  private func joinParameterInfo(_ joined: RelationInfo, _ required: RelationSet, _ join: JoinPath) -> ParameterInfo? {
    guard !required.isEmpty else { return nil }
    if let known = joined.parameterInfos[required] { return known }
    let special = SpecialJoin(
      join.kind, minimumLeft: join.outer.relation?.members ?? RelationSet(),
      minimumRight: join.inner.relation?.members ?? RelationSet(), left: join.outer.relation?.members ?? RelationSet(),
      right: join.inner.relation?.members ?? RelationSet())
    let rows = joinRows(join.clauses, special, left: join.outer.rows, right: join.inner.rows, joined.members)
    let made = ParameterInfo(required, rows: min(rows, joined.rows), [])
    joined.parameterInfos[required] = made
    return made
  }

  /// Whether all conditions of the join are looked up in an index, so that an outer row without partner costs little
  /// (`has_indexed_join_quals`).
  private func hasIndexedClauses(_ join: JoinPath, _ members: RelationSet) -> Bool {
    guard join.clauses.allSatisfy({ $0.filters(members) }), let parameters = join.inner.parameters else { return false }
    let used: [Restriction]
    switch join.inner.node {
    case .index(let path): used = path.clauses.map(\.restriction)
    case .bitmapHeap(.index(let path, _)): used = path.clauses.map(\.restriction)
    default: return false
    }
    guard !used.isEmpty else { return false }
    var found = false
    for clause in parameters.clauses {
      guard used.contains(where: { $0 === clause || ($0.parentClass != nil && $0.parentClass === clause.parentClass) })
      else { return false }
      found = true
    }
    return found
  }

  // MARK: Hash joins

  func hashPath(
    _ joined: RelationInfo, _ join: JoinPath, _ stop: EarlyStop?, isInnerDistinct: Bool
  ) -> Path {
    let (outer, inner) = (join.outer, join.inner)
    let keys = Double(join.keys.count)
    let step = settings.cpuOperatorCost
    var startup = outer.startup + inner.total + (step * keys + settings.cpuTupleCost) * inner.rows
    var run = outer.total - outer.startup + step * keys * outer.rows
    let size = HashTableSize(rows: inner.rows, width: inner.width, memory: settings.hashMemory)
    if size.batches > 1 {
      let innerPages = pageCount(rows: inner.rows, width: inner.width)
      startup += settings.seqPageCost * innerPages
      let outerPages = pageCount(rows: outer.rows, width: outer.width)
      run += settings.seqPageCost * (innerPages + 2 * outerPages)
    }
    let buckets = size.buckets * size.batches
    let (bucketSize, mostCommon) = bucketStatistics(join, buckets, isInnerDistinct: isInnerDistinct)
    let isTooLarge =
      bytes(rows: clampRows(inner.rows * mostCommon), width: inner.width) > settings.hashMemory
    let keyCost = cost(join.keys)
    let all = cost(join.clauses)
    let rest = ExpressionCost(startup: all.startup - keyCost.startup, perTuple: all.perTuple - keyCost.perTuple)
    startup += keyCost.startup
    let tuples: Double
    if let stop {
      let matched = (outer.rows * stop.matchFraction).rounded(.toNearestOrEven)
      let part = 2 / (stop.matchCount + 1)
      let (found, missed) = (clampRows(inner.rows * bucketSize * part), clampRows(inner.rows / buckets))
      run += keyCost.perTuple * matched * found * 0.5
      run += keyCost.perTuple * (outer.rows - matched) * missed * 0.05
      tuples = join.kind == .anti ? outer.rows - matched : matched
    } else {
      run += keyCost.perTuple * outer.rows * clampRows(inner.rows * bucketSize) * 0.5
      tuples = matchingRows(join, join.keys)
    }
    startup += rest.startup
    run += (settings.cpuTupleCost + rest.perTuple) * tuples
    return finish(
      joined, join, [], startup: startup, run: run, isEnabled: settings.enableHashJoin,
      extraDisabled: isTooLarge ? 1 : 0)
  }

  /// `approx_tuple_count`.
  private func matchingRows(_ join: JoinPath, _ clauses: [Restriction]) -> Double {
    let (outer, inner) = (join.outer.relation?.members ?? RelationSet(), join.inner.relation?.members ?? RelationSet())
    let plain = SpecialJoin.inner(outer, inner)
    let own = clauses.reduce(1.0) { $0 * selectivity($1, nil, .inner, plain) }
    return clampRows(own * join.outer.rows * join.inner.rows)
  }

  private func bucketStatistics(
    _ join: JoinPath, _ buckets: Double, isInnerDistinct: Bool
  ) -> (size: Double, mostCommon: Double) {
    if isInnerDistinct { return (1 / buckets, 0) }
    var (size, mostCommon) = (1.0, 1.0)
    let inner = join.inner.relation?.members ?? RelationSet()
    for clause in join.keys {
      guard let (left, right) = clause.operands else { continue }
      let own = bucketStatistics(clause.right.isSubset(of: inner) ? right : left, buckets)
      size = min(size, own.size)
      mostCommon = min(mostCommon, own.mostCommon)
    }
    return (size, mostCommon)
  }

  /// `estimate_hash_bucket_stats`.
  private func bucketStatistics(_ key: TypedExpression, _ buckets: Double) -> (size: Double, mostCommon: Double) {
    let found = examine(key)
    var (distinct, isDefault) = found.distinct
    let mostCommon = found.facts?.commonFrequencies.first ?? 0
    if isDefault { return (max(0.1, mostCommon), mostCommon) }
    let average = (1 - found.nullFraction) / distinct
    if let relation = found.relation, relation.tuples > 0 {
      distinct = clampRows(distinct * relation.rows / relation.tuples)
    }
    var part = distinct > buckets ? 1 / buckets : 1 / distinct
    if average > 0, mostCommon > average { part *= mostCommon / average }
    return (min(max(part, 1e-6), 1), mostCommon)
  }

  // MARK: Merge joins

  func mergePath(_ joined: RelationInfo, _ join: JoinPath, _ ordering: [PathKey], _ stop: EarlyStop?) -> Path {
    var join = join
    let (outerRows, innerRows) = (max(join.outer.rows, 1), max(join.inner.rows, 1))
    let part = mergeParts(join)
    let outerSkip = (outerRows * part.leftStart).rounded(.toNearestOrEven)
    let innerSkip = (innerRows * part.rightStart).rounded(.toNearestOrEven)
    let (outerRead, innerRead) = (clampRows(outerRows * part.leftEnd), clampRows(innerRows * part.rightEnd))
    let outer = join.outerSort.isEmpty ? join.outer : sortPath(join.outer, join.outerSort)
    let inner = join.innerSort.isEmpty ? join.inner : sortPath(join.inner, join.innerSort)
    var startup = outer.startup + (outer.total - outer.startup) * (outerSkip / outerRows)
    var run = (outer.total - outer.startup) * (outerRead / outerRows - outerSkip / outerRows)
    startup += inner.startup + (inner.total - inner.startup) * (innerSkip / innerRows)
    let innerRun = (inner.total - inner.startup) * (innerRead / innerRows - innerSkip / innerRows)
    let tuples = matchingRows(join, join.keys)
    let neverGoesBack =
      (join.kind == .semi || join.kind == .anti || join.isInnerUnique) && join.keys.count == join.clauses.count
    let again = neverGoesBack ? 0 : max(tuples - innerRows, 0)
    let ratio = 1 + again / innerRows
    let bare = innerRun * ratio
    let materialized = innerRun + settings.cpuOperatorCost * innerRows * ratio
    if neverGoesBack {
      join.materializesInner = false
    } else if settings.enableMaterial, materialized < bare {
      join.materializesInner = true
    } else if join.innerSort.isEmpty, !join.inner.node.canGoBack {
      join.materializesInner = true
    } else {
      join.materializesInner =
        settings.enableMaterial && !join.innerSort.isEmpty
        && bytes(rows: innerRows, width: join.inner.width) > settings.workMem * 1024
    }
    run += join.materializesInner ? materialized : bare
    let keyCost = cost(join.keys)
    let all = cost(join.clauses)
    startup += keyCost.startup + keyCost.perTuple * (outerSkip + innerSkip * ratio)
    run += keyCost.perTuple * ((outerRead - outerSkip) + (innerRead - innerSkip) * ratio)
    startup += all.startup - keyCost.startup
    run += (settings.cpuTupleCost + all.perTuple - keyCost.perTuple) * tuples
    let sorts = (outer.disabled - join.outer.disabled) + (inner.disabled - join.inner.disabled)
    return finish(
      joined, join, ordering, startup: startup, run: run, isEnabled: settings.enableMergeJoin, extraDisabled: sorts)
  }

  /// Which parts of its inputs a merge join reads (`cached_scansel`).
  private func mergeParts(_ join: JoinPath) -> MergeSelectivity {
    guard let first = join.keys.first, let key = join.mergeKeys.first, join.kind != .full else {
      return MergeSelectivity()
    }
    let cacheKey = MergeSelectivityKey(
      family: key.family, isDescending: key.isDescending, isNullsFirst: key.isNullsFirst)
    let found = first.mergeSelectivity[cacheKey] ?? computeMergeParts(first, key)
    first.mergeSelectivity[cacheKey] = found
    var part = found
    let outer = join.outer.relation?.members ?? RelationSet()
    if !first.left.isSubset(of: outer) {
      part = MergeSelectivity(
        leftStart: found.rightStart, leftEnd: found.rightEnd, rightStart: found.leftStart, rightEnd: found.leftEnd)
    }
    switch join.kind {
    case .left, .anti: (part.leftStart, part.leftEnd) = (0, 1)
    case .right: (part.rightStart, part.rightEnd) = (0, 1)
    case .inner, .semi, .full: break
    }
    return part
  }
}

/// How large a hash table is made (PostgreSQL's ExecChooseHashTableSize, src/backend/executor/nodeHash.c).
struct HashTableSize {
  var buckets: Double
  var batches: Double

  /// - Parameter memory: in bytes.
  init(rows: Double, width: Int, memory: Double) {
    let rows = rows <= 0 ? 1000 : rows
    let tuple = Double(16 + 16 + ((width + 7) & ~7))
    // A little is kept for the most common values.
    let perCommon = tuple + 64 + 4 + 16
    let commons = ((memory / perCommon).rounded(.down) * 2 / 100).rounded(.down)
    let available = memory - commons * perCommon
    let pointersMax = Self.powerBelow(available / 8)
    buckets = Self.powerAbove(max(min(rows.rounded(.up), pointersMax), 1024))
    batches = 1
    if rows * tuple + 8 * buckets > available {
      let perBucket = tuple + 8
      let fitting = available <= perBucket ? 1 : Self.powerAbove((available / perBucket).rounded(.down))
      buckets = min(fitting, pointersMax)
      let wanted = (rows * tuple / (available - 8 * buckets)).rounded(.up)
      batches = Self.powerAbove(max(2, min(wanted, pointersMax)))
    }
  }

  private static func powerAbove(_ value: Double) -> Double { exp2(log2(max(value, 1)).rounded(.up)) }
  private static func powerBelow(_ value: Double) -> Double { exp2(log2(max(value, 1)).rounded(.down)) }
}

extension PathNode {
  /// Whether a scan of it can return to a place (`ExecSupportsMarkRestore`).
  var canGoBack: Bool {
    switch self {
    case .index, .materialize, .sort: true
    default: false
    }
  }
}
