import MillraceTypes

/// Rows that are kept: of a cursor that goes backwards or outlives its transaction, and of statements that must have
/// run to their end before the first row is given out. In memory. Used by the session's thread.
final class RowStore {
  private let isByValue: [Bool]
  private var values: [[Datum]]
  private var nulls: [[Bool]]
  private let arena = Arena()
  private(set) var count = 0

  init(_ types: [ValueType]) {
    isByValue = types.map { TypeDescriptor.builtIn[$0.id]?.isByValue ?? false }
    values = Array(repeating: [], count: types.count)
    nulls = Array(repeating: [], count: types.count)
  }

  func append(_ batch: RowBatch, _ range: Range<Int>) {
    for column in isByValue.indices {
      let (from, fromNulls) = (batch.column(column), batch.columnNulls(column))
      for place in range {
        let row = Int(batch.selection[place])
        let isNull = fromNulls[row]
        nulls[column].append(isNull)
        values[column].append(
          isNull ? Datum(word: 0) : arena.copy(from[row], isByValue: isByValue[column]))
      }
    }
    count += range.count
  }

  /// Puts rows into a batch, from one on.
  /// - Parameter backwards: they come in the opposite order; `start` is the first then, too.
  func fill(_ batch: RowBatch, from start: Int, count: Int, backwards: Bool = false) {
    for column in isByValue.indices {
      let (to, toNulls) = (batch.column(column), batch.columnNulls(column))
      for place in 0..<count {
        let row = backwards ? start - place : start + place
        toNulls[place] = nulls[column][row]
        to[place] = values[column][row]
      }
    }
    batch.setDense(count)
  }
}
