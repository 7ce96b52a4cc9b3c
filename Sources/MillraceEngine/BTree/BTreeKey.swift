import MillraceTypes

/// Where to search: values for the first columns, and which side of what is equal to them (PostgreSQL's
/// `BTScanInsertData`). The values stay the caller's.
struct BTreeKey {
  var values: UnsafeMutablePointer<Datum>
  /// A bit for each of them that is null.
  var nulls: UInt32
  /// How many columns there are values for.
  var count: Int
  /// The place among equal keys; nil for any.
  var heapTID: HeapTID?
  /// To find the first that is greater, instead of the first that is not less.
  var nextKey = false
  /// For a scan that goes to the left: to find the one before that.
  var isBackward = false

  @inline(__always) func value(_ number: Int) -> Datum? {
    nulls >> UInt32(number) & 1 == 1 ? nil : values[number]
  }
}

extension IndexLayout {
  /// Compares a key with an item (`_bt_compare`).
  ///
  /// The columns that a pivot lacks are less than any value. So is its heap TID; but a key without one that has values
  /// for just the columns of the pivot cannot have anything equal to it on the left of that.
  /// - Returns: negative where the key is less, positive where it is greater. Where it is not, and the item is a
  ///   posting list, a key with a heap TID may have its place in the midst of the list.
  @inline(__always) func compare(_ key: BTreeKey, _ page: BTreePage, _ number: Int) -> Int {
    if !page.isLeaf, number == page.firstDataNumber { return 1 }
    return compare(key, page.item(number))
  }

  @inline(__always) func compare(_ key: BTreeKey, _ tuple: IndexTuple) -> Int {
    let isAlternative = tuple.isAlternative
    let columnCount = isAlternative ? tuple.columnCount(of: columnCount) : columnCount
    var reader = IndexTupleReader(tuple, self)
    for number in 0..<min(columnCount, key.count) {
      let order = order(number, key.value(number), reader.next())
      if order != 0 { return order }
    }
    if key.count > columnCount { return 1 }
    guard let wanted = key.heapTID else {
      return !key.isBackward && key.count == columnCount && tuple.isPivot && tuple.heapTID == nil ? 1 : 0
    }
    guard let first = tuple.heapTID else { return 1 }
    if wanted <= first { return wanted < first ? -1 : 0 }
    if isAlternative, tuple.isPosting { return wanted > tuple.lastHeapTID ? 1 : 0 }
    return 1
  }

  /// Where a key belongs on a page (`_bt_binsrch`): on a leaf the first item that is not less than it, or the first
  /// that is greater, or the one before that; on an internal page the downlink to follow.
  /// - Returns: one behind the last item where all are less; on a leaf without items, too, or the one before that.
  func search(_ key: BTreeKey, _ page: BTreePage) -> Int {
    var low = page.firstDataNumber
    var high = page.itemCount
    let isLeaf = page.isLeaf
    if high < low { return isLeaf && key.isBackward ? low - 1 : low }
    high += 1
    let limit = key.nextKey ? 0 : 1
    let number = leadingNumber(key)
    // The first downlink stands for minus infinity.
    let unbounded = isLeaf ? 0 : low
    while low < high {
      let middle = low + (high - low) / 2
      let isBehind = middle == unbounded || compare(key, number, page.item(middle)) >= limit
      if isBehind { low = middle + 1 } else { high = middle }
    }
    if isLeaf { return key.isBackward ? low - 1 : low }
    return low - 1
  }

  // MARK: Numbers

  /// A key's first value, if the first column has integers: most comparisons need no more than that.
  @inline(__always) private func leadingNumber(_ key: BTreeKey) -> Int64? {
    guard key.count > 0, key.nulls & 1 == 0 else { return nil }
    switch columns[0].comparison {
    case .int4: return Int64(key.values[0].int32)
    case .int8: return key.values[0].int64
    default: return nil
    }
  }

  @inline(__always) private func compare(_ key: BTreeKey, _ number: Int64?, _ tuple: IndexTuple) -> Int {
    let width = columns[0].width
    guard let number, !tuple.hasNulls, tuple.size >= IndexTuple.headerSize + width else { return compare(key, tuple) }
    let place = tuple.base + IndexTuple.headerSize
    let value = width == 4 ? Int64(place.loadUnaligned(as: Int32.self)) : place.loadUnaligned(as: Int64.self)
    if number == value { return compare(key, tuple) }
    return (number < value) == columns[0].isDescending ? 1 : -1
  }
}
