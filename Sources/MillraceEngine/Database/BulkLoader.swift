import MillraceIO
import MillraceStorage
import MillraceWAL

/// Appends many rows to a table: PostgreSQL's `COPY`. On its session's thread, within its transaction.
///
/// Rows are collected until they fill a page, which then gets them all with one log record. Pages are appended many at
/// a time, pass through a ring of buffers, and go out through a write stream, so that the device works while rows are
/// formed.
///
/// ```swift
/// let loader = try BulkLoader(table, session)
/// for … {
///   try loader.append(attributeCount: 2) { row in
///     row.append(id)
///     row.append(text: name.utf8)
///   }
/// }
/// try loader.finish()
/// ```
public final class BulkLoader {
  private let session: Session
  private let relation: HeapRelation
  private let strategy: BufferStrategy?
  private let stream: WriteStream
  private let xid: TransactionID
  private let command: UInt32
  /// Formed rows that are on no page yet.
  private let memory: UnsafeMutableRawBufferPointer
  private var rows: [Row] = []
  private var used = 0
  private var blocks: ExtendedBlocks?
  /// Rows on pages.
  public private(set) var rowCount: UInt64 = 0
  public private(set) var pageCount: UInt64 = 0

  private struct Row {
    let offset, count: Int
  }

  /// Room for the rows of a page, and one more that turns out not to fit.
  private static let memoryBytes = 4 * PageLayout.blockSize
  /// Pages that are appended at a time.
  private static let extensionSize = 128

  public init(_ relation: HeapRelation, _ session: Session) throws(EngineError) {
    (self.session, self.relation) = (session, relation)
    xid = try session.requireTransactionID()
    command = session.command
    strategy = session.database.bulkWriteStrategy(for: relation)
    stream = WriteStream(
      relation.pool, session.backend, configuration: session.database.bulkWriteConfiguration)
    memory = .allocate(byteCount: Self.memoryBytes, alignment: 8)
    rows.reserveCapacity(HeapPage.itemCountMax)
  }

  deinit { memory.deallocate() }

  /// Appends a row.
  /// - Parameters:
  ///   - attributeCount: columns.
  ///   - form: is to append them all.
  /// - Throws: ``EngineError``: the row does not fit into a page, the disk is full, the database has stopped.
  public func append(
    attributeCount: Int, hasNulls: Bool = false, _ form: (inout TupleWriter) -> Void
  ) throws(EngineError) {
    let room = UnsafeMutableRawBufferPointer(rebasing: memory[used...])
    var writer = TupleWriter(room, attributeCount: attributeCount, hasNulls: hasNulls)
    form(&writer)
    let tuple = try writer.finish()
    tuple.prepareForInsert(by: xid, command: command)
    rows.append(Row(offset: used, count: tuple.bytes.count))
    used += PageLayout.aligned(tuple.bytes.count)
    // With that much a page is full in any case, and a longest row has room behind it.
    if used > 2 * PageLayout.blockSize || rows.count == HeapPage.itemCountMax { try writePage() }
  }

  /// Puts what is left onto pages and waits for what is being written.
  /// - Throws: ``EngineError``. Then the transaction should be rolled back.
  public func finish() throws(EngineError) {
    while !rows.isEmpty { try writePage(isLast: true) }
    blocks = nil
    do throws(StorageError) { try stream.finish() } catch { throw EngineError(error) }
  }

  /// Fills one page.
  private func writePage(isLast: Bool = false) throws(EngineError) {
    var page = try nextPage()
    let heap = HeapPage(page.mutableBytes, block: page.block)
    heap.editor.initialize()
    page.markDirty()
    let change = HeapChange(builder: session.builder, locator: relation.locator, xid: xid)
    let base = memory
    let tuples = rows.lazy.map { row in
      HeapTuple(forming: UnsafeMutableRawBufferPointer(rebasing: base[row.offset..<row.offset + row.count]))
    }
    let count = change.multiInsert(tuples, on: heap, reserve: relation.reservedBytes, isLast: isLast)
    try session.log(&page, of: relation)
    stream.add(page)
    session.statistics.countInserts(count, relation, level: session.nestingLevel)
    rowCount += UInt64(count)
    pageCount += 1
    forget(count)
  }

  /// Moves the rows that did not fit to the front.
  private func forget(_ count: Int) {
    guard count < rows.count else {
      rows.removeAll(keepingCapacity: true)
      used = 0
      return
    }
    let start = rows[count].offset
    UnsafeMutableRawBufferPointer(rebasing: memory[..<(used - start)])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[start..<used]))
    rows.removeFirst(count)
    for index in rows.indices { rows[index] = Row(offset: rows[index].offset - start, count: rows[index].count) }
    used -= start
  }

  /// A page of the table that nobody has used yet, locked exclusively.
  private func nextPage() throws(EngineError) -> PinnedBuffer {
    do throws(StorageError) {
      while true {
        if var page = blocks?.next() {
          if page.lockMode == nil { page.lock(.exclusive, backend: session.backend) }
          // Somebody who took it for the last page of the table may have been faster.
          if PageView(page.bytes).isNew { return page }
          continue
        }
        blocks = try relation.pool.extend(
          relation.fork, by: Self.extensionSize, session.backend, strategy: strategy)
      }
    } catch {
      throw EngineError(error)
    }
  }
}
