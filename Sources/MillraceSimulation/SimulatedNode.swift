/// The contents of a file at one moment, by sector. A sector that is not there is a hole, of zeros.
struct SimulatedImage {
  var sectors: [Int: [UInt8]] = [:]
  /// Bytes.
  var length = 0

  /// Cuts off what lies beyond a length, and clears the rest of its last sector.
  mutating func resize(to newLength: Int, sectorSize: Int) {
    if newLength < length {
      let kept = (newLength + sectorSize - 1) / sectorSize
      for number in kept..<max(kept, (length + sectorSize - 1) / sectorSize) { sectors[number] = nil }
      let inside = newLength % sectorSize
      if inside > 0, var last = sectors.removeValue(forKey: kept - 1) {
        for position in inside..<sectorSize { last[position] = 0 }
        sectors[kept - 1] = last
      }
    }
    length = newLength
  }
}

/// A file of a simulated disk, whatever its name: what was written, and what of it would survive. Touched only under
/// the disk's lock.
final class SimulatedNode {
  /// What has happened to a file since it was last synced.
  enum Change {
    /// Whole sectors as they were afterwards, and the length then.
    case write([(number: Int, contents: [UInt8])], length: Int)
    case resize(Int)
  }

  let sectorSize: Int
  /// What reads see.
  private(set) var cached = SimulatedImage()
  /// What is certain to survive.
  private(set) var durable = SimulatedImage()
  private(set) var unsynced: [Change] = []
  /// Sectors that cannot be read until they are overwritten.
  var badSectors: Set<Int> = []
  /// Whether it has a name.
  var isLinked = true
  var openCount = 0

  /// Changes that are kept apart; the system writes out older ones by itself.
  private static let unsyncedMax = 1024

  init(sectorSize: Int) { self.sectorSize = sectorSize }

  func sectors(of range: Range<Int>) -> Range<Int> {
    range.isEmpty ? 0..<0 : range.lowerBound / sectorSize..<(range.upperBound - 1) / sectorSize + 1
  }

  /// Sectors that writing a range would have to be given.
  func newSectorCount(in range: Range<Int>) -> Int {
    sectors(of: range).count { cached.sectors[$0] == nil }
  }

  // MARK: Transfers

  func read(_ offset: Int, into bytes: UnsafeMutableRawBufferPointer) {
    var done = 0
    while done < bytes.count {
      let (number, inside) = (offset + done).quotientAndRemainder(dividingBy: sectorSize)
      let count = min(sectorSize - inside, bytes.count - done)
      let piece = UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + count])
      if let contents = cached.sectors[number] {
        contents.withUnsafeBytes {
          piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[inside..<inside + count]))
        }
      } else {
        piece.initializeMemory(as: UInt8.self, repeating: 0)
      }
      done += count
    }
  }

  /// Takes bytes in, given as one call of `copy` for each piece of a sector: where in the bytes, and where they go.
  func write(_ range: Range<Int>, copy: (Int, UnsafeMutableRawBufferPointer) -> Void) {
    var changed: [(number: Int, contents: [UInt8])] = []
    for number in sectors(of: range) {
      let start = number * sectorSize
      let inside = max(range.lowerBound - start, 0)..<min(range.upperBound - start, sectorSize)
      var contents = cached.sectors.removeValue(forKey: number) ?? [UInt8](repeating: 0, count: sectorSize)
      contents.withUnsafeMutableBytes {
        copy(start + inside.lowerBound - range.lowerBound, UnsafeMutableRawBufferPointer(rebasing: $0[inside]))
      }
      cached.sectors[number] = contents
      changed.append((number, contents))
      badSectors.remove(number)
    }
    cached.length = max(cached.length, range.upperBound)
    note(.write(changed, length: cached.length))
  }

  /// Fills holes with zeros, and extends the file over the range.
  func allocate(_ range: Range<Int>) {
    let zeros = [UInt8](repeating: 0, count: sectorSize)
    let missing = sectors(of: range).filter { cached.sectors[$0] == nil }
    for number in missing { cached.sectors[number] = zeros }
    cached.length = max(cached.length, range.upperBound)
    note(.write(missing.map { ($0, zeros) }, length: cached.length))
  }

  func resize(to length: Int) {
    cached.resize(to: length, sectorSize: sectorSize)
    note(.resize(length))
  }

  private func note(_ change: Change) {
    unsynced.append(change)
    if unsynced.count > Self.unsyncedMax { apply(unsynced.removeFirst(), keeping: { true }) }
  }

  /// Changes a byte in both images, if the file has it.
  func flipBits(_ mask: UInt8, at offset: Int) {
    let (number, inside) = offset.quotientAndRemainder(dividingBy: sectorSize)
    cached.sectors[number]?[inside] ^= mask
    durable.sectors[number]?[inside] ^= mask
  }

  // MARK: Durability

  /// Makes all that has been done survive.
  func sync() {
    for change in unsynced { apply(change, keeping: { true }) }
    unsynced = []
  }

  /// Makes a range survive that was written last, as a synchronous write does; of other changes, only what it cannot do
  /// without: the lengths that the file was given.
  func sync(_ range: Range<Int>) {
    if let last = unsynced.lastIndex(where: { if case .resize = $0 { true } else { false } }) {
      for change in unsynced[...last] { apply(change, keeping: { true }) }
      unsynced.removeFirst(last + 1)
    }
    let synced = sectors(of: range)
    for number in synced { durable.sectors[number] = cached.sectors[number] }
    durable.length = max(durable.length, range.upperBound)
    // What the cache held of these sectors before went out with them, and must not come back over them.
    unsynced = unsynced.compactMap { change in
      guard case .write(let changed, let length) = change else { return change }
      let rest = changed.filter { !synced.contains($0.number) }
      return rest.isEmpty && length <= durable.length ? nil : .write(rest, length: length)
    }
  }

  /// A sync that failed: what `keeping` refuses will not survive, and no later sync will bring it back.
  func failSync(keeping: () -> Bool) {
    for change in unsynced { apply(change, keeping: keeping) }
    unsynced = []
    dropBeyondLength()
  }

  /// Whether it depends on what a crash keeps.
  var isUnsynced: Bool { !unsynced.isEmpty }

  /// What a crash leaves of it becomes what is certain.
  /// - Parameter bySector: `keeping` is asked for each sector, else for each change.
  func crash(bySector: Bool, keeping: () -> Bool) {
    for change in unsynced {
      if bySector {
        apply(change, keeping: keeping)
      } else if keeping() {
        apply(change, keeping: { true })
      }
    }
    unsynced = []
    dropBeyondLength()
  }

  /// The system starts anew: reads see what has survived.
  func forgetCached() { cached = durable }

  private func apply(_ change: Change, keeping: () -> Bool) {
    switch change {
    case .write(let sectors, let length):
      for sector in sectors where keeping() { durable.sectors[sector.number] = sector.contents }
      if keeping() { durable.length = max(durable.length, length) }
    case .resize(let length):
      if keeping() { durable.resize(to: length, sectorSize: sectorSize) }
    }
  }

  /// A sector that survived without the length that it gave the file is lost all the same.
  private func dropBeyondLength() {
    let kept = (durable.length + sectorSize - 1) / sectorSize
    durable.sectors = durable.sectors.filter { $0.key < kept }
  }
}
