public import MillraceTypes

/// Room for one column's values of many rows, by row number. Borrowed from whoever owns the memory.
public struct TupleColumn {
  public var values: UnsafeMutablePointer<Datum>
  /// Whether a value is NULL.
  public var nulls: UnsafeMutablePointer<Bool>

  @inlinable public init(values: UnsafeMutablePointer<Datum>, nulls: UnsafeMutablePointer<Bool>) {
    (self.values, self.nulls) = (values, nulls)
  }
}

@available(*, unavailable, message: "a column borrows memory that only its user keeps alive")
extension TupleColumn: Sendable {}
