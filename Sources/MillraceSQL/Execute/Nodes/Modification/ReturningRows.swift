import MillraceEngine
import MillraceTypes

/// The rows that RETURNING is computed over: the table's columns, its system columns, and behind them what the
/// statement's input had.
final class ReturningRows {
  private let batch: RowBatch
  private let relation: RelationDescriptor
  private let isByValue: [Bool]
  private let runtime: PlanRuntime
  private let places: UnsafeMutableRawPointer
  private let arena = Arena(chunkSize: 4096)
  private(set) var count = 0

  init(_ relation: RelationDescriptor, inputTypes: [ValueType], _ runtime: PlanRuntime) {
    (self.relation, self.runtime) = (relation, runtime)
    let systemCount = SystemColumn.allCases.count
    isByValue =
      relation.tuple.columns.map(\.isByValue) + Array(repeating: true, count: systemCount)
      + inputTypes.map { runtime.isByValue($0) }
    batch = RowBatch(columns: isByValue.count)
    places = .allocate(byteCount: RowBatch.capacityMax * 8, alignment: 8)
  }

  deinit { places.deallocate() }

  func begin() {
    count = 0
    arena.reset()
  }

  /// Adds a row.
  /// - Parameters:
  ///   - row: the table's columns.
  ///   - input: the statement's input, and which of its rows it is.
  func add(_ row: TupleSlot, at place: TupleIdentifier, _ input: RowBatch, _ number: Int) throws(SQLError) {
    for column in 0..<row.count { set(column, row[column]) }
    let target = places + count * 8
    place.store(to: target)
    let base = row.count
    let xid = runtime.session.transactionID?.rawValue ?? 0
    for column in SystemColumn.allCases {
      let value: Datum =
        switch column {
        case .ctid: Datum(ByteView(start: target, count: TupleIdentifier.size))
        case .tableoid: Datum(oid: relation.oid)
        case .xmin: Datum(oid: xid)
        case .cmin, .xmax, .cmax: Datum(oid: 0)
        }
      set(base + column.place, value)
    }
    for column in 0..<input.columnCount { set(base + 6 + column, input.value(column, row: number)) }
    count += 1
  }

  private func set(_ column: Int, _ value: Datum?) {
    batch.columnNulls(column)[count] = value == nil
    // Pages and inputs are turned over before the rows are given out.
    batch.column(column)[count] = value.map { arena.copy($0, isByValue: isByValue[column]) } ?? Datum(word: 0)
  }

  func finish() -> RowBatch {
    batch.setDense(count)
    return batch
  }
}
