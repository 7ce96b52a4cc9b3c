/// Sorts what redo has to do by the pages that it is done to.
enum RedoOrder {
  private static let digitBits = 11
  private static let digitCount = (UInt64.bitWidth + digitBits - 1) / digitBits
  private static let valueCount = 1 << digitBits
  /// Fewer are sorted by comparing: the counts of the digits would cost more.
  static let countedMin = 2048

  /// Sorts by keys, rising; what has the same key keeps its order. From the lowest digit to the highest, by counting
  /// (radix sort), without those that are the same in all keys: forks are few, and so are the high digits of blocks.
  /// - Complexity: O(n) for each digit that differs, and as much memory again.
  static func sort<Element>(_ elements: inout [Element], _ key: (Element) -> UInt64) {
    guard elements.count >= countedMin else {
      // The position, because sorting need not keep the order.
      let order = elements.indices.sorted { (key(elements[$0]), $0) < (key(elements[$1]), $1) }
      elements = order.map { elements[$0] }
      return
    }
    var counts = [UInt32](repeating: 0, count: digitCount * valueCount)
    for element in elements {
      let key = key(element)
      for digit in 0..<digitCount { counts[digit * valueCount + value(key, digit)] += 1 }
    }
    let first = key(elements[0])
    for digit in 0..<digitCount where counts[digit * valueCount + value(first, digit)] != elements.count {
      var position: UInt32 = 0
      for index in digit * valueCount..<(digit + 1) * valueCount {
        (counts[index], position) = (position, position + counts[index])
      }
      elements = [Element](unsafeUninitializedCapacity: elements.count) { sorted, count in
        for element in elements {
          let index = digit * valueCount + value(key(element), digit)
          (sorted.baseAddress.unsafelyUnwrapped + Int(counts[index])).initialize(to: element)
          counts[index] += 1
        }
        count = elements.count
      }
    }
  }

  @inline(__always) private static func value(_ key: UInt64, _ digit: Int) -> Int {
    Int(truncatingIfNeeded: key >> UInt64(digit * digitBits)) & (valueCount - 1)
  }
}
