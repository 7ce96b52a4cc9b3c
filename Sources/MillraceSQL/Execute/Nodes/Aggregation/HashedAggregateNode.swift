import MillraceEngine
import MillraceTypes

/// Aggregates over groups that are found by hashing (src/backend/executor/nodeAgg.c).
///
/// Where there are more groups than memory for them, rows of groups that are not there yet are put aside, dealt out to
/// files by their hashes; when the groups in memory have been given out, the files are taken one after another.
final class HashedAggregateNode: PlanNode {
  private let input: PlanNode
  private let program: AggregateProgram
  private let keys: KeyColumns
  private let table: GroupTable
  private let projector: RowProjector
  private let result: RowBatch
  private let hashes: UnsafeMutablePointer<UInt64>
  private let rowStates: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private let arena = Arena(chunkSize: 16 << 10)
  private let resultArena = Arena(chunkSize: 16 << 10)
  private let format: RowFormat
  private var versions: ParameterVersions
  private var isBuilt = false
  private var given = 0
  private var hasSpilled = false
  /// The files that are being filled, and those that are still to be taken.
  private var parts: [SpilledRows] = []
  private var pending: [(rows: SpilledRows, level: Int)] = []
  private var level = 0
  private var usage = HashAggregateUsage(batches: 1, peakBytes: 0, diskBytes: 0)

  private static let fanOut = 16
  private static let levelMax = 6

  init(
    _ plan: Plan, _ keys: [SortKey], _ aggregates: [AggregateExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    input = try runtime.node(plan.inputs[0])
    program = try AggregateProgram(aggregates, runtime.compiler)
    self.keys = try KeyColumns(keys, runtime)
    table = try GroupTable(keys.map(\.column.type), stateSize: program.stateSize, runtime)
    result = RowBatch(columns: keys.count + aggregates.count)
    hashes = .allocate(capacity: RowBatch.capacityMax)
    rowStates = .allocate(capacity: RowBatch.capacityMax)
    format = RowFormat(plan.inputs[0].outputTypes, runtime)
    versions = ParameterVersions(plan, runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  deinit {
    releaseStates()
    hashes.deallocate()
    rowStates.deallocate()
  }

  override var inputs: [PlanNode] { [input] }

  private func releaseStates() {
    if program.needsRelease { for group in 0..<table.count { program.release(table.state(group)) } }
  }

  // MARK: Building

  private func build() throws(SQLError) {
    isBuilt = true
    _ = versions.areUnchanged(context)
    while let batch = try input.next() { try add(batch) }
    noteUsage()
  }

  private func noteUsage() {
    usage.peakBytes = max(usage.peakBytes, table.byteCount)
    for part in parts where part.count > 0 { pending.append((part, level + 1)) }
    parts = []
    instrumentation?.aggregate = usage
  }

  private func add(_ batch: RowBatch) throws(SQLError) {
    arena.reset()
    try keys.evaluate(batch, arena)
    table.keys.hash(keys.vectors, RowSelection(batch), into: hashes)
    let isFull = level < Self.levelMax && table.isFull(runtime.hashMemory)
    var kept = 0
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      let hash = hashes[row]
      if let state = table.find(keys.columns, row: row, hash: hash) {
        rowStates[row] = state
      } else if !isFull {
        let state = table.insert(keys.columns, row: row, hash: hash)
        program.initialize(state)
        rowStates[row] = state
      } else {
        try putAside(batch, row, hash)
        continue
      }
      batch.selection[kept] = UInt16(truncatingIfNeeded: row)
      kept += 1
    }
    batch.isDense = batch.isDense && kept == batch.count
    batch.count = kept
    if kept > 0 { try program.accumulate(batch, states: rowStates, arena) }
  }

  private func putAside(_ batch: RowBatch, _ row: Int, _ hash: UInt64) throws(SQLError) {
    if parts.isEmpty {
      for _ in 0..<Self.fanOut { parts.append(try SpilledRows(format, runtime)) }
      hasSpilled = true
    }
    let part = Int(truncatingIfNeeded: hash >> UInt64(32 + 4 * level)) & (Self.fanOut - 1)
    try parts[part].append(batch.columns, row: row)
  }

  // MARK: Giving out

  override func produce() throws(SQLError) -> RowBatch? {
    if !isBuilt { try build() }
    while true {
      let count = min(result.capacity, table.count - given)
      if count > 0 {
        resultArena.reset()
        for row in 0..<count {
          table.format.read(table.record(given + row), into: result.columns, row: row)
          try program.finish(table.state(given + row), into: result, row: row, column: keys.count, resultArena)
        }
        given += count
        result.setDense(count)
        if let batch = try projector.apply(result) { return batch }
        continue
      }
      guard try buildNextPart() else { return nil }
    }
  }

  /// Takes the next file. - Returns: false where there is none.
  private func buildNextPart() throws(SQLError) -> Bool {
    guard let (rows, level) = pending.popLast() else { return false }
    releaseStates()
    table.removeAll()
    (given, self.level) = (0, level)
    usage.batches += 1
    usage.diskBytes += rows.byteCount
    try rows.rewind()
    while let batch = try rows.next() { try add(batch) }
    noteUsage()
    return true
  }

  override func restart() throws(SQLError) {
    if isBuilt, !hasSpilled, versions.areUnchanged(context) {
      given = 0
      return
    }
    releaseStates()
    table.removeAll()
    (parts, pending, given, level, isBuilt, hasSpilled) = ([], [], 0, 0, false, false)
    try input.rescan()
  }

  override func close() { (parts, pending) = ([], []) }
}
