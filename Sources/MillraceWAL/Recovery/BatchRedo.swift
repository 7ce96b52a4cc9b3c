import MillraceIO
import MillraceStorage

/// Repeats the records of batches: first what they do beside changing blocks, in the order of the log, then, page by
/// page, what they do to blocks. Pages are read through streams, ahead of redo and neighbours together.
final class BatchRedo {
  private let context: RedoContext
  private let managers: ResourceManagerTable
  private let configuration: ReadStreamConfiguration
  /// How many forks' first pages are read ahead, beside the pages of the one whose turn it is.
  private let forksAhead: Int
  /// Shows the record that is repeated.
  private let record = WALRecord()
  private var shown: UInt32?
  private let consistencyCheck = ConsistencyCheck()
  private(set) var statistics = RecoveryPageStatistics()

  private static let pagesAheadOfFork = 4
  /// How long before its turn a record is brought in from memory.
  private static let recordsAhead = 8
  /// Reads in flight at most, beside those that were asked for.
  static let readsAheadOfForks = 8

  /// - Parameter ioConcurrency: reads of pages in flight; 0 for one after the other.
  init(_ context: RedoContext, _ managers: ResourceManagerTable, ioConcurrency: Int, combineLimit: Int) {
    (self.context, self.managers) = (context, managers)
    forksAhead = ioConcurrency == 0 ? 0 : Self.readsAheadOfForks / Self.pagesAheadOfFork
    var configuration = ReadStreamConfiguration()
    configuration.ioConcurrency = ioConcurrency
    configuration.combineLimit = combineLimit
    self.configuration = configuration
  }

  /// Repeats all records of a batch.
  func repeatAll(_ batch: inout RedoBatch) throws(RecoveryError) {
    shown = nil
    context.state.noteTransaction(batch.newestXID)
    if !batch.ordered.isEmpty || !batch.changes.isEmpty { try repeatSorted(&batch) }
    if let last = batch.last { try repeatLast(last, batch) }
  }

  private func repeatSorted(_ batch: inout RedoBatch) throws(RecoveryError) {
    statistics.batches += 1
    for ordered in batch.ordered { try repeatOrdered(ordered, batch) }
    batch.sort()
    var forks: [ForkChanges] = []
    var first = 0
    while first < batch.changes.count {
      let number = batch.fork(of: batch.changes[first])
      let end = batch.changes[first...].firstIndex { batch.fork(of: $0) != number } ?? batch.changes.count
      forks.append(try ForkChanges(first..<end, of: batch, context, &statistics))
      first = end
    }
    for index in forks.indices {
      let nearest = index == 0 ? 1 : index + forksAhead
      if nearest < forks.count { prefetch(forks[nearest..<min(index + forksAhead + 1, forks.count)]) }
      try repeatChanges(forks[index], batch)
    }
  }

  private func show(_ place: UInt32, _ batch: borrowing RedoBatch) throws(RecoveryError) {
    // A record of many images is asked for once for each.
    if shown == place { return }
    do throws(WALProblem) { try batch.show(place, in: record) } catch { throw RecoveryError(error) }
    shown = place
  }

  private func manager() -> ResourceManager {
    guard let manager = managers[record.resourceManager] else {
      preconditionFailure("a record was kept that nobody can repeat")
    }
    return manager
  }

  private func explain(_ error: RecoveryError) -> RecoveryError {
    error.during("WAL redo at \(record.start) for \(managers.describe(record))")
  }

  // MARK: In the order of the log

  private func repeatOrdered(_ ordered: RedoBatch.Ordered, _ batch: borrowing RedoBatch) throws(RecoveryError) {
    try show(ordered.place, batch)
    let manager = manager()
    do throws(RecoveryError) {
      if ordered.isWhole { return try manager.redo(record, context) }
      try manager.redoMaps(record, context)
      for block in record.blocks where block.fork.isMap {
        try context.redo(record, block.id, mode: block.willInitialize ? .zeroAndLock : .normal) {
          page, _ throws(RecoveryError) in try manager.redo(record, block, on: page)
        }
      }
    } catch {
      throw explain(error)
    }
  }

  /// Repeats the record that everything logged before has to be done for.
  private func repeatLast(_ last: RedoBatch.Last, _ batch: borrowing RedoBatch) throws(RecoveryError) {
    try show(last.place, batch)
    record.own.pointee.overwritten = last.overwritten
    do throws(RecoveryError) {
      guard let manager = managers[record.resourceManager] else {
        throw RecoveryError(
          .unsupported, "records of resource manager \(record.resourceManager) cannot be recovered",
          hint: "Let PostgreSQL recover this cluster.")
      }
      try manager.redo(record, context)
      if RedoCollector.isChecked(record) { try consistencyCheck.check(record, manager, context) }
    } catch {
      throw explain(error)
    }
  }

  // MARK: By page

  /// The changes of one fork's blocks.
  private struct ForkChanges {
    let fork: StoredFork
    let changes: Range<Int>
    /// The blocks that must be read, in the order of the changes.
    var wanted: [BlockNumber] = []
    /// Blocks that the fork had.
    let blockCount: UInt32

    init(
      _ range: Range<Int>, of batch: borrowing RedoBatch, _ context: RedoContext,
      _ statistics: inout RecoveryPageStatistics
    ) throws(RecoveryError) {
      let named = batch.forks[batch.fork(of: batch.changes[range.lowerBound])]
      (fork, changes) = (context.fork(named.locator, named.fork), range)
      do throws(IOError) { blockCount = try fork.blockCount() } catch { throw RecoveryError(error) }
      var end: UInt32 = 0
      for index in range {
        let change = batch.changes[index]
        let block = batch.block(of: change)
        if change.makesPage { end = max(end, block.rawValue + 1) }
        if index > range.lowerBound, batch.isSamePage(change, batch.changes[index - 1]) {
          statistics.repeated += 1
        } else if change.makesPage {
          statistics.made += 1
        } else if block.rawValue < blockCount {
          wanted.append(block)
        } else {
          statistics.absent += 1
        }
      }
      // So that it grows at once.
      if end > blockCount { context.expectedGrowth[fork.id] = end }
    }
  }

  /// Starts to read the first pages of forks whose turn comes soon: many forks may have few pages each.
  private func prefetch(_ forks: ArraySlice<ForkChanges>) {
    guard !forks.isEmpty else { return }
    let batch = context.backend.batch()
    for fork in forks {
      for block in fork.wanted.prefix(Self.pagesAheadOfFork) {
        _ = context.pool.prefetch(fork.fork, block, context.backend)
      }
    }
    batch.submit()
  }

  private func repeatChanges(_ changes: ForkChanges, _ batch: borrowing RedoBatch) throws(RecoveryError) {
    let stream = ReadStream(
      context.pool, context.backend, changes.fork, BlockList(changes.wanted), configuration: configuration)
    var first = changes.changes.lowerBound
    while first < changes.changes.upperBound {
      let change = batch.changes[first]
      let block = batch.block(of: change)
      var end = first + 1
      while end < changes.changes.upperBound, batch.isSamePage(batch.changes[end], change) { end += 1 }
      let isWanted = !change.makesPage && block.rawValue < changes.blockCount
      var page: PinnedBuffer?
      if isWanted {
        page = try next(stream, change, batch)
      } else {
        // Nothing can be done to a page that is not there until a record makes it.
        while first < end, !batch.changes[first].makesPage {
          try note(batch.changes[first], batch, isPresent: false)
          first += 1
        }
        if first < end { page = try make(batch.changes[first], batch) }
      }
      if var found = page.take() {
        if found.lockMode == nil { found.lock(.exclusive, backend: context.backend) }
        for index in first..<end {
          batch.bringIn(index + Self.recordsAhead)
          try repeatChange(batch.changes[index], on: &found, batch)
        }
      }
      first = end
    }
    statistics.read += stream.statistics.ioBlocks
    statistics.hit += UInt64(changes.wanted.count) - min(stream.statistics.ioBlocks, UInt64(changes.wanted.count))
  }

  /// The next page of a stream, which is the one that a change is of.
  private func next(
    _ stream: ReadStream, _ change: RedoBatch.Change, _ batch: borrowing RedoBatch
  ) throws(RecoveryError) -> PinnedBuffer {
    let began = monotonicNanoseconds()
    do throws(StorageError) {
      guard let page = try stream.next() else {
        preconditionFailure("a stream ended before the pages it was asked for")
      }
      context.noteWait(since: began)
      precondition(page.block == batch.block(of: change), "a stream left a page out")
      return page
    } catch {
      try show(change.place, batch)
      throw explain(RecoveryError(error))
    }
  }

  /// The page that a change makes, locked and empty; the fork grows to have it.
  private func make(_ change: RedoBatch.Change, _ batch: borrowing RedoBatch) throws(RecoveryError) -> PinnedBuffer? {
    try show(change.place, batch)
    do throws(RecoveryError) {
      return try context.read(block(change), mode: .zeroAndLock)
    } catch {
      throw explain(error)
    }
  }

  private func note(
    _ change: RedoBatch.Change, _ batch: borrowing RedoBatch, isPresent: Bool
  ) throws(RecoveryError) {
    try show(change.place, batch)
    context.noteInvalid(block(change), isPresent: isPresent)
  }

  /// The block of the record that is shown.
  private func block(_ change: RedoBatch.Change) -> WALBlockReference {
    guard let block = record.block(Int(change.id)) else { preconditionFailure("a record has lost a block") }
    return block
  }

  /// Does to a page what one record says, unless it has that already.
  /// - Parameter page: locked exclusively.
  private func repeatChange(
    _ change: RedoBatch.Change, on page: inout PinnedBuffer, _ batch: borrowing RedoBatch
  ) throws(RecoveryError) {
    try show(change.place, batch)
    let block = block(change)
    do throws(RecoveryError) {
      if block.appliesImage, let image = block.image { return try context.restore(image, of: block, record, on: &page) }
      if block.willInitialize {
        page.mutableBytes.initializeMemory(as: UInt8.self, repeating: 0, count: PageLayout.blockSize)
      } else if PageView(page.bytes).isNew {
        return context.noteInvalid(block, isPresent: true)
      } else if record.end <= page.lsn {
        return
      }
      try manager().redo(record, block, on: page.mutableBytes)
      page.setLSN(record.end)
      page.markDirty()
    } catch {
      throw explain(error)
    }
  }
}
