import MillraceIO
public import MillraceStorage
import Synchronization

/// A table: its main fork, and where rows can go. One object for each table in a database; any session uses it, but for
/// a temporary one, which its own session alone can use.
public final class HeapRelation: Sendable {
  public let locator: RelationLocator
  /// By which it is counted what is done with it: stays when it gets a new file.
  public let oid: UInt32
  /// Whether some index may lead to its tuples: then pruning keeps their line pointers.
  public let hasIndexes: Bool
  /// How much of a page insertions fill, in percent; the rest is for newer versions of its rows.
  public let fillFactor: Int
  /// Whether changes are logged: not those of temporary and unlogged tables.
  public let isLogged: Bool
  let fork: StoredFork
  /// Where its pages are in memory: the shared buffers, or those of its session.
  public let pool: BufferPool
  /// Whose temporary relation it is; nil for all others.
  let temporaryBackend: UInt32?
  /// Its maps, whose files need not be there.
  let visibilityFork, freeSpaceFork: StoredFork
  /// Where somebody is who goes through all of it; one more than the block, and 0 for nowhere. A hint.
  private let sharedScanPosition = Atomic<UInt32>(0)
  /// Pages that were appended together and that nobody has taken yet, the next one last.
  private let fresh = Locked<[BlockNumber]>([])

  /// - Parameter maps: the visibility map, and the free space map.
  init(
    _ locator: RelationLocator, oid: UInt32, fork: StoredFork,
    maps: (visibility: StoredFork, freeSpace: StoredFork), pool: BufferPool, hasIndexes: Bool, fillFactor: Int,
    isLogged: Bool = true, temporaryBackend: UInt32? = nil
  ) {
    precondition((10...100).contains(fillFactor), "a fill factor is from 10 to 100 percent")
    (self.locator, self.fork, self.hasIndexes, self.fillFactor) = (locator, fork, hasIndexes, fillFactor)
    (visibilityFork, freeSpaceFork) = maps
    (self.oid, self.pool, self.temporaryBackend) = (oid, pool, temporaryBackend)
    self.isLogged = isLogged
  }

  /// Bytes of a page that insertions leave free.
  var reservedBytes: Int { PageLayout.blockSize * (100 - fillFactor) / 100 }

  /// How many pages it has.
  /// - Throws: ``EngineError`` where its files cannot be looked at.
  public func blockCount() throws(EngineError) -> UInt32 {
    do throws(IOError) { return try fork.blockCount() } catch { throw EngineError(error) }
  }

  /// Its main fork, for tools that read pages.
  package var storedFork: StoredFork { fork }

  /// Where a scan of the whole table begins (`ss_get_location`): behind others that go through it, or at the front.
  func scanPosition(of count: UInt32) -> UInt32 {
    let position = sharedScanPosition.load(ordering: .relaxed)
    return position == 0 || position > count ? 0 : position - 1
  }

  /// Notes where a scan of the whole table is (`ss_report_location`).
  func reportScanPosition(_ block: BlockNumber) { sharedScanPosition.store(block.rawValue + 1, ordering: .relaxed) }

  func takeFresh() -> BlockNumber? { fresh.withLock { $0.popLast() } }

  /// Forgets new pages that are cut off.
  func forgetFresh(from end: UInt32) { fresh.withLock { $0.removeAll { $0.rawValue >= end } } }

  /// Leaves new pages to others.
  /// - Parameter blocks: in rising order.
  func addFresh(_ blocks: some BidirectionalCollection<BlockNumber>) {
    fresh.withLock { $0.insert(contentsOf: blocks.reversed(), at: 0) }
  }
}
