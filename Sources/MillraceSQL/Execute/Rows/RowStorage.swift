import MillraceEngine
import MillraceTypes

/// Rows that are kept to be read again, and perhaps by several: PostgreSQL's tuplestore (src/backend/utils/sort/
/// tuplestore.c). In memory they are batches, so that reading copies nothing; where they are too many, in a file.
final class RowStorage {
  private let types: [ValueType]
  private let isByValue: [Bool]
  private let runtime: PlanRuntime
  fileprivate private(set) var batches: [RowBatch] = []
  private let arena = Arena(chunkSize: 32 << 10)
  private(set) var count = 0
  fileprivate private(set) var file: SpilledRows?
  private let limit: Int
  private var batchBytes = 0

  /// - Parameter canSpill: whether it may go to a file: then it has one reader, who begins when all rows are there.
  init(_ types: [ValueType], _ runtime: PlanRuntime, canSpill: Bool) {
    (self.types, self.runtime) = (types, runtime)
    isByValue = types.map { runtime.isByValue($0) }
    limit = canSpill ? runtime.workMemory : .max
  }

  var isSpilled: Bool { file != nil }
  var byteCount: Int { batchBytes + (isByValue.contains(false) ? arena.capacity : 0) }
  var usage: TupleStorageUsage {
    TupleStorageUsage(isOnDisk: isSpilled, bytes: file?.byteCount ?? Int64(byteCount))
  }

  /// Adds copies of a batch's rows.
  func append(_ batch: RowBatch) throws(SQLError) {
    count += batch.count
    if let file { return try append(batch, to: file) }
    var start = 0
    while start < batch.count {
      let last = try room()
      let added = min(last.capacity - last.count, batch.count - start)
      for column in types.indices { copy(column, batch, start, added, to: last) }
      last.setDense(last.count + added)
      start += added
    }
    if byteCount > limit { try spill() }
  }

  private func room() throws(SQLError) -> RowBatch {
    if let last = batches.last, last.count < last.capacity { return last }
    // Small at first: most of what is kept is little.
    let made = RowBatch(columns: types.count, capacity: batches.isEmpty ? 64 : RowBatch.capacityMax)
    made.setDense(0)
    batches.append(made)
    batchBytes += made.capacity * (types.count * (MemoryLayout<Datum>.size + 1) + 2)
    return made
  }

  private func copy(_ column: Int, _ batch: RowBatch, _ start: Int, _ added: Int, to target: RowBatch) {
    let (values, nulls) = (batch.column(column), batch.columnNulls(column))
    let (copies, copiedNulls) = (target.column(column) + target.count, target.columnNulls(column) + target.count)
    for index in 0..<added {
      let row = Int(batch.selection[start + index])
      copies[index] = values[row]
      copiedNulls[index] = nulls[row]
    }
    guard !isByValue[column] else { return }
    for index in 0..<added where !copiedNulls[index] { copies[index] = arena.copy(copies[index], isByValue: false) }
  }

  private func append(_ batch: RowBatch, to file: SpilledRows) throws(SQLError) {
    for place in 0..<batch.count { try file.append(batch.columns, row: Int(batch.selection[place])) }
  }

  private func spill() throws(SQLError) {
    let made = try SpilledRows(RowFormat(isByValue: isByValue), runtime)
    for batch in batches { try append(batch, to: made) }
    (file, batches, batchBytes) = (made, [], 0)
    arena.reset()
  }

  func removeAll() {
    (batches, file, count, batchBytes) = ([], nil, 0, 0)
    arena.reset()
  }

  func makeReader() -> RowStorageReader { RowStorageReader(self, columnCount: types.count) }
}

/// One of those who read what is kept.
final class RowStorageReader {
  private let storage: RowStorage
  private let batch: RowBatch
  private var place = 0
  /// Rows of the batch at the place that have been given out: more may come.
  private var given = 0
  private var isRewound = false

  fileprivate init(_ storage: RowStorage, columnCount: Int) {
    self.storage = storage
    batch = RowBatch(sharing: columnCount, capacity: RowBatch.capacityMax)
  }

  /// The next rows that are there; nil where there are none (yet).
  func next() throws(SQLError) -> RowBatch? {
    if let file = storage.file {
      if !isRewound { try file.rewind() }
      isRewound = true
      return try file.next()
    }
    while place < storage.batches.count {
      let source = storage.batches[place]
      if given < source.count {
        for column in 0..<batch.columnCount { batch.share(column, from: source, column) }
        batch.setDense(source.count)
        batch.dropFirst(given)
        given = source.count
        return batch
      }
      if source.count < source.capacity { return nil }
      (place, given) = (place + 1, 0)
    }
    return nil
  }

  func rewind() { (place, given, isRewound) = (0, 0, false) }
}
