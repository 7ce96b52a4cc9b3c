import MillraceStorage

/// Items in order, as indexes keep them: what PostgreSQL's bufpage.c does for them. An item's number is its place, so
/// that those behind it move when one comes or goes.
extension PageEditor {
  /// Puts an item in at a number; those from there on get the next one (`PageAddItemExtended` for indexes).
  /// - Parameter item: copied. At most as long as a line pointer can say.
  /// - Returns: whether there was room; if not, nothing was done.
  func insertItem(_ item: UnsafeRawBufferPointer, at number: Int) -> Bool {
    let count = itemCount
    let aligned = PageLayout.aligned(item.count)
    guard number >= 1, number <= count + 1, item.count > 0, item.count <= 0x1FFF,
      lower >= PageLayout.headerSize, upper <= PageLayout.blockSize,
      lower + PageLayout.linePointerSize <= upper - aligned, let source = item.baseAddress
    else { return false }
    let place = base + PageLayout.headerSize + (number - 1) * PageLayout.linePointerSize
    (place + PageLayout.linePointerSize).copyMemory(
      from: place, byteCount: (count + 1 - number) * PageLayout.linePointerSize)
    let offset = upper - aligned
    place.storeBytes(
      of: LinePointer(offset: offset, state: .normal, length: item.count).rawValue, as: UInt32.self)
    (base + offset).copyMemory(from: source, byteCount: item.count)
    (base + offset + item.count).initializeMemory(as: UInt8.self, repeating: 0, count: aligned - item.count)
    lower += PageLayout.linePointerSize
    upper = offset
    return true
  }

  /// Where an item lies with what follows it up to the next one; nil where that is outside of the room for items.
  private func extent(_ pointer: LinePointer) -> Range<Int>? {
    let end = pointer.offset + PageLayout.aligned(pointer.length)
    guard lower >= PageLayout.headerSize, lower <= upper, pointer.offset >= upper, end <= special,
      special <= PageLayout.blockSize
    else { return nil }
    return pointer.offset..<end
  }

  /// Takes one item out; those behind it get the number before theirs (`PageIndexTupleDelete`).
  /// - Returns: whether it is there; if not, nothing was done.
  func removeItem(_ number: Int) -> Bool {
    let count = itemCount
    guard number >= 1, number <= count, let extent = extent(linePointer(number)) else { return false }
    let size = extent.count
    let place = base + PageLayout.headerSize + (number - 1) * PageLayout.linePointerSize
    place.copyMemory(
      from: place + PageLayout.linePointerSize, byteCount: (count - number) * PageLayout.linePointerSize)
    moveItems(before: extent.lowerBound, by: size)
    lower -= PageLayout.linePointerSize
    shiftLinePointers(count: count - 1, upTo: extent.lowerBound, by: size)
    return true
  }

  /// Puts an item in the place of another, which may be longer or shorter (`PageIndexTupleOverwrite`).
  /// - Returns: whether it is there and there was room; if not, nothing was done.
  func replaceItem(_ number: Int, with item: UnsafeRawBufferPointer) -> Bool {
    guard number >= 1, number <= itemCount, let extent = extent(linePointer(number)) else { return false }
    let pointer = linePointer(number)
    let (old, new) = (extent.count, PageLayout.aligned(item.count))
    guard new <= old + (upper - lower), let source = item.baseAddress else { return false }
    let difference = old - new
    if difference != 0 {
      moveItems(before: pointer.offset, by: difference)
      shiftLinePointers(count: itemCount, upTo: pointer.offset, by: difference)
    }
    let offset = pointer.offset + difference
    setLinePointer(number, LinePointer(offset: offset, state: pointer.state, length: item.count))
    (base + offset).copyMemory(from: source, byteCount: item.count)
    (base + offset + item.count).initializeMemory(as: UInt8.self, repeating: 0, count: new - item.count)
    return true
  }

  /// Takes several items out (`PageIndexMultiDelete`). What stays lies in the order of its numbers afterwards.
  /// - Parameter numbers: rising.
  /// - Returns: whether all of them are there, and what stays can be moved together; if not, nothing was done.
  func removeItems(_ numbers: some BidirectionalCollection<Int>) -> Bool {
    guard areItemsApart(without: numbers) else { return false }
    if numbers.count <= 2 { return numbers.reversed().allSatisfy { removeItem($0) } }
    let count = itemCount
    withUnsafeTemporaryAllocation(byteCount: PageLayout.blockSize, alignment: 8) { scratch in
      scratch.copyMemory(from: UnsafeRawBufferPointer(start: base, count: PageLayout.blockSize))
      guard let source = scratch.baseAddress else { preconditionFailure("a temporary page has no memory") }
      let copy = PageView(UnsafeRawPointer(source))
      var (kept, end) = (0, special)
      var next = numbers.startIndex
      for number in 1..<count + 1 {
        if next != numbers.endIndex, numbers[next] == number {
          next = numbers.index(after: next)
          continue
        }
        let pointer = copy.linePointer(number)
        let size = PageLayout.aligned(pointer.length)
        end -= size
        kept += 1
        (base + end).copyMemory(from: source + pointer.offset, byteCount: size)
        setLinePointer(kept, LinePointer(offset: end, state: pointer.state, length: pointer.length))
      }
      lower = PageLayout.headerSize + kept * PageLayout.linePointerSize
      upper = end
    }
    return true
  }

  /// Whether the items that stay lie in the room for them, and are not longer than that all together.
  private func areItemsApart(without numbers: some BidirectionalCollection<Int>) -> Bool {
    guard special >= upper else { return false }
    var room = special - upper
    var next = numbers.startIndex
    for number in 1..<itemCount + 1 {
      guard let extent = extent(linePointer(number)) else { return false }
      if next != numbers.endIndex, numbers[next] == number {
        next = numbers.index(after: next)
      } else {
        room -= extent.count
      }
    }
    return next == numbers.endIndex && room >= 0
  }

  /// Moves what lies between the free space and an item towards the end of the page; what comes free there is cleared.
  private func moveItems(before offset: Int, by distance: Int) {
    let count = offset - upper
    (base + upper + distance).copyMemory(from: base + upper, byteCount: count)
    if distance > 0 { (base + upper).initializeMemory(as: UInt8.self, repeating: 0, count: distance) }
    upper += distance
  }

  private func shiftLinePointers(count: Int, upTo offset: Int, by distance: Int) {
    for index in 0..<count {
      let place = base + PageLayout.headerSize + index * PageLayout.linePointerSize
      let pointer = LinePointer(rawValue: place.load(as: UInt32.self))
      guard pointer.offset <= offset, pointer.length > 0, pointer.offset + distance >= 0 else { continue }
      place.storeBytes(
        of: LinePointer(offset: pointer.offset + distance, state: pointer.state, length: pointer.length).rawValue,
        as: UInt32.self)
    }
  }
}
