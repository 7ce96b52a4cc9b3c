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
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      let key = keys.columns[0]
      let prefix = comparator.prefix(key.nulls[row] ? nil : key.values[row])
      if let first, !first.mayTake(prefix) { continue }
      let size = format.size(columns, row: row)
      if size > scratch.count {
        scratch.deallocate()
        scratch = .allocate(byteCount: size * 2, alignment: 8)
      }
      guard let base = scratch.baseAddress else { preconditionFailure("memory for a row has no address") }
      format.write(columns, row: row, to: base)
      let bytes = UnsafeRawBufferPointer(start: base, count: size)
      if let first {
        first.append(bytes, prefix: prefix)
      } else if let sort {
        try engine { () throws(EngineError) in try sort.append(bytes, prefix: prefix) }
      }
    }
  }

  /// How the keys of two rows of batches compare, by the first of them.
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
    let isSpilled = (sort?.runCount ?? 0) > 0
    while count < output.capacity, let bytes = try nextRecord() {
      guard var record = bytes.baseAddress else { preconditionFailure("a sorted row has no bytes") }
      if isSpilled {
        let kept = arena.allocate(bytes.count)
        kept.copyMemory(from: bytes)
        if let start = kept.baseAddress { record = UnsafeRawPointer(start) }
      }
      format.read(record, into: output.columns, row: count)
      count += 1
    }
    guard count > 0 else { return nil }
    output.setDense(count)
    return output
  }

  private func nextRecord() throws(SQLError) -> UnsafeRawBufferPointer? {
    if let first { return first.next() }
    guard let sort else { return nil }
    return try engine { () throws(EngineError) in try sort.next() }
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
