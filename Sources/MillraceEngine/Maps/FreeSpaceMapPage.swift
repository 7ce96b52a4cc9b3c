import MillraceStorage

/// A page of a ``FreeSpaceMap``: a binary tree of bytes in which every node is the largest below it (PostgreSQL's
/// src/backend/storage/freespace/fsmpage.c). Behind the page's header stands the slot at which the next search begins,
/// and then the nodes, the root first.
struct FreeSpaceMapPage {
  static let nodesOffset = PageLayout.headerSize + 4
  static let nodeCount = PageLayout.blockSize - nodesOffset
  /// Nodes above the lowest: `NonLeafNodesPerPage`.
  static let innerCount = PageLayout.blockSize / 2 - 1
  /// `SlotsPerFSMPage`.
  static let slotCount = nodeCount - innerCount

  private let base: UnsafeMutableRawPointer

  /// - Parameter base: a page that is locked for what is done with it.
  init(_ base: UnsafeMutableRawPointer) { self.base = base }

  private subscript(node: Int) -> UInt8 {
    get { base.load(fromByteOffset: Self.nodesOffset + node, as: UInt8.self) }
    nonmutating set { base.storeBytes(of: newValue, toByteOffset: Self.nodesOffset + node, as: UInt8.self) }
  }

  private var nextSlot: Int {
    get { Int(base.load(fromByteOffset: PageLayout.headerSize, as: Int32.self)) }
    nonmutating set { base.storeBytes(of: Int32(newValue), toByteOffset: PageLayout.headerSize, as: Int32.self) }
  }

  /// What the fullest slot has: the root.
  var largest: UInt8 { self[0] }

  func value(_ slot: Int) -> UInt8 { self[Self.innerCount + slot] }

  /// Sets a slot, and the nodes above it (fsm_set_avail).
  /// - Returns: whether that changed anything.
  @discardableResult
  func set(_ slot: Int, _ value: UInt8) -> Bool {
    var node = Self.innerCount + slot
    if self[node] == value, value <= self[0] { return false }
    self[node] = value
    while node > 0 {
      node = (node - 1) / 2
      let largest = largest(below: node)
      if self[node] == largest { break }
      self[node] = largest
    }
    if value > self[0] { rebuild() }
    return true
  }

  private func largest(below node: Int) -> UInt8 {
    let left = 2 * node + 1
    var value: UInt8 = left < Self.nodeCount ? self[left] : 0
    if left + 1 < Self.nodeCount { value = max(value, self[left + 1]) }
    return value
  }

  /// Puts all upper nodes right (fsm_rebuild_page). - Returns: whether that changed anything.
  @discardableResult
  func rebuild() -> Bool {
    var isChanged = false
    for node in stride(from: Self.innerCount - 1, through: 0, by: -1) {
      let largest = largest(below: node)
      if self[node] != largest {
        self[node] = largest
        isChanged = true
      }
    }
    return isChanged
  }

  /// Finds a slot with at least `value`, beginning where the last search ended, so that sessions spread out
  /// (fsm_search_avail).
  /// - Parameter advances: whether the next search is to begin behind what is found.
  func search(_ value: UInt8, advances: Bool) -> Int? {
    while self[0] >= value {
      var start = nextSlot
      if start < 0 || start >= Self.slotCount { start = 0 }
      var node = Self.innerCount + start
      // Up, each time to the right, until something large enough is below.
      while node > 0, self[node] < value { node = Self.parent(ofRight: node) }
      if let slot = descend(from: node, value) {
        nextSlot = slot + (advances ? 1 : 0)
        return slot
      }
      // An upper node promised what no lower one has: a torn page, or a crash.
      rebuild()
    }
    return nil
  }

  private func descend(from start: Int, _ value: UInt8) -> Int? {
    var node = start
    while node < Self.innerCount {
      let left = 2 * node + 1
      if left < Self.nodeCount, self[left] >= value {
        node = left
      } else if left + 1 < Self.nodeCount, self[left + 1] >= value {
        node = left + 1
      } else {
        return nil
      }
    }
    return node - Self.innerCount
  }

  /// The parent of the node to the right; behind the last of a level comes its first.
  private static func parent(ofRight node: Int) -> Int {
    var right = node + 1
    if (right + 1) & right == 0 { right = (right - 1) / 2 }
    return (right - 1) / 2
  }

  /// Empties the slots from one on.
  func truncate(to slot: Int) {
    for node in Self.innerCount + slot..<Self.nodeCount { self[node] = 0 }
    rebuild()
  }
}

/// How much room a heap page has, in 256 steps of 32 bytes.
enum FreeSpaceCategory {
  static let step = PageLayout.blockSize / 256

  /// What a page with so many free bytes surely has (fsm_space_avail_to_cat).
  static func available(_ bytes: Int) -> UInt8 {
    bytes >= HeapPage.tupleLengthMax ? 255 : UInt8(min(bytes / step, 254))
  }

  /// What a page must have for a tuple (fsm_space_needed_to_cat).
  static func needed(_ bytes: Int) -> UInt8 { bytes == 0 ? 1 : UInt8(min((bytes + step - 1) / step, 255)) }
}
