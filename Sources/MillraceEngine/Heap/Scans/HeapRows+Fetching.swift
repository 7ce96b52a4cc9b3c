/// Rows that are found one by one.
extension IndexHeapFetch {
  /// Fills in the next rows, in the order of the index.
  /// - Parameters:
  ///   - rows: emptied first.
  ///   - limit: how many rows at most. Where it is one, values by reference stay in their page; else they are copied.
  /// - Returns: how many; 0 at the end.
  /// - Throws: ``EngineError``.
  public func next(_ rows: HeapRows, limit: Int) throws(EngineError) -> Int {
    rows.clear()
    let limit = min(limit, rows.capacity)
    while rows.count < limit, let tuple = try next() {
      guard rows.append(tuple, at: identifier, isKept: limit == 1) else {
        throw EngineError(.corrupted, "tuple \(identifier) is damaged")
      }
    }
    return rows.count
  }
}

extension HeapRows {
  /// Fills in one row, by what somebody else has found.
  /// - Parameter tuple: stays where it is as long as the row is used.
  /// - Throws: ``EngineError`` where it is damaged.
  public func fill(_ tuple: HeapTuple, at place: TupleIdentifier) throws(EngineError) {
    clear()
    guard append(tuple, at: place, isKept: true) else {
      throw EngineError(.corrupted, "tuple \(place) is damaged")
    }
  }

  /// Adds one row, whose values by reference are copied.
  public func add(_ tuple: HeapTuple, at place: TupleIdentifier) throws(EngineError) {
    guard append(tuple, at: place, isKept: false) else {
      throw EngineError(.corrupted, "tuple \(place) is damaged")
    }
  }
}
