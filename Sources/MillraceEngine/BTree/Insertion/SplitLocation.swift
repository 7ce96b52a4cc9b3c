import MillraceStorage

/// Where to split a page: PostgreSQL's src/backend/access/nbtree/nbtsplitloc.c.
///
/// Free space is shared out evenly, but on the last page of a level the left half is left as full as the fill factor
/// says, since more will come on the right. Among places that share about equally well the one wins whose separator has
/// the fewest columns. Pages full of duplicates are split beside a group of them, or where there is but one value near
/// the end.
struct SplitLocation: Equatable {
  /// The first item that goes to the right.
  var firstRight: Int
  /// Whether the new item goes to the left. Decides where it is to stand just before ``firstRight``.
  var newIsLeft: Bool
}

struct SplitChooser {
  private struct Candidate {
    var delta = 0
    var leftFree: Int
    var rightFree: Int
    var location: SplitLocation
  }

  private enum Strategy { case byDefault, manyDuplicates, singleValue }

  private let layout: IndexLayout
  private let page: BTreePage
  private let new: IndexTuple
  private let newNumber: Int
  /// Bytes of the new item with its line pointer.
  private let newSize: Int
  private let fillFactor: Int
  private let leftSpace: Int
  private let rightSpace: Int
  private let oldSize: Int
  private var smallestFirstRight = Int.max
  private var candidates: [Candidate] = []

  init(_ page: BTreePage, _ new: IndexTuple, at number: Int, _ layout: IndexLayout, fillFactor: Int) {
    (self.page, self.new, newNumber, self.layout, self.fillFactor) = (page, new, number, layout, fillFactor)
    newSize = PageLayout.aligned(new.size) + PageLayout.linePointerSize
    leftSpace = BTreePage.itemSpace
    // The right half has the old high key.
    rightSpace = BTreePage.itemSpace - (page.isRightmost ? 0 : Self.size(page, BTreePage.highKeyNumber))
    oldSize = rightSpace - page.editor.exactFreeSpace
    candidates.reserveCapacity(page.itemCount + 1)
  }

  private static func size(_ page: BTreePage, _ number: Int) -> Int {
    PageLayout.aligned(page.item(number).limit) + PageLayout.linePointerSize
  }

  /// - Returns: nil where there is no way to split the page so that all fits, which there always is.
  mutating func choose() -> SplitLocation? {
    collect()
    guard let leftmost = candidates.first, let rightmost = candidates.last else { return nil }
    var multiplier = Double(fillFactor) / 100
    var usesMultiplier = true
    if !page.isLeaf {
      (usesMultiplier, multiplier) = (page.isRightmost, 0.70)
    } else if !page.isRightmost {
      switch afterNewItem() {
      case .no: usesMultiplier = false
      case .byFillFactor: break
      case .exactly:
        let exact = SplitLocation(firstRight: newNumber, newIsLeft: true)
        if candidates.contains(where: { $0.location == exact }) { return exact }
        (usesMultiplier, multiplier) = (false, 0.5)
      }
    }
    var interval = min(max(1, candidates.count / 20), page.isLeaf ? 9 : 18)
    sort(usesMultiplier ? multiplier : nil)
    let (strategy, perfect) = strategy(leftmost.location, rightmost.location, interval)
    switch strategy {
    case .byDefault: break
    case .manyDuplicates: interval = candidates.count
    case .singleValue:
      sort(0.96)
      interval = 1
    }
    return best(interval, perfect: perfect, strategy)
  }

  // MARK: Candidates

  private mutating func collect() {
    var left = 0
    for number in page.firstDataNumber..<page.itemCount + 1 {
      let size = Self.size(page, number)
      if number <= newNumber { add(number, newIsLeft: false, left: left, size) }
      if number >= newNumber { add(number, newIsLeft: true, left: left, size) }
      left += size
    }
    if newNumber > page.itemCount { add(newNumber, newIsLeft: false, left: left, 0) }
  }

  /// Notes a place to split, unless one of the halves would be too full.
  private mutating func add(_ number: Int, newIsLeft: Bool, left: Int, _ size: Int) {
    let newIsFirst = number == newNumber && !newIsLeft
    let firstSize = newIsFirst ? newSize : size
    var leftFree = leftSpace - left
    var rightFree = rightSpace - (oldSize - left)
    if page.isLeaf {
      // The high key may get a heap TID, and never has a posting list.
      var postingSize = 0
      if !newIsFirst, number <= page.itemCount, page.item(number).isPosting {
        postingSize = page.item(number).size - page.item(number).postingOffset
      }
      leftFree -= firstSize + PageLayout.aligned(HeapTID.size) - postingSize
    } else {
      leftFree -= firstSize
      // The first downlink loses its key.
      rightFree += firstSize - (PageLayout.aligned(IndexTuple.headerSize) + PageLayout.linePointerSize)
    }
    if newIsLeft { leftFree -= newSize } else { rightFree -= newSize }
    // Something must be left on the left.
    guard leftFree >= 0, rightFree >= 0, left > 0 || newIsLeft else { return }
    smallestFirstRight = min(smallestFirstRight, firstSize)
    candidates.append(
      Candidate(
        leftFree: leftFree, rightFree: rightFree, location: SplitLocation(firstRight: number, newIsLeft: newIsLeft)))
  }

  private mutating func sort(_ multiplier: Double?) {
    for index in candidates.indices {
      let (left, right) = (candidates[index].leftFree, candidates[index].rightFree)
      let delta = multiplier.map { Int($0 * Double(left) - (1 - $0) * Double(right)) } ?? left - right
      candidates[index].delta = abs(delta)
    }
    candidates.sort { $0.delta < $1.delta }
  }

  // MARK: Rising groups

  private enum AfterNewItem { case no, byFillFactor, exactly }

  /// Whether the new item is the last of a group that grows at its end, such as the lines of an order: then the page is
  /// split behind it (`_bt_afternewitemoff`).
  private func afterNewItem() -> AfterNewItem {
    let count = page.itemCount
    guard layout.keyCount > 1, newNumber > 2, newSize == smallestFirstRight,
      newSize * (count - 1) == oldSize,
      newSize <= PageLayout.aligned(IndexTuple.headerSize + 16) + PageLayout.linePointerSize
    else { return .no }
    let before = page.item(min(newNumber - 1, count))
    if newNumber <= count, !isNext(before.lastHeapTID, new.lastHeapTID) { return .no }
    let kept = layout.columnsToSeparate(before, new, byImage: true)
    guard kept > 1, kept <= layout.keyCount else { return .no }
    if newNumber > count { return .byFillFactor }
    return Double(newNumber) / Double(count) > Double(fillFactor) / 100 ? .byFillFactor : .exactly
  }

  /// Whether a heap tuple was inserted right behind another.
  private func isNext(_ low: HeapTID, _ high: HeapTID) -> Bool {
    if low.block == high.block { return low.number + 1 == high.number }
    return low.block.rawValue &+ 1 == high.block.rawValue && high.number == 1
  }

  // MARK: Choosing

  private func lastLeft(_ location: SplitLocation) -> IndexTuple {
    location.newIsLeft && location.firstRight == newNumber ? new : page.item(location.firstRight - 1)
  }

  private func firstRight(_ location: SplitLocation) -> IndexTuple {
    !location.newIsLeft && location.firstRight == newNumber ? new : page.item(location.firstRight)
  }

  /// How long the separator would be: its columns on a leaf, its bytes above.
  private func penalty(_ location: SplitLocation) -> Int {
    guard page.isLeaf else { return PageLayout.aligned(firstRight(location).size) + PageLayout.linePointerSize }
    return layout.columnsToSeparate(lastLeft(location), firstRight(location), byImage: true)
  }

  /// How to choose, and the penalty that cannot be improved on (`_bt_strategy`).
  private func strategy(
    _ leftmost: SplitLocation, _ rightmost: SplitLocation, _ interval: Int
  ) -> (Strategy, perfect: Int) {
    guard page.isLeaf else { return (.byDefault, smallestFirstRight) }
    let edges = edges(interval)
    var kept = layout.columnsToSeparate(lastLeft(edges.left), firstRight(edges.right), byImage: true)
    if kept <= layout.keyCount { return (.byDefault, kept) }
    kept = layout.columnsToSeparate(lastLeft(leftmost), firstRight(rightmost), byImage: true)
    if kept <= layout.keyCount { return (.manyDuplicates, layout.keyCount) }
    if page.isRightmost { return (.singleValue, kept) }
    // It has nothing but one value. If the next page begins with another, this is the last with this one.
    kept = layout.columnsToSeparate(page.highKey, new, byImage: true)
    return (kept <= layout.keyCount ? .singleValue : .byDefault, kept)
  }

  /// The outermost of the candidates that are considered.
  private func edges(_ interval: Int) -> (left: SplitLocation, right: SplitLocation) {
    func isLess(_ a: SplitLocation, _ b: SplitLocation) -> Bool {
      a.firstRight != b.firstRight ? a.firstRight < b.firstRight : !a.newIsLeft && b.newIsLeft
    }
    var (left, right) = (candidates[0].location, candidates[0].location)
    for candidate in candidates.prefix(interval) {
      if isLess(candidate.location, left) { left = candidate.location }
      if isLess(right, candidate.location) { right = candidate.location }
    }
    return (left, right)
  }

  private func best(_ interval: Int, perfect: Int, _ strategy: Strategy) -> SplitLocation {
    var (chosen, lowest) = (0, Int.max)
    for index in 0..<min(interval, candidates.count) {
      let penalty = penalty(candidates[index].location)
      if penalty < lowest { (chosen, lowest) = (index, penalty) }
      if penalty <= perfect { break }
    }
    let location = candidates[chosen].location
    // Insertions in falling order beside a group of duplicates would otherwise split off one item at a time.
    if strategy == .manyDuplicates, !page.isRightmost, !location.newIsLeft, location.firstRight >= newNumber,
      location.firstRight < newNumber + 9
    {
      return candidates[0].location
    }
    return location
  }
}
