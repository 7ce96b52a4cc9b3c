import MillraceIO
public import MillraceStorage

/// How much room the pages of a table have: PostgreSQL's free space map (src/backend/storage/freespace/freespace.c).
///
/// Three levels of pages; a slot of an upper page is the root of the page below it. Heap pages are slots of the lowest.
/// Nothing of it is logged: what it says can be wrong, and is put right by those who find that out.
public struct FreeSpaceMap {
  private let session: Session
  private let relation: HeapRelation
  private let fork: StoredFork
  private static let rootLevel = 2

  init(_ relation: HeapRelation, _ session: Session) {
    (self.session, self.relation, fork) = (session, relation, relation.freeSpaceFork)
  }

  /// A page by its level, lowest first, and its number there.
  private struct Address {
    let level: Int
    let number: UInt32

    static let root = Address(level: rootLevel, number: 0)

    /// Where it stands in the file: each page before those below it (fsm_logical_to_physical).
    var block: BlockNumber {
      var leaf = Int(number)
      for _ in 0..<level { leaf *= FreeSpaceMapPage.slotCount }
      var pages = 0
      for _ in 0...FreeSpaceMap.rootLevel {
        pages += leaf + 1
        leaf /= FreeSpaceMapPage.slotCount
      }
      return BlockNumber(UInt32(pages - level - 1))
    }

    func child(_ slot: Int) -> Address {
      Address(level: level - 1, number: number * UInt32(FreeSpaceMapPage.slotCount) + UInt32(slot))
    }

    var parent: (address: Address, slot: Int) {
      let (page, slot) = number.quotientAndRemainder(dividingBy: UInt32(FreeSpaceMapPage.slotCount))
      return (Address(level: level + 1, number: page), Int(slot))
    }

    static func leaf(of block: BlockNumber) -> (address: Address, slot: Int) {
      let (page, slot) = block.rawValue.quotientAndRemainder(dividingBy: UInt32(FreeSpaceMapPage.slotCount))
      return (Address(level: 0, number: page), Int(slot))
    }
  }

  // MARK: Looking

  /// A heap page that may have so much room; nil where none is known of (GetPageWithFreeSpace).
  public func page(withRoomFor bytes: Int) throws(EngineError) -> BlockNumber? {
    guard bytes <= HeapPage.tupleLengthMax, (try session.blockCount(of: fork)) > 0 else { return nil }
    return try search(FreeSpaceCategory.needed(bytes))
  }

  /// What is known of one heap page, in bytes, rounded down (GetRecordedFreeSpace).
  public func recordedSpace(of block: BlockNumber) throws(EngineError) -> Int {
    let (address, slot) = Address.leaf(of: block)
    guard var page = try session.mapPage(fork, address.block, of: relation) else { return 0 }
    return page.withLock(.shareExclusive, backend: session.backend) { page in
      Int(FreeSpaceMapPage(page.mutableBytes).value(slot)) * FreeSpaceCategory.step
    }
  }

  private func search(_ value: UInt8) throws(EngineError) -> BlockNumber? {
    var address = Address.root
    var restarts = 0
    while true {
      var found: Int?
      var largest: UInt8 = 0
      if var page = try session.mapPage(fork, address.block, of: relation) {
        (found, largest) = page.withLock(.shareExclusive, backend: session.backend) { page in
          let map = FreeSpaceMapPage(page.mutableBytes)
          return (map.search(value, advances: address.level == 0), map.largest)
        }
      }
      if let slot = found {
        if address.level == 0 {
          return BlockNumber(address.number * UInt32(FreeSpaceMapPage.slotCount) + UInt32(slot))
        }
        address = address.child(slot)
        continue
      }
      guard address.level < Self.rootLevel, restarts < 10_000 else { return nil }
      // The page above promised more than there is.
      let (parent, slot) = address.parent
      try set(parent, slot, largest)
      restarts += 1
      address = .root
    }
  }

  // MARK: Recording

  /// Notes how much room a heap page has (RecordPageWithFreeSpace). Searches find it once ``update(_:)`` has told the
  /// upper pages, or its lowest page had something as large already.
  public func record(_ bytes: Int, for block: BlockNumber) throws(EngineError) {
    let (address, slot) = Address.leaf(of: block)
    try set(address, slot, FreeSpaceCategory.available(bytes))
  }

  /// Notes how much room a page has that turned out too full, and finds another (RecordAndGetPageWithFreeSpace).
  func record(
    _ bytes: Int, for block: BlockNumber, andFindRoomFor needed: Int
  ) throws(EngineError) -> BlockNumber? {
    // Without a map there is nothing to put right.
    guard (try session.blockCount(of: fork)) > 0 else { return nil }
    try record(bytes, for: block)
    return try page(withRoomFor: needed)
  }

  private func set(_ address: Address, _ slot: Int, _ value: UInt8) throws(EngineError) {
    let page = try session.writableMapPage(fork, address.block, of: relation)
    if FreeSpaceMapPage(page.mutableBytes).set(slot, value) { page.markDirtyHint() }
  }

  /// Tells the upper pages what the lowest have (FreeSpaceMapVacuumRange).
  /// - Parameter blocks: of the heap, to, but not with.
  public func update(_ blocks: Range<UInt32>) throws(EngineError) {
    guard !blocks.isEmpty, (try session.blockCount(of: fork)) > 0 else { return }
    let slots = UInt32(FreeSpaceMapPage.slotCount)
    var pages = blocks.lowerBound / slots...(blocks.upperBound - 1) / slots
    for level in 0..<Self.rootLevel {
      for number in pages {
        let address = Address(level: level, number: number)
        guard var page = try session.mapPage(fork, address.block, of: relation) else { continue }
        let largest = page.withLock(.shareExclusive, backend: session.backend) { page in
          FreeSpaceMapPage(page.mutableBytes).largest
        }
        let (parent, slot) = address.parent
        try set(parent, slot, largest)
      }
      pages = pages.lowerBound / slots...pages.upperBound / slots
    }
  }
}

extension FreeSpaceMap {
  /// Cuts it off with its heap (FreeSpaceMapPrepareTruncateRel).
  func truncate(to blocks: UInt32) throws(EngineError) {
    guard (try session.blockCount(of: fork)) > 0 else { return }
    let (address, slot) = Address.leaf(of: BlockNumber(blocks))
    var pages = address.block.rawValue
    if slot > 0 {
      pages += 1
      if var page = try session.mapPage(fork, address.block, of: relation) {
        page.lock(.exclusive, backend: session.backend)
        FreeSpaceMapPage(page.mutableBytes).truncate(to: slot)
        page.markDirty()
      }
    }
    try session.cutOff(fork, to: pages, of: relation)
    try update(max(blocks, 1) - 1..<blocks + 1)
  }
}

@available(*, unavailable, message: "a free space map is used by its session")
extension FreeSpaceMap: Sendable {}
