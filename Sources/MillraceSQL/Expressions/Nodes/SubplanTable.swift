import MillraceEngine
import MillraceTypes

/// The rows of a subplan that does not depend on the row around it, for `= ANY`: open addressing, linear probing.
/// A look-up allocates nothing.
final class SubplanTable {
  private let comparison: SubplanComparison
  private let hashings: [ValueHashing]
  private let arena = Arena()
  /// The columns of all rows without a NULL, one row behind the other.
  private var values: [Datum] = []
  private var hashes: [UInt32] = []
  /// Numbers of rows; -1 where there is none. Their count is a power of two.
  private var slots: [Int32]
  /// Rows with a NULL.
  private var partialRows: [[Datum?]] = []

  init(
    _ evaluator: any SubplanEvaluator, _ comparison: SubplanComparison, _ hashings: [ValueHashing]
  ) throws(SQLError) {
    (self.comparison, self.hashings) = (comparison, hashings)
    slots = Array(repeating: -1, count: 64)
    try evaluator.restart()
    while let slot = try evaluator.next() {
      let row = hashings.indices.map { column in
        slot[column].map { arena.copy($0, isByValue: comparison.rightTypes[column]?.isByValue ?? false) }
      }
      let whole = row.compactMap { $0 }
      if whole.count == hashings.count { insert(whole) } else { partialRows.append(row) }
    }
  }

  /// Adds a row unless there is an equal one.
  private func insert(_ row: [Datum]) {
    var hash: UInt32 = 0
    for (value, hashing) in zip(row, hashings) { hash = Hashing.combine(hash, hashing.right(value)) }
    var slot = Int(hash) & (slots.count - 1)
    while slots[slot] >= 0 {
      let number = Int(slots[slot])
      if hashes[number] == hash, isEqual(number, { row[$0] }) { return }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(hashes.count)
    hashes.append(hash)
    values += row
    if hashes.count * 2 > slots.count { grow() }
  }

  private func grow() {
    slots = Array(repeating: -1, count: slots.count * 2)
    for (number, hash) in hashes.enumerated() {
      var slot = Int(hash) & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(number)
    }
  }

  @inline(__always) private func isEqual(_ number: Int, _ value: (Int) -> Datum) -> Bool {
    for column in 0..<hashings.count
    where !hashings[column].equal(value(column), values[number * hashings.count + column]) { return false }
    return true
  }

  /// Whether a row is among them; nil where that is not known.
  /// - Parameter inputs: its columns.
  func find(_ inputs: [ColumnVector], _ row: Int, _ arena: Arena) throws(SQLError) -> Bool? {
    if hashes.isEmpty, partialRows.isEmpty { return false }
    var (hash, hasNull): (UInt32, Bool) = (0, false)
    for column in 0..<hashings.count {
      if inputs[column].nulls[row] {
        hasNull = true
      } else {
        hash = Hashing.combine(hash, hashings[column].left(inputs[column].values[row]))
      }
    }
    if hasNull {
      for number in hashes.indices {
        let known = number * hashings.count
        if try comparison.compare({ inputs[$0][row] }, { self.values[known + $0] }, arena) == nil { return nil }
      }
    } else {
      var slot = Int(hash) & (slots.count - 1)
      while slots[slot] >= 0 {
        let number = Int(slots[slot])
        if hashes[number] == hash, isEqual(number, { inputs[$0].values[row] }) { return true }
        slot = (slot + 1) & (slots.count - 1)
      }
    }
    for other in partialRows {
      if try comparison.compare({ inputs[$0][row] }, { other[$0] }, arena) == nil { return nil }
    }
    return false
  }
}
