import MillraceEngine
import MillraceTypes

/// INTERSECT and EXCEPT, with or without ALL, by hashing (src/backend/executor/nodeSetOp.c).
final class SetOperationNode: PlanNode {
  private let kind: SetOperation.Operator
  private let isAll: Bool
  private let left: PlanNode
  private let right: PlanNode
  private let table: GroupTable
  private let columns: KeyColumns
  private let hashes: UnsafeMutablePointer<UInt64>
  private let projector: RowProjector
  private let batch: RowBatch
  private let arena = Arena(chunkSize: 4096)
  private var isBuilt = false
  private var group = 0
  /// How often the present group is still to be given out.
  private var repetitions: Int64 = 0

  /// How often a row is on either side.
  private struct Counts {
    var left: Int64 = 0
    var right: Int64 = 0
  }

  init(_ plan: Plan, _ kind: SetOperation.Operator, isAll: Bool, _ runtime: PlanRuntime) throws(SQLError) {
    (self.kind, self.isAll) = (kind, isAll)
    left = try runtime.node(plan.inputs[0])
    right = try runtime.node(plan.inputs[1])
    let types = plan.inputs[0].outputTypes
    table = try GroupTable(types, stateSize: MemoryLayout<Counts>.size, runtime)
    columns = try KeyColumns(types.enumerated().map { .input(InputColumn($0, $1)) }, runtime)
    hashes = .allocate(capacity: RowBatch.capacityMax)
    batch = RowBatch(columns: types.count)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  deinit { hashes.deallocate() }

  override var inputs: [PlanNode] { [left, right] }

  private func count(_ node: PlanNode, isLeft: Bool) throws(SQLError) {
    while let batch = try node.next() {
      arena.reset()
      try columns.evaluate(batch, arena)
      table.keys.hash(columns.vectors, RowSelection(batch), into: hashes)
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        let found = table.find(columns.columns, row: row, hash: hashes[row])
        if !isLeft {
          found?.assumingMemoryBound(to: Counts.self).pointee.right += 1
        } else if let found {
          found.assumingMemoryBound(to: Counts.self).pointee.left += 1
        } else {
          let made = table.insert(columns.columns, row: row, hash: hashes[row])
          made.initializeMemory(as: Counts.self, to: Counts(left: 1))
        }
      }
    }
  }

  override func produce() throws(SQLError) -> RowBatch? {
    if !isBuilt {
      isBuilt = true
      try count(left, isLeft: true)
      if table.count > 0 { try count(right, isLeft: false) }
    }
    while true {
      var count = 0
      while count < batch.capacity {
        if repetitions == 0 {
          guard group < table.count else { break }
          repetitions = wanted(table.state(group).load(as: Counts.self))
          group += 1
          continue
        }
        table.format.read(table.record(group - 1), into: batch.columns, row: count)
        repetitions -= 1
        count += 1
      }
      guard count > 0 else { return nil }
      batch.setDense(count)
      if let result = try projector.apply(batch) { return result }
    }
  }

  private func wanted(_ counts: Counts) -> Int64 {
    switch (kind, isAll) {
    case (.intersect, true): min(counts.left, counts.right)
    case (.intersect, false): counts.right > 0 ? 1 : 0
    case (.except, true): max(counts.left - counts.right, 0)
    case (.except, false): counts.right == 0 ? 1 : 0
    case (.union, true): counts.left + counts.right
    case (.union, false): 1
    }
  }

  override func restart() throws(SQLError) {
    (isBuilt, group, repetitions) = (false, 0, 0)
    table.removeAll()
    try left.rescan()
    try right.rescan()
  }

  override func close() {
    instrumentation?.aggregate = HashAggregateUsage(batches: 1, peakBytes: table.byteCount, diskBytes: 0)
    table.removeAll()
  }
}
