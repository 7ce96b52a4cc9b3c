import MillraceSQL
import MillraceTypes

/// Some rows of a result, copied out of the engine's memory, so that they can go to any thread and stay.
final class RowChunk: Sendable {
  let columns: [Column]
  let count: Int
  /// Row by row; of a value passed by reference, where its bytes begin.
  private let words: [UInt64]
  /// Of a value passed by reference: how many bytes it has; -1 for NULL.
  private let lengths: [Int32]
  private let bytes: [UInt8]

  /// A column of a result.
  struct Column: Sendable {
    let name: String
    let type: TypeID
    /// nil where nothing is known of the type but its name.
    let descriptor: TypeDescriptor?
  }

  /// Copies rows of a batch. Costs three allocations, whatever their number.
  /// - Parameter range: which of the batch's selected rows.
  init(_ batch: RowBatch, _ range: Range<Int>, _ columns: [Column]) {
    (self.columns, count) = (columns, range.count)
    var words: [UInt64] = []
    var lengths: [Int32] = []
    var bytes: [UInt8] = []
    words.reserveCapacity(range.count * columns.count)
    lengths.reserveCapacity(range.count * columns.count)
    for position in range {
      let row = batch.isDense ? position : Int(batch.selection[position])
      for (number, column) in columns.enumerated() {
        let datum = batch.column(number)[row]
        if batch.columnNulls(number)[row] {
          words.append(0)
          lengths.append(-1)
        } else if column.descriptor?.isByValue ?? false {
          words.append(datum.word)
          lengths.append(0)
        } else {
          words.append(UInt64(bytes.count))
          lengths.append(Int32(datum.count))
          bytes.append(contentsOf: datum.bytes.buffer)
        }
      }
    }
    (self.words, self.lengths, self.bytes) = (words, lengths, bytes)
  }

  func isNull(_ row: Int, _ column: Int) -> Bool { lengths[row * columns.count + column] < 0 }

  /// Calls `body` with a value that is not NULL, which it must not keep.
  func withDatum<Result>(_ row: Int, _ column: Int, _ body: (Datum) throws -> Result) rethrows -> Result {
    let place = row * columns.count + column
    if columns[column].descriptor?.isByValue ?? false { return try body(Datum(word: words[place])) }
    let start = Int(words[place])
    return try bytes.withUnsafeBytes { buffer in
      try body(Datum(UnsafeRawBufferPointer(rebasing: buffer[start..<start + Int(lengths[place])])))
    }
  }

  /// A value as PostgreSQL writes it; nil for NULL.
  func text(_ row: Int, _ column: Int) -> String? {
    guard !isNull(row, column) else { return nil }
    // Of a type without a descriptor, such as json, the value is its text.
    return withDatum(row, column) { columns[column].descriptor?.text(of: $0) ?? $0.bytes.string }
  }
}
