import MillraceTypes

/// Its input's rows in an order (src/backend/executor/nodeSort.c).
final class SortNode: PlanNode {
  private let input: PlanNode
  private let sorter: RowSorter
  private let projector: RowProjector
  private var versions: ParameterVersions
  private var isSorted = false
  private var limit: Int?
  private var sortedLimit: Int?

  init(_ plan: Plan, _ keys: [SortKey], _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    sorter = try RowSorter(keys, plan.inputs[0].outputTypes, runtime)
    versions = ParameterVersions(plan, runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func expect(_ rows: Int) { if !projector.hasFilter { limit = max(rows, 1) } }

  override func produce() throws(SQLError) -> RowBatch? {
    if !isSorted {
      isSorted = true
      sortedLimit = limit
      sorter.begin(limit: limit)
      while let batch = try input.next() { try sorter.append(batch) }
      try sorter.finish()
      instrumentation?.sort = sorter.usage
      _ = versions.areUnchanged(context)
    }
    while let batch = try sorter.next() {
      if let result = try projector.apply(batch) { return result }
    }
    return nil
  }

  override func restart() throws(SQLError) {
    if isSorted, versions.areUnchanged(context), sortedLimit == limit { return try sorter.rewind() }
    isSorted = false
    try input.rescan()
  }

  override func close() { sorter.begin(limit: 1) }
}

/// The same for rows that are in order already by the first of the keys: group by group
/// (src/backend/executor/nodeIncrementalSort.c). Small groups are sorted together.
final class IncrementalSortNode: PlanNode {
  private let input: PlanNode
  private let sorter: RowSorter
  private let presorted: KeyColumns
  private let comparator: RowComparator
  private let last: KeptKeys
  private let projector: RowProjector
  private let arena = Arena(chunkSize: 4096)
  private var isGivingOut = false
  private var isAtEnd = false
  /// The batch whose rows from some place on belong to the next group.
  private var rest: RowBatch?
  private var groupCount = 0

  /// Rows that a group is to have at least.
  private static let countMin = 64

  init(_ plan: Plan, _ keys: [SortKey], _ presorted: Int, _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    sorter = try RowSorter(keys, plan.inputs[0].outputTypes, runtime)
    let first = Array(keys.prefix(presorted))
    self.presorted = try KeyColumns(first, runtime)
    comparator = try RowComparator(first)
    last = KeptKeys(first.map(\.column.type), runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    while true {
      if isGivingOut {
        while let batch = try sorter.next() {
          if let result = try projector.apply(batch) { return result }
        }
        isGivingOut = false
        if isAtEnd { return nil }
      }
      guard try readGroup() else { return nil }
      isGivingOut = true
    }
  }

  /// Sorts the next group. - Returns: false where there is none.
  private func readGroup() throws(SQLError) -> Bool {
    if isAtEnd { return false }
    sorter.begin(limit: nil)
    var count = 0
    while true {
      var next = rest
      rest = nil
      if next == nil { next = try input.next() }
      guard let batch = next else {
        isAtEnd = true
        break
      }
      arena.reset()
      try presorted.evaluate(batch, arena)
      let taken = endOfGroup(batch, count)
      let all = batch.count
      if taken > 0 {
        batch.count = taken
        try sorter.append(batch)
        last.keep(presorted.columns, row: Int(batch.selection[taken - 1]))
        count += taken
        batch.count = all
      }
      if taken < all {
        batch.dropFirst(taken)
        rest = batch
        break
      }
    }
    guard count > 0 else { return false }
    try sorter.finish()
    groupCount += 1
    instrumentation?.sort = sorter.usage
    return true
  }

  /// How many of a batch's rows belong to the group that has so many already.
  private func endOfGroup(_ batch: RowBatch, _ count: Int) -> Int {
    var previous: Int?
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      if count + place >= Self.countMin {
        let isEqual =
          if let previous {
            comparator.order(presorted.columns, previous, presorted.columns, row) == 0
          } else {
            comparator.order(last.columns, 0, presorted.columns, row) == 0
          }
        if !isEqual { return place }
      }
      previous = row
    }
    return batch.count
  }

  override func restart() throws(SQLError) {
    (isGivingOut, isAtEnd, rest, groupCount) = (false, false, nil, 0)
    last.forget()
    try input.rescan()
  }
}
