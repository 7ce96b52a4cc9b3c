#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceEngine
import MillraceTypes

/// What reading tables costs (PostgreSQL's src/backend/optimizer/path/costsize.c).
extension QueryPlanning {
  /// What is to be true of each row, and how many come out.
  private func conditions(
    of relation: RelationInfo, _ parameters: ParameterInfo?
  ) -> (rows: Double, cost: ExpressionCost) {
    guard let parameters else { return (relation.rows, relation.restrictionCost) }
    return (parameters.rows, cost(parameters.clauses) + relation.restrictionCost)
  }

  func sequentialPath(_ relation: RelationInfo, _ parameters: ParameterInfo? = nil) -> Path {
    let (rows, condition) = conditions(of: relation, parameters)
    let run = (settings.cpuTupleCost + condition.perTuple) * relation.tuples
    return Path(
      .sequential, relation, rows: rows, startup: condition.startup,
      total: condition.startup + run + settings.seqPageCost * relation.pages, width: relation.width,
      parameters: parameters, disabled: settings.enableSequentialScan ? 0 : 1)
  }

  /// Of entries that are no tables: what gives a row costs so much.
  func simplePath(
    _ node: PathNode, _ relation: RelationInfo, startup: Double = 0, perTuple: Double = 0,
    _ parameters: ParameterInfo? = nil
  ) -> Path {
    let (rows, condition) = conditions(of: relation, parameters)
    let run = (settings.cpuTupleCost + perTuple + condition.perTuple) * relation.tuples
    return Path(
      node, relation, rows: rows, startup: startup + condition.startup, total: startup + condition.startup + run,
      width: relation.width, parameters: parameters)
  }

  /// By the places of rows (`cost_tidscan`).
  func tidPath(_ relation: RelationInfo, _ places: [TypedExpression], _ used: [Restriction], count: Double) -> Path {
    let condition = relation.restrictionCost
    let tid = cost(used)
    let rest = condition.perTuple - tid.perTuple
    let startup = condition.startup + tid.perTuple
    let run = count * (settings.randomPageCost + settings.cpuTupleCost + rest)
    return Path(
      .tid(places, used), relation, rows: relation.rows, startup: startup, total: startup + run,
      width: relation.width, disabled: settings.enableTidScan ? 0 : 1)
  }

  // MARK: Indexes

  /// How many pages are read when so many rows at random places are fetched and some pages stay in memory (Mackert and
  /// Lohman; `index_pages_fetched`).
  func pagesFetched(_ tuples: Double, pages: Double, indexPages: Double) -> Double {
    let size = max(pages, 1)
    let total = max(totalPages + indexPages, 1)
    var cached = settings.effectiveCacheSize * size / total
    cached = cached <= 1 ? 1 : cached.rounded(.up)
    if size <= cached {
      let fetched = 2 * size * tuples / (2 * size + tuples)
      return fetched >= size ? size : fetched.rounded(.up)
    }
    let limit = 2 * size * cached / (2 * size - cached)
    let fetched =
      tuples <= limit
      ? 2 * size * tuples / (2 * size + tuples) : cached + (tuples - limit) * (size - cached) / size
    return fetched.rounded(.up)
  }

  /// `cost_index`.
  func indexPath(
    _ relation: RelationInfo, _ path: IndexPath, ordering: [PathKey], _ parameters: ParameterInfo?, loops: Double
  ) -> Path {
    var path = path
    let index = indexCost(relation, path, loops: loops)
    (path.indexCost, path.selectivity) = (index.total, index.selectivity)
    path.rows = parameters?.rows ?? relation.rows
    let fetched = clampRows(index.selectivity * relation.tuples)
    // Pages that everybody sees need not be read where the index has all.
    let unseen = path.isIndexOnly ? 1 - relation.visibleFraction : 1
    func heapPages(_ tuples: Double) -> Double {
      (pagesFetched(tuples, pages: relation.pages, indexPages: path.index.pages) * unseen).rounded(.up)
    }
    var (minimum, maximum) = (0.0, 0.0)
    let least = (index.selectivity * relation.pages).rounded(.up)
    if loops > 1 {
      maximum = heapPages(fetched * loops) * settings.randomPageCost / loops
      minimum = heapPages(least * loops) * settings.randomPageCost / loops
    } else {
      maximum = heapPages(fetched) * settings.randomPageCost
      let pages = (least * unseen).rounded(.up)
      if pages > 0 { minimum = settings.randomPageCost + max(pages - 1, 0) * settings.seqPageCost }
    }
    var run = index.total - index.startup
    run += maximum + index.correlation * index.correlation * (minimum - maximum)
    let rest = restrictions(relation, parameters).filter { !path.fulfils($0) }
    let condition = cost(rest)
    run += (settings.cpuTupleCost + condition.perTuple) * fetched
    let startup = index.startup + condition.startup
    return Path(
      .index(path), relation, rows: parameters?.rows ?? relation.rows, startup: startup, total: startup + run,
      width: relation.width, ordering: ordering, parameters: parameters,
      disabled: settings.enableIndexScan ? 0 : 1)
  }

  /// All that a scan has to fulfil.
  func restrictions(_ relation: RelationInfo, _ parameters: ParameterInfo?) -> [Restriction] {
    relation.restrictions + (parameters?.clauses ?? [])
  }

  struct IndexCost {
    var startup: Double
    var total: Double
    var selectivity: Double
    var correlation: Double
  }

  /// What searching an index costs (`btcostestimate` and `genericcostestimate`, src/backend/utils/adt/selfuncs.c).
  func indexCost(_ relation: RelationInfo, _ path: IndexPath, loops: Double) -> IndexCost {
    let index = path.index
    let bounds = boundaries(path)
    let all = path.clauses.map(\.restriction)
    let selectivity = indexSelectivity(relation, index, all)
    let scans = min(bounds.scans, max((index.pages * 0.3333333).rounded(.up), 1))
    var tuples: Double
    if index.isUnique, bounds.isExact {
      tuples = 1
    } else {
      let bound = indexSelectivity(relation, index, bounds.restrictions)
      tuples = (bound * relation.tuples / scans).rounded(.toNearestOrEven)
    }
    tuples = max(min(tuples, index.tuples), 1)
    let pages = index.pages > 1 && index.tuples > 1 ? (tuples * index.pages / index.tuples).rounded(.up) : 1
    let total = scans * loops
    var cost: Double
    if total > 1 {
      cost = pagesFetched(pages * total, pages: index.pages, indexPages: index.pages)
      cost = cost * settings.randomPageCost / loops
    } else {
      cost = pages * settings.randomPageCost
    }
    let operands = operandCost(path)
    let operators = settings.cpuOperatorCost * Double(path.clauses.reduce(0) { $0 + $1.conditions.count })
    cost += operands + tuples * scans * (settings.cpuIndexTupleCost + operators)
    var startup = operands
    if index.tuples > 1 {
      let descent = log2(index.tuples).rounded(.up) * settings.cpuOperatorCost
      startup += descent
      cost += scans * descent
    }
    let descent = Double(index.height + 1) * 50 * settings.cpuOperatorCost
    startup += descent
    cost += scans * descent
    return IndexCost(
      startup: startup, total: cost, selectivity: selectivity, correlation: correlation(relation, index))
  }

  private struct Boundaries {
    /// Those that limit which part of the index is read.
    var restrictions: [Restriction] = []
    /// Whether there is an equality for each column, so that a unique index has one entry at most.
    var isExact = false
    /// How often the index is searched: once for each element of an array.
    var scans = 1.0
  }

  private func boundaries(_ path: IndexPath) -> Boundaries {
    var bounds = Boundaries()
    var (column, hasEquality, hasArray, hasNull) = (0, false, false, false)
    for clause in path.clauses {
      if clause.column != column {
        guard hasEquality else { break }
        hasEquality = false
        column += 1
        if clause.column != column { break }
      }
      for condition in clause.conditions {
        switch condition.comparison {
        case .equal: hasEquality = true
        case .anyOf:
          hasEquality = true
          hasArray = true
          let length = condition.value.map { arrayLength($0) } ?? 1
          if length > 1 { bounds.scans *= length }
        case .isNull:
          hasEquality = true
          hasNull = true
        default: break
        }
      }
      bounds.restrictions.append(clause.restriction)
    }
    bounds.isExact = hasEquality && column == path.index.columns.count - 1 && !hasArray && !hasNull
    return bounds
  }

  private func operandCost(_ path: IndexPath) -> Double {
    var total = ExpressionCost()
    for clause in path.clauses {
      for condition in clause.conditions { if let value = condition.value { total += cost(value) } }
    }
    return total.startup + total.perTuple
  }

  /// The predicate of a partial index counts, too (`add_predicate_to_index_quals`).
  private func indexSelectivity(
    _ relation: RelationInfo, _ index: IndexInfo, _ restrictions: [Restriction]
  ) -> Double {
    guard !index.predicate.isEmpty else { return selectivity(restrictions, relation.entry, .inner, nil) }
    let missing = index.predicate.filter { part in !restrictions.contains { $0.clause == part } }
      .map { makeRestriction($0, relation.members, required: relation.members, isPushedDown: true) }
    return selectivity(missing + restrictions, relation.entry, .inner, nil)
  }

  private func correlation(_ relation: RelationInfo, _ index: IndexInfo) -> Double {
    guard let column = index.columns[0].column, let found = facts(relation, column)?.correlation else { return 0 }
    let own = index.columns[0].isDescending ? -found : found
    return index.columns.count > 1 ? own * 0.75 : own
  }

  // MARK: Bitmaps

  /// `cost_bitmap_heap_scan`.
  func bitmapHeapPath(
    _ relation: RelationInfo, _ bitmap: BitmapPath, _ parameters: ParameterInfo?, loops: Double
  ) -> Path {
    let (rows, condition) = conditions(of: relation, parameters)
    let pages = bitmapPages(relation, bitmap, loops: loops)
    let startup = pages.indexCost + condition.startup
    let size = max(relation.pages, 1)
    let perPage =
      pages.fetched >= 2
      ? settings.randomPageCost
        - (settings.randomPageCost - settings.seqPageCost) * (pages.fetched / size).squareRoot()
      : settings.randomPageCost
    // The conditions are counted once more: rows may have to be checked again.
    let perTuple = settings.cpuTupleCost + condition.perTuple
    let run = pages.fetched * perPage + perTuple * pages.tuples
    return Path(
      .bitmapHeap(bitmap), relation, rows: rows, startup: startup, total: startup + run, width: relation.width,
      parameters: parameters, disabled: settings.enableBitmapScan ? 0 : 1)
  }

  /// `compute_bitmap_pages`.
  func bitmapPages(
    _ relation: RelationInfo, _ bitmap: BitmapPath, loops: Double
  ) -> (fetched: Double, indexCost: Double, tuples: Double) {
    let (indexCost, selectivity) = cost(bitmap)
    var tuples = clampRows(selectivity * relation.tuples)
    let size = max(relation.pages, 1)
    var fetched = 2 * size * tuples / (2 * size + tuples)
    let heapPages = min(fetched, relation.pages)
    let capacity = bitmapCapacity
    if loops > 1 {
      fetched =
        pagesFetched(tuples * loops, pages: relation.pages, indexPages: bitmap.indexPages) / loops
    }
    fetched = fetched >= size ? size : fetched.rounded(.up)
    if capacity < heapPages {
      let lossy = max(0, heapPages - capacity / 2)
      let exact = heapPages - lossy
      if lossy > 0 {
        tuples = clampRows(
          selectivity * (exact / heapPages) * relation.tuples + (lossy / heapPages) * relation.tuples)
      }
    }
    return (fetched, indexCost, tuples)
  }

  /// How many pages a bitmap can hold exactly (`tbm_calculate_entries`): an entry has 48 bytes, and two pointers.
  private var bitmapCapacity: Double { max((settings.workMem * 1024 / 64).rounded(.down), 16) }

  /// `cost_bitmap_tree_node`.
  func cost(_ bitmap: BitmapPath) -> (cost: Double, selectivity: Double) {
    switch bitmap {
    case .index(let path, _):
      // Entering a row into the bitmap costs, too; the rows of the relation stand for those of the index.
      return (path.indexCost + 0.1 * settings.cpuOperatorCost * path.rows, path.selectivity)
    case .and(_, let selectivity, let cost), .or(_, _, let selectivity, let cost): return (cost, selectivity)
    }
  }

  func bitmapAnd(_ parts: [BitmapPath]) -> BitmapPath {
    var (total, selectivity) = (0.0, 1.0)
    for (place, part) in parts.enumerated() {
      let (cost, own) = cost(part)
      selectivity *= own
      total += cost
      if place > 0 { total += 100 * settings.cpuOperatorCost }
    }
    return .and(parts, selectivity: selectivity, cost: total)
  }

  func bitmapOr(_ parts: [BitmapPath], _ restriction: Restriction) -> BitmapPath {
    var (total, selectivity) = (0.0, 0.0)
    for (place, part) in parts.enumerated() {
      let (cost, own) = cost(part)
      selectivity += own
      total += cost
      var isIndex = false
      if case .index = part { isIndex = true }
      if place > 0, !isIndex { total += 100 * settings.cpuOperatorCost }
    }
    return .or(parts, restriction, selectivity: min(selectivity, 1), cost: total)
  }
}

extension IndexPath {
  /// Whether rows that the index gives fulfil a condition for sure.
  func fulfils(_ restriction: Restriction) -> Bool {
    clauses.contains { clause in
      !clause.isLossy
        && (clause.restriction === restriction
          || (restriction.parentClass != nil && clause.restriction.parentClass === restriction.parentClass))
    }
  }
}

extension BitmapPath {
  /// The pages of its indexes.
  var indexPages: Double {
    switch self {
    case .index(let path, _): path.index.pages
    case .and(let parts, _, _), .or(let parts, _, _, _): parts.reduce(0) { $0 + $1.indexPages }
    }
  }

  var clauses: [IndexClause] {
    switch self {
    case .index(let path, _): path.clauses
    case .and(let parts, _, _), .or(let parts, _, _, _): parts.flatMap(\.clauses)
    }
  }

  var required: RelationSet {
    switch self {
    case .index(_, let required): required
    case .and(let parts, _, _), .or(let parts, _, _, _): parts.reduce(RelationSet()) { $0 | $1.required }
    }
  }
}
