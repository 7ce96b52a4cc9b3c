import MillraceIO
public import MillraceStorage
import MillraceWAL

/// The rows of a table that a snapshot sees, in the order of their places: PostgreSQL's sequential scan. On its
/// session's thread.
///
/// Pages come through a read stream. Of each page it is decided at once, under one lock, which of its tuples are seen;
/// what that has shown is noted in the tuples (hint bits). A page that changes meanwhile cannot take these tuples away,
/// because it stays pinned while they are given out.
public final class HeapScan {
  private let session: Session
  private let relation: HeapRelation
  private let snapshot: Snapshot
  private let stream: ReadStream
  private var page: PinnedBuffer?
  private var block = BlockNumber.invalid
  /// The line pointers of the page's tuples that are seen, and how many have been given out.
  private var visible: [UInt16] = []
  private var hints: [(number: UInt16, bits: Infomask)] = []
  private var position = 0
  private let registration: SnapshotRegistration
  /// Where the tuple stands that was given out last.
  public private(set) var identifier = TupleIdentifier(.invalid, 0)

  /// - Parameters:
  ///   - session: in a transaction.
  ///   - snapshot: to read by; the session's current one unless given.
  ///   - configuration: how far to read ahead.
  public init(
    _ relation: HeapRelation, _ session: Session, snapshot: Snapshot? = nil,
    configuration: ReadStreamConfiguration? = nil
  ) throws(EngineError) {
    (self.session, self.relation) = (session, relation)
    if let snapshot { self.snapshot = snapshot } else { self.snapshot = try session.snapshot() }
    registration = session.register(self.snapshot)
    let database = session.database
    let count = try relation.blockCount()
    // A table that is large for the pool passes through a ring of buffers instead of pushing everything else out.
    let strategy = database.bulkReadStrategy(for: relation, pages: count)
    stream = ReadStream(
      relation.pool, session.backend, relation.fork, BlockRange(0..<count, isCertain: true), strategy: strategy,
      configuration: configuration ?? database.readStreamConfiguration)
    session.statistics.countScan(relation.oid, relation.locator)
    visible.reserveCapacity(HeapPage.itemCountMax)
    hints.reserveCapacity(HeapPage.itemCountMax)
  }

  deinit {
    session.statistics.countReturned(position, relation.oid, relation.locator)
    session.unregister(registration)
  }

  public var statistics: ReadStreamStatistics { stream.statistics }

  /// The next row; nil at the end.
  /// - Returns: a tuple on its page, valid until the next call.
  /// - Throws: ``EngineError``.
  public func next() throws(EngineError) -> HeapTuple? {
    while position == visible.count {
      page = nil
      do throws(StorageError) { page = try stream.next() } catch { throw EngineError(error) }
      guard page != nil else { return nil }
      try look()
    }
    defer { position += 1 }
    let number = visible[position]
    identifier = TupleIdentifier(block, Int(number))
    guard let bytes = page?.bytes, let tuple = Self.tuple(Int(number), bytes, block) else {
      throw EngineError(.corrupted, "tuple \(identifier) of relation \(relation.locator) has gone")
    }
    return tuple
  }

  /// Reading needs no right to change, but tuples are the same type for both.
  private static func tuple(_ number: Int, _ page: UnsafeRawPointer, _ block: BlockNumber) -> HeapTuple? {
    HeapPage(UnsafeMutableRawPointer(mutating: page), block: block).tuple(number)
  }

  /// Finds out which tuples of the page are seen.
  private func look() throws(EngineError) {
    session.statistics.countReturned(position, relation.oid, relation.locator)
    position = 0
    visible.removeAll(keepingCapacity: true)
    guard var page = page.take() else { return }
    block = page.block
    try session.prune(&page, of: relation)
    try session.checkInterrupts()
    page.lock(.share, backend: session.backend)
    hints.removeAll(keepingCapacity: true)
    do throws(EngineError) {
      try session.visibility.look(at: page.bytes, block, snapshot, visible: &visible, hints: &hints)
    } catch {
      throw error.naming(relation.locator)
    }
    if !hints.isEmpty, page.tryUpgrade() {
      let bytes = page.bytes
      for (number, bits) in hints { Self.tuple(Int(number), bytes, block)?.infomask.formUnion(bits) }
      try session.noteHints(on: &page, of: relation)
    }
    page.unlock()
    self.page = consume page
  }

  /// Where index entries for the tuple that was given out last lead: to the first of its HOT chain
  /// (heap_get_root_tuples).
  /// - Complexity: for a tuple that is not the first, the page's line pointers and the tuples of its chains.
  public func rootIdentifier() throws(EngineError) -> TupleIdentifier {
    guard let bytes = page?.bytes, let tuple = Self.tuple(Int(identifier.number), bytes, block), tuple.isHeapOnly
    else { return identifier }
    // The page is pinned, so that nobody prunes it.
    let count = HeapPage(UnsafeMutableRawPointer(mutating: bytes), block: block).editor.itemCount
    for number in 1..<count + 1 {
      let root = TupleIdentifier(block, number)
      var chain = HeapChain(bytes, root)
      while let version = chain.tuple {
        if chain.number == Int(identifier.number) { return root }
        chain.advance(version.isHotUpdated ? try session.visibility.updater(version) : .invalid)
      }
    }
    return identifier
  }
}
