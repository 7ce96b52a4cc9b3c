import MillraceStorage
import MillraceTypes

/// Reading and changing the rows of system tables.
extension SessionCatalog {
  // MARK: Reading

  /// All rows with certain values, as the own transaction sees them now.
  /// - Parameter keys: what columns must hold.
  /// - Throws: ``EngineError``.
  public func rows<Column: CatalogColumn>(
    _ columns: Column.Type, _ keys: [Column: CatalogValue] = [:]
  ) throws(EngineError) -> [CatalogRow<Column>] {
    var rows: [CatalogRow<Column>] = []
    try scan(columns, keys) { row in
      rows.append(row)
      return true
    }
    return rows
  }

  /// The first of them; nil where there is none.
  public func first<Column: CatalogColumn>(
    _ columns: Column.Type, _ keys: [Column: CatalogValue]
  ) throws(EngineError) -> CatalogRow<Column>? {
    var found: CatalogRow<Column>?
    try scan(columns, keys) { row in
      found = row
      return false
    }
    return found
  }

  /// - Parameter body: says whether to go on.
  func scan<Column: CatalogColumn>(
    _ columns: Column.Type, _ keys: [Column: CatalogValue], _ body: (CatalogRow<Column>) -> Bool
  ) throws(EngineError) {
    let descriptor = SystemCatalog.of(columns).descriptor
    let filter = CatalogFilter(descriptor, keys.map { ($0.key.rawValue, $0.value) })
    let slot = TupleSlot(count: descriptor.count)
    let heap = catalog.table(Column.catalog)
    let arena = Arena()
    /// - Returns: whether to go on.
    func visit(_ tuple: HeapTuple, _ place: TupleIdentifier) throws(EngineError) -> Bool {
      guard filter.matches(tuple, slot) else { return true }
      guard descriptor.deformer.deform(tuple, slot.values, slot.nulls) else {
        throw EngineError(.corrupted, "tuple \(place) of \(heap.locator) is damaged")
      }
      var values: [CatalogValue] = []
      values.reserveCapacity(descriptor.count)
      for (index, column) in descriptor.columns.enumerated() {
        guard let datum = slot[index] else {
          values.append(.null)
          continue
        }
        values.append(CatalogValue(try session.detoasted(datum, in: arena), column))
      }
      return body(CatalogRow(values, at: place))
    }
    try session.withCatalogSnapshot { snapshot throws(EngineError) in
      if let (tree, conditions) = indexScan(Column.catalog, keys, descriptor, arena) {
        let scan = BTreeScan(tree, session, conditions)
        let fetcher = try HeapFetcher(heap, session, snapshot: snapshot)
        while let place = try scan.next() {
          guard let tuple = try fetcher.fetch(place) else {
            if fetcher.isAllDead { scan.killCurrent() }
            continue
          }
          if try !visit(tuple, fetcher.identifier) { return }
        }
      } else {
        let scan = try HeapScan(heap, session, snapshot: snapshot)
        while let tuple = try scan.next() {
          if try !visit(tuple, scan.identifier) { return }
        }
      }
    }
  }

  /// The index whose first columns the keys fix, as many as possible, and the conditions on them; nil where none helps.
  private func indexScan<Column: CatalogColumn>(
    _ table: UInt32, _ keys: [Column: CatalogValue], _ descriptor: TupleDescriptor, _ arena: Arena
  ) -> (tree: BTreeIndex, conditions: [IndexScanKey])? {
    let wanted = Dictionary(uniqueKeysWithValues: keys.map { ($0.key.rawValue, $0.value) })
    var best: (index: Catalog.Index, count: Int)?
    for index in catalog.indexes[table] ?? [] {
      let count = index.columns.prefix { wanted[$0] != nil }.count
      if count > best?.count ?? 0 { best = (index, count) }
    }
    guard let best else { return nil }
    let conditions = best.index.columns.prefix(best.count).enumerated().map { number, column in
      let datum = wanted[column]?.datum(descriptor.columns[column], in: arena)
      return IndexScanKey(number, datum.map { .equal($0) } ?? .isNull)
    }
    return (best.index.tree, conditions)
  }

  // MARK: Changing

  /// Adds a row. The next command sees it.
  /// - Throws: ``EngineError``.
  @discardableResult
  func insert<Column: CatalogColumn>(_ row: CatalogRow<Column>) throws(EngineError) -> TupleIdentifier {
    let (tuple, slot) = try form(row, SystemCatalog.of(Column.self))
    let place = try session.insert(tuple, into: catalog.table(Column.catalog))
    try insertEntries(Column.catalog, slot, place)
    return place
  }

  /// Puts a changed row in the place of the one that was read.
  /// - Throws: ``EngineError``: another transaction was faster.
  func update<Column: CatalogColumn>(_ row: CatalogRow<Column>) throws(EngineError) {
    guard let identifier = row.identifier else { preconditionFailure("a new row is inserted, not updated") }
    let table = SystemCatalog.of(Column.self)
    let (tuple, slot) = try form(row, table)
    let changesIndexedColumns = table.indexedColumns.contains { row.hasChanged($0) }
    let result = try session.update(
      identifier, of: catalog.table(Column.catalog), to: tuple, changesIndexedColumns: changesIndexedColumns)
    try Self.check(result, "updated")
    if case .done(let place) = result, changesIndexedColumns || place.block != identifier.block {
      try insertEntries(Column.catalog, slot, place)
    }
  }

  /// Enters a row into the indexes of its table.
  private func insertEntries(_ table: UInt32, _ slot: TupleSlot, _ place: TupleIdentifier) throws(EngineError) {
    for index in catalog.indexes[table] ?? [] {
      var nulls: UInt32 = 0
      let values = index.columns.enumerated().map { number, column in
        if slot.nulls[column] { nulls |= 1 << UInt32(number) }
        return slot.values[column]
      }
      try values.withDatums { values throws(EngineError) in
        try insertEntry(values, nulls, place, into: index, table, slot)
      }
    }
  }

  private func insertEntry(
    _ values: UnsafePointer<Datum>, _ nulls: UInt32, _ place: TupleIdentifier, into index: Catalog.Index,
    _ table: UInt32, _ slot: TupleSlot
  ) throws(EngineError) {
    let check = index.isUnique ? session.uniquenessCheck(catalog.table(table)) : nil
    while true {
      switch try session.insert(values, nulls: nulls, place, into: index.tree, check) {
      case .inserted: return
      case .mustWait(let xid, _): try session.waitForEnd(of: xid)
      case .conflict: throw duplicate(index, table, slot)
      }
    }
  }

  /// Two transactions have made objects of the same name at the same time.
  private func duplicate(_ index: Catalog.Index, _ table: UInt32, _ slot: TupleSlot) -> EngineError {
    let columns = SystemCatalog.required(table).descriptor.columns
    let names = index.columns.map { columns[$0].name }.joined(separator: ", ")
    let values = index.columns.map { column in
      guard let datum = slot[column] else { return "null" }
      switch CatalogValue(datum, columns[column]) {
      case .integer(let value): return "\(value)"
      case .text(let text): return text
      default: return "..."
      }
    }
    return EngineError(
      .uniqueViolation, "duplicate key value violates unique constraint \"\(index.name)\"",
      detail: "Key (\(names))=(\(values.joined(separator: ", "))) already exists.")
  }

  /// Removes a row that was read.
  /// - Throws: ``EngineError``: another transaction was faster.
  func delete<Column: CatalogColumn>(_ row: CatalogRow<Column>) throws(EngineError) {
    guard let identifier = row.identifier else { preconditionFailure("a row is removed that is not stored") }
    try Self.check(try session.delete(identifier, from: catalog.table(Column.catalog)), "deleted")
  }

  /// Removes all rows with certain values.
  func deleteAll<Column: CatalogColumn>(
    _ columns: Column.Type, _ keys: [Column: CatalogValue]
  ) throws(EngineError) {
    for row in try rows(columns, keys) { try delete(row) }
  }

  private static func check(_ result: Session.ChangeResult, _ verb: String) throws(EngineError) {
    if case .done = result { return }
    throw EngineError(.internalError, "tuple concurrently \(verb)")
  }

  func form<Column: CatalogColumn>(
    _ row: CatalogRow<Column>, _ table: SystemCatalog
  ) throws(EngineError) -> (tuple: HeapTuple, slot: TupleSlot) {
    let descriptor = table.descriptor
    arena.reset()
    let slot = TupleSlot(count: descriptor.count)
    for (index, value) in row.values.enumerated() {
      let column = descriptor.columns[index]
      precondition(!value.isNull || !column.isNotNull, "column \(column.name) of \(table.name) is null")
      slot[index] = value.datum(column, in: arena)
    }
    try toast(slot, table)
    return (buffer.form(descriptor, slot.values, slot.nulls), slot)
  }

  /// A row of a system table that is too long for a page's share has its long values compressed or moved.
  private func toast(_ slot: TupleSlot, _ table: SystemCatalog) throws(EngineError) {
    guard table.toastRelation != 0 else { return }
    try session.toast(
      slot, table.descriptor,
      into: { () throws(EngineError) in
        try self.requiredRelation(table.toastRelation)
      }, arena)
  }
}

extension [Datum] {
  /// Calls `body` with the array's memory.
  fileprivate func withDatums<Result>(
    _ body: (UnsafePointer<Datum>) throws(EngineError) -> Result
  ) throws(EngineError) -> Result {
    try withUnsafeBufferPointer { values -> Swift.Result<Result, EngineError> in
      guard let base = values.baseAddress else { preconditionFailure("an index without columns") }
      do throws(EngineError) { return .success(try body(base)) } catch { return .failure(error) }
    }.get()
  }
}

/// Which rows of a system table are wanted: decided by few columns, before the others are looked at.
private struct CatalogFilter {
  private let keys: [(column: Int, value: CatalogValue)]
  private let columns: [ColumnDescriptor]
  private let deformer: TupleDeformer

  init(_ descriptor: TupleDescriptor, _ keys: [(Int, CatalogValue)]) {
    self.keys = keys.map { (column: $0.0, value: $0.1) }
    columns = descriptor.columns
    deformer = descriptor.deformer(for: keys.map(\.0))
  }

  func matches(_ tuple: HeapTuple, _ slot: TupleSlot) -> Bool {
    guard !keys.isEmpty else { return true }
    guard deformer.deform(tuple, slot.values, slot.nulls) else { return false }
    for (column, value) in keys {
      guard let datum = slot[column] else {
        if value.isNull { continue }
        return false
      }
      switch value {
      case .integer(let number):
        guard datum.int64 == number else { return false }
      case .text(let text):
        guard Self.isEqual(datum.bytes, text) else { return false }
      default:
        guard CatalogValue(datum, columns[column]) == value else { return false }
      }
    }
    return true
  }

  /// Names end with zeros.
  private static func isEqual(_ bytes: ByteView, _ text: String) -> Bool {
    var text = text
    return text.withUTF8 { text in
      let text = ByteView(UnsafeRawBufferPointer(text))
      guard bytes.hasPrefix(text) else { return false }
      return bytes.count == text.count || bytes[text.count] == 0
    }
  }
}
