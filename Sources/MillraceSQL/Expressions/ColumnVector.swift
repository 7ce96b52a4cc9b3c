public import MillraceTypes

/// The values of an expression for the rows of a batch, by row number.
///
/// It is a view. What it points to belongs to the expression that gave it out, or, where that is simply a column, to
/// the batch, and is true until the expression is evaluated again or the batch is filled again. Only the rows that were
/// asked for have values; values of NULL rows are arbitrary.
@frozen public struct ColumnVector: BitwiseCopyable {
  public let values: UnsafeMutablePointer<Datum>
  public let nulls: UnsafeMutablePointer<Bool>

  @inlinable public init(_ values: UnsafeMutablePointer<Datum>, _ nulls: UnsafeMutablePointer<Bool>) {
    (self.values, self.nulls) = (values, nulls)
  }

  /// A row's value; nil where it is NULL.
  @inlinable public subscript(row: Int) -> Datum? { nulls[row] ? nil : values[row] }
}

/// Which rows of a batch something is done for: ascending row numbers.
@frozen public struct RowSelection: BitwiseCopyable {
  public let rows: UnsafePointer<UInt16>
  public let count: Int
  /// Whether the rows are 0, 1, 2 …
  public let isDense: Bool

  @inlinable public init(_ rows: UnsafePointer<UInt16>, count: Int, isDense: Bool) {
    (self.rows, self.count, self.isDense) = (rows, count, isDense)
  }

  @inlinable public init(_ batch: RowBatch) {
    self.init(UnsafePointer(batch.selection), count: batch.count, isDense: batch.isDense)
  }

  /// The number of the row at a place of the selection.
  @inlinable public subscript(place: Int) -> Int { Int(rows[place]) }

  /// Whether one of the rows is NULL.
  func containsNull(_ nulls: UnsafePointer<Bool>) -> Bool {
    guard isDense else {
      for place in 0..<count where nulls[self[place]] { return true }
      return false
    }
    // Bool is one byte of 0 or 1, so that eight rows are one word.
    let bytes = UnsafeRawPointer(nulls)
    var any: UInt64 = 0
    var row = 0
    while row + 8 <= count {
      any |= bytes.loadUnaligned(fromByteOffset: row, as: UInt64.self)
      row += 8
    }
    while row < count {
      any |= UInt64(bytes.load(fromByteOffset: row, as: UInt8.self))
      row += 1
    }
    return any != 0
  }

  /// Marks as NULL what is NULL in one of two columns.
  /// - Returns: whether there is any.
  func merge(
    _ left: UnsafePointer<Bool>, _ right: UnsafePointer<Bool>, into result: UnsafeMutablePointer<Bool>
  ) -> Bool {
    guard isDense else {
      var any = false
      for place in 0..<count {
        let row = self[place]
        let isNull = left[row] || right[row]
        result[row] = isNull
        any = any || isNull
      }
      return any
    }
    let (a, b, target) = (UnsafeRawPointer(left), UnsafeRawPointer(right), UnsafeMutableRawPointer(result))
    var any: UInt64 = 0
    var row = 0
    while row + 8 <= count {
      let word =
        a.loadUnaligned(fromByteOffset: row, as: UInt64.self) | b.loadUnaligned(fromByteOffset: row, as: UInt64.self)
      target.storeBytes(of: word, toByteOffset: row, as: UInt64.self)
      any |= word
      row += 8
    }
    while row < count {
      let byte = a.load(fromByteOffset: row, as: UInt8.self) | b.load(fromByteOffset: row, as: UInt8.self)
      target.storeBytes(of: byte, toByteOffset: row, as: UInt8.self)
      any |= UInt64(byte)
      row += 1
    }
    return any != 0
  }
}

/// Memory for as many values as the largest batch so far has rows.
final class VectorStorage {
  private(set) var capacity = 0
  private(set) var vector = VectorStorage.empty

  private static var empty: ColumnVector {
    // Never looked at: there is room before anything is written.
    guard let values = UnsafeMutablePointer<Datum>(bitPattern: 16),
      let nulls = UnsafeMutablePointer<Bool>(bitPattern: 16)
    else { preconditionFailure("an address that is not zero") }
    return ColumnVector(values, nulls)
  }

  deinit { release() }

  private func release() {
    guard capacity > 0 else { return }
    vector.values.deallocate()
    vector.nulls.deallocate()
  }

  /// - Returns: whether the memory is new; then there are no values in it.
  @discardableResult
  func reserve(_ wanted: Int) -> Bool {
    guard wanted > capacity else { return false }
    release()
    vector = ColumnVector(.allocate(capacity: wanted), .allocate(capacity: wanted))
    capacity = wanted
    return true
  }
}

/// Row numbers for a part of a batch, kept from batch to batch.
final class SelectionStorage {
  private(set) var rows: UnsafeMutablePointer<UInt16>?
  private var capacity = 0

  deinit { rows?.deallocate() }

  /// Room for row numbers; what was there is lost where there was less.
  func reserve(_ wanted: Int) -> UnsafeMutablePointer<UInt16> {
    if let rows, wanted <= capacity { return rows }
    rows?.deallocate()
    let made = UnsafeMutablePointer<UInt16>.allocate(capacity: max(wanted, 1))
    (rows, capacity) = (made, max(wanted, 1))
    return made
  }
}
