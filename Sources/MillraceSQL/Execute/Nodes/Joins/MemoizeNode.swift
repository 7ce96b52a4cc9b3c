import MillraceEngine
import MillraceTypes

/// Remembers which rows its input has given for which parameters, so that it is asked once for each
/// (src/backend/executor/nodeMemoize.c).
final class MemoizeNode: PlanNode {
  private enum State {
    /// The parameters have been set, and nobody has asked yet.
    case waiting
    /// Rows come from the input and are put into the entry.
    case filling(LookupCache.Place)
    /// Rows come from the entry, from that position on.
    case cached(LookupCache.Place, position: Int)
    /// Rows come from the input and are not kept.
    case passing
    case ended
  }

  private let input: PlanNode
  private let keys: [CompiledExpression]
  private let key: RowBatch
  private let isSingleRow: Bool
  private let cache: LookupCache
  /// What comes out of the cache.
  private let batch: RowBatch
  private let arena = Arena(chunkSize: 256)
  private var state = State.waiting
  /// Whether the input stands at its beginning, for the parameters that are set now.
  private var isInputFresh = true
  /// What the rows depend on besides the keys.
  private var versions: ParameterVersions
  private var (hits, misses, overflows): (UInt64, UInt64, UInt64) = (0, 0, 0)

  init(_ plan: Plan, _ memoization: Memoization, _ runtime: PlanRuntime) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    keys = try runtime.compiler.compile(memoization.keys).map { runtime.compiler.wholeValues($0) }
    key = RowBatch(columns: keys.count, capacity: 1)
    key.setDense(1)
    isSingleRow = memoization.isSingleRow
    let types = plan.inputs[0].outputTypes
    cache = LookupCache(
      keyFormat: RowFormat(memoization.keys.map(\.type), runtime), rowFormat: RowFormat(types, runtime),
      limit: runtime.hashMemory)
    batch = RowBatch(columns: types.count, capacity: PlanRuntime.capacity(expecting: plan.cost.rows))
    versions = ParameterVersions(plan, runtime, besides: memoization.keys)
    _ = versions.areUnchanged(runtime.context)
    super.init(plan, runtime, runtime.instrument(plan))
  }

  override var inputs: [PlanNode] { [input] }

  override func produce() throws(SQLError) -> RowBatch? {
    if case .waiting = state { state = try lookUp() }
    switch state {
    case .cached(let entry, var position):
      let count = cache.read(entry, from: &position, into: batch.columns, limit: batch.capacity)
      guard count > 0 else {
        state = .ended
        return nil
      }
      state = .cached(entry, position: position)
      batch.setDense(count)
      return batch
    case .filling(let entry): return try fill(entry)
    case .passing: return try input.next()
    case .waiting, .ended: return nil
    }
  }

  private func lookUp() throws(SQLError) -> State {
    // A row that stands in a table's place may be another one each time.
    if runtime.replacement != nil {
      try startInput()
      return .passing
    }
    arena.reset()
    for (place, expression) in keys.enumerated() { key.set(place, row: 0, try expression.value(arena)) }
    let (entry, isNew) = cache.entry(key.columns)
    if !isNew, entry.pointee.isComplete {
      hits += 1
      return .cached(entry, position: 0)
    }
    misses += 1
    if !isNew { cache.clear(entry) }
    try startInput()
    return .filling(entry)
  }

  private func startInput() throws(SQLError) {
    if !isInputFresh { try input.rescan() }
    isInputFresh = false
  }

  private func fill(_ entry: LookupCache.Place) throws(SQLError) -> RowBatch? {
    guard let found = try input.next() else {
      entry.pointee.isComplete = true
      state = .ended
      return nil
    }
    for place in 0..<found.count {
      if cache.append(found.columns, row: Int(found.selection[place]), to: entry) { continue }
      overflows += 1
      state = .passing
      return found
    }
    if isSingleRow { entry.pointee.isComplete = true }
    return found
  }

  override func restart() throws(SQLError) {
    // An entry that is being filled stays behind incomplete.
    state = .waiting
    if versions.areUnchanged(context) { return }
    cache.removeAll()
  }

  override func close() {
    if let instrumentation {
      instrumentation.memoize = MemoizeUsage(
        hits: hits, misses: misses, evictions: cache.evictions, overflows: overflows, peakBytes: cache.peakByteCount)
    }
    cache.removeAll()
    state = .ended
  }
}
