public import MillraceTypes

/// Room for the values of one row: PostgreSQL's `TupleTableSlot`, without what is behind it. Used by one thread.
public final class TupleSlot {
  public let count: Int
  /// Valid where ``nulls`` says so. Those by reference end with the tuple, the arena or the page that they lie in.
  public let values: UnsafeMutablePointer<Datum>
  public let nulls: UnsafeMutablePointer<Bool>

  public init(count: Int) {
    self.count = count
    values = .allocate(capacity: max(count, 1))
    nulls = .allocate(capacity: max(count, 1))
    clear()
  }

  deinit {
    values.deallocate()
    nulls.deallocate()
  }

  /// Makes all of it null.
  public func clear() {
    values.initialize(repeating: Datum(word: 0), count: count)
    nulls.initialize(repeating: true, count: count)
  }

  /// Takes over the values of another.
  public func copy(_ other: TupleSlot) {
    precondition(count == other.count, "two rows have different numbers of columns")
    values.update(from: other.values, count: count)
    nulls.update(from: other.nulls, count: count)
  }

  /// A value; nil where it is null.
  @inlinable public subscript(column: Int) -> Datum? {
    get {
      precondition(column >= 0 && column < count, "column \(column) of \(count)")
      return nulls[column] ? nil : values[column]
    }
    set {
      precondition(column >= 0 && column < count, "column \(column) of \(count)")
      nulls[column] = newValue == nil
      values[column] = newValue ?? Datum(word: 0)
    }
  }
}
