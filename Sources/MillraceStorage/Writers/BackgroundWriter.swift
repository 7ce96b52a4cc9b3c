public import MillraceIO
import Synchronization

/// How a ``BackgroundWriter`` works; names, defaults and ranges are PostgreSQL's settings.
public struct BackgroundWriterConfiguration: Sendable {
  /// `bgwriter_delay`: between two rounds, milliseconds.
  public var delayMilliseconds = 200
  /// `bgwriter_lru_maxpages`: pages written in one round at most; 0 turns it off.
  public var pagesMax = 100
  /// `bgwriter_lru_multiplier`: how many clean buffers to have ready, as a multiple of those that were needed lately.
  public var multiplier = 2.0
  /// `bgwriter_flush_after` in ``WriteStreamConfiguration/flushAfter``, `io_combine_limit`, and writes in flight.
  public var stream = WriteStreamConfiguration()

  public init() { stream.flushAfter = 64 }
}

/// What a background writer has done (`pg_stat_bgwriter`).
public struct BackgroundWriterStatistics: Sendable, Equatable {
  /// Rounds.
  public internal(set) var rounds: UInt64 = 0
  /// `buffers_clean`: pages that it had written so that they can go.
  public internal(set) var buffersClean: UInt64 = 0
  /// `maxwritten_clean`: rounds that ended because so many pages had been written.
  public internal(set) var maxWrittenClean: UInt64 = 0
  /// Rounds in which pages could not be written.
  public internal(set) var failures: UInt64 = 0
}

/// Keeps clean buffers ahead of the clock hand, so that who needs one does not wait for a write (PostgreSQL's
/// BgBufferSync, src/backend/storage/buffer/bufmgr.c).
///
/// In each round it estimates from the recent past how many buffers will be needed until the next, and looks ahead of
/// the hand until it has seen so many that can go, writing out those that are dirty. What it writes takes dirty
/// neighbours along.
public final class BackgroundWriter {
  public let configuration: BackgroundWriterConfiguration
  private let pool: BufferPool
  private let stream: WriteStream
  private let combineLimit: Int
  public private(set) var statistics = BackgroundWriterStatistics()

  /// Where it goes on, in buffers that a clock hand would have passed; nil before the first round.
  private var nextToClean: UInt64?
  private var previousHand: UInt64 = 0
  private var previousAllocations: UInt64 = 0
  /// Buffers that were needed in a round, smoothed: up at once, down slowly.
  private var smoothedAllocation = 0.0
  /// How many buffers the hand passes for each that can go, smoothed.
  private var smoothedDensity = 10.0

  /// Rounds over which averages are taken.
  private static let smoothingRounds = 16.0
  /// The whole pool is looked through in this time even if nobody needs buffers.
  private static let wholePoolMilliseconds = 120_000.0

  /// - Parameter backend: of the thread that will call.
  public init(
    _ pool: BufferPool, _ backend: IOBackend,
    configuration: BackgroundWriterConfiguration = BackgroundWriterConfiguration()
  ) {
    (self.pool, self.configuration) = (pool, configuration)
    stream = WriteStream(
      pool, backend, configuration: configuration.stream, writing: BufferState.dirty, waitsForLocks: false)
    combineLimit = stream.combineLimit
  }

  /// One round.
  /// - Returns: whether there was nothing to do, and the next round can wait until somebody needs a buffer.
  public func round() -> Bool {
    statistics.rounds += 1
    let hand = pool.clockHand.load(ordering: .relaxed)
    let allocations = pool.counters.allocations.relaxed
    let recent = Double(allocations &- previousAllocations)
    previousAllocations = allocations
    guard configuration.pagesMax > 0 else {
      nextToClean = nil
      return true
    }
    let buffers = UInt64(pool.count)
    var next = hand
    var left = buffers
    if let known = nextToClean {
      // Where the hand has overtaken it, it starts at the hand.
      if known > hand {
        next = known
        left = buffers - min(known - hand, buffers)
      }
      learn(passed: Double(hand - previousHand), found: recent)
    }
    previousHand = hand
    let ready = Double(buffers - left) / smoothedDensity
    let wanted = estimate(recent: recent, ready: ready)
    let (looked, found) = clean(from: next, looks: left, upTo: wanted - ready)
    nextToClean = next + looked
    learn(passed: Double(looked), found: found)
    return left == looked && recent == 0
  }

  private func learn(passed: Double, found: Double) {
    guard passed > 0, found > 0 else { return }
    smoothedDensity += (passed / found - smoothedDensity) / Self.smoothingRounds
  }

  /// How many buffers shall be ready.
  private func estimate(recent: Double, ready: Double) -> Double {
    if smoothedAllocation <= recent {
      smoothedAllocation = recent
    } else {
      smoothedAllocation += (recent - smoothedAllocation) / Self.smoothingRounds
    }
    let upcoming = smoothedAllocation * configuration.multiplier
    if upcoming < 0.5 { smoothedAllocation = 0 }
    let rounds = Self.wholePoolMilliseconds / Double(max(configuration.delayMilliseconds, 1))
    return max(upcoming, Double(pool.count) / rounds + ready)
  }

  /// Looks at buffers until so many have been found that can go, and writes those that are dirty.
  /// - Returns: how many it looked at, and how many of them can go.
  private func clean(from start: UInt64, looks: UInt64, upTo wanted: Double) -> (looked: UInt64, found: Double) {
    var looked: UInt64 = 0
    var found = 0.0
    var written = 0
    while looked < looks, found < wanted {
      let buffer = BufferID((start + looked) % UInt64(pool.count))
      let seen = pool.state(buffer)
      looked += 1
      guard seen.pins == 0, seen.usage == 0 else { continue }
      found += 1
      guard seen.has(BufferState.dirty) else { continue }
      add(buffer)
      written += 1
      if written >= configuration.pagesMax {
        statistics.maxWrittenClean += 1
        pool.counters.cleaningEndedEarly.sharedIncrement()
        break
      }
    }
    statistics.buffersClean += UInt64(written)
    pool.counters.cleaned.sharedIncrement(by: UInt64(written))
    if written > 0 {
      do throws(StorageError) {
        try stream.finish()
      } catch {
        statistics.failures += 1
        pool.engine.logWarning(error.description)
      }
    }
    return (looked, found)
  }

  /// Adds a page and the dirty pages that follow it in its file and that nobody uses: one write is cheaper than two.
  private func add(_ buffer: BufferID) {
    let tag = pool.tag(buffer)
    stream.add(buffer, tag)
    for offset in 1..<UInt32(max(combineLimit, 2)) {
      let neighbour = BufferTag(rawValue: tag.rawValue + UInt64(offset))
      guard neighbour.fork == tag.fork, let other = pool.table.find(neighbour) else { return }
      let seen = pool.state(other)
      guard seen.has(BufferState.dirty), seen.pins == 0 else { return }
      stream.add(other, neighbour)
    }
  }
}
