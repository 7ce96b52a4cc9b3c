public import MillraceIO

/// New blocks at the end of a fork, all pinned, full of zeros and valid; the first one is locked exclusively. Letting
/// go of it lets go of those that were not taken.
public struct ExtendedBlocks: ~Copyable {
  /// The first of the new blocks.
  public let first: BlockNumber
  /// How many there are; one at least, and perhaps fewer than were asked for.
  public let count: Int
  private let pool: BufferPool
  private let buffers: [BufferID]
  private var taken = 0

  init(_ pool: BufferPool, first: UInt32, buffers: [BufferID]) {
    (self.pool, self.first, self.buffers, count) = (pool, BlockNumber(first), buffers, buffers.count)
  }

  deinit {
    for position in taken..<count {
      _ = PinnedBuffer(pool, buffers[position], locked: position == 0 ? .exclusive : nil)
    }
  }

  /// Takes the next block, in order; the first comes locked exclusively.
  public mutating func next() -> PinnedBuffer? {
    guard taken < count else { return nil }
    defer { taken += 1 }
    return PinnedBuffer(pool, buffers[taken], locked: taken == 0 ? .exclusive : nil)
  }
}

extension BufferPool {
  /// Appends blocks to a fork (PostgreSQL's ExtendBufferedRelBy). Nobody else gets the same ones, and nobody waits for
  /// anybody else's I/O. While several threads extend a fork, its file grows by more than they want, for those who come
  /// next; so there may be new pages, all zero, before its end.
  /// - Parameters:
  ///   - count: how many are wanted, at least one. Where buffers are short there are fewer.
  ///   - backend: the calling thread's.
  ///   - strategy: the ring to take buffers from; nil for the pool at large.
  /// - Throws: ``StorageError``, with ENOSPC where the disk is full. Then nothing is held.
  public func extend(
    _ fork: StoredFork, by count: Int = 1, _ backend: IOBackend, strategy: BufferStrategy? = nil
  ) throws(StorageError) -> ExtendedBlocks {
    requireUse(count > 0, "a fork was extended by no blocks")
    forks.add(fork)
    let wanted = min(count, strategy?.pinLimit ?? .max, max(self.count / 8, 1))
    var victims: [BufferID] = []
    victims.reserveCapacity(wanted)
    // Buffers first: while the fork has grown and its new blocks have none, others would read them.
    while victims.count < wanted {
      do throws(StorageError) {
        let buffer = try takeVictim(strategy: strategy, backend: backend)
        page(buffer).initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
        victims.append(buffer)
      } catch {
        if victims.isEmpty { throw error }
        break
      }
    }
    let blocks: Range<UInt32>
    do throws(IOError) {
      blocks = try newBlocks(fork, UInt32(victims.count), backend, strategy?.use ?? use)
    } catch {
      for victim in victims { unpin(victim) }
      throw .io(error, blocks: 0..<0)
    }
    // Of what is left of a reserve there may be fewer.
    while victims.count > blocks.count { unpin(victims.removeLast()) }
    usage(of: backend).pointee.writes &+= UInt64(blocks.count)
    for (position, block) in blocks.enumerated() {
      victims[position] = enter(victims[position], BufferTag(fork.id, block), isLocked: position == 0, backend)
    }
    return ExtendedBlocks(self, first: blocks.lowerBound, buffers: victims)
  }

  /// Takes blocks that were made ahead, or makes some; more than are wanted while other threads do the same.
  private func newBlocks(
    _ fork: StoredFork, _ wanted: UInt32, _ backend: IOBackend, _ use: IOUse
  ) throws(IOError) -> Range<UInt32> {
    let reserve = fork.extensionReserve
    if let ready = reserve.take(wanted) { return ready }
    let extenders = reserve.enter()
    defer { reserve.leave() }
    let growth = ExtensionReserve.growth(wanted: Int(wanted), extenders: extenders)
    let start = monotonicNanoseconds()
    let made = try fork.extend(by: UInt32(growth), backend)
    backend.uses.add(use, .extends)
    backend.uses.add(use, .extendBytes, UInt64(made.count * PageLayout.blockSize))
    backend.uses.add(use, .extendTime, monotonicNanoseconds() &- start)
    let end = made.lowerBound + wanted
    reserve.put(end..<made.upperBound)
    return made.lowerBound..<end
  }

  /// Gives a new block its zeroed buffer. - Returns: that, or the one that a reader beyond the end has given it before.
  private func enter(_ victim: BufferID, _ tag: BufferTag, isLocked: Bool, _ backend: IOBackend) -> BufferID {
    let buffer = publish(victim, tag, raisesUsage: true)
    while true {
      switch startIO(buffer) {
      case .ready:
        page(buffer).initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
        if isLocked { lock(buffer, .exclusive, backend: backend) }
        terminateIO(buffer, valid: true)
        return buffer
      case .alreadyDone:
        if isLocked { lock(buffer, .exclusive, backend: backend) }
        return buffer
      case .inProgress:
        backend.submit()
        waitForIO(buffer, backend: backend)
      }
    }
  }
}
