import MillraceIO
public import MillraceStorage

/// Gets rows by the places that an index has for them, through the chains of their versions: PostgreSQL's
/// heap_hot_search_buffer and heapam_index_fetch_tuple. On its session's thread.
///
/// The page that was used last stays pinned, since neighbours in an index are often neighbours in the heap.
public final class HeapFetcher {
  private let session: Session
  private let relation: HeapRelation
  private var snapshot: Snapshot
  private var registration: SnapshotRegistration?
  private var page: PinnedBuffer?
  private var block = BlockNumber.invalid
  /// Where the row stands that was found last.
  public private(set) var identifier = TupleIdentifier(.invalid, 0)
  /// Whether nobody will ever see any version behind the place that was asked for last, so that its entry in the index
  /// can go.
  public private(set) var isAllDead = false

  /// - Parameters:
  ///   - session: in a transaction.
  ///   - snapshot: to read by; the session's current one unless given.
  public init(_ relation: HeapRelation, _ session: Session, snapshot: Snapshot? = nil) throws(EngineError) {
    (self.session, self.relation) = (session, relation)
    if let snapshot { self.snapshot = snapshot } else { self.snapshot = try session.snapshot() }
    registration = session.register(self.snapshot)
  }

  deinit {
    if let registration { session.unregister(registration) }
  }

  /// Lets go of the page and the snapshot; then only ``version(at:replacing:)`` works, until ``begin(_:)``.
  public func release() {
    page = nil
    block = .invalid
    if let registration { session.unregister(registration) }
    registration = nil
  }

  /// Goes on with another snapshot of the session.
  func begin(_ snapshot: Snapshot) {
    release()
    self.snapshot = snapshot
    registration = session.register(snapshot)
  }

  /// Pins the page of a block if that can be done without reading it. - Returns: whether it is the page in use now.
  func pinIfCached(_ wanted: BlockNumber) throws(EngineError) -> Bool {
    if block == wanted, page != nil { return true }
    guard var found = relation.pool.pinIfCached(relation.fork, wanted, session.backend) else { return false }
    page = nil
    block = .invalid
    try session.prune(&found, of: relation)
    page = consume found
    block = wanted
    return true
  }

  /// Takes a page that a stream has read ahead.
  public func use(_ page: consuming PinnedBuffer) {
    block = page.block
    self.page = consume page
  }

  /// The version of a row that the snapshot sees.
  /// - Parameter root: what the index has.
  /// - Returns: a tuple on its page, valid until the next call; nil where no version is seen.
  /// - Throws: ``EngineError``.
  public func fetch(_ root: TupleIdentifier) throws(EngineError) -> HeapTuple? {
    try pin(root.block)
    guard var page = page.take() else { return nil }
    page.lock(.share, backend: session.backend)
    var hints: [(number: UInt16, bits: Infomask)] = []
    let number = try session.visibility.search(page.bytes, root, snapshot, hints: &hints)
    isAllDead = number == nil ? try session.isAllDead(page.bytes, root) : false
    if !hints.isEmpty, page.tryUpgrade() {
      for (number, bits) in hints { Self.tuple(Int(number), page.bytes, block)?.infomask.formUnion(bits) }
      try session.noteHints(on: &page, of: relation)
    }
    page.unlock()
    let bytes = page.bytes
    self.page = consume page
    guard let number else { return nil }
    identifier = TupleIdentifier(block, number)
    return Self.tuple(number, bytes, block)
  }

  /// The tuple at a place, if the snapshot sees just that one (`heap_fetch`).
  /// - Returns: a tuple on its page, valid until the next call.
  public func fetchExact(_ place: TupleIdentifier) throws(EngineError) -> HeapTuple? {
    try pin(place.block)
    guard var page = page.take() else { return nil }
    page.lock(.share, backend: session.backend)
    var found = Self.tuple(Int(place.number), page.bytes, block)
    if let tuple = found {
      var bits: Infomask = []
      let lsn = PageHeader.lsn(of: page.bytes)
      if try !session.visibility.isVisible(tuple, to: snapshot, pageLSN: lsn, hints: &bits) { found = nil }
    }
    page.unlock()
    self.page = consume page
    if found != nil { identifier = place }
    return found
  }

  /// The tuple at a place, whoever sees it, with its header as it is now.
  /// - Parameter replaced: where the place is that of a newer version: who replaced the older one. If the place has
  ///   another row by now, nil is returned.
  public func version(
    at place: TupleIdentifier, replacing replaced: TransactionID? = nil
  ) throws(EngineError) -> HeapTuple? {
    try pin(place.block)
    guard let bytes = page?.bytes, let tuple = Self.tuple(Int(place.number), bytes, place.block) else { return nil }
    if let replaced, tuple.xmin != replaced { return nil }
    identifier = place
    return tuple
  }

  private func pin(_ wanted: BlockNumber) throws(EngineError) {
    if block == wanted, page != nil { return }
    try session.checkInterrupts()
    page = nil
    block = .invalid
    do throws(StorageError) {
      var pinned = try relation.pool.read(relation.fork, wanted, session.backend)
      do throws(EngineError) { try session.prune(&pinned, of: relation) } catch {
        throw StorageError(.writeAheadLog, message: error.message)
      }
      page = consume pinned
    } catch {
      throw EngineError(error)
    }
    block = wanted
  }

  private static func tuple(_ number: Int, _ page: UnsafeRawPointer, _ block: BlockNumber) -> HeapTuple? {
    HeapPage(UnsafeMutableRawPointer(mutating: page), block: block).tuple(number)
  }
}

extension Visibility {
  /// Follows the chain of a row's versions on a page to the one that a snapshot sees.
  /// - Parameters:
  ///   - page: locked in any mode.
  ///   - root: the place that an index has.
  /// - Returns: the line pointer; nil where none is seen.
  mutating func search(
    _ page: UnsafeRawPointer, _ root: TupleIdentifier, _ snapshot: Snapshot,
    hints: inout [(number: UInt16, bits: Infomask)]
  ) throws(EngineError) -> Int? {
    var chain = HeapChain(page, root)
    let lsn = PageHeader.lsn(of: page)
    while let number = chain.number, let tuple = chain.tuple {
      var bits: Infomask = []
      let isVisible = try isVisible(tuple, to: snapshot, pageLSN: lsn, hints: &bits)
      if !bits.isEmpty { hints.append((UInt16(number), bits)) }
      if isVisible { return number }
      chain.advance(tuple.isHotUpdated ? try updater(tuple) : .invalid)
    }
    return nil
  }
}

/// The versions of a row on one page, from the place that indexes know, by their links.
struct HeapChain {
  private let page: HeapPage
  private(set) var number: Int?
  private var writer = TransactionID.invalid
  private var steps = 0

  /// - Parameter root: may lead on (a redirect), or have no tuple any more: then the chain is empty.
  init(_ bytes: UnsafeRawPointer, _ root: TupleIdentifier) {
    page = HeapPage(UnsafeMutableRawPointer(mutating: bytes), block: root.block)
    let first = Int(root.number)
    guard first >= 1, first <= page.editor.itemCount else { return }
    let pointer = page.editor.linePointer(first)
    switch pointer.state {
    case .redirect: number = pointer.offset
    // What is in no index cannot be a root: the place was used again.
    case .normal: number = page.tuple(first)?.isHeapOnly == false ? first : nil
    case .unused, .dead: number = nil
    }
  }

  /// The version that the chain has come to; nil at its end, also where a link leads to another row's tuple.
  var tuple: HeapTuple? {
    guard let number, let tuple = page.tuple(number), !writer.isValid || tuple.xmin == writer else { return nil }
    return tuple
  }

  /// Goes on to the next version.
  /// - Parameter updater: who made it; invalid where there is none on this page.
  mutating func advance(_ updater: TransactionID) {
    guard updater.isValid, let tuple, tuple.identifier.block == page.block, steps < HeapPage.itemCountMax else {
      number = nil
      return
    }
    steps += 1
    (number, writer) = (Int(tuple.identifier.number), updater)
  }
}

extension Session {
  /// Whether every version behind a place is dead to all, by the hint bits.
  /// - Parameter page: locked in any mode.
  func isAllDead(_ page: UnsafeRawPointer, _ root: TupleIdentifier) throws(EngineError) -> Bool {
    var chain = HeapChain(page, root)
    guard chain.number != nil else { return true }
    while let tuple = chain.tuple {
      let horizon = removalHorizon(beyond: tuple.xmax)
      guard visibility.isSurelyDead(tuple, horizon: horizon) else { return false }
      chain.advance(tuple.isHotUpdated ? tuple.xmax : .invalid)
    }
    return true
  }
}
