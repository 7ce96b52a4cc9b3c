public import MillraceEngine
public import MillraceTypes

/// Rows on their way from one node of a plan to the next, column by column.
///
/// The node that gives a batch out owns it; it and what its datums point to are valid until that node is asked for the
/// next one. Rows that a filter has thrown out stay where they are: ``selection`` says which are left; who is given a
/// batch may shrink it. A column can lie in the memory of another batch, where a node only passes it on. Used by one
/// thread; filling one allocates nothing.
public final class RowBatch {
  /// How many rows fit.
  public let capacity: Int
  public let columnCount: Int
  /// Where the columns are: in memory of its own, or in another batch.
  public let columns: UnsafeMutablePointer<TupleColumn>
  /// The numbers of the rows that are there, ascending; the first ``count`` of ``capacity``.
  public let selection: UnsafeMutablePointer<UInt16>
  /// How many rows there are.
  public var count = 0
  /// Whether ``selection`` is 0, 1, 2 …, so that loops need not look.
  public var isDense = true
  /// Whether all columns have always been where they are, in memory of its own.
  private(set) var hasOwnColumns: Bool

  private let values: UnsafeMutablePointer<Datum>
  private let nulls: UnsafeMutablePointer<Bool>

  /// The most rows of any batch.
  public static let capacityMax = 1024

  public init(columns count: Int, capacity: Int = RowBatch.capacityMax) {
    precondition(capacity > 0 && capacity <= Self.capacityMax, "a batch of \(capacity) rows")
    (columnCount, self.capacity, hasOwnColumns) = (count, capacity, true)
    values = .allocate(capacity: max(count * capacity, 1))
    nulls = .allocate(capacity: max(count * capacity, 1))
    selection = .allocate(capacity: capacity)
    columns = .allocate(capacity: max(count, 1))
    for index in 0..<count {
      (columns + index).initialize(
        to: TupleColumn(values: values + index * capacity, nulls: nulls + index * capacity))
    }
  }

  /// One without memory of its own for values: all columns will lie somewhere else.
  public init(sharing count: Int, capacity: Int) {
    precondition(capacity > 0 && capacity <= Self.capacityMax, "a batch of \(capacity) rows")
    (columnCount, self.capacity, hasOwnColumns) = (count, capacity, false)
    values = .allocate(capacity: 1)
    nulls = .allocate(capacity: 1)
    selection = .allocate(capacity: capacity)
    columns = .allocate(capacity: max(count, 1))
    columns.initialize(repeating: TupleColumn(values: values, nulls: nulls), count: count)
  }

  /// A batch of one row that lies in a slot.
  public convenience init(of row: TupleSlot) {
    self.init(sharing: row.count, capacity: 1)
    for column in 0..<row.count {
      share(column, TupleColumn(values: row.values + column, nulls: row.nulls + column))
    }
    setDense(1)
  }

  deinit {
    values.deallocate()
    nulls.deallocate()
    selection.deallocate()
    columns.deallocate()
  }

  /// A column's values, by row number.
  @inlinable public func column(_ index: Int) -> UnsafeMutablePointer<Datum> {
    precondition(index >= 0 && index < columnCount, "column \(index) of \(columnCount)")
    return columns[index].values
  }

  /// Whether a column's values are NULL, by row number.
  @inlinable public func columnNulls(_ index: Int) -> UnsafeMutablePointer<Bool> {
    precondition(index >= 0 && index < columnCount, "column \(index) of \(columnCount)")
    return columns[index].nulls
  }

  /// A value; nil where it is NULL.
  @inlinable public func value(_ column: Int, row: Int) -> Datum? {
    columnNulls(column)[row] ? nil : self.column(column)[row]
  }

  @inlinable public func set(_ column: Int, row: Int, _ value: Datum?) {
    columnNulls(column)[row] = value == nil
    self.column(column)[row] = value ?? Datum(word: 0)
  }

  /// Lets a column be one of another batch, whose rows have the same numbers.
  public func share(_ index: Int, from other: RowBatch, _ column: Int) { share(index, other.columns[column]) }

  /// Lets a column lie somewhere else.
  public func share(_ index: Int, _ column: TupleColumn) {
    precondition(index >= 0 && index < columnCount, "column \(index) of \(columnCount)")
    hasOwnColumns = false
    columns[index] = column
  }

  /// Makes it hold its first `count` rows.
  @inlinable public func setDense(_ count: Int) {
    precondition(count >= 0 && count <= capacity, "\(count) rows in a batch of \(capacity)")
    for row in 0..<count { selection[row] = UInt16(truncatingIfNeeded: row) }
    self.count = count
    isDense = true
  }

  /// Makes it hold the rows that another batch holds.
  public func select(as other: RowBatch) {
    precondition(other.count <= capacity, "\(other.count) rows in a batch of \(capacity)")
    selection.update(from: other.selection, count: other.count)
    (count, isDense) = (other.count, other.isDense)
  }

  /// Makes it hold no more than its first `count` rows.
  public func truncate(_ count: Int) {
    if count < self.count { self.count = max(count, 0) }
  }

  /// Makes it hold no longer the first `count` rows that are there.
  public func dropFirst(_ count: Int) {
    guard count > 0 else { return }
    let left = max(self.count - count, 0)
    for index in 0..<left { selection[index] = selection[index + count] }
    (self.count, isDense) = (left, left == 0)
  }
}
