import MillraceIO
import MillraceStorage
import MillraceWAL

/// Appends many rows to a table: PostgreSQL's `heap_multi_insert` (src/backend/access/heap/heapam.c). On its session's
/// thread, within its transaction.
///
/// Rows are collected until they fill pages, each of which then gets its own with one log record. The first page is
/// one that has room, or a new one; where that is not enough, pages are appended many at a time, pass through a ring of
/// buffers, and go out behind it, so that the device works while rows are formed.
///
/// ```swift
/// let loader = BulkLoader(table, session)
/// for … { try loader.append(values, by: writer) }
/// try loader.finish()
/// ```
public final class BulkLoader {
  private let session: Session
  private let relation: HeapRelation
  private let keepsRows: Bool
  /// Whose rows they are, from the first one on.
  private var xid = TransactionID.invalid
  private var command: UInt32 = 0
  /// Formed rows, each with a header before it. Those in front are on pages already.
  private var memory: UnsafeMutableRawBufferPointer
  private var used = 0
  private var placedEnd = 0
  /// Where the next row is that ``nextPlaced()`` gives.
  private var given = 0
  /// The page that was filled last, and may have room.
  private var current: PinnedBuffer?
  private var hasBegun = false
  // Of new pages, many at a time.
  private var strategy: BufferStrategy?
  private var writer: BulkPageWriter?
  private var blocks: ExtendedBlocks?
  private var unusedBlocks: Range<UInt32> = 0..<0
  private var extensionSize = 8
  /// Rows on pages, and pages that have got some.
  public private(set) var rowCount: UInt64 = 0
  public private(set) var pageCount: UInt64 = 0

  /// Before each row: its length, and what the caller has given with it.
  struct RowHeader {
    static let size = 16
    var length: UInt64
    var tag: UInt64
  }

  private static let initialMemory = 8 * PageLayout.blockSize
  /// So much fills a page in any case.
  private static let pageFull = 2 * PageLayout.blockSize
  private static let extensionMax = 128

  /// - Parameter keepsRows: whether rows stay in memory until ``nextPlaced()`` has given them back, so that entries in
  ///   indexes can be made; then who appends them says when they go onto pages: ``flush()``.
  public init(_ relation: HeapRelation, _ session: Session, keepsRows: Bool = false) {
    (self.session, self.relation, self.keepsRows) = (session, relation, keepsRows)
    memory = .allocate(byteCount: Self.initialMemory, alignment: 8)
  }

  deinit { memory.deallocate() }

  // MARK: Appending

  /// Appends a row.
  /// - Parameters:
  ///   - attributeCount: columns.
  ///   - form: is to append them all.
  /// - Throws: ``EngineError``: the row does not fit into a page, the disk is full, the database has stopped.
  public func append(
    attributeCount: Int, hasNulls: Bool = false, _ form: (inout TupleWriter) -> Void
  ) throws(EngineError) {
    let room = room(for: HeapPage.tupleLengthMax)
    var writer = TupleWriter(room, attributeCount: attributeCount, hasNulls: hasNulls)
    form(&writer)
    try append(try writer.finish(), tag: 0)
  }

  /// Appends a row.
  /// - Parameters:
  ///   - values: one for each column of the table.
  ///   - writer: forms it, and puts long values out of line.
  ///   - tag: comes back with it: ``Placed/tag``.
  /// - Throws: ``EngineError``: as above.
  public func append(_ values: TupleSlot, by writer: RowWriter, tag: UInt64 = 0) throws(EngineError) {
    let prepared = try writer.prepare(values)
    guard prepared.layout.length <= HeapPage.tupleLengthMax else { throw .rowTooBig(prepared.layout.length) }
    let room = room(for: prepared.layout.length)
    try append(writer.form(prepared, values, into: room), tag: tag)
  }

  /// Memory for the next row, behind its header.
  private func room(for length: Int) -> UnsafeMutableRawBufferPointer {
    let start = used + RowHeader.size
    if start + length > memory.count { grow(to: start + length) }
    return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + length])
  }

  private func grow(to size: Int) {
    let grown = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, memory.count * 2), alignment: 8)
    grown.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<used]))
    memory.deallocate()
    memory = grown
  }

  /// Takes over a row that has been formed where there was room for it.
  private func append(_ tuple: HeapTuple, tag: UInt64) throws(EngineError) {
    if !xid.isValid { (xid, command) = (try session.requireTransactionID(), session.command) }
    tuple.prepareForInsert(by: xid, command: command)
    memory.storeBytes(
      of: RowHeader(length: UInt64(tuple.bytes.count), tag: tag), toByteOffset: used, as: RowHeader.self)
    used += RowHeader.size + PageLayout.aligned(tuple.bytes.count)
    guard !keepsRows, used > Self.initialMemory - Self.pageFull else { return }
    while used - placedEnd > Self.pageFull { try fillPage(isLast: false) }
    forgetPlaced()
  }

  /// Moves the rows that are on no page yet to the front.
  private func forgetPlaced() {
    if placedEnd < used {
      UnsafeMutableRawBufferPointer(rebasing: memory[..<(used - placedEnd)])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[placedEnd..<used]))
    }
    (used, placedEnd, given) = (used - placedEnd, 0, 0)
  }

  // MARK: Placed rows

  /// A row that is on its page.
  public struct Placed {
    /// As it was formed; it says itself where it is. Until the next call.
    public let tuple: HeapTuple
    public let tag: UInt64
  }

  /// Puts all rows onto pages.
  public func flush() throws(EngineError) {
    while placedEnd < used { try fillPage(isLast: false) }
    if !keepsRows { forgetPlaced() }
  }

  /// The next of the rows that have been put onto pages; nil after the last, and then they are forgotten.
  /// - Precondition: rows are kept.
  public func nextPlaced() -> Placed? {
    precondition(keepsRows, "rows were to be given back that are not kept")
    guard given < placedEnd else {
      forgetPlaced()
      return nil
    }
    let (tuple, header) = row(at: given)
    given += RowHeader.size + PageLayout.aligned(tuple.bytes.count)
    return Placed(tuple: tuple, tag: header.tag)
  }

  @inline(__always) private func row(at offset: Int) -> (HeapTuple, RowHeader) {
    let header = memory.load(fromByteOffset: offset, as: RowHeader.self)
    let start = offset + RowHeader.size
    return (HeapTuple(forming: .init(rebasing: memory[start..<start + Int(header.length)])), header)
  }

  /// Puts what is left onto pages and waits for what is being written.
  /// - Throws: ``EngineError``. Then the transaction should be rolled back.
  public func finish() throws(EngineError) {
    while placedEnd < used { try fillPage(isLast: true) }
    if let page = current.take() {
      session.insertTargets[relation.locator] = page.block
      release(page)
    }
    blocks = nil
    relation.addFresh(unusedBlocks.map { BlockNumber($0) })
    unusedBlocks = 0..<0
    try writer?.finish()
  }

  // MARK: Pages

  /// Puts as many rows onto a page as it has room for.
  private func fillPage(isLast: Bool) throws(EngineError) {
    var page = try pageWithRoom(for: row(at: placedEnd).0.bytes.count)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    if heap.editor.isNew { heap.editor.initialize() }
    if heap.editor.flags.contains(.allVisible) { try session.clearVisibility(.all, heap.block, of: relation) }
    page.markDirty()
    let change = HeapChange(builder: session.builder, locator: relation.locator, xid: xid)
    let rows = PendingRows(memory, from: placedEnd, to: used)
    let count = change.multiInsert(rows, on: heap, reserve: relation.reservedBytes, isLast: isLast) { number in
      let tuple = row(at: placedEnd).0
      if keepsRows { tuple.identifier = TupleIdentifier(heap.block, number) }
      placedEnd += RowHeader.size + PageLayout.aligned(tuple.bytes.count)
    }
    guard count > 0 else {
      throw EngineError(.corrupted, "block \(page.block) of relation \(relation.locator) has less room than it says")
    }
    try session.log(&page, of: relation)
    session.statistics.countInserts(count, relation, level: session.nestingLevel)
    rowCount += UInt64(count)
    pageCount += 1
    page.unlock()
    if placedEnd < used { release(page) } else { current = consume page }
  }

  /// Lets go of a page that is full, which goes out soon if it is one of many.
  private func release(_ page: consuming PinnedBuffer) { writer?.add(page) }

  /// A page with room for a row, locked exclusively.
  private func pageWithRoom(for length: Int) throws(EngineError) -> PinnedBuffer {
    if var page = current.take() {
      page.lock(.exclusive, backend: session.backend)
      let heap = HeapPage(page.mutableBytes, block: page.block)
      if heap.freeSpace >= PageLayout.aligned(length) + relation.reservedBytes { return page }
      page.unlock()
      release(page)
    }
    guard hasBegun else {
      hasBegun = true
      return try session.pageWithRoom(for: length, in: relation)
    }
    do throws(StorageError) { return try newPage() } catch { throw EngineError(error) }
  }

  /// A page of the table that nobody has used yet, locked exclusively.
  private func newPage() throws(StorageError) -> PinnedBuffer {
    while true {
      if var page = blocks?.next() {
        unusedBlocks = page.block.rawValue + 1..<unusedBlocks.upperBound
        if page.lockMode == nil { page.lock(.exclusive, backend: session.backend) }
        // Somebody who took it for the last page of the table may have been faster.
        if PageView(page.bytes).isNew { return page }
        continue
      }
      if writer == nil {
        strategy = session.database.bulkWriteStrategy(for: relation)
        writer = BulkPageWriter(relation.pool, session, isLogged: relation.isLogged)
      }
      let made = try relation.pool.extend(relation.fork, by: extensionSize, session.backend, strategy: strategy)
      unusedBlocks = made.first.rawValue..<made.first.rawValue + UInt32(made.count)
      blocks = consume made
      // The more there is, the more at a time.
      extensionSize = min(extensionSize * 2, Self.extensionMax)
    }
  }
}

/// The rows that are on no page yet.
private struct PendingRows: Sequence, IteratorProtocol {
  private let memory: UnsafeMutableRawBufferPointer
  private var position: Int
  private let end: Int

  init(_ memory: UnsafeMutableRawBufferPointer, from position: Int, to end: Int) {
    (self.memory, self.position, self.end) = (memory, position, end)
  }

  mutating func next() -> HeapTuple? {
    guard position < end else { return nil }
    let length = Int(memory.load(fromByteOffset: position, as: BulkLoader.RowHeader.self).length)
    let start = position + BulkLoader.RowHeader.size
    position = start + PageLayout.aligned(length)
    return HeapTuple(forming: UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + length]))
  }
}
