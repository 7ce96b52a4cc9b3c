public import MillraceTypes

/// A condition on a column of an index. All of a scan's must hold. A null satisfies none but ``Condition/isNull``.
public struct IndexScanKey: Sendable {
  public enum Condition: Sendable {
    case equal(Datum)
    case less(Datum)
    case lessOrEqual(Datum)
    case greater(Datum)
    case greaterOrEqual(Datum)
    /// `= ANY (…)`: one of some values, in any order, perhaps none.
    case anyOf([Datum])
    case isNull
    case isNotNull
  }

  /// From 0.
  public var column: Int
  public var condition: Condition

  /// - Parameter condition: with values of the column's type, which must stay until the scan is made.
  public init(_ column: Int, _ condition: Condition) { (self.column, self.condition) = (column, condition) }
}

/// In which direction of its order an index is read.
public enum ScanDirection: Sendable { case forward, backward }

/// All conditions on one column, in the order of the index: what nbtpreprocesskeys.c makes of them.
struct ColumnBounds {
  /// Equal to that value, or to null.
  var equal: Datum??
  var lower: Datum?
  var lowerIsInclusive = true
  var upper: Datum?
  var upperIsInclusive = true
  var isNotNull = false
  /// Equal to one of these, in the order of the index, each once; `equal` is the present one.
  var array: [Datum] = []
  var isArray = false
  var position = 0

  var isEquality: Bool { equal != nil }
  /// Whether it is nothing but equal to one value: then nothing contradicts anything.
  var isPlainEquality: Bool {
    guard case .some(.some(_)) = equal else { return false }
    return lower == nil && upper == nil && !isArray
  }
  var hasConditions: Bool { equal != nil || lower != nil || upper != nil || isNotNull }
}

/// What a scan looks for.
struct ScanConditions {
  var columns: [ColumnBounds]
  /// So many of the first columns must be equal to something.
  private(set) var prefixCount = 0
  /// Conditions are on none of the columns from here on.
  private(set) var checkedCount = 0
  /// Whether nothing can satisfy all of them.
  private(set) var isImpossible = false
  /// Whether the scan goes through the elements of arrays one after another: those of the first columns. An array on a
  /// column further on is one more condition.
  private(set) var hasArrays = false

  init(_ keys: [IndexScanKey], _ layout: IndexLayout, _ arena: Arena) {
    columns = Array(repeating: ColumnBounds(), count: layout.keyCount)
    add(keys, layout, arena)
  }

  /// Puts other conditions in their place, in the same memory.
  mutating func replace(_ keys: [IndexScanKey], _ layout: IndexLayout, _ arena: Arena) {
    for number in columns.indices { columns[number] = ColumnBounds() }
    (prefixCount, checkedCount, isImpossible, hasArrays) = (0, 0, false, false)
    add(keys, layout, arena)
  }

  private mutating func add(_ keys: [IndexScanKey], _ layout: IndexLayout, _ arena: Arena) {
    for key in keys {
      precondition(
        (0..<layout.keyCount).contains(key.column),
        "a scan has a condition on a column that the index is not ordered by")
      add(key, layout, arena)
    }
    for number in columns.indices where columns[number].hasConditions { checkedCount = number + 1 }
    while prefixCount < columns.count, columns[prefixCount].isEquality {
      if columns[prefixCount].isArray { hasArrays = true }
      prefixCount += 1
    }
    for number in 0..<checkedCount where !columns[number].isPlainEquality {
      if isContradiction(number, layout) { isImpossible = true }
    }
  }

  private mutating func add(_ key: IndexScanKey, _ layout: IndexLayout, _ arena: Arena) {
    let number = key.column
    let isDescending = layout.columns[number].isDescending
    func kept(_ value: Datum) -> Datum { arena.copy(value, isByValue: layout.columns[number].isByValue) }
    switch key.condition {
    case .equal(let value): addEquality(number, kept(value), layout)
    case .isNull:
      if columns[number].isEquality, columns[number].equal.flatMap({ $0 }) != nil || columns[number].isNotNull {
        isImpossible = true
      }
      columns[number].equal = .some(nil)
    case .isNotNull: columns[number].isNotNull = true
    case .less(let value): addBound(number, kept(value), isUpper: !isDescending, isInclusive: false, layout)
    case .lessOrEqual(let value): addBound(number, kept(value), isUpper: !isDescending, isInclusive: true, layout)
    case .greater(let value): addBound(number, kept(value), isUpper: isDescending, isInclusive: false, layout)
    case .greaterOrEqual(let value): addBound(number, kept(value), isUpper: isDescending, isInclusive: true, layout)
    case .anyOf(let values): addArray(number, values.map(kept), layout)
    }
  }

  private mutating func addEquality(_ number: Int, _ value: Datum, _ layout: IndexLayout) {
    if columns[number].isArray {
      addArray(number, [value], layout)
      return
    }
    if case .some(let known) = columns[number].equal {
      guard let known, layout.order(number, known, value) == 0 else {
        isImpossible = true
        return
      }
    }
    columns[number].equal = .some(value)
  }

  private mutating func addArray(_ number: Int, _ values: [Datum], _ layout: IndexLayout) {
    var sorted: [Datum] = []
    for value in values.sorted(by: { layout.order(number, $0, $1) < 0 })
    where sorted.last.map({ layout.order(number, $0, value) != 0 }) ?? true { sorted.append(value) }
    if columns[number].isArray {
      sorted = columns[number].array.filter { known in sorted.contains { layout.order(number, $0, known) == 0 } }
    } else if case .some(let known) = columns[number].equal {
      sorted = sorted.filter { value in known.map { layout.order(number, $0, value) == 0 } ?? false }
    }
    guard let first = sorted.first else {
      isImpossible = true
      return
    }
    (columns[number].array, columns[number].isArray, columns[number].equal) = (sorted, true, .some(first))
  }

  /// Notes a bound; of two the narrower counts.
  private mutating func addBound(
    _ number: Int, _ value: Datum, isUpper: Bool, isInclusive: Bool, _ layout: IndexLayout
  ) {
    let known = isUpper ? columns[number].upper : columns[number].lower
    if let known {
      let order = layout.order(number, value, known)
      if isUpper ? order > 0 : order < 0 { return }
      if order == 0, isInclusive { return }
    }
    if isUpper {
      (columns[number].upper, columns[number].upperIsInclusive) = (value, isInclusive)
    } else {
      (columns[number].lower, columns[number].lowerIsInclusive) = (value, isInclusive)
    }
  }

  /// Whether a column's conditions contradict each other; drops those that others imply, and array elements outside of
  /// the bounds.
  private mutating func isContradiction(_ number: Int, _ layout: IndexLayout) -> Bool {
    let column = columns[number]
    func isWithin(_ value: Datum) -> Bool {
      if let lower = column.lower {
        let order = layout.order(number, value, lower)
        if order < 0 || (order == 0 && !column.lowerIsInclusive) { return false }
      }
      if let upper = column.upper {
        let order = layout.order(number, value, upper)
        if order > 0 || (order == 0 && !column.upperIsInclusive) { return false }
      }
      return true
    }
    if case .some(let value) = column.equal {
      guard let value else { return column.isNotNull || column.lower != nil || column.upper != nil || column.isArray }
      if column.isArray {
        columns[number].array.removeAll { !isWithin($0) }
        guard let first = columns[number].array.first else { return true }
        columns[number].equal = .some(first)
      } else if !isWithin(value) {
        return true
      }
      (columns[number].lower, columns[number].upper) = (nil, nil)
      return false
    }
    guard let lower = column.lower, let upper = column.upper else { return false }
    let order = layout.order(number, lower, upper)
    return order > 0 || (order == 0 && !(column.lowerIsInclusive && column.upperIsInclusive))
  }

  // MARK: Arrays

  /// Begins with the first elements in a direction.
  mutating func startArrays(_ direction: ScanDirection) {
    for number in 0..<prefixCount where columns[number].isArray {
      setPosition(number, direction == .forward ? 0 : columns[number].array.count - 1)
    }
  }

  /// Goes on to the next combination of elements, the last column's first.
  /// - Returns: false where there is none.
  mutating func advanceArrays(_ direction: ScanDirection) -> Bool {
    for number in (0..<prefixCount).reversed() where columns[number].isArray {
      let next = columns[number].position + (direction == .forward ? 1 : -1)
      if columns[number].array.indices.contains(next) {
        setPosition(number, next)
        return true
      }
      setPosition(number, direction == .forward ? 0 : columns[number].array.count - 1)
    }
    return false
  }

  mutating func setPosition(_ number: Int, _ position: Int) {
    columns[number].position = position
    columns[number].equal = .some(columns[number].array[position])
  }

  var positions: [Int] { columns.map(\.position) }

  // MARK: Starting and stopping

  /// Where to begin in a direction.
  /// - Parameter values: room for as many as there are columns.
  /// - Returns: nil for the very first or last entry.
  func startKey(_ direction: ScanDirection, _ values: UnsafeMutablePointer<Datum>, _ layout: IndexLayout) -> BTreeKey? {
    var key = BTreeKey(values: values, nulls: 0, count: 0, heapTID: nil)
    func add(_ value: Datum?) {
      (values + key.count).initialize(to: value ?? Datum(word: 0))
      if value == nil { key.nulls |= 1 << UInt32(key.count) }
      key.count += 1
    }
    for number in 0..<prefixCount { add(columns[number].equal.flatMap { $0 }) }
    let isForward = direction == .forward
    (key.nextKey, key.isBackward) = (!isForward, !isForward)
    if prefixCount < columns.count, columns[prefixCount].hasConditions {
      let column = columns[prefixCount]
      if let bound = isForward ? column.lower : column.upper {
        add(bound)
        let isInclusive = isForward ? column.lowerIsInclusive : column.upperIsInclusive
        key.nextKey = isForward != isInclusive
      } else if layout.columns[prefixCount].nullsFirst == isForward {
        // Nulls, which satisfy nothing, are at this end.
        add(nil)
        key.nextKey = isForward
      }
    }
    return key.count == 0 ? nil : key
  }

  enum Verdict { case match, skip, stop }

  /// Whether an entry satisfies all conditions, and if not, whether none further on does (`_bt_checkkeys`).
  /// - Parameter tuple: an entry, or a high key: then the answer is about what is behind it, and only `stop` says
  ///   something.
  @inline(__always) func check(_ tuple: IndexTuple, _ direction: ScanDirection, _ layout: IndexLayout) -> Verdict {
    var reader = IndexTupleReader(tuple, layout)
    let count = min(checkedCount, tuple.columnCount(of: layout.columnCount))
    for number in 0..<count {
      let value = reader.next()
      guard columns[number].hasConditions else { continue }
      // Beyond the first column that is not equal to something, order says nothing.
      let decides = number <= prefixCount
      if columns[number].isArray, number >= prefixCount {
        guard let value, contains(value, number, layout) else { return .skip }
      } else if case .some(let wanted) = columns[number].equal {
        let order = layout.order(number, value, wanted)
        if order == 0 { continue }
        return number < prefixCount && (direction == .forward) == (order > 0) ? .stop : .skip
      }
      guard let value else {
        return decides && (direction == .forward) != layout.columns[number].nullsFirst ? .stop : .skip
      }
      if let lower = columns[number].lower {
        let order = layout.order(number, value, lower)
        if order < 0 || (order == 0 && !columns[number].lowerIsInclusive) {
          return decides && direction == .backward ? .stop : .skip
        }
      }
      if let upper = columns[number].upper {
        let order = layout.order(number, value, upper)
        if order > 0 || (order == 0 && !columns[number].upperIsInclusive) {
          return decides && direction == .forward ? .stop : .skip
        }
      }
    }
    return .match
  }

  private func contains(_ value: Datum, _ number: Int, _ layout: IndexLayout) -> Bool {
    let array = columns[number].array
    var (low, high) = (0, array.count)
    while low < high {
      let middle = (low + high) / 2
      let order = layout.order(number, value, array[middle])
      if order == 0 { return true }
      if order > 0 { low = middle + 1 } else { high = middle }
    }
    return false
  }
}
