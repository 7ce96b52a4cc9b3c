public import MillraceIO

/// Taking pages out of the pool whose files go or become shorter. Nothing of them is written any more.
extension BufferPool {
  /// Drops all pages of a fork that goes (PostgreSQL's DropRelationsAllBuffers), dirty ones unwritten: waits for I/O on
  /// them, and for those who are about to write them. Afterwards nothing here refers to the fork.
  ///
  /// To be called before the fork is forgotten by its storage manager. Nobody may read, pin or change its pages any
  /// more.
  /// - Parameters:
  ///   - blockCount: how many blocks it has at most, where that is known: few are looked up one by one.
  ///   - backend: the calling thread's, needed where that is exclusive and has I/O in flight.
  /// - Complexity: O(buffers), or O(`blockCount`) where that is less than a 32nd of them.
  public func drop(_ fork: StoredFork, blockCount: UInt32? = nil, backend: IOBackend? = nil) {
    dropPages(of: fork, from: 0, blockCount: blockCount, backend)
    forks.remove(fork)
  }

  /// Drops the pages of a fork from a block on, before its file is cut off there.
  public func drop(
    _ fork: StoredFork, from block: BlockNumber, blockCount: UInt32? = nil, backend: IOBackend? = nil
  ) { dropPages(of: fork, from: block.rawValue, blockCount: blockCount, backend) }

  private func dropPages(of fork: StoredFork, from first: UInt32, blockCount: UInt32?, _ backend: IOBackend?) {
    fork.extensionReserve.forget(from: first)
    // What is staged may be a write of one of the pages.
    backend?.submit()
    if let blockCount, blockCount < first || Int(blockCount - first) < count / 32 {
      for block in first..<max(first, blockCount) {
        let tag = BufferTag(fork.id, block)
        while let buffer = table.find(tag), !discard(buffer, if: { $0 == tag }, backend) {}
      }
      return
    }
    for buffer in 0..<UInt32(count) {
      _ = discard(buffer, if: { $0.fork == fork.id && $0.block >= first }, backend)
    }
  }

  /// Takes a page out of the pool once nobody uses it.
  /// - Returns: false where it is another page, or has become one.
  private func discard(_ buffer: BufferID, if isMeant: (BufferTag) -> Bool, _ backend: IOBackend?) -> Bool {
    var attempts = 0
    while true {
      let seen = state(buffer)
      guard seen.has(BufferState.tagValid), isMeant(tag(buffer)) else { return false }
      if seen.has(BufferState.ioInProgress) {
        waitForIO(buffer, backend: backend)
      } else if seen.pins == 0,
        takeForReplacement(buffer, usageMax: BufferState.usageMax, discardsDirty: true)
      {
        unpin(buffer)
        return true
      } else {
        // Somebody is about to write it, or has just done so.
        BufferTable.letOthersRun(&attempts)
      }
    }
  }

  /// Drops all pages of a fork that nobody has pinned, dirty ones unwritten; waits for I/O on them. For tests.
  /// - Parameter backend: the calling thread's, needed where that is exclusive and has I/O in flight.
  /// - Returns: how many stayed because they are pinned.
  @discardableResult
  public func invalidate(_ fork: StoredFork, backend: IOBackend? = nil) -> Int {
    var pinned = 0
    for buffer in 0..<UInt32(count) {
      while true {
        let seen = state(buffer)
        guard seen.has(BufferState.tagValid), tag(buffer).fork == fork.id else { break }
        if seen.has(BufferState.ioInProgress) {
          waitForIO(buffer, backend: backend)
        } else if seen.pins > 0 {
          pinned += 1
          break
        } else if takeForReplacement(buffer, usageMax: BufferState.usageMax, discardsDirty: true) {
          unpin(buffer)
          break
        }
      }
    }
    return pinned
  }

  /// Drops one page if it is there, clean, and nobody has it pinned. For tests. - Returns: whether it did.
  @discardableResult
  package func evict(_ fork: StoredFork, _ block: UInt32) -> Bool {
    let wanted = BufferTag(fork.id, block)
    guard let buffer = table.find(wanted), takeForReplacement(buffer, usageMax: BufferState.usageMax) else {
      return false
    }
    unpin(buffer)
    return true
  }
}
