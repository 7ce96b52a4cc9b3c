import MillraceEngine
import MillraceTypes

/// Sorts the rows of batches: in memory, through files, or, where only the first few are wanted, by keeping no more
/// than those.
final class RowSorter {
  private let runtime: PlanRuntime
  private let comparator: RowComparator
  private let keys: KeyColumns
  /// Which columns of the rows the keys are.
  private let keyColumns: [Int]
  private let format: RowFormat
  private let columns: UnsafeMutablePointer<TupleColumn>
  private let arena = Arena(chunkSize: 16 << 10)
  private var sort: ExternalSort?
  private var first: FirstRows?
  private var scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 8)
  private var output: RowBatch?

  /// - Parameter types: of the rows.
  init(_ keys: [SortKey], _ types: [ValueType], _ runtime: PlanRuntime) throws(SQLError) {
    self.runtime = runtime
    comparator = try RowComparator(keys)
    self.keys = try KeyColumns(keys, runtime)
    keyColumns = keys.map(\.column.index)
    format = RowFormat(types, runtime)
    columns = .allocate(capacity: max(types.count, 1))
  }

  deinit {
    columns.deallocate()
    scratch.deallocate()
  }

  /// Begins anew.
  /// - Parameter limit: how many of the first rows will be wanted; nil for all.
  func begin(limit: Int?) {
    (sort, first) = (nil, nil)
    if let limit, limit <= FirstRows.limitMax {
      first = FirstRows(limit: limit, compare: makeComparison())
    } else {
      let session = runtime.session
      sort = session.database.sort(for: session, memoryLimit: runtime.workMemory, compare: makeComparison())
    }
  }

  private func makeComparison() -> ExternalSort.Comparison {
    let (comparator, format, keyColumns) = (comparator, format, keyColumns)
    return { left, right in
      guard let left = left.baseAddress, let right = right.baseAddress else { return 0 }
      return comparator.order(format, left, right, keyColumns)
    }
  }

  /// Adds a batch's rows.
  func append(_ batch: RowBatch) throws(SQLError) {
    arena.reset()
    try keys.evaluate(batch, arena)
    for index in 0..<format.count { (columns + index).initialize(to: batch.columns[index]) }
    // What is compared is kept whole, so that comparing does not have to fetch it.
    for (place, column) in keyColumns.enumerated() { columns[column] = keys.columns[place] }
    if let first { append(batch, to: first) } else if let sort { try append(batch, to: sort) }
  }

  // In these loops a reference that is counted for each row would have the processor wait for all memory each time.

  private func append(_ batch: RowBatch, to sort: ExternalSort) throws(SQLError) {
    let key = keys.columns[0]
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      let prefix = comparator.prefix(key.nulls[row] ? nil : key.values[row])
      let bytes = write(row)
      try engine { () throws(EngineError) in try sort.append(bytes, prefix: prefix) }
    }
  }

  private func append(_ batch: RowBatch, to first: FirstRows) {
    let key = keys.columns[0]
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      let prefix = comparator.prefix(key.nulls[row] ? nil : key.values[row])
      if first.mayTake(prefix) { first.append(write(row), prefix: prefix) }
    }
  }

  /// A row as bytes, valid until the next call.
  @inline(__always) private func write(_ row: Int) -> UnsafeRawBufferPointer {
    let size = format.size(columns, row: row)
    if size > scratch.count {
      scratch.deallocate()
      scratch = .allocate(byteCount: size * 2, alignment: 8)
    }
    guard let base = scratch.baseAddress else { preconditionFailure("memory for a row has no address") }
    format.write(columns, row: row, to: base)
    return UnsafeRawBufferPointer(start: base, count: size)
  }

  /// Ends appending: rows come in order from now on.
  func finish() throws(SQLError) {
    first?.finish()
    if let sort { try engine { () throws(EngineError) in try sort.finish() } }
  }

  /// Goes back to the first row.
  func rewind() throws(SQLError) {
    first?.rewind()
    if let sort { try engine { () throws(EngineError) in try sort.rewind() } }
  }

  /// The next rows in order; nil at the end. Valid until the next call.
  func next() throws(SQLError) -> RowBatch? {
    let output = output ?? RowBatch(columns: format.count)
    self.output = output
    arena.reset()
    var count = 0
    if let first {
      while count < output.capacity, let bytes = first.next() {
        read(bytes, into: output, row: count)
        count += 1
      }
    } else if let sort {
      count = try fill(output, from: sort)
    }
    guard count > 0 else { return nil }
    output.setDense(count)
    return output
  }

  private func fill(_ output: RowBatch, from sort: ExternalSort) throws(SQLError) -> Int {
    let isSpilled = sort.runCount > 0
    var count = 0
    while count < output.capacity, var bytes = try engine({ () throws(EngineError) in try sort.next() }) {
      if isSpilled {
        let kept = arena.allocate(bytes.count)
        kept.copyMemory(from: bytes)
        bytes = UnsafeRawBufferPointer(kept)
      }
      read(bytes, into: output, row: count)
      count += 1
    }
    return count
  }

  @inline(__always) private func read(_ bytes: UnsafeRawBufferPointer, into output: RowBatch, row: Int) {
    guard let record = bytes.baseAddress else { preconditionFailure("a sorted row has no bytes") }
    format.read(record, into: output.columns, row: row)
  }

  /// What EXPLAIN says of it.
  var usage: SortUsage? {
    if let first { return SortUsage(.topN, isOnDisk: false, bytes: Int64(first.byteCount)) }
    guard let sort else { return nil }
    return sort.runCount > 0
      ? SortUsage(.externalMerge, isOnDisk: true, bytes: sort.fileBytes)
      : SortUsage(.quicksort, isOnDisk: false, bytes: Int64(sort.memoryBytes))
  }
}
