import MillraceIO
public import MillraceStorage

/// A table: its main fork, and where rows can go. One object for each table in a database; any session uses it.
public final class HeapRelation: Sendable {
  public let locator: RelationLocator
  /// Whether some index may lead to its tuples: then pruning keeps their line pointers.
  public let hasIndexes: Bool
  let fork: StoredFork
  /// Pages that were appended together and that nobody has taken yet, the next one last.
  private let fresh = Locked<[BlockNumber]>([])

  init(_ locator: RelationLocator, fork: StoredFork, hasIndexes: Bool = false) {
    (self.locator, self.fork, self.hasIndexes) = (locator, fork, hasIndexes)
  }

  /// How many pages it has.
  /// - Throws: ``EngineError`` where its files cannot be looked at.
  public func blockCount() throws(EngineError) -> UInt32 {
    do throws(IOError) { return try fork.blockCount() } catch { throw EngineError(error) }
  }

  func takeFresh() -> BlockNumber? { fresh.withLock { $0.popLast() } }

  /// Leaves new pages to others.
  /// - Parameter blocks: in rising order.
  func addFresh(_ blocks: some BidirectionalCollection<BlockNumber>) {
    fresh.withLock { $0.insert(contentsOf: blocks.reversed(), at: 0) }
  }
}
