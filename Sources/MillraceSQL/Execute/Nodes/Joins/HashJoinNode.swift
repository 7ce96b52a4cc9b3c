import MillraceEngine
import MillraceTypes

/// Joins by looking the outer rows' keys up among the inner ones' (src/backend/executor/nodeHashjoin.c).
///
/// Where the inner side does not fit into memory, both sides are dealt out to files by their hashes, and the files are
/// joined pair by pair; one that does not fit either is dealt out again.
final class HashJoinNode: PlanNode {
  private let kind: JoinKind
  private let outer: PlanNode
  private let inner: PlanNode
  private let outerKeys: KeyColumns
  private let build: HashJoinBuild
  private let condition: CompiledFilter
  private let projector: RowProjector
  private let pairs: HashJoinPairs
  private let arena = Arena(chunkSize: 16 << 10)
  private let hashes: UnsafeMutablePointer<UInt64>
  private var versions: ParameterVersions
  private var isBuilt = false
  /// What is being probed with: the outer input, or a file of it.
  private var probe: HashJoinProbe?
  private var outerBatch: RowBatch?
  private var place = 0
  /// In the chain of the present outer row.
  private var candidate: UnsafeMutableRawPointer?
  private var isInside = false
  private var isMatched = false
  /// Of the inner rows without partners, the next one to be looked at.
  private var unmatchedPlace = 0
  private var spill: HashJoinSpill?

  init(
    _ plan: Plan, _ kind: JoinKind, _ keys: [JoinKey], _ condition: [TypedExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    self.kind = kind
    outer = try runtime.node(plan.inputs[0])
    inner = try runtime.node(plan.inputs[1])
    outerKeys = try KeyColumns(keys.map(\.outer), runtime)
    build = try HashJoinBuild(plan, kind, keys, condition, runtime)
    self.condition = try runtime.compiler.filter(condition)
    pairs = HashJoinPairs(plan, condition, build, runtime)
    hashes = .allocate(capacity: RowBatch.capacityMax)
    versions = ParameterVersions(plan.inputs[1], runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  deinit { hashes.deallocate() }

  override var inputs: [PlanNode] { [outer, inner] }

  override func produce() throws(SQLError) -> RowBatch? {
    if !isBuilt { try buildTable() }
    while true {
      if let result = try nextPairs() {
        if let given = try projector.apply(result) { return given }
        continue
      }
      if let result = try nextUnmatched() {
        if let given = try projector.apply(result) { return given }
        continue
      }
      guard try nextPart() else { return nil }
    }
  }

  private func buildTable() throws(SQLError) {
    _ = versions.areUnchanged(context)
    spill = try build.run(inner)
    isBuilt = true
    if let instrumentation {
      instrumentation.hash = HashUsage(
        buckets: build.table.bucketCount, batches: spill?.partCount ?? 1, peakBytes: build.table.byteCount)
    }
    if let spill {
      try spill.dealOuter(outer, outerKeys, build)
      probe = nil
      _ = try nextPart()
    } else {
      probe = HashJoinProbe(outer)
    }
  }

  /// Goes on to the next pair of files. - Returns: false where there is none.
  private func nextPart() throws(SQLError) -> Bool {
    guard let spill, let next = try spill.next(build) else { return false }
    probe = next
    (outerBatch, place, isInside, unmatchedPlace) = (nil, 0, false, 0)
    return true
  }

  // MARK: Probing

  /// The next pairs, or outer rows that are given out alone; nil where the outer rows are through.
  private func nextPairs() throws(SQLError) -> RowBatch? {
    guard let probe else { return nil }
    while true {
      if outerBatch == nil || place == outerBatch?.count {
        guard let batch = try probe.next() else {
          outerBatch = nil
          return nil
        }
        (outerBatch, place, isInside) = (batch, 0, false)
        arena.reset()
        try outerKeys.evaluate(batch, arena)
        build.keys.hash(outerKeys.vectors, RowSelection(batch), into: hashes)
      }
      guard let batch = outerBatch else { return nil }
      switch kind {
      case .semi, .anti:
        if let result = try filterOuter(batch) { return result }
      default:
        if let result = try pair(batch) { return result }
      }
    }
  }

  /// The next row of the chain that has the keys of an outer row.
  @inline(__always) private func advance(_ row: Int) {
    let hash = hashes[row]
    if !isInside {
      isInside = true
      candidate = outerKeys.hasNull(row) ? nil : build.table.firstCandidate(hash)
    } else if let current = candidate {
      candidate = build.table.nextCandidate(after: current, hash)
    }
    while let current = candidate {
      if build.keys.isEqual(build.format, JoinHashTable.row(current), outerKeys.columns, row: row) { return }
      candidate = build.table.nextCandidate(after: current, hash)
    }
  }

  private func pair(_ batch: RowBatch) throws(SQLError) -> RowBatch? {
    pairs.begin(batch)
    let fillsOuter = kind == .left || kind == .full
    while place < batch.count, pairs.hasRoom {
      let row = Int(batch.selection[place])
      advance(row)
      if let candidate {
        pairs.add(row, candidate)
        continue
      }
      // Behind its last pair, an outer row gets one with NULLs, in case that none of them is true.
      if fillsOuter { pairs.addLonely(row) }
      isInside = false
      place += 1
    }
    let made = pairs.finish()
    if fillsOuter { pairs.selectPairs() }
    if !condition.isEmpty, made.count > 0 {
      let before = made.count
      try condition.apply(made, arena)
      if let instrumentation { instrumentation.removedByJoinFilter += UInt64(before - made.count) }
    }
    if kind == .right || kind == .full { pairs.markMatched() }
    if fillsOuter { pairs.addUnmatched(&isMatched, isOpen: isInside) }
    return made.count > 0 ? made : nil
  }

  /// Keeps the outer rows that have a partner, or those that have none.
  private func filterOuter(_ batch: RowBatch) throws(SQLError) -> RowBatch? {
    var kept = 0
    for index in 0..<batch.count {
      let row = Int(batch.selection[index])
      isInside = false
      advance(row)
      var isMatched = candidate != nil
      if isMatched, !condition.isEmpty { isMatched = try hasTruePair(batch, row) }
      batch.selection[kept] = UInt16(row)
      if isMatched == (kind == .semi) { kept += 1 }
    }
    place = batch.count
    isInside = false
    guard kept > 0 else {
      batch.count = 0
      place = 0
      return nil
    }
    let result = pairs.alone(batch, kept: kept)
    place = batch.count
    return result
  }

  private func hasTruePair(_ batch: RowBatch, _ row: Int) throws(SQLError) -> Bool {
    while candidate != nil {
      pairs.begin(batch)
      while let candidate, pairs.hasRoom {
        pairs.add(row, candidate)
        advance(row)
      }
      let made = pairs.finish()
      let before = made.count
      try condition.apply(made, arena)
      if let instrumentation { instrumentation.removedByJoinFilter += UInt64(before - made.count) }
      if made.count > 0 { return true }
    }
    return false
  }

  /// The next inner rows without partners, with NULLs for the outer ones.
  private func nextUnmatched() throws(SQLError) -> RowBatch? {
    guard kind == .right || kind == .full else { return nil }
    pairs.beginUnmatched()
    while unmatchedPlace < build.table.count, pairs.hasRoom {
      let record = build.table.record(unmatchedPlace)
      unmatchedPlace += 1
      if !JoinHashTable.isMatched(record) { pairs.addInner(record) }
    }
    let made = pairs.finishUnmatched()
    return made.count > 0 ? made : nil
  }

  override func restart() throws(SQLError) {
    (outerBatch, place, isInside, unmatchedPlace, isMatched) = (nil, 0, false, 0, false)
    try outer.rescan()
    if isBuilt, spill == nil, versions.areUnchanged(context) {
      if kind == .right || kind == .full { build.table.clearMatches() }
      probe = HashJoinProbe(outer)
      return
    }
    if isBuilt { try inner.rescan() }
    (isBuilt, spill, probe) = (false, nil, nil)
    build.table.removeAll()
  }

  override func close() {
    (spill, probe) = (nil, nil)
    build.table.removeAll()
  }
}
