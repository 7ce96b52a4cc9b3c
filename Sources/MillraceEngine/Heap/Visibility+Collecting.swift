import MillraceStorage
import MillraceWAL

extension Visibility {
  /// Finds the tuples of a page that a snapshot sees, in one pass.
  /// - Parameters:
  ///   - page: locked in any mode.
  ///   - tuples: room for ``HeapPage/itemCountMax``.
  ///   - numbers: gets their line pointers' numbers; the same room.
  ///   - hints: gets the bits that can be set now, with the numbers.
  /// - Returns: how many.
  /// - Complexity: for tuples whose hint bits say all there is to know, a few comparisons each.
  mutating func collect(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ snapshot: Snapshot,
    _ tuples: UnsafeMutablePointer<HeapTuple>, _ numbers: UnsafeMutablePointer<UInt16>,
    hints: inout [(number: UInt16, bits: Infomask)]
  ) throws(EngineError) -> Int {
    var found = 0
    try forEachVisible(page, block, snapshot, hints: &hints) { tuple, number in
      (tuples + found).initialize(to: tuple)
      (numbers + found).initialize(to: UInt16(truncatingIfNeeded: number))
      found += 1
    }
    return found
  }

  /// Counts the tuples of a page that a snapshot sees, for who wants nothing else of them.
  /// - Complexity: of a page on which all are seen by everybody, only the line pointers are looked at.
  mutating func count(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ snapshot: Snapshot,
    hints: inout [(number: UInt16, bits: Infomask)]
  ) throws(EngineError) -> Int {
    let view = PageView(page)
    var found = 0
    if view.header.flags.contains(.allVisible) {
      let count = min(view.itemCount, HeapPage.itemCountMax)
      let lines = (page + PageLayout.headerSize).assumingMemoryBound(to: UInt32.self)
      for index in 0..<count {
        found &+= LinePointer(rawValue: lines[index]).state == .normal ? 1 : 0
      }
    } else {
      try forEachVisible(page, block, snapshot, hints: &hints) { _, _ in found &+= 1 }
    }
    return found
  }

  @inline(__always) private mutating func forEachVisible(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ snapshot: Snapshot,
    hints: inout [(number: UInt16, bits: Infomask)], _ body: (HeapTuple, Int) -> Void
  ) throws(EngineError) {
    let view = PageView(page)
    let count = min(view.itemCount, HeapPage.itemCountMax)
    let isAllVisible = view.header.flags.contains(.allVisible)
    let lines = page + PageLayout.headerSize
    let lsn = PageHeader.lsn(of: page)
    let xmin = snapshot.xmin
    var number = 0
    while number < count {
      let line = LinePointer(
        rawValue: lines.loadUnaligned(fromByteOffset: number &* PageLayout.linePointerSize, as: UInt32.self))
      number &+= 1
      guard line.state == .normal else { continue }
      guard line.offset >= PageLayout.headerSize, line.offset &+ line.length <= PageLayout.blockSize,
        let tuple = HeapTuple(
          UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(mutating: page + line.offset), count: line.length))
      else { throw .invalidPage(block, "Line pointer \(number) leads nowhere.") }
      if !isAllVisible {
        let infomask = tuple.infomask
        // Inserted by who has committed before the snapshot, and by nobody deleted: what nearly all are.
        let isSettled =
          infomask.isSuperset(of: [.xminCommitted, .xmaxInvalid])
          && (infomask.isXminFrozen || tuple.xmin.precedes(xmin))
        if !isSettled {
          var bits: Infomask = []
          let isVisible = try isVisible(tuple, to: snapshot, pageLSN: lsn, hints: &bits)
          if !bits.isEmpty { hints.append((UInt16(number), bits)) }
          if !isVisible { continue }
        }
      }
      body(tuple, number)
    }
  }
}
