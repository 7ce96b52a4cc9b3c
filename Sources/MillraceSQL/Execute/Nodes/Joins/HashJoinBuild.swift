import MillraceEngine
import MillraceTypes

/// The inner side of a hash join: which of its columns are kept, and the table of its rows.
final class HashJoinBuild {
  let keys: HashKeys
  /// Of the kept rows: the keys, then the columns that somebody will look at.
  let format: RowFormat
  let table: JoinHashTable
  /// Which columns of the inner input are kept, and which column of a pair each is.
  let kept: [(inner: Int, pair: Int)]
  private let keyColumns: KeyColumns
  private let runtime: PlanRuntime
  /// Whether rows whose keys are NULL, which have no partners, are kept all the same.
  private let keepsNulls: Bool
  private let columns: UnsafeMutablePointer<TupleColumn>
  private let hashes: UnsafeMutablePointer<UInt64>
  private let arena = Arena(chunkSize: 16 << 10)

  init(
    _ plan: Plan, _ kind: JoinKind, _ joinKeys: [JoinKey], _ condition: [TypedExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    self.runtime = runtime
    let outerCount = plan.inputs[0].outputTypes.count
    let innerTypes = plan.inputs[1].outputTypes
    kept = InputColumns.needed(by: plan, condition).filter { $0 >= outerCount }.map { ($0 - outerCount, $0) }
    keys = try HashKeys(joinKeys.map { Self.type($0) })
    keyColumns = try KeyColumns(joinKeys.map(\.inner), runtime)
    format = RowFormat(joinKeys.map(\.inner.type) + kept.map { innerTypes[$0.inner] }, runtime)
    keepsNulls = kind == .right || kind == .full
    table = JoinHashTable(format, keepsList: keepsNulls)
    columns = .allocate(capacity: max(format.count, 1))
    hashes = .allocate(capacity: RowBatch.capacityMax)
  }

  deinit {
    columns.deallocate()
    hashes.deallocate()
  }

  /// Of two types whose values are compared, the one by which both are.
  private static func type(_ key: JoinKey) -> ValueType {
    let (left, right) = (key.outer.type, key.inner.type)
    // A name has zeros behind it that a text has not.
    if left.id == .name || right.id == .name { return ValueType(.name) }
    // Integers of all widths have equal words; a float of four bytes does not have those of one of eight.
    return left.id == .float8 || right.id == .float8 ? ValueType(.float8) : left
  }

  /// Reads the inner input into the table.
  /// - Returns: nil where it fits into memory; else the files that it has been dealt out to.
  func run(_ inner: PlanNode) throws(SQLError) -> HashJoinSpill? {
    var spill: HashJoinSpill?
    let limit = runtime.hashMemory
    while let batch = try inner.next() {
      try prepare(batch)
      for place in 0..<batch.count {
        let row = Int(batch.selection[place])
        if !keepsNulls, keyColumns.hasNull(row) { continue }
        if let spill {
          try spill.add(columns, row: row, hash: hashes[row], format)
        } else {
          table.add(columns, row: row, hash: hashes[row])
        }
      }
      if spill == nil, table.byteCount + table.count * 12 > limit {
        let made = try HashJoinSpill(runtime, level: 0)
        try made.takeOver(table)
        spill = made
      }
    }
    if spill == nil { table.finish() }
    return spill
  }

  /// Copies a row of the inner input, for who finds it in another way than by its hash.
  func copy(
    _ row: Int, of batch: RowBatch, _ keys: KeyColumns, into memory: RowMemory
  ) -> UnsafeMutableRawPointer {
    for index in 0..<keys.count { (columns + index).initialize(to: keys.columns[index]) }
    for (place, column) in kept.enumerated() {
      (columns + keys.count + place).initialize(to: batch.columns[column.inner])
    }
    let size = format.size(columns, row: row)
    let record = memory.allocate(JoinHashTable.headerSize + size)
    JoinHashTable.begin(record, size: size)
    format.write(columns, row: row, to: record + JoinHashTable.headerSize)
    return record
  }

  private func prepare(_ batch: RowBatch) throws(SQLError) {
    arena.reset()
    try keyColumns.evaluate(batch, arena)
    keys.hash(keyColumns.vectors, RowSelection(batch), into: hashes)
    for index in 0..<keyColumns.count { (columns + index).initialize(to: keyColumns.columns[index]) }
    for (place, column) in kept.enumerated() {
      (columns + keyColumns.count + place).initialize(to: batch.columns[column.inner])
    }
  }
}

/// Where the rows come from that a hash table is probed with.
final class HashJoinProbe {
  private let node: PlanNode?
  private let file: SpilledRows?

  init(_ node: PlanNode) { (self.node, file) = (node, nil) }
  init(_ file: SpilledRows) { (node, self.file) = (nil, file) }

  func next() throws(SQLError) -> RowBatch? {
    if let file { return try file.next() }
    return try node?.next()
  }
}
