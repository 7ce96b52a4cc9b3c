import MillraceIO
import MillraceStorage
import MillraceTypes

/// The chunks of a TOAST table: rows `(chunk_id oid, chunk_seq int4, chunk_data bytea)`, found by an index on the first
/// two.
struct ToastTable {
  let relation: RelationDescriptor
  private let session: Session
  private let heap: HeapRelation

  /// `TOAST_MAX_CHUNK_SIZE`: four chunks fill a page.
  static let chunkSize = 1996
  /// `TOAST_TUPLE_THRESHOLD`, `TOAST_TUPLE_TARGET`: tuples up to this length stay as they are.
  static let tupleThreshold = 2032

  static let columns: [ColumnDescriptor] = {
    var data = ColumnDescriptor(
      "chunk_data", typeID: .bytea, length: -1, isByValue: false, alignment: .int, storage: .plain)
    data.isNotNull = false
    var columns = [ColumnDescriptor("chunk_id", .oid), ColumnDescriptor("chunk_seq", .int4), data]
    for index in columns.indices { columns[index].storage = .plain }
    return columns
  }()

  private static let descriptor = TupleDescriptor(columns)

  init(_ relation: RelationDescriptor, _ session: Session) throws(EngineError) {
    guard let heap = relation.heap else {
      throw EngineError(.dataCorrupted, "relation \"\(relation.name)\" is not a TOAST table")
    }
    (self.relation, self.session, self.heap) = (relation, session, heap)
  }

  // MARK: Writing

  /// Stores a value.
  /// - Parameter datum: whole, or compressed in line.
  /// - Returns: the pointer to it.
  func insert(_ datum: Datum, _ arena: Arena) throws(EngineError) -> Datum {
    let stored = datum.isToasted ? datum.bytes.from(4) : datum.bytes
    let method = datum.isToasted ? ToastValue.method(stored) : nil
    let rawSize = datum.isToasted ? ToastValue.rawSize(stored) ?? 0 : datum.count
    let id = try session.allocateOID()
    let slot = TupleSlot(count: 3)
    let buffer = TupleBuffer()
    var start = 0
    var number: Int32 = 0
    while start < stored.count {
      let count = min(Self.chunkSize, stored.count - start)
      slot[0] = Datum(oid: id)
      slot[1] = Datum(number)
      slot[2] = Datum(stored[start..<start + count])
      let tuple = buffer.form(Self.descriptor, slot.values, slot.nulls)
      let place = try session.insert(tuple, into: heap)
      for index in relation.indexes { try insertEntry(slot, place, into: index) }
      start += count
      number += 1
    }
    let pointer = ToastPointer(
      rawSize: Int32(rawSize + 4), storedSize: UInt32(stored.count), method: method ?? .pglz, valueID: id,
      toastRelation: relation.oid)
    return Datum(arena.copy(pointer.bytes).bytes, isToasted: true)
  }

  /// No value has been stored under the number before, so nothing needs to be asked of the index.
  private func insertEntry(
    _ slot: TupleSlot, _ place: TupleIdentifier, into index: IndexDescriptor
  ) throws(EngineError) {
    guard let tree = index.tree else {
      throw EngineError(.dataCorrupted, "index \"\(index.name)\" is not that of a TOAST table")
    }
    _ = try session.insert(slot.values, place, into: tree)
  }

  /// Removes a value's chunks.
  func remove(_ id: UInt32) throws(EngineError) {
    var places: [TupleIdentifier] = []
    try visit(id, 0...Int(Int32.max)) { place, _, _ throws(EngineError) in places.append(place) }
    for place in places {
      guard case .done = try session.delete(place, from: heap) else {
        throw EngineError(.internalError, "tuple concurrently deleted")
      }
    }
  }

  // MARK: Reading

  /// Calls `body` with a value's chunks, in any order.
  func chunks(
    of id: UInt32, _ numbers: ClosedRange<Int>, _ body: (Int, ByteView) throws(EngineError) -> Void
  ) throws(EngineError) {
    try visit(id, numbers) { _, number, bytes throws(EngineError) in try body(number, bytes) }
  }

  /// All chunks of a value, whoever has deleted them since: as long as somebody has a pointer to it, they are meant
  /// (`HeapTupleSatisfiesToast`).
  private func visit(
    _ id: UInt32, _ numbers: ClosedRange<Int>,
    _ body: (TupleIdentifier, Int, ByteView) throws(EngineError) -> Void
  ) throws(EngineError) {
    guard let tree = relation.indexes.first?.tree else {
      throw EngineError(.dataCorrupted, "no valid index found for toast relation \(relation.name)")
    }
    let keys = [
      IndexScanKey(0, .equal(Datum(oid: id))),
      IndexScanKey(1, .greaterOrEqual(Datum(Int32(clamping: numbers.lowerBound)))),
      IndexScanKey(1, .lessOrEqual(Datum(Int32(clamping: numbers.upperBound)))),
    ]
    let slot = TupleSlot(count: 3)
    let scan = BTreeScan(tree, session, keys)
    var page = SinglePage(heap, session)
    while let place = try scan.next() {
      guard let tuple = try page.tuple(at: place), !tuple.infomask.isXminInvalid else { continue }
      guard Self.descriptor.deformer.deform(tuple, slot.values, slot.nulls) else {
        throw EngineError(.dataCorrupted, "tuple \(place) of \(relation.name) is damaged")
      }
      guard !slot.nulls[0], !slot.nulls[1], !slot.nulls[2], !slot.values[2].isToasted else {
        throw EngineError(.dataCorrupted, "found toasted or missing data in tuple \(place) of \(relation.name)")
      }
      // The place may have been given to another value since the index was read.
      guard slot.values[0].oid == id else { continue }
      let number = Int(slot.values[1].int32)
      guard numbers.contains(number) else {
        throw EngineError(
          .dataCorrupted,
          "unexpected chunk number \(number) (out of range \(numbers.lowerBound)..\(numbers.upperBound))"
            + " for toast value \(id) in \(relation.name)")
      }
      try body(place, number, slot.values[2].bytes)
    }
  }

  /// The page that was looked at last, which stays pinned.
  private struct SinglePage: ~Copyable {
    private let heap: HeapRelation
    private let session: Session
    private var page: PinnedBuffer?

    init(_ heap: HeapRelation, _ session: Session) { (self.heap, self.session) = (heap, session) }

    mutating func tuple(at place: TupleIdentifier) throws(EngineError) -> HeapTuple? {
      if page?.block != place.block {
        page = nil
        page = try session.pin(heap, place.block)
      }
      guard let bytes = page?.bytes else { return nil }
      return HeapPage(UnsafeMutableRawPointer(mutating: bytes), block: place.block).tuple(Int(place.number))
    }
  }
}

extension SessionCatalog {

  /// Gives a table a TOAST table where it may need one and has none (`create_toast_table`).
  func createToastTable(of oid: UInt32) throws(EngineError) {
    let table = try requiredRelation(oid)
    guard table.kind == .table || table.kind == .materializedView, table.toastRelation == 0,
      Self.needsToast(table.tuple.columns)
    else { return }
    let namespace = SystemOID.toastNamespace
    let name = "pg_toast_\(oid)"
    let toast = try createRelation(
      RelationPlan(
        name: name, namespace: namespace, kind: .toast, persistence: table.persistence, columns: ToastTable.columns,
        owner: table.owner))
    var index = IndexDefinition(
      "\(name)_index", on: toast,
      columns: [IndexDescriptor.Column(column: 0), IndexDescriptor.Column(column: 1)])
    (index.isUnique, index.isPrimary) = (true, true)
    try createIndex(index)
    try updateClass(oid) { $0[.reltoastrelid] = .oid(toast) }
    try recordDependency(of: .relation(toast), on: .relation(oid), .internal)
    try session.advanceCommand()
  }

  /// Whether rows can get longer than a tuple may be (`needs_toast_table`).
  static func needsToast(_ columns: [ColumnDescriptor]) -> Bool {
    var (length, isUnlimited, canMove) = (0, false, false)
    for column in columns where !column.isDropped && column.generated != .virtual {
      length = (length + column.alignment.bytes - 1) & ~(column.alignment.bytes - 1)
      if column.length > 0 {
        length += Int(column.length)
        continue
      }
      if let maximum = maximumSize(column) { length += maximum } else { isUnlimited = true }
      if column.storage != .plain { canMove = true }
    }
    guard canMove else { return false }
    if isUnlimited { return true }
    let header = PageLayout.aligned(HeapTuple.headerSize + (columns.count + 7) / 8)
    return header + PageLayout.aligned(length) > ToastTable.tupleThreshold
  }

  /// The longest that a value of a column can be, header included; nil where there is no limit
  /// (`type_maximum_size`).
  private static func maximumSize(_ column: ColumnDescriptor) -> Int? {
    guard column.typmod >= 0 else { return nil }
    switch column.typeID {
    // Characters of up to four bytes.
    case .bpchar, .varchar: return Int(column.typmod - 4) * 4 + 4
    case .numeric:
      let precision = Int(column.typmod - 4) >> 16 & 0xFFFF
      // Its digits by four, and room for a header of eight bytes.
      return 8 + (precision + 3 + 4) / 4 * 2 + 2
    default: return nil
    }
  }
}
