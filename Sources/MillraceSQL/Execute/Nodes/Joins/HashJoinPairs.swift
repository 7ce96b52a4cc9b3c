import MillraceEngine
import MillraceTypes

/// Pairs that a hash join is putting together: outer rows' numbers and inner rows' addresses first, their columns when
/// the batch is full.
final class HashJoinPairs {
  private let batch: RowBatch
  private let outerCount: Int
  private let outerColumns: [Int]
  private let build: HashJoinBuild
  private let keyCount: Int
  private let rows: UnsafeMutablePointer<UInt16>
  private let records: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let aloneBatch: RowBatch
  private var count = 0
  private var outer: RowBatch?

  init(_ plan: Plan, _ conditions: [TypedExpression], _ build: HashJoinBuild, _ runtime: PlanRuntime) {
    self.build = build
    outerCount = plan.inputs[0].outputTypes.count
    let outerCount = outerCount
    let columnCount = outerCount + plan.inputs[1].outputTypes.count
    outerColumns = InputColumns.needed(by: plan, conditions).filter { $0 < outerCount }
    keyCount = build.format.count - build.kept.count
    batch = RowBatch(columns: columnCount)
    aloneBatch = RowBatch(sharing: columnCount, capacity: RowBatch.capacityMax)
    rows = .allocate(capacity: RowBatch.capacityMax)
    records = .allocate(capacity: RowBatch.capacityMax)
  }

  deinit {
    rows.deallocate()
    records.deallocate()
  }

  @inline(__always) var hasRoom: Bool { count < RowBatch.capacityMax }

  func begin(_ outer: RowBatch) { (self.outer, count) = (outer, 0) }

  @inline(__always) func add(_ row: Int, _ record: UnsafeMutableRawPointer) {
    rows[count] = UInt16(truncatingIfNeeded: row)
    records[count] = record
    count += 1
  }

  /// Adds an outer row with NULLs.
  @inline(__always) func addLonely(_ row: Int) {
    rows[count] = UInt16(truncatingIfNeeded: row)
    records[count] = nil
    count += 1
  }

  /// Fetches the pairs' columns.
  func finish() -> RowBatch {
    if let outer {
      for column in outerColumns { gather(outer.columns[column], into: batch.columns[column]) }
    }
    gatherInner()
    batch.setDense(count)
    return batch
  }

  private func gather(_ source: TupleColumn, into target: TupleColumn) {
    for index in 0..<count {
      let row = Int(rows[index])
      target.values[index] = source.values[row]
      target.nulls[index] = source.nulls[row]
    }
  }

  private func gatherInner() {
    let format = build.format
    for (place, column) in build.kept.enumerated() {
      let target = batch.columns[column.pair]
      for index in 0..<count {
        if let record = records[index] {
          format.read(JoinHashTable.row(record), keyCount + place, into: target, row: index)
        } else {
          target.nulls[index] = true
          target.values[index] = Datum(word: 0)
        }
      }
    }
  }

  /// Takes the pairs alone, without outer rows that have no partner.
  func selectPairs() {
    var kept = 0
    for index in 0..<count where records[index] != nil {
      batch.selection[kept] = UInt16(index)
      kept += 1
    }
    batch.isDense = kept == count
    batch.count = kept
  }

  /// Notes of the inner rows that are left in the batch that they have partners.
  func markMatched() {
    for place in 0..<batch.count {
      if let record = records[Int(batch.selection[place])] { JoinHashTable.setMatched(record) }
    }
  }

  /// Adds to the pairs that are true the outer rows of which none is.
  /// - Parameter isMatched: whether the first outer row has had a true pair in an earlier batch; becomes the same for
  ///   the last one, if there are more of its pairs to come.
  func addUnmatched(_ isMatched: inout Bool, isOpen: Bool) {
    withUnsafeTemporaryAllocation(of: UInt16.self, capacity: RowBatch.capacityMax) { merged in
      var (next, total) = (0, 0)
      for index in 0..<count {
        if next < batch.count, Int(batch.selection[next]) == index {
          merged[total] = UInt16(truncatingIfNeeded: index)
          (next, total, isMatched) = (next + 1, total + 1, true)
        } else if records[index] == nil {
          if !isMatched {
            merged[total] = UInt16(truncatingIfNeeded: index)
            total += 1
          }
          isMatched = false
        }
      }
      for place in 0..<total { batch.selection[place] = merged[place] }
      (batch.count, batch.isDense) = (total, total == count)
    }
    if !isOpen { isMatched = false }
  }

  /// Outer rows by themselves, with NULLs for the inner ones.
  func alone(_ outer: RowBatch, kept: Int) -> RowBatch {
    outer.isDense = outer.isDense && kept == outer.count
    outer.count = kept
    for column in 0..<outerCount { aloneBatch.share(column, from: outer, column) }
    for column in outerCount..<aloneBatch.columnCount { aloneBatch.share(column, NullColumn.shared.column) }
    aloneBatch.select(as: outer)
    return aloneBatch
  }

  // MARK: Inner rows without partners

  func beginUnmatched() { (outer, count) = (nil, 0) }

  func addInner(_ record: UnsafeMutableRawPointer) {
    records[count] = record
    count += 1
  }

  func finishUnmatched() -> RowBatch {
    for column in outerColumns {
      batch.columnNulls(column).update(repeating: true, count: count)
      batch.column(column).update(repeating: Datum(word: 0), count: count)
    }
    gatherInner()
    batch.setDense(count)
    return batch
  }
}
