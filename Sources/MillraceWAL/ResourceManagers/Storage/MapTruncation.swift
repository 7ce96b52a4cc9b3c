import MillraceStorage

/// Cuts off what a visibility map says of heap blocks that go (PostgreSQL's visibilitymap_prepare_truncate): two bits a
/// block, and the page that is left in part is cleared behind its last bit.
struct VisibilityMapTruncation {
  let heapBlocks: UInt32

  private static let headerSize = UInt32(PageLayout.headerSize)
  private static let blocksPerByte: UInt32 = 4
  private static let blocksPerPage = (UInt32(PageLayout.blockSize) - headerSize) * blocksPerByte

  func redo(_ locator: RelationLocator, _ context: RedoContext) throws(RecoveryError) {
    let (page, inside) = heapBlocks.quotientAndRemainder(dividingBy: Self.blocksPerPage)
    if inside > 0 {
      try context.changeUnlogged(locator, .visibilityMap, BlockNumber(page)) { bytes in
        let (byte, blocks) = inside.quotientAndRemainder(dividingBy: Self.blocksPerByte)
        let place = bytes + Int(Self.headerSize + byte)
        let kept = place.load(as: UInt8.self) & (1 << (UInt8(blocks) * 2) - 1)
        let rest = PageLayout.blockSize - Int(Self.headerSize + byte)
        place.initializeMemory(as: UInt8.self, repeating: 0, count: rest)
        place.storeBytes(of: kept, as: UInt8.self)
      }
    }
    try context.truncate(locator, .visibilityMap, to: page + (inside > 0 ? 1 : 0))
  }
}

/// Cuts off what a free space map says of heap blocks that go (PostgreSQL's FreeSpaceMapPrepareTruncateRel).
///
/// The map is a tree of pages, each page a binary tree of bytes: a heap block's byte is a leaf of a lowest page, and
/// every node is the largest below it. What higher pages then say too much is put right by who searches there.
struct FreeSpaceMapTruncation {
  let heapBlocks: UInt32

  /// `SizeOfFSMPageData`'s part before the nodes: one number behind the page's header.
  private static let nodesOffset = PageLayout.headerSize + 4
  private static let nodesPerPage = PageLayout.blockSize - nodesOffset
  private static let innerNodes = PageLayout.blockSize / 2 - 1
  private static let slotsPerPage = UInt32(nodesPerPage - innerNodes)

  func redo(_ locator: RelationLocator, _ context: RedoContext) throws(RecoveryError) {
    let (leaf, slot) = heapBlocks.quotientAndRemainder(dividingBy: Self.slotsPerPage)
    let page = Self.pageNumber(ofLeaf: leaf)
    if slot > 0 {
      try context.changeUnlogged(locator, .freeSpaceMap, BlockNumber(page)) { Self.clear($0, from: Int(slot)) }
    }
    try context.truncate(locator, .freeSpaceMap, to: page + (slot > 0 ? 1 : 0))
  }

  /// Where a lowest page stands in the file: each page of the upper two levels stands before those below it
  /// (fsm_logical_to_physical).
  static func pageNumber(ofLeaf leaf: UInt32) -> UInt32 {
    let middle = leaf / slotsPerPage
    let top = middle / slotsPerPage
    return leaf + (middle + 1) + (top + 1)
  }

  /// Empties the slots from one on, and brings the nodes above into line (fsm_truncate_avail, fsm_rebuild_page).
  private static func clear(_ page: UnsafeMutableRawPointer, from slot: Int) {
    let nodes = page + nodesOffset
    let first = innerNodes + slot
    (nodes + first).initializeMemory(as: UInt8.self, repeating: 0, count: nodesPerPage - first)
    for node in stride(from: innerNodes - 1, through: 0, by: -1) {
      let (left, right) = (2 * node + 1, 2 * node + 2)
      var largest: UInt8 = 0
      if left < nodesPerPage { largest = nodes.load(fromByteOffset: left, as: UInt8.self) }
      if right < nodesPerPage { largest = max(largest, nodes.load(fromByteOffset: right, as: UInt8.self)) }
      nodes.storeBytes(of: largest, toByteOffset: node, as: UInt8.self)
    }
  }
}
