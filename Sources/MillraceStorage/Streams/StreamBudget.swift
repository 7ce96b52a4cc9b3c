import Synchronization

/// How many blocks all streams of a kind hold in a pool together: read streams ahead of their consumers, write streams
/// between their callers and the device.
///
/// Each stream is sure of an equal share; what the others do not use it may have besides. So one stream alone can have
/// much under way, and many share without any of them pinning the pool full: PostgreSQL's streams know only their own
/// limits.
public final class StreamBudget: Sendable {
  /// Blocks.
  public let total: Int
  private let used = Atomic<Int>(0)
  private let streams = Atomic<Int>(0)

  init(total: Int) { self.total = total }

  /// Blocks held at this moment.
  public var usedCount: Int { used.load(ordering: .relaxed) }
  /// Streams that are open at this moment.
  public var streamCount: Int { streams.load(ordering: .relaxed) }

  func addStream() { streams.wrappingAdd(1, ordering: .relaxed) }
  func removeStream() { streams.wrappingSubtract(1, ordering: .relaxed) }

  /// What one stream is sure of now.
  var share: Int { max(total / max(streamCount, 1), 1) }

  /// Asks for `count` more blocks.
  /// - Parameter held: what the stream has already.
  /// - Returns: how many it may have; at least one if it has none, so that every stream makes progress.
  /// - Complexity: a compare-and-swap.
  @inline(__always) func reserve(_ count: Int, held: Int) -> Int {
    var seen = used.load(ordering: .relaxed)
    while true {
      let sure = max(share - held, held == 0 ? 1 : 0)
      let granted = min(count, max(sure, total - seen))
      guard granted > 0 else { return 0 }
      let (exchanged, now) = used.weakCompareExchange(expected: seen, desired: seen + granted, ordering: .relaxed)
      if exchanged { return granted }
      seen = now
    }
  }

  @inline(__always) func release(_ count: Int) { used.wrappingSubtract(count, ordering: .relaxed) }

  /// What a stream may keep of what it has let go of.
  static let keptMax = 16

  /// As ``reserve(_:held:)``, first from what the stream has kept.
  @inline(__always) func reserve(_ count: Int, held: Int, keeping kept: inout Int) -> Int {
    let taken = min(kept, count)
    kept -= taken
    return taken == count ? count : taken + reserve(count - taken, held: held + taken)
  }

  /// Gives blocks back, a group at a time: processors that give back each page by itself take turns at one word.
  @inline(__always) func release(_ count: Int, keeping kept: inout Int) {
    kept += count
    if kept >= Self.keptMax { release(all: &kept) }
  }

  @inline(__always) func release(all kept: inout Int) {
    release(kept)
    kept = 0
  }
}
