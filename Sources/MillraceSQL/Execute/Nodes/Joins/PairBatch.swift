import MillraceEngine
import MillraceTypes

/// Pairs of rows that a join is putting together: the outer row's columns, and behind them the inner row's. Only the
/// columns that somebody will look at are there.
final class PairBatch {
  let batch: RowBatch
  private let outerCount: Int
  /// The needed columns of both sides, each as a column of the pairs.
  private let outerColumns: [Int]
  private let innerColumns: [Int]
  private let isByValue: [Bool]
  private let arena = Arena(chunkSize: 4096)
  private var count = 0
  private var outer: RowBatch?
  /// For each pair: whether it is an outer row without a partner; and which outer row it is of.
  private let isLonely: UnsafeMutablePointer<Bool>
  private let outerRows: UnsafeMutablePointer<UInt16>
  private let aloneBatch: RowBatch

  /// - Parameter conditions: what is evaluated over pairs besides the node's filter and output.
  init(_ plan: Plan, _ conditions: [TypedExpression], outerCount: Int, _ runtime: PlanRuntime, capacity: Int) {
    self.outerCount = outerCount
    let columnCount = outerCount + plan.inputs[1].outputTypes.count
    let needed = InputColumns.needed(by: plan, conditions)
    outerColumns = needed.filter { $0 < outerCount }
    innerColumns = needed.filter { $0 >= outerCount }
    let innerTypes = plan.inputs[1].outputTypes
    isByValue = innerColumns.map { runtime.isByValue(innerTypes[$0 - outerCount]) }
    batch = RowBatch(columns: columnCount, capacity: capacity)
    aloneBatch = RowBatch(sharing: columnCount, capacity: RowBatch.capacityMax)
    isLonely = .allocate(capacity: capacity)
    outerRows = .allocate(capacity: capacity)
  }

  deinit {
    isLonely.deallocate()
    outerRows.deallocate()
  }

  var hasRoom: Bool { count < batch.capacity }

  /// Begins anew, with pairs of the rows of an outer batch.
  func begin(_ outer: RowBatch) {
    self.outer = outer
    count = 0
    arena.reset()
  }

  func forget() { (outer, count) = (nil, 0) }

  /// Adds an outer row with rows of an inner batch, as many as there is room for.
  /// - Parameter start: places of the inner batch before it have been added already.
  /// - Returns: how many.
  func add(_ row: Int, _ inner: RowBatch, from start: Int) -> Int {
    let added = min(inner.count - start, batch.capacity - count)
    for column in innerColumns.indices { copyInner(column, inner, from: start, added) }
    noteOuter(row, added, isLonely: false)
    count += added
    return added
  }

  /// Adds an outer row with NULLs.
  func addLonely(_ row: Int) {
    precondition(hasRoom, "a batch of pairs is full")
    for column in innerColumns {
      batch.column(column)[count] = Datum(word: 0)
      batch.columnNulls(column)[count] = true
    }
    noteOuter(row, 1, isLonely: true)
    count += 1
  }

  private func noteOuter(_ row: Int, _ added: Int, isLonely lonely: Bool) {
    for index in count..<count + added {
      outerRows[index] = UInt16(truncatingIfNeeded: row)
      isLonely[index] = lonely
    }
  }

  private func copyInner(_ index: Int, _ inner: RowBatch, from start: Int, _ added: Int) {
    let column = innerColumns[index]
    let (values, nulls) = (inner.column(column - outerCount), inner.columnNulls(column - outerCount))
    let (target, targetNulls) = (batch.column(column) + count, batch.columnNulls(column) + count)
    for place in 0..<added {
      let row = Int(inner.selection[start + place])
      target[place] = values[row]
      targetNulls[place] = nulls[row]
    }
    guard !isByValue[index] else { return }
    // The inner row is gone when the next one is asked for.
    for place in 0..<added where !targetNulls[place] { target[place] = arena.copy(target[place], isByValue: false) }
  }

  /// Puts the outer rows' columns beside the inner ones'.
  func finish() -> RowBatch {
    if let outer {
      for column in outerColumns {
        let (values, nulls) = (outer.column(column), outer.columnNulls(column))
        let (target, targetNulls) = (batch.column(column), batch.columnNulls(column))
        for index in 0..<count {
          let row = Int(outerRows[index])
          target[index] = values[row]
          targetNulls[index] = nulls[row]
        }
      }
    }
    batch.setDense(count)
    return batch
  }

  /// Takes the pairs alone, without outer rows that have no partner.
  func selectPairs() {
    var kept = 0
    for index in 0..<count where !isLonely[index] {
      batch.selection[kept] = UInt16(index)
      kept += 1
    }
    batch.isDense = kept == count
    batch.count = kept
  }

  /// Adds to the pairs that are true the outer rows of which none is.
  /// - Parameters:
  ///   - count: of all pairs.
  ///   - hasMatched: whether the first outer row has had a true pair in an earlier batch; becomes the same for the
  ///     last one, if there are more of its pairs to come.
  func addUnmatched(of count: Int, _ hasMatched: inout Bool, isOpen: Bool) {
    var merged: [UInt16] = []
    merged.reserveCapacity(count)
    var next = 0
    var isMatched = hasMatched
    for index in 0..<count {
      if next < batch.count, Int(batch.selection[next]) == index {
        merged.append(UInt16(index))
        next += 1
        isMatched = true
      } else if isLonely[index] {
        if !isMatched { merged.append(UInt16(index)) }
        isMatched = false
      }
    }
    hasMatched = isOpen ? isMatched : false
    for (place, row) in merged.enumerated() { batch.selection[place] = row }
    (batch.count, batch.isDense) = (merged.count, merged.count == count)
  }

  /// Outer rows by themselves, with NULLs for the inner ones.
  /// - Parameter kept: how many of the batch's selected rows are left.
  func alone(_ outer: RowBatch, kept: Int) -> RowBatch {
    outer.isDense = outer.isDense && kept == outer.count
    outer.count = kept
    for column in 0..<outerCount { aloneBatch.share(column, from: outer, column) }
    let nulls = NullColumn.shared
    for column in outerCount..<aloneBatch.columnCount { aloneBatch.share(column, nulls.column) }
    aloneBatch.select(as: outer)
    return aloneBatch
  }
}

/// A column of nothing but NULLs.
final class NullColumn: @unchecked Sendable {
  // Safe because it is written once, before anybody can see it; who filters rows does not write to columns.
  static let shared = NullColumn()
  let column: TupleColumn

  private init() {
    let (values, nulls) = (
      UnsafeMutablePointer<Datum>.allocate(capacity: RowBatch.capacityMax),
      UnsafeMutablePointer<Bool>.allocate(capacity: RowBatch.capacityMax)
    )
    values.initialize(repeating: Datum(word: 0), count: RowBatch.capacityMax)
    nulls.initialize(repeating: true, count: RowBatch.capacityMax)
    column = TupleColumn(values: values, nulls: nulls)
  }
}
