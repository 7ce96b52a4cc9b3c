import MillraceStorage

/// Whether a page is built as those who use it take for granted: `_bt_checkpage` (src/backend/access/nbtree/nbtpage.c)
/// and, of each item, what amcheck's `bt_target_page_check` looks at first.
///
/// What is on disk can be anything, also under a checksum that fits. A page is looked at once for each time that it is
/// read, so that everybody else can follow its line pointers without asking. Keys are not looked at: who reads them
/// stays within their tuple.
extension BTreePage {
  /// The highest level that a page can have: each level above has at least twice as few pages.
  static var levelMax: UInt32 { 32 }

  /// - Parameters:
  ///   - block: where the page stands.
  ///   - end: how many pages the index has.
  /// - Returns: what is wrong, as what is said of the page; nil where nothing is.
  /// - Complexity: a look at each line pointer and the head of its tuple.
  func defect(at block: BlockNumber, of end: UInt32) -> String? {
    guard !editor.isNew else { return "is all zero" }
    guard isSound else { return "is not a page of a B-tree" }
    guard flags.contains(.meta) == (block == BTreeMetaPage.block) else { return "is out of place with a metapage" }
    // What a metapage says its reader looks at.
    if block == BTreeMetaPage.block { return nil }
    if let defect = linkDefect(block, end) { return defect }
    // Of a deleted page nothing but its links is used.
    if isDeleted { return nil }
    guard level <= Self.levelMax, isLeaf == (level == 0), isLeaf || !isHalfDead else {
      return "says that it is on level \(level), and that it is \(isLeaf ? "a" : "no") leaf"
    }
    if !isRightmost, itemCount < 1 { return "has no high key" }
    return itemDefect(block, end)
  }

  private func linkDefect(_ block: BlockNumber, _ end: UInt32) -> String? {
    for link in [previous, next] where link != Self.none && (link.rawValue >= end || link == block) {
      return "has \(link) for a neighbour, of \(end) pages"
    }
    if previous == next, previous != Self.none { return "has \(next) for a neighbour on both sides" }
    return nil
  }

  private func itemDefect(_ block: BlockNumber, _ end: UInt32) -> String? {
    let (upper, special, first) = (editor.upper, editor.special, firstDataNumber)
    var room = special - upper
    for number in 1..<itemCount + 1 {
      let pointer = editor.linePointer(number)
      let size = PageLayout.aligned(pointer.length)
      room -= size
      guard pointer.state == .normal || pointer.state == .dead, pointer.length >= IndexTuple.headerSize,
        pointer.offset >= upper, pointer.offset & 7 == 0, pointer.offset + size <= special, room >= 0
      else {
        return "has a line pointer \(number) that leads to \(pointer.length) bytes at \(pointer.offset)"
      }
      let tuple = item(number)
      let own = Int(tuple.info & IndexTuple.Info.sizeMask)
      guard own <= pointer.length, own >= tuple.dataOffset else {
        return "has an item \(number) of \(own) bytes, with room for \(pointer.length)"
      }
      let isEntry = isLeaf && number >= first
      guard isEntry ? !tuple.isPivot : !tuple.isPosting else {
        return "has an item \(number) that \(isEntry ? "separates pages" : "is a posting list")"
      }
      if tuple.isPosting {
        let (offset, count) = (Int(tuple.blockField), Int(tuple.status & IndexTuple.Status.countMask))
        guard count >= 1, offset >= tuple.dataOffset, offset <= own, count * HeapTID.size <= own - offset else {
          return "has a posting list \(number) of \(count) rows at \(offset), with room for \(own)"
        }
      } else if !isLeaf, number >= first {
        let child = tuple.downlink
        guard child != Self.none, child.rawValue < end, child != block else {
          return "has a downlink \(number) to block \(child), of \(end) pages"
        }
      }
    }
    return nil
  }
}
