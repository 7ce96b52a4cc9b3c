import MillraceIO
import MillraceStorage
import MillraceTypes

/// Something in a cluster that cannot be right.
public struct CheckProblem: Sendable, Equatable {
  public let database: String
  /// With its schema.
  public let relation: String
  /// Below the data directory.
  public let path: String
  public let block: UInt32?
  public let message: String
}

/// Checks a table and all its indexes: the structure of each index, and that each leads to all rows of the table and to
/// nothing else (amcheck's verify_heapam and bt_index_parent_check with `heapallindexed`, contrib/amcheck). On its
/// session's thread, in its transaction; nobody may change the table meanwhile.
struct TableChecker {
  /// A problem, and in which relation's file.
  struct Finding: Equatable {
    let relation: String
    let path: String
    let block: UInt32?
    let message: String
  }

  private let session: Session
  private let relation: RelationDescriptor
  private let heap: HeapRelation
  private var entries: [IndexEntries] = []
  private(set) var findings: [Finding] = []
  private(set) var rowCount: UInt64 = 0
  private(set) var entryCount: UInt64 = 0
  private(set) var pageCount: UInt64 = 0
  /// Indexes of which only the structure, or nothing, could be checked.
  private(set) var skipped: [String] = []
  /// More than this many are not collected of one table.
  private static let findingsMax = 100

  init?(_ relation: RelationDescriptor, _ session: Session) {
    guard let heap = relation.heap else { return nil }
    (self.relation, self.session, self.heap) = (relation, session, heap)
  }

  mutating func run() throws(EngineError) {
    for index in relation.indexes { try check(index) }
    try checkHeap()
  }

  private mutating func note(_ message: String, _ block: BlockNumber?, index: IndexDescriptor? = nil) {
    guard findings.count < Self.findingsMax else { return }
    let path = index?.tree?.fork.path ?? heap.fork.path
    findings.append(
      Finding(relation: index?.name ?? relation.name, path: path, block: block?.rawValue, message: message))
  }

  // MARK: Indexes

  private mutating func check(_ index: IndexDescriptor) throws(EngineError) {
    guard let tree = index.tree else {
      skipped.append(index.name)
      return
    }
    var found = IndexEntries(index)
    var checker = BTreeChecker(tree, session)
    let count = index.keyCount
    let layout = tree.layout
    let values = UnsafeMutablePointer<Datum>.allocate(capacity: max(layout.columnCount, 1))
    defer { values.deallocate() }
    let arena = Arena()
    var failure: EngineError?
    checker.visit = { [session] tuple, place in
      let nulls = layout.deform(tuple, count: count, into: values)
      do throws(EngineError) {
        found.add(try Self.fingerprint(values, nulls, layout, count, session, arena), place)
      } catch {
        failure = failure ?? error
      }
      arena.reset()
    }
    do throws(EngineError) {
      _ = try checker.run()
    } catch {
      guard error.isCorruption || error.code == .io else { throw error }
      note(error.message, nil, index: index)
    }
    if let failure { note(failure.message, nil, index: index) }
    for problem in checker.problems { note(problem.message, problem.block, index: index) }
    entryCount += checker.entryCount
    pageCount += UInt64(try tree.blockCount())
    found.sort()
    if let place = found.placeBehind(try heap.blockCount()) {
      note("has an entry that leads to \(place), behind the end of its table", nil, index: index)
    }
    if index.hasExpressions || !index.isReady {
      // What it should hold only its expressions say.
      skipped.append(index.name)
    }
    entries.append(found)
  }

  private static func fingerprint(
    _ values: UnsafePointer<Datum>, _ nulls: UInt32, _ layout: IndexLayout, _ count: Int, _ session: Session,
    _ arena: Arena
  ) throws(EngineError) -> UInt64 {
    var parts: [(datum: Datum?, type: TypeDescriptor)] = []
    for column in 0..<count {
      let isNull = nulls >> UInt32(column) & 1 != 0
      parts.append(
        (isNull ? nil : try session.detoasted(values[column], in: arena), layout.keys[column].type))
    }
    return IndexEntries.fingerprint(parts)
  }

  // MARK: Rows

  private mutating func checkHeap() throws(EngineError) {
    let snapshot = try session.latestSnapshot()
    let registration = session.register(snapshot)
    defer { session.unregister(registration) }
    let count = try heap.blockCount()
    pageCount += UInt64(count)
    let stream = ReadStream(
      heap.pool, session.backend, heap.fork, BlockRange(0..<count, isCertain: true),
      strategy: session.database.bulkReadStrategy(for: heap, pages: count),
      configuration: session.database.maintenanceStreamConfiguration)
    let slot = TupleSlot(count: relation.tuple.count)
    let arena = Arena()
    while true {
      try session.checkInterrupts()
      var next: PinnedBuffer?
      do throws(StorageError) { next = try stream.next() } catch { throw EngineError(error) }
      guard var page = next.take() else { break }
      page.lock(.share, backend: session.backend)
      let bytes = [UInt8](UnsafeRawBufferPointer(start: page.bytes, count: PageLayout.blockSize))
      let block = page.block
      page.unlock()
      var failure: EngineError?
      bytes.withUnsafeBytes { copy in
        guard let base = copy.baseAddress else { return }
        do throws(EngineError) {
          try check(base, block, snapshot, slot, arena)
        } catch {
          failure = error
        }
      }
      if let failure {
        guard failure.isCorruption || failure.code == .statement else { throw failure }
        note(failure.message, block)
      }
    }
  }

  /// - Parameter page: a copy of it.
  private mutating func check(
    _ page: UnsafeRawPointer, _ block: BlockNumber, _ snapshot: Snapshot, _ slot: TupleSlot, _ arena: Arena
  ) throws(EngineError) {
    let view = PageView(page)
    guard !view.isNew else {
      for entry in entries where !entry.places(in: block).isEmpty {
        note("has an entry that leads to block \(block), which is new", nil, index: entry.index)
      }
      return
    }
    checkEntries(page, block)
    var visible: [UInt16] = []
    var hints: [(number: UInt16, bits: Infomask)] = []
    try session.visibility.look(at: page, block, snapshot, visible: &visible, hints: &hints)
    var reached: Set<UInt16> = []
    for number in 1..<view.itemCount + 1 {
      let root = TupleIdentifier(block, number)
      guard let found = try session.visibility.search(page, root, snapshot, hints: &hints) else { continue }
      if !reached.insert(UInt16(found)).inserted { note("item \(found) is reached from two roots", block) }
      let heapPage = HeapPage(UnsafeMutableRawPointer(mutating: page), block: block)
      guard let tuple = heapPage.tuple(found) else { continue }
      try check(tuple, TupleIdentifier(block, found), root: root, slot, arena)
    }
    for number in visible where !reached.contains(number) {
      note("item \(number) is seen, and no root leads to it", block)
    }
    rowCount += UInt64(visible.count)
  }

  /// Whether what indexes lead to on a page can be led to.
  private mutating func checkEntries(_ page: UnsafeRawPointer, _ block: BlockNumber) {
    let view = PageView(page)
    for entry in entries {
      for place in entry.places(in: block) {
        let number = Int(place.number)
        guard number >= 1, number <= view.itemCount else {
          note("has an entry that leads to \(place), where there is no line pointer", nil, index: entry.index)
          continue
        }
        let pointer = view.linePointer(number)
        if pointer.state == .unused {
          note("has an entry that leads to \(place), which is unused", nil, index: entry.index)
        } else if pointer.state == .normal, isHeapOnly(page, number) {
          note("has an entry that leads to \(place), which is a heap-only tuple", nil, index: entry.index)
        }
      }
    }
  }

  private func isHeapOnly(_ page: UnsafeRawPointer, _ number: Int) -> Bool {
    HeapPage(UnsafeMutableRawPointer(mutating: page), block: BlockNumber(0)).tuple(number)?.isHeapOnly ?? false
  }

  /// Whether every index leads to a row.
  private mutating func check(
    _ tuple: HeapTuple, _ place: TupleIdentifier, root: TupleIdentifier, _ slot: TupleSlot, _ arena: Arena
  ) throws(EngineError) {
    guard tuple.infomask2.attributeCount <= relation.tuple.count,
      relation.tuple.deformer.deform(tuple, slot.values, slot.nulls)
    else { return note("tuple \(place) has not the columns that it says", place.block) }
    for position in entries.indices {
      let index = entries[position].index
      guard let layout = index.tree?.layout, !index.hasExpressions, index.isReady else { continue }
      var parts: [(datum: Datum?, type: TypeDescriptor)] = []
      for (number, column) in index.columns.prefix(index.keyCount).enumerated() {
        var datum = column.column.flatMap { slot[$0] }
        if let stored = datum { datum = try session.detoasted(stored, in: arena) }
        parts.append((datum, layout.keys[number].type))
      }
      let fingerprint = IndexEntries.fingerprint(parts)
      if !entries[position].find(fingerprint, root) {
        note("has no entry for the row \(place) of table \"\(relation.name)\"", nil, index: index)
      }
      guard index.isUnique, index.isNullsNotDistinct || !parts.contains(where: { $0.datum == nil }) else { continue }
      if let other = entries[position].noteKey(fingerprint, place) {
        note("is unique, and rows \(other) and \(place) have the same key", nil, index: index)
      }
    }
    arena.reset()
  }
}
