public import MillraceIO
import Synchronization

/// What the write phase of a checkpoint did.
public struct BufferCheckpointResult: Sendable, Equatable {
  /// Pages that were dirty when it began.
  public internal(set) var dirty = 0
  /// What it wrote of them itself; others wrote the rest.
  public internal(set) var stream = WriteStreamStatistics()
  /// How often it slept because it was ahead of its schedule.
  public internal(set) var sleeps = 0
}

/// The write phase of a checkpoint (PostgreSQL's BufferSync, src/backend/storage/buffer/bufmgr.c): every page that is
/// dirty when it begins is on its way to disk when it ends, through a ``WriteStream``, in file order, evenly over
/// tablespaces. What was written has then to be synced.
///
/// On one thread, with one backend, which has nothing locked.
public final class BufferCheckpoint {
  private let pool: BufferPool
  private let backend: IOBackend
  private let configuration: WriteStreamConfiguration

  /// - Parameters:
  ///   - backend: of the thread that will call.
  ///   - configuration: with `checkpoint_flush_after` as ``WriteStreamConfiguration/flushAfter``.
  public init(_ pool: BufferPool, _ backend: IOBackend, configuration: WriteStreamConfiguration) {
    (self.pool, self.backend, self.configuration) = (pool, backend, configuration)
  }

  /// A page to be written: its fork's rank in file order, and its block.
  private struct Entry {
    var order: UInt64
    var tag: BufferTag
    var buffer: BufferID
  }

  /// The part of the list that lies in one tablespace.
  private struct Tablespace {
    var entries: Range<Int>
    var done = 0
    let total: Int
    /// 0 to 1.
    var progress: Double { Double(done) / Double(total) }
  }

  /// Writes everything that is dirty now.
  /// - Parameter pacing: how fast.
  /// - Throws: ``StorageError`` where a page could not be written, which stays dirty; the checkpoint must not be
  ///   completed then.
  public func run(_ pacing: CheckpointPacing) throws(StorageError) -> BufferCheckpointResult {
    var result = BufferCheckpointResult()
    var entries = collect()
    result.dirty = entries.count
    guard !entries.isEmpty else { return result }
    var (tablespaces, segments) = sort(&entries)
    let stream = WriteStream(
      pool, backend, configuration: configuration, writing: BufferState.checkpointNeeded, waitsForLocks: true)
    var processed = 0
    while !tablespaces.isEmpty, !stream.hasFailed {
      let count = addGroup(entries, &tablespaces, segments, stream)
      processed += count
      pause(pacing, Double(processed) / Double(entries.count), count, stream, &result)
    }
    try stream.finish()
    result.stream = stream.statistics
    return result
  }

  /// Marks every dirty page, and lists them.
  private func collect() -> [Entry] {
    var entries: [Entry] = []
    for buffer in 0..<UInt32(pool.count) {
      let descriptor = pool.descriptors + Int(buffer)
      var seen = BufferState(rawValue: descriptor.pointee.state.load(ordering: .acquiring))
      while seen.has(BufferState.dirty) {
        let tag = pool.tag(buffer)
        let (exchanged, now) = descriptor.pointee.state.compareExchange(
          expected: seen.rawValue, desired: seen.rawValue | BufferState.checkpointNeeded, ordering: .acquiring)
        if exchanged {
          entries.append(Entry(order: 0, tag: tag, buffer: buffer))
          break
        }
        seen = BufferState(rawValue: now)
      }
    }
    return entries
  }

  /// Puts the list into file order. - Returns: its tablespaces, and by a fork's rank the blocks of its segments.
  private func sort(_ entries: inout [Entry]) -> ([Tablespace], [UInt64]) {
    // Forks that go meanwhile take their pages along.
    var forks: [ForkID: StoredFork] = [:]
    for entry in entries where forks[entry.tag.fork] == nil {
      forks[entry.tag.fork] = pool.forks.retained(entry.tag.fork)
    }
    entries.removeAll { forks[$0.tag.fork] == nil }
    let inOrder = forks.values.sorted { left, right in
      let (one, other) = (left.locator, right.locator)
      return (one.tablespace, one.database, one.relNumber, left.fork.rawValue)
        < (other.tablespace, other.database, other.relNumber, right.fork.rawValue)
    }
    var ranks: [ForkID: UInt64] = [:]
    for (rank, fork) in inOrder.enumerated() { ranks[fork.id] = UInt64(rank) }
    for index in entries.indices {
      entries[index].order = (ranks[entries[index].tag.fork] ?? 0) << 32 | UInt64(entries[index].tag.block)
    }
    entries.sort { $0.order < $1.order }

    var tablespaces: [Tablespace] = []
    var start = 0
    for index in entries.indices {
      let own = inOrder[Int(entries[index].order >> 32)].locator.tablespace
      let isLast = index + 1 == entries.count
      let next = isLast ? nil : inOrder[Int(entries[index + 1].order >> 32)].locator.tablespace
      guard next != own else { continue }
      tablespaces.append(Tablespace(entries: start..<index + 1, total: index + 1 - start))
      start = index + 1
    }
    return (tablespaces, inOrder.map { UInt64($0.blocksPerSegment) })
  }

  /// Adds neighbours, as many as one write holds, from the tablespace of which the smallest part has been written.
  /// - Returns: how many.
  private func addGroup(
    _ entries: [Entry], _ tablespaces: inout [Tablespace], _ segments: [UInt64], _ stream: WriteStream
  ) -> Int {
    var behind = 0
    for index in tablespaces.indices where tablespaces[index].progress < tablespaces[behind].progress {
      behind = index
    }
    let range = tablespaces[behind].entries
    let first = entries[range.lowerBound].order
    let inside = (first & 0xFFFF_FFFF) % segments[Int(first >> 32)]
    let limit = min(range.count, stream.combineLimit, Int(segments[Int(first >> 32)] - inside))
    var next = range.lowerBound + 1
    while next - range.lowerBound < limit, entries[next].order == entries[next - 1].order + 1 { next += 1 }
    // A write that would end with its batch is kept for the next.
    if stream.room < next - range.lowerBound { stream.start() }
    for index in range.lowerBound..<next { stream.add(entries[index].buffer, entries[index].tag) }
    let count = next - range.lowerBound
    tablespaces[behind].entries = next..<range.upperBound
    tablespaces[behind].done += count
    if tablespaces[behind].entries.isEmpty { tablespaces.remove(at: behind) }
    return count
  }

  /// Sleeps while the checkpoint is ahead of its schedule; at most once for each page, so that few pages do not take
  /// long.
  private func pause(
    _ pacing: CheckpointPacing, _ progress: Double, _ pages: Int, _ stream: WriteStream,
    _ result: inout BufferCheckpointResult
  ) {
    var sleeps = 0
    while sleeps < pages, !pacing.isUrgent(), pacing.isOnSchedule(progress) {
      // Nothing stays locked meanwhile.
      stream.start()
      stream.settle()
      pacing.sleep()
      sleeps += 1
    }
    result.sleeps += sleeps
  }
}
