import MillraceIO
import MillraceSettings
import MillraceStorage
public import MillraceTypes

/// Builds an index from the rows of a table: sorts entries, outside of memory if need be, and makes the pages of them
/// in order (`CREATE INDEX`). On its session's thread, in its transaction.
///
/// ```swift
/// let build = try IndexBuild(index, session)
/// while let tuple = try scan.next() { try build.add(values, nulls: nulls, scan.identifier) }
/// try build.finish()
/// ```
public final class IndexBuild {
  private let index: BTreeIndex
  private let session: Session
  private let sort: ExternalSort
  // The index's, one step away: each step counts a reference for each entry.
  private let layout: IndexLayout
  private let isUnique: Bool
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: PageLayout.blockSize, alignment: 8)
  private var metaPage: PinnedBuffer?
  /// Entries added.
  public var count: Int { sort.count }
  /// Runs that sorting wrote to files.
  public var runCount: Int { sort.runCount }
  public private(set) var pageCount: UInt32 = 0
  /// Of a unique index that could not be built: a row whose key another one has.
  public private(set) var duplicate: TupleIdentifier?

  /// - Parameters:
  ///   - index: new: its file is empty (see ``Session/createIndexFile(_:)``).
  ///   - memoryLimit: bytes for sorting; `maintenance_work_mem` unless given.
  public init(_ index: BTreeIndex, _ session: Session, memoryLimit: Int? = nil) throws(EngineError) {
    (self.index, self.session) = (index, session)
    let layout = index.layout
    (self.layout, isUnique) = (layout, index.definition.isUnique)
    sort = ExternalSort(
      fileSystem: session.database.configuration.fileSystem, directory: session.database.path + "/base/pgsql_tmp",
      session.backend, memoryLimit: memoryLimit ?? session.database.maintenanceMemory
    ) { left, right in
      guard let a = left.baseAddress, let b = right.baseAddress else { return 0 }
      let x = IndexTuple(UnsafeMutableRawPointer(mutating: a), limit: left.count)
      let y = IndexTuple(UnsafeMutableRawPointer(mutating: b), limit: right.count)
      let order = layout.order(x, y)
      if order != 0 { return order }
      let (p, q) = (HeapTID(a), HeapTID(b))
      return p < q ? -1 : p > q ? 1 : 0
    }
    let page = try session.newPage(index)
    precondition(page.block == BTreeMetaPage.block, "an index was built into a file that is not empty")
    metaPage = consume page
  }

  deinit { memory.deallocate() }

  /// Adds an entry for a heap tuple, in any order.
  /// - Parameters:
  ///   - values: one for each column of the index.
  ///   - nulls: a bit for each of them that is null.
  ///   - isAlive: whether the row counts where keys must be unique.
  /// - Throws: ``EngineError``: `.rowTooBig`, or a file cannot be written.
  public func add(
    _ values: UnsafePointer<Datum>, nulls: UInt32 = 0, _ identifier: TupleIdentifier, isAlive: Bool = true
  ) throws(EngineError) {
    let tuple = try layout.form(values, nulls: nulls, count: layout.columnCount, HeapTID(identifier), in: memory)
    guard tuple.size <= BTreePage.tupleSizeMax else {
      throw EngineError(
        .rowTooBig,
        "index row size \(tuple.size) exceeds btree version \(BTreeMetaPage.version) maximum "
          + "\(BTreePage.tupleSizeMax)")
    }
    // A record that is longer than its tuple is that of a row which is dead.
    let length = tuple.size + (isAlive ? 0 : 8)
    try sort.append(
      UnsafeRawBufferPointer(rebasing: memory[..<length]),
      prefix: layout.sortPrefix(values[0], isNull: nulls & 1 == 1))
  }

  /// Sorts, makes the pages, and waits until they are written.
  /// - Throws: ``EngineError``: `.duplicateKey` where a key of a unique index comes twice.
  public func finish() throws(EngineError) {
    guard let metaPage = metaPage.take() else { preconditionFailure("an index was built twice") }
    session.progress.set(.subphase, CommandProgress.CreateIndex.sorting)
    try sort.finish()
    session.progress.set(.subphase, CommandProgress.CreateIndex.loading)
    session.progress.set(.tuplesTotal, UInt64(count))
    let builder = BTreeBuilder(index, session)
    let previous = IndexBuildKey()
    var isFirst = true
    while let record = try sort.next() {
      guard let base = record.baseAddress else { continue }
      let tuple = IndexTuple(UnsafeMutableRawPointer(mutating: base), limit: record.count)
      if isUnique, record.count == tuple.size {
        if !isFirst { try checkUnique(previous.tuple, tuple) }
        previous.copy(tuple)
        isFirst = false
      }
      try builder.add(tuple)
      session.progress.add(.tuplesDone, 1)
    }
    try builder.finish(metaPage)
    pageCount = builder.pageCount + 1
  }

  private func checkUnique(_ left: IndexTuple, _ right: IndexTuple) throws(EngineError) {
    guard index.layout.order(left, right) == 0 else { return }
    if !index.definition.nullsNotDistinct, left.hasNulls {
      var reader = IndexTupleReader(left, index.layout)
      for _ in 0..<index.layout.keyCount where reader.next() == nil { return }
    }
    let (first, second) = (HeapTID(UnsafeRawPointer(left.base)), HeapTID(UnsafeRawPointer(right.base)))
    duplicate = first.identifier
    throw EngineError(.duplicateKey, "the rows at \(first) and \(second) have the same key")
  }
}

extension IndexLayout {
  /// A number that orders as the first column does, as far as 64 bits tell.
  func sortPrefix(_ value: Datum, isNull: Bool) -> UInt64 {
    let column = columns[0]
    if isNull { return column.nullsFirst ? 0 : .max }
    let rising: UInt64
    switch column.comparison {
    case .int2, .int4, .int8:
      // Far from the ends where nulls are, but for the longest.
      let signed = column.comparison == .int8 ? value.int64 : Int64(value.int32)
      rising = UInt64(bitPattern: signed) ^ 1 << 63
    case .oid: rising = UInt64(value.oid) + 1
    case .bool: rising = value.bool ? 2 : 1
    case .text:
      var prefix: UInt64 = 0
      let bytes = value.bytes
      for position in 0..<8 { prefix = prefix << 8 | (position < bytes.count ? UInt64(bytes[position]) : 0) }
      rising = prefix
    default: return 1 << 63
    }
    return column.isDescending ? ~rising : rising
  }
}

extension Session {
  /// Makes an index with nothing in its file, to be built into; it is there for good when the transaction commits.
  public func createIndexFile(_ definition: BTreeIndex.Definition) throws(EngineError) -> BTreeIndex {
    let (_, fork) = try createStorage()
    return BTreeIndex(definition, fork: fork, pool: database.pool)
  }
}
