import Glibc
public import MillraceIO
import Synchronization

/// An open file of a ``SimulatedDisk``.
public final class SimulatedFile: IOFile, @unchecked Sendable {
  // Safe because the node is touched only with the disk's lock, and the rest does not change.

  public let disk: SimulatedDisk
  private let node: SimulatedNode
  private let epoch: Int
  private let isWritable: Bool
  /// Whether a write is durable when it completes (O_SYNC, O_DSYNC).
  private let isSync: Bool
  private let isClosed = Atomic<Bool>(false)

  init(
    disk: SimulatedDisk, node: SimulatedNode, epoch: Int, path: String, options: IOFileOptions,
    alignment: DirectIOAlignment, blockSize: Int, firstBlock: UInt64
  ) {
    (self.disk, self.node, self.epoch) = (disk, node, epoch)
    isWritable = options.contains(.write)
    isSync = !options.isDisjoint(with: [.sync, .dataSync])
    super.init(
      path: path, isDirect: options.contains(.direct), alignment: alignment, blockSize: blockSize,
      firstBlock: firstBlock)
  }

  /// Calls `body` with the disk, if the file can be used and asked for this.
  private func with(
    offset: Int64 = 0, length: Int = 0, writing: Bool = false, _ body: (inout SimulatedDisk.State) -> Int64
  ) -> Int64 {
    disk.state.withLock { state in
      if isClosed.load(ordering: .relaxed) || writing && !isWritable { return -Int64(EBADF) }
      if state.epoch != epoch || !state.power.allowsOperation() { return -Int64(EIO) }
      if offset < 0 || offset > Int64.max - Int64(length) { return -Int64(EINVAL) }
      if writing, state.faults.isReadOnly { return -Int64(state.refuseChange()) }
      return body(&state)
    }
  }

  /// Whether direct I/O may go there.
  private func isAligned(_ vectors: UnsafeBufferPointer<IOVector>, at offset: Int64) -> Bool {
    guard isDirect else { return true }
    return Int(offset) % alignment.offset == 0
      && vectors.allSatisfy {
        UInt(bitPattern: $0.base) % UInt(alignment.memory) == 0 && $0.byteCount % alignment.offset == 0
      }
  }

  // MARK: Transfers

  public override func read(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    let vectors = UnsafeBufferPointer(start: vectors, count: Int(count))
    guard isAligned(vectors, at: offset) else { return -Int64(EINVAL) }
    let wanted = vectors.reduce(0) { $0 + $1.byteCount }
    return with(offset: offset, length: wanted) { state in
      if state.isToldToTryAgain() { return -Int64(EAGAIN) }
      let range = Int(offset)..<max(Int(offset), min(Int(offset) + wanted, node.cached.length))
      if range.isEmpty { return 0 }
      let readable = state.readablePart(of: range, in: node)
      if readable.isEmpty { return -Int64(EIO) }
      let transferred = state.shortened(readable.count, isDirect: isDirect)
      var done = 0
      for vector in vectors where done < transferred {
        let piece = min(vector.byteCount, transferred - done)
        node.read(Int(offset) + done, into: UnsafeMutableRawBufferPointer(start: vector.base, count: piece))
        done += piece
      }
      return Int64(transferred)
    }
  }

  public override func write(_ vectors: UnsafePointer<IOVector>, count: Int32, at offset: Int64) -> Int64 {
    let vectors = UnsafeBufferPointer(start: vectors, count: Int(count))
    guard isAligned(vectors, at: offset) else { return -Int64(EINVAL) }
    let wanted = vectors.reduce(0) { $0 + $1.byteCount }
    return with(offset: offset, length: wanted, writing: true) { state in
      if state.isToldToTryAgain() { return -Int64(EAGAIN) }
      if wanted == 0 { return 0 }
      let fitting = state.fittingPart(of: Int(offset)..<Int(offset) + wanted, in: node)
      if fitting.isEmpty { return state.refuseSpace() }
      if state.needsBadSector(fitting, in: node) { return -Int64(EIO) }
      if state.random.oneIn(state.faults.writeErrors) {
        state.counts.writeErrors += 1
        // Some of it may have got there.
        let part = state.random.below(fitting.count + 1) / sectorSize * sectorSize
        if part > 0 { take(vectors, fitting.lowerBound..<fitting.lowerBound + part, &state) }
        return -Int64(EIO)
      }
      let transferred = state.shortenedWrite(fitting)
      take(vectors, Int(offset)..<Int(offset) + transferred, &state)
      if isSync, !state.power.isGoing { node.sync(Int(offset)..<Int(offset) + transferred) }
      return Int64(transferred)
    }
  }

  private var sectorSize: Int { disk.sectorSize }

  /// Brings what `vectors` hold into a range of the file.
  private func take(_ vectors: UnsafeBufferPointer<IOVector>, _ range: Range<Int>, _ state: inout SimulatedDisk.State) {
    state.usedSectors += node.newSectorCount(in: range)
    node.write(range) { start, target in
      var skip = start
      var done = 0
      for vector in vectors where done < target.count {
        if skip >= vector.byteCount {
          skip -= vector.byteCount
          continue
        }
        let piece = min(vector.byteCount - skip, target.count - done)
        let source = UnsafeRawBufferPointer(start: vector.base.map { $0 + skip }, count: piece)
        UnsafeMutableRawBufferPointer(rebasing: target[done..<done + piece]).copyMemory(from: source)
        done += piece
        skip = 0
      }
    }
  }

  // MARK: The rest

  public override func sync(dataOnly: Bool) -> Int64 {
    with { state in
      if state.isToldToTryAgain() { return -Int64(EAGAIN) }
      guard state.random.oneIn(state.faults.syncErrors) else {
        node.sync()
        return 0
      }
      state.counts.syncErrors += 1
      return loseUnsynced(&state)
    }
  }

  /// The disk could not take what the cache held of this file, and the cache does not keep it for another attempt.
  private func loseUnsynced(_ state: inout SimulatedDisk.State) -> Int64 {
    var random = state.random.split()
    node.failSync { random.oneIn(2) }
    return -Int64(EIO)
  }

  public override func flushRange(at offset: Int64, length: Int64) -> Int64 {
    with(offset: offset) { state in
      if state.isToldToTryAgain() { return -Int64(EAGAIN) }
      // A crash may keep any of it in any case.
      guard state.random.oneIn(state.faults.flushErrors) else { return 0 }
      state.counts.flushErrors += 1
      return loseUnsynced(&state)
    }
  }

  public override func allocate(at offset: Int64, length: Int64) -> Int64 {
    with(offset: offset, length: Int(max(length, 0)), writing: true) { state in
      if length <= 0 { return -Int64(EINVAL) }
      if state.isToldToTryAgain() { return -Int64(EAGAIN) }
      let range = Int(offset)..<Int(offset + length)
      guard state.fittingPart(of: range, in: node) == range else { return state.refuseSpace() }
      state.usedSectors += node.newSectorCount(in: range)
      node.allocate(range)
      return 0
    }
  }

  public override func size() throws(IOError) -> Int64 {
    let result = with { _ in Int64(node.cached.length) }
    guard result >= 0 else {
      throw IOError(.systemCall, errno: Int32(-result), message: "could not stat file \"\(path)\"")
    }
    return result
  }

  public override func truncate(to length: Int64) throws(IOError) {
    let result = with(offset: length, writing: true) { state in
      state.resize(node, to: Int(length))
      return 0
    }
    guard result >= 0 else {
      throw IOError(
        .systemCall, errno: Int32(-result), message: "could not truncate file \"\(path)\" to \(length) bytes")
    }
  }

  public override func close() {
    disk.state.withLock { state in
      guard !isClosed.exchange(true, ordering: .relaxed), state.epoch == epoch else { return }
      node.openCount -= 1
      state.releaseIfUnused(node)
    }
  }
}

/// What the fault model does to one transfer.
extension SimulatedDisk.State {
  fileprivate mutating func isToldToTryAgain() -> Bool {
    guard random.oneIn(faults.tryAgain) else { return false }
    counts.tryAgain += 1
    return true
  }

  /// The bytes of a range before its first bad sector.
  fileprivate mutating func readablePart(of range: Range<Int>, in node: SimulatedNode) -> Range<Int> {
    let sectors = node.sectors(of: range)
    if random.oneIn(faults.latentSectorErrors) { node.badSectors.insert(random.element(of: sectors)) }
    guard faults.badSectorsFail, let bad = sectors.first(where: node.badSectors.contains) else { return range }
    let end = max(bad * sectorSize, range.lowerBound)
    if end == range.lowerBound { counts.badSectorErrors += 1 }
    return range.lowerBound..<end
  }

  /// Whether a write has to read a bad sector first, because it brings only a part of it.
  fileprivate mutating func needsBadSector(_ range: Range<Int>, in node: SimulatedNode) -> Bool {
    guard faults.badSectorsFail else { return false }
    let isPart = [range.lowerBound, range.upperBound].contains { edge in
      edge % sectorSize != 0 && node.badSectors.contains(edge / sectorSize)
    }
    if isPart { counts.badSectorErrors += 1 }
    return isPart
  }

  /// The bytes of a range for which there is room.
  fileprivate mutating func fittingPart(of range: Range<Int>, in node: SimulatedNode) -> Range<Int> {
    guard faults.isBounded else { return range }
    var room = capacity - usedSectors
    for number in node.sectors(of: range) where node.cached.sectors[number] == nil {
      if room <= 0 { return range.lowerBound..<max(number * sectorSize, range.lowerBound) }
      room -= 1
    }
    return range
  }

  fileprivate mutating func refuseSpace() -> Int64 {
    counts.noSpace += 1
    return -Int64(ENOSPC)
  }

  /// How much of a write happens at once: what goes into one sector stays together, as in a page of the system's
  /// cache.
  fileprivate mutating func shortenedWrite(_ range: Range<Int>) -> Int {
    // The borders of sectors inside the range.
    let (first, last) = (range.lowerBound / sectorSize + 1, (range.upperBound - 1) / sectorSize)
    guard first <= last, random.oneIn(faults.shortTransfers) else { return range.count }
    counts.shortTransfers += 1
    return random.number(in: first...last) * sectorSize - range.lowerBound
  }

  /// How much of a read happens at once.
  fileprivate mutating func shortened(_ count: Int, isDirect: Bool) -> Int {
    let unit = isDirect ? sectorSize : 1
    guard count > unit, random.oneIn(faults.shortTransfers) else { return count }
    counts.shortTransfers += 1
    return random.number(in: 1...(count - 1) / unit) * unit
  }
}
