import MillraceIO
import Synchronization

/// How many blocks a fork has, in a process that alone changes it: the end that was given out, and the end that its
/// files have reached.
///
/// Who extends is given a range of its own under a lock that nobody holds during I/O, and makes it part of the files at
/// the same time as others do theirs. A range may so be reached over one before it that is still in the making; what
/// lies between reads as zeros, which PostgreSQL's format takes for new pages.
final class ForkSize: Sendable {
  private struct State {
    /// Where the next range begins. Meaningful while the size is known.
    var end: UInt32 = 0
    /// Ranges in the making.
    var extending = 0
    /// Whether one of them failed, so that the files may end within a block.
    var mayEndInBlock = false
    /// Whether one of them failed, so that the files may end before `end`.
    var hasFailed = false
  }

  private static let unknown = UInt64.max
  /// Blocks that can be read: the highest end of a range that is part of the files.
  private let reached = Atomic<UInt64>(unknown)
  private let state = Locked(State())

  /// Blocks; nil where nobody has looked yet.
  @inline(__always) var blocks: UInt32? {
    let blocks = reached.load(ordering: .acquiring)
    return blocks == Self.unknown ? nil : UInt32(truncatingIfNeeded: blocks)
  }

  /// Takes what the files were found to have, unless somebody was faster.
  /// - Parameter first: called where nobody was, before others see it.
  /// - Returns: blocks.
  func learn(_ found: UInt32, _ first: () -> Void) -> UInt32 {
    state.withLock { state in
      if let known = blocks { return known }
      first()
      state.end = found
      reached.store(UInt64(found), ordering: .releasing)
      return found
    }
  }

  /// The last number that a block can have is PostgreSQL's InvalidBlockNumber.
  static let blocksMax = UInt32.max

  /// Gives out the next blocks. The size must be known. - Returns: nil where no fork can have so many.
  func begin(_ count: UInt32) -> Range<UInt32>? {
    state.withLock { state in
      guard count <= Self.blocksMax - state.end else { return nil }
      state.extending += 1
      state.end += count
      return state.end - count..<state.end
    }
  }

  /// Ends what ``begin(_:)`` began.
  /// - Parameters:
  ///   - isDone: whether the range is part of the files now.
  ///   - recount: asked where ranges failed and none is in the making any more: what the files have.
  ///   - trim: asked where ranges failed and none is in the making any more: to cut off what is no whole block.
  func end(_ range: Range<UInt32>, isDone: Bool, recount: () -> UInt32?, trim: () -> Void = {}) {
    state.withLock { state in
      state.extending -= 1
      if !isDone { state.mayEndInBlock = true }
      if state.mayEndInBlock, state.extending == 0 {
        trim()
        state.mayEndInBlock = false
      }
      if isDone {
        reached.store(max(reached.load(ordering: .relaxed), UInt64(range.upperBound)), ordering: .releasing)
      } else if state.end == range.upperBound {
        // Nobody was given anything behind it.
        state.end = range.lowerBound
      } else {
        state.hasFailed = true
      }
      guard state.hasFailed, state.extending == 0, let found = recount() else { return }
      state.hasFailed = false
      let blocks = max(found, blocks ?? 0)
      state.end = blocks
      reached.store(UInt64(blocks), ordering: .releasing)
    }
  }

  /// Forgets what is known, because the files are about to change. Nobody may extend the fork at the same time.
  func forget() {
    state.withLock { state in
      invariant(state.extending == 0, "a fork was cut off while it was extended")
      reached.store(Self.unknown, ordering: .releasing)
    }
  }
}
