public import MillraceTypes

/// Rows on their way from one node of a plan to the next, column by column.
///
/// The node that gives a batch out owns it; it and what its datums point to are valid until that node is asked for the
/// next one. Rows that a filter has thrown out stay where they are: ``selection`` says which are left. Used by one
/// thread; filling one allocates nothing.
public final class RowBatch {
  /// How many rows fit.
  public let capacity: Int
  public let columnCount: Int
  /// Column after column, each ``capacity`` long.
  public let values: UnsafeMutablePointer<Datum>
  /// Whether a value is NULL; laid out as ``values``.
  public let nulls: UnsafeMutablePointer<Bool>
  /// The numbers of the rows that are there, ascending; the first ``count`` of ``capacity``.
  public let selection: UnsafeMutablePointer<UInt16>
  /// How many rows there are.
  public var count = 0
  /// Whether ``selection`` is 0, 1, 2 …, so that loops need not look.
  public var isDense = true

  /// The most rows of any batch.
  public static let capacityMax = 1024

  public init(columns: Int, capacity: Int = RowBatch.capacityMax) {
    precondition(capacity > 0 && capacity <= Self.capacityMax, "a batch of \(capacity) rows")
    (columnCount, self.capacity) = (columns, capacity)
    values = .allocate(capacity: max(columns * capacity, 1))
    nulls = .allocate(capacity: max(columns * capacity, 1))
    selection = .allocate(capacity: capacity)
  }

  deinit {
    values.deallocate()
    nulls.deallocate()
    selection.deallocate()
  }

  /// A column's values, by row number.
  @inlinable public func column(_ index: Int) -> UnsafeMutablePointer<Datum> {
    precondition(index >= 0 && index < columnCount, "column \(index) of \(columnCount)")
    return values + index * capacity
  }

  @inlinable public func columnNulls(_ index: Int) -> UnsafeMutablePointer<Bool> {
    precondition(index >= 0 && index < columnCount, "column \(index) of \(columnCount)")
    return nulls + index * capacity
  }

  /// Makes it hold its first `count` rows.
  @inlinable public func setDense(_ count: Int) {
    precondition(count >= 0 && count <= capacity, "\(count) rows in a batch of \(capacity)")
    for row in 0..<count { selection[row] = UInt16(truncatingIfNeeded: row) }
    self.count = count
    isDense = true
  }
}
