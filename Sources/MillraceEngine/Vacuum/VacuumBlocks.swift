import MillraceStorage

/// The pages that a vacuum looks at, in their order: those of which the visibility map does not say that there is
/// nothing to do. Few such pages in a row are read all the same, since the device reads ahead anyway
/// (heap_vac_scan_next_block).
final class VacuumBlocks: BlockSource {
  /// `SKIP_PAGES_THRESHOLD`.
  private static let skipThreshold: UInt32 = 32

  private let map: VisibilityMap
  private let count: UInt32
  private let isAggressive: Bool
  private let skipsNothing: Bool
  private var next: UInt32 = 0
  /// A page that has to be looked at; those before it from `next` on are read as well, or skipped.
  private var nextNeeded: UInt32?
  /// Whether pages were skipped that may hold old numbers.
  private(set) var hasSkippedUnfrozen = false
  private(set) var failure: EngineError?

  init(_ map: VisibilityMap, count: UInt32, isAggressive: Bool, skipsNothing: Bool) {
    (self.map, self.count) = (map, count)
    (self.isAggressive, self.skipsNothing) = (isAggressive, skipsNothing)
  }

  override func nextBlock(perBufferData: UnsafeMutableRawPointer?) -> BlockNumber? {
    guard next < count, failure == nil else { return nil }
    do throws(EngineError) {
      if nextNeeded.map({ $0 < next }) ?? true { try findNeeded() }
    } catch {
      failure = error
      return nil
    }
    defer { next += 1 }
    return next < count ? BlockNumber(next) : nil
  }

  private func findNeeded() throws(EngineError) {
    var block = next
    var skipsUnfrozen = false
    while block < count {
      // The last page is looked at in any case, so that the end is not tried in vain to be cut off.
      if skipsNothing || block == count - 1 { break }
      let bits = try map.bits(of: BlockNumber(block))
      guard bits.contains(.allVisible), !isAggressive || bits.contains(.allFrozen) else { break }
      if !bits.contains(.allFrozen) { skipsUnfrozen = true }
      block += 1
    }
    nextNeeded = block
    guard block - next >= Self.skipThreshold else { return }
    if skipsUnfrozen { hasSkippedUnfrozen = true }
    next = block
  }
}
