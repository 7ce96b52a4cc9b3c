import MillraceStorage

/// Which items of a leaf are put together into posting lists when it is full: PostgreSQL's
/// src/backend/access/nbtree/nbtdedup.c.
///
/// Neighbours with the same key become one list, up to half of the longest tuple. A page with only one value is left
/// with some items as they are at its end: it will be split there, and the right half begins its own lists then.
struct Deduplicator {
  private let page: BTreePage
  private let layout: IndexLayout
  private let newSize: Int
  private(set) var intervals: [BTreePage.Interval] = []

  private var base = 0
  private var keySize = 0
  private var heapTIDCount = 0
  private var itemCount = 0
  private var sizeMax = BTreePage.postingSizeMax
  private var fullCount = 0

  /// - Parameter new: the entry that there was no room for.
  init(_ page: BTreePage, _ layout: IndexLayout, _ new: IndexTuple, keepsTrying: Bool) {
    (self.page, self.layout) = (page, layout)
    newSize = PageLayout.aligned(new.size) + PageLayout.linePointerSize
    let (first, last) = (page.firstDataNumber, page.itemCount)
    guard first <= last else { return }
    var isSingleValue =
      !keepsTrying && isSameKey(new, page.item(first)) && isSameKey(new, page.item(last))
    var isActive = true
    for number in first..<last + 1 {
      let tuple = page.item(number)
      if number > first {
        if isActive, isSameKey(page.item(base), tuple), add(tuple) { continue }
        finish()
        if isSingleValue {
          if fullCount == 5 {
            leaveRoom()
          } else if fullCount == 6 {
            (isActive, isSingleValue) = (false, false)
          }
        }
      }
      begin(number, tuple)
    }
    finish()
  }

  private func isSameKey(_ left: IndexTuple, _ right: IndexTuple) -> Bool {
    layout.columnsToSeparate(left, right, byImage: true) > layout.keyCount
  }

  private mutating func begin(_ number: Int, _ tuple: IndexTuple) {
    base = number
    keySize = tuple.isPosting ? tuple.postingOffset : tuple.size
    (heapTIDCount, itemCount) = (tuple.heapTIDCount, 1)
  }

  /// Adds a tuple to the list that is being made. - Returns: false where that would be too long.
  private mutating func add(_ tuple: IndexTuple) -> Bool {
    let count = heapTIDCount + tuple.heapTIDCount
    guard PageLayout.aligned(keySize + count * HeapTID.size) <= sizeMax else {
      if heapTIDCount > 50 { fullCount += 1 }
      return false
    }
    (heapTIDCount, itemCount) = (count, itemCount + 1)
    return true
  }

  private mutating func finish() {
    if itemCount > 1 { intervals.append(BTreePage.Interval(first: UInt16(base), count: UInt16(itemCount))) }
  }

  /// Makes the last list of a page with one value shorter, so that the left half of the coming split is as full as it
  /// is to be.
  private mutating func leaveRoom() {
    let free = BTreePage.itemSpace - newSize - PageLayout.aligned(HeapTID.size)
    sizeMax = max(sizeMax - Int(Double(free) * 0.04), 0)
  }
}
