import MillraceIO
import Synchronization

/// Blocks at the end of a fork that have been made and not been given to anybody: who extends while others do makes
/// more than it needs, so that those who come next need no I/O (PostgreSQL's RelationAddBlocks,
/// src/backend/access/heap/hio.c, which puts what it makes besides into the free space map).
final class ExtensionReserve: Sendable {
  /// Blocks that one extension makes at most, unless more are asked for (PostgreSQL's MAX_BUFFERS_TO_EXTEND_BY).
  static let blocksMax = 64

  private let extenders = Atomic<Int>(0)
  private let ranges = Locked<[Range<UInt32>]>([])

  /// Says that a thread extends the fork. - Returns: how many do now.
  func enter() -> Int { extenders.wrappingAdd(1, ordering: .relaxed).newValue }
  func leave() { extenders.wrappingSubtract(1, ordering: .relaxed) }

  /// How many blocks to make where `wanted` are missing and so many threads extend the fork.
  static func growth(wanted: Int, extenders: Int) -> Int { max(wanted, min(wanted * extenders, blocksMax)) }

  /// Takes blocks, lowest first. - Returns: nil where there are none; perhaps fewer than wanted.
  func take(_ wanted: UInt32) -> Range<UInt32>? {
    ranges.withLock { ranges in
      guard let lowest = ranges.indices.min(by: { ranges[$0].lowerBound < ranges[$1].lowerBound }) else { return nil }
      let range = ranges[lowest]
      let end = range.lowerBound + min(wanted, UInt32(range.count))
      if end == range.upperBound { ranges.remove(at: lowest) } else { ranges[lowest] = end..<range.upperBound }
      return range.lowerBound..<end
    }
  }

  func put(_ range: Range<UInt32>) {
    if !range.isEmpty { ranges.withLock { $0.append(range) } }
  }

  /// Forgets blocks from one on, because they are cut off.
  func forget(from block: UInt32) {
    ranges.withLock { ranges in
      ranges = ranges.map { $0.clamped(to: 0..<block) }.filter { !$0.isEmpty }
    }
  }

  /// Blocks that can be taken.
  var count: Int { ranges.withLock { $0.reduce(0) { $0 + $1.count } } }
}
