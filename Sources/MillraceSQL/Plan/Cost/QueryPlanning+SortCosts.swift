#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceEngine
import MillraceTypes

/// What sorting, grouping and limiting cost (PostgreSQL's src/backend/optimizer/path/costsize.c).
extension QueryPlanning {
  /// `cost_tuplesort`.
  private func sortCost(rows: Double, width: Int, limit: Double) -> (startup: Double, run: Double) {
    let rows = max(rows, 2)
    let comparison = 2 * settings.cpuOperatorCost
    let memory = settings.workMem * 1024
    let input = bytes(rows: rows, width: width)
    let isLimited = limit > 0 && limit < rows
    let outputRows = isLimited ? limit : rows
    let output = isLimited ? bytes(rows: outputRows, width: width) : input
    var startup: Double
    if output > memory {
      let pages = (input / 8192).rounded(.up)
      let runs = input / memory
      let order = min(max((memory / (2 * 8192 + 8192 * 32)).rounded(.down), 6), 500)
      startup = comparison * rows * log2(rows)
      let passes = runs > order ? (log(runs) / log(order)).rounded(.up) : 1
      let perPage: Double = settings.seqPageCost * 0.75 + settings.randomPageCost * 0.25
      startup += 2 * pages * passes * perPage
    } else if rows > 2 * outputRows || input > memory {
      startup = comparison * rows * log2(2 * outputRows)
    } else {
      startup = comparison * rows * log2(rows)
    }
    return (startup, settings.cpuOperatorCost * rows)
  }

  /// `cost_sort`, and where the input is sorted by the first keys already, `cost_incremental_sort`.
  func sortPath(_ path: Path, _ order: [PathKey], limit: Double = -1) -> Path {
    let presorted = path.ordering.commonPrefix(order)
    if presorted > 0, settings.enableIncrementalSort { return incrementalSort(path, order, presorted, limit: limit) }
    let made = path.below(.sort(path), ordering: order)
    let own = sortCost(rows: path.rows, width: path.width, limit: limit)
    made.startup = path.total + own.startup
    made.total = made.startup + own.run
    if !settings.enableSort { made.disabled += 1 }
    return made
  }

  private func incrementalSort(_ path: Path, _ order: [PathKey], _ presorted: Int, limit: Double) -> Path {
    let made = path.below(.incrementalSort(path, presorted: presorted), ordering: order)
    let rows = max(path.rows, 2)
    var expressions: [TypedExpression] = []
    for key in order.prefix(presorted) {
      guard let member = key.classIdentity.canonical.members.first else { continue }
      // Columns of nobody known say nothing.
      expressions.append(member.expression)
    }
    let groups = min(groupCount(expressions, rows: rows), rows)
    let groupRows = rows / groups
    let inputRun = path.total - path.startup
    let groupCost = inputRun / groups
    let own = sortCost(rows: groupRows, width: path.width, limit: limit)
    let startup = path.startup + groupCost + own.startup
    var run = own.run + (own.run + own.startup + groupCost) * (groups - 1)
    run += settings.cpuTupleCost * rows
    run += 2 * settings.cpuTupleCost * groups
    (made.startup, made.total) = (startup, startup + run)
    return made
  }

  // MARK: Grouping

  /// `cost_agg`.
  func aggregatePath(_ path: Path, _ aggregate: AggregatePath, width: Int, ordering: [PathKey]) -> Path {
    let (transition, final) = aggregateCosts(aggregate.aggregates)
    let comparing: Double = settings.cpuOperatorCost * Double(aggregate.keys.count) * path.rows
    let advancing: Double = transition.startup + transition.perTuple * path.rows
    var finishing: Double = final.perTuple * aggregate.groups
    // Without aggregates the rows are passed on as they are.
    if !aggregate.aggregates.isEmpty || aggregate.strategy != .sorted {
      finishing += settings.cpuTupleCost * aggregate.groups
    }
    var (startup, total, output) = (0.0, 0.0, aggregate.groups)
    switch aggregate.strategy {
    case .plain:
      startup = path.total + advancing + final.startup + final.perTuple
      total = startup + settings.cpuTupleCost
      output = 1
    case .sorted:
      startup = path.startup
      total = path.total + advancing + comparing + final.startup + finishing
    case .hashed:
      startup = path.total + advancing + comparing + final.startup
      total = startup + finishing
      let spilled = spillCost(path, aggregate)
      startup += spilled.startup
      total += spilled.total
    }
    let made = Path(
      .aggregate(path, aggregate), path.relation, rows: output, startup: startup, total: total, width: width,
      ordering: ordering, disabled: path.disabled)
    if aggregate.strategy == .hashed, !settings.enableHashAggregation { made.disabled += 1 }
    if !aggregate.having.isEmpty {
      let condition = cost(aggregate.having)
      made.startup += condition.startup
      made.total += condition.startup + output * condition.perTuple
      made.rows = clampRows(output * havingSelectivity(aggregate.having))
    }
    return made
  }

  private func havingSelectivity(_ having: [TypedExpression]) -> Double {
    let parts = having.map { part in
      let own = relations(of: part)
      return makeRestriction(part, own, required: own, isPushedDown: true)
    }
    return selectivity(parts, nil, .inner, nil)
  }

  /// What advancing and finishing the aggregates costs (`get_agg_clause_costs`).
  private func aggregateCosts(
    _ aggregates: [AggregateExpression]
  ) -> (transition: ExpressionCost, final: ExpressionCost) {
    var (transition, final) = (ExpressionCost(), ExpressionCost())
    for aggregate in aggregates {
      transition.perTuple += settings.cpuOperatorCost
      for argument in aggregate.arguments { transition += cost(argument) }
      if let filter = aggregate.filter { transition += cost(filter) }
      if let entry = functions.aggregates[aggregate.function], entry.final != 0 {
        final.perTuple += settings.cpuOperatorCost
      }
    }
    return (transition, final)
  }

  /// What a group takes in a hash table, in bytes (`hash_agg_entry_size`).
  func hashEntrySize(_ aggregates: Int, width: Int) -> Double {
    let tuple = alignedWidth(16) + alignedWidth(width)
    return Double(tuple + aggregates * 24 + 32)
  }

  /// What writing groups to files and reading them back costs, where memory does not hold them (`cost_agg`).
  private func spillCost(_ path: Path, _ aggregate: AggregatePath) -> (startup: Double, total: Double) {
    let entry = hashEntrySize(aggregate.aggregates.count, width: path.width)
    let (memory, partitions) = hashLimits(groups: aggregate.groups, entry: entry)
    let groupsMax = max((memory / entry).rounded(.down), 1)
    let batches = max(aggregate.groups * entry / memory, aggregate.groups / groupsMax).rounded(.up)
    guard batches > 1 else { return (0, 0) }
    let depth = (log(batches) / log(max(partitions, 2))).rounded(.up)
    let pages = pageCount(rows: path.rows, width: path.width)
    let written = pages * depth * 2
    let read = written
    let spilled = depth * path.rows * 2 * settings.cpuTupleCost
    let startup = written * settings.randomPageCost + spilled
    return (startup, startup + read * settings.seqPageCost)
  }

  /// The bytes that are left for groups, and the files that rows are dealt out to (`hash_agg_set_limits` and
  /// `hash_choose_num_partitions`, src/backend/executor/nodeAgg.c).
  private func hashLimits(groups: Double, entry: Double) -> (memory: Double, partitions: Double) {
    let (all, buffer) = (settings.hashMemory, 8192.0)
    guard groups * entry > all else { return (all, 0) }
    let most = max((all * 0.25 - buffer) / buffer, 4)
    let wanted = min(max(min(1 + 1.5 * groups * entry / all, most), 4), 1024)
    let partitions = exp2(log2(wanted.rounded(.down)).rounded(.up))
    let buffers = buffer + buffer * partitions
    return (all > 4 * buffers ? all - buffers : all * 0.75, partitions)
  }

  /// Adjacent rows with equal keys become one (`create_upper_unique_path`).
  func uniquePath(_ path: Path, _ keys: [SortGroupExpression], rows: Double) -> Path {
    let made = path.below(.unique(path, keys: keys))
    made.total += settings.cpuOperatorCost * path.rows * Double(keys.count)
    made.rows = rows
    return made
  }

  /// `adjust_limit_rows_costs`.
  func limitPath(_ path: Path, count: Double?, offset: Double?) -> Path {
    let made = path.below(.limit(path))
    // -1 stands for what is not known: a tenth of the rows.
    if let offset, offset != 0 {
      var rows = offset > 0 ? offset : clampRows(path.rows * 0.1)
      rows = min(rows, path.rows)
      if path.rows > 0 { made.startup += (path.total - path.startup) * rows / path.rows }
      made.rows = max(made.rows - rows, 1)
    }
    if let count, count != 0 {
      var rows = count > 0 ? count : clampRows(path.rows * 0.1)
      rows = min(rows, made.rows)
      if path.rows > 0 { made.total = made.startup + (path.total - path.startup) * rows / path.rows }
      made.rows = max(rows, 1)
    }
    return made
  }
}
