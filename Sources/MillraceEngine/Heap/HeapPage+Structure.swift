import MillraceIO
import MillraceStorage

/// Whether a heap page is built as those who change it take for granted. What is on disk can be anything, also under a
/// checksum that fits.
extension HeapPage {
  /// What is wrong with the page, said of it; nil where its tuples lie beside each other in the room for them.
  /// - Complexity: a look at each line pointer.
  var defect: String? {
    let (lower, upper, special, count) = (editor.lower, editor.upper, editor.special, editor.itemCount)
    guard lower >= PageLayout.headerSize, lower <= upper, upper <= special, special <= PageLayout.blockSize,
      count <= Self.itemCountMax
    else { return "has \(count) line pointers and room from \(lower) to \(upper) and \(special)" }
    var taken = TakenRoom()
    for number in 1..<count + 1 {
      let pointer = editor.linePointer(number)
      switch pointer.state {
      case .unused: continue
      case .redirect:
        guard pointer.offset >= 1, pointer.offset <= count else {
          return "has a line pointer \(number) that redirects to \(pointer.offset), of \(count)"
        }
      case .normal, .dead:
        if pointer.state == .dead, pointer.length == 0 { continue }
        let end = pointer.offset + PageLayout.aligned(pointer.length)
        guard pointer.offset >= upper, pointer.offset & 7 == 0, end <= special,
          pointer.state == .dead || tuple(number) != nil
        else { return "has a line pointer \(number) that leads to \(pointer.length) bytes at \(pointer.offset)" }
        guard taken.take(pointer.offset / 8..<end / 8) else {
          return "has a line pointer \(number) to what another has, too"
        }
      }
    }
    return nil
  }

  /// A bit for each eight bytes of a page.
  private struct TakenRoom {
    private var words = InlineArray<16, UInt64>(repeating: 0)

    /// - Returns: whether all of them were free.
    mutating func take(_ units: Range<Int>) -> Bool {
      var unit = units.lowerBound
      while unit < units.upperBound {
        let bit = unit & 63
        let count = min(units.upperBound - unit, 64 - bit)
        let mask = (count == 64 ? UInt64.max : (1 << UInt64(count)) - 1) << UInt64(bit)
        if words[unit >> 6] & mask != 0 { return false }
        words[unit >> 6] |= mask
        unit += count
      }
      return true
    }
  }

  /// The tuple with that line pointer; nil where it has none.
  /// - Throws: ``EngineError`` `.corrupted` where it is to have one, and leads nowhere.
  @inline(__always) func requiredTuple(_ number: Int) throws(EngineError) -> HeapTuple? {
    if let tuple = tuple(number) { return tuple }
    guard editor.linePointer(number).state == .normal else { return nil }
    throw .invalidPage(block, "Line pointer \(number) leads nowhere.")
  }
}

extension EngineError {
  /// A page that is not what it must be, of a relation that ``naming(_:)`` adds.
  static func invalidPage(_ block: BlockNumber, _ detail: String) -> EngineError {
    var error = EngineError(.corrupted, "invalid page in block \(block)", detail: detail)
    error.lacksRelation = true
    return error
  }

  /// Says which relation it is about, where that is still to be said.
  func naming(_ locator: RelationLocator) -> EngineError {
    guard lacksRelation else { return self }
    return EngineError(code, "\(message) of relation \(locator)", detail: detail)
  }
}

extension Session {
  /// Looks at the structure of a page, once for each time that it is read from its file.
  /// - Parameter page: locked in any mode.
  /// - Throws: ``EngineError`` `.corrupted`.
  func examine(_ page: borrowing PinnedBuffer, of relation: HeapRelation) throws(EngineError) {
    if page.isExamined { return }
    let heap = HeapPage(UnsafeMutableRawPointer(mutating: page.bytes), block: page.block)
    if heap.editor.isNew { return }
    if let defect = heap.defect {
      throw EngineError.invalidPage(page.block, "The page \(defect).").naming(relation.locator)
    }
    page.noteExamined()
  }
}
