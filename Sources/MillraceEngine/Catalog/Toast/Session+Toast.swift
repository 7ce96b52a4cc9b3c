import MillraceIO
import MillraceStorage
public import MillraceTypes

/// Values that are too long for a tuple: PostgreSQL's TOAST (src/backend/access/heap/heaptoast.c,
/// src/backend/access/common/toast_internals.c, detoast.c).
extension Session {
  // MARK: Reading

  /// A value as a whole: as it is, decompressed, or fetched from its TOAST table.
  /// - Returns: the datum itself unless it is toasted; else one in the arena.
  /// - Throws: ``EngineError``: chunks are missing, or bytes are damaged.
  public func detoasted(_ datum: Datum, in arena: Arena) throws(EngineError) -> Datum {
    guard datum.isToasted else { return datum }
    guard Varlena.isExternal(datum) else {
      return try ToastValue.decompressed(datum.bytes.from(4), in: arena)
    }
    let pointer = try Self.pointer(datum)
    let stored = try fetch(pointer, 0..<Int(pointer.storedSize), in: arena)
    return pointer.isCompressed ? try ToastValue.decompressed(stored.bytes, in: arena) : stored
  }

  /// A part of a value, of which only the chunks that are needed are read where it is stored as it is.
  /// - Parameters:
  ///   - start: from 0.
  ///   - count: bytes; fewer are returned where the value ends before.
  public func detoastedSlice(
    _ datum: Datum, from start: Int, count: Int, in arena: Arena
  ) throws(EngineError) -> Datum {
    if datum.isToasted, Varlena.isExternal(datum) {
      let pointer = try Self.pointer(datum)
      if !pointer.isCompressed {
        let size = Int(pointer.storedSize)
        let first = min(max(start, 0), size)
        return try fetch(pointer, first..<min(first + max(count, 0), size), in: arena)
      }
    }
    let whole = try detoasted(datum, in: arena).bytes
    let first = min(max(start, 0), whole.count)
    return Datum(whole[first..<min(first + max(count, 0), whole.count)])
  }

  /// The length of a value as a whole, found out without fetching it (`toast_raw_datum_size`, without header).
  public func rawLength(of datum: Datum) throws(EngineError) -> Int {
    guard datum.isToasted else { return datum.count }
    if Varlena.isExternal(datum) { return max(Int(try Self.pointer(datum).rawSize) - 4, 0) }
    return ToastValue.rawSize(datum.bytes.from(4)) ?? 0
  }

  private static func pointer(_ datum: Datum) throws(EngineError) -> ToastPointer {
    guard let pointer = ToastPointer(datum) else {
      throw EngineError(.dataCorrupted, "a pointer to a toasted value is corrupt")
    }
    return pointer
  }

  /// Bytes that are stored under a pointer.
  private func fetch(
    _ pointer: ToastPointer, _ range: Range<Int>, in arena: Arena
  ) throws(EngineError) -> Datum {
    let target = arena.allocate(range.count)
    guard !range.isEmpty else { return Datum(UnsafeRawBufferPointer(target)) }
    let size = ToastTable.chunkSize
    let table = try ToastTable(try catalog.requiredRelation(pointer.toastRelation), self)
    var filled = 0
    let chunks = range.lowerBound / size...(range.upperBound - 1) / size
    try table.chunks(of: pointer.valueID, chunks) { number, bytes throws(EngineError) in
      let start = number * size
      let expected = min(size, Int(pointer.storedSize) - start)
      guard bytes.count == expected else {
        throw EngineError(
          .dataCorrupted,
          "unexpected chunk size \(bytes.count) (expected \(expected)) in chunk \(number) for toast value "
            + "\(pointer.valueID) in \(table.relation.name)")
      }
      let part = max(start, range.lowerBound)..<min(start + bytes.count, range.upperBound)
      let slice = bytes[part.lowerBound - start..<part.upperBound - start]
      UnsafeMutableRawBufferPointer(rebasing: target[(part.lowerBound - range.lowerBound)...])
        .copyMemory(from: slice.buffer)
      filled += part.count
    }
    guard filled == range.count else {
      throw EngineError(
        .dataCorrupted, "missing chunk for toast value \(pointer.valueID) in \(table.relation.name)")
    }
    return Datum(UnsafeRawBufferPointer(target))
  }

  // MARK: Writing

  /// Makes the values of a row short enough for a tuple, where they are too long: compresses them, and then moves the
  /// longest out of line, until the tuple is not longer than a quarter of a page (`heap_toast_insert_or_update`).
  /// - Parameters:
  ///   - slot: the row; changed.
  ///   - table: where values go that are moved; asked for only then.
  ///   - kept: values out of line that the row has had already and keeps: its old version's.
  ///   - arena: where new values are put.
  /// - Throws: ``EngineError``.
  func toast(
    _ slot: TupleSlot, _ descriptor: TupleDescriptor, into table: () throws(EngineError) -> RelationDescriptor?,
    keeping kept: Set<ToastPointer> = [], _ arena: Arena
  ) throws(EngineError) {
    let columns = descriptor.columns
    // What is out of line somewhere else is fetched: it goes when its owner goes.
    for index in columns.indices where columns[index].length == -1 && !slot.nulls[index] {
      let datum = slot.values[index]
      guard datum.isToasted else {
        guard datum.count <= Varlena.lengthMax - 4 else {
          throw EngineError(.programLimitExceeded, "invalid memory alloc request size \(datum.count)")
        }
        continue
      }
      if Varlena.isExternal(datum) {
        if let pointer = ToastPointer(datum), kept.contains(pointer) { continue }
        slot.values[index] = try detoasted(datum, in: arena)
      } else if columns[index].storage == .plain {
        slot.values[index] = try detoasted(datum, in: arena)
      }
    }
    var toaster = RowToaster(slot, descriptor, arena)
    guard toaster.length > ToastTable.tupleThreshold else { return }
    toaster.run(limit: ToastTable.tupleThreshold, [.extended, .external], canMove: false)
    guard toaster.length > ToastTable.tupleThreshold else { return }
    guard let relation = try table() else {
      toaster.run(limit: ToastTable.tupleThreshold, [.main], canMove: false)
      return
    }
    let store = try ToastTable(relation, self)
    func move(_ index: Int) throws(EngineError) {
      slot.values[index] = try store.insert(slot.values[index], arena)
    }
    while toaster.length > ToastTable.tupleThreshold, let next = toaster.biggestToMove([.extended, .external]) {
      try move(next)
    }
    toaster.run(limit: ToastTable.tupleThreshold, [.main], canMove: false)
    while toaster.length > HeapPage.tupleLengthMax, let next = toaster.biggestToMove([.main]) { try move(next) }
  }

  /// Removes what a row that goes has out of line.
  func removeToast(
    _ pointers: some Sequence<ToastPointer>
  ) throws(EngineError) {
    for pointer in pointers {
      let table = try ToastTable(try catalog.requiredRelation(pointer.toastRelation), self)
      try table.remove(pointer.valueID)
    }
  }
}

/// Which values of a row are compressed, and which are moved, in which order.
private struct RowToaster {
  private let slot: TupleSlot
  private let columns: [ColumnDescriptor]
  private let former: TupleFormer
  private let arena: Arena
  /// Values that compression does not make shorter.
  private var incompressible: Set<Int> = []

  init(_ slot: TupleSlot, _ descriptor: TupleDescriptor, _ arena: Arena) {
    (self.slot, self.arena) = (slot, arena)
    (columns, former) = (descriptor.columns, descriptor.former)
  }

  /// How long the tuple would be now.
  var length: Int { former.layout(slot.values, slot.nulls).length }

  /// The longest value with one of some storages that is not out of line yet, and is longer than a pointer.
  private func biggest(_ storages: [TypeDescriptor.Storage], forCompression: Bool) -> Int? {
    var found: (index: Int, size: Int)?
    for index in columns.indices where columns[index].length == -1 && !slot.nulls[index] {
      let datum = slot.values[index]
      guard storages.contains(columns[index].storage), !Varlena.isExternal(datum) else { continue }
      if forCompression, datum.isToasted || incompressible.contains(index) { continue }
      let size = datum.isToasted ? datum.count : datum.count + 4
      if size > PageAlignedPointer.size, size > found?.size ?? 0 { found = (index, size) }
    }
    return found?.index
  }

  func biggestToMove(_ storages: [TypeDescriptor.Storage]) -> Int? { biggest(storages, forCompression: false) }

  /// Compresses the longest values, until the tuple is short enough or there are none left.
  mutating func run(limit: Int, _ storages: [TypeDescriptor.Storage], canMove: Bool) {
    while length > limit, let index = biggest(storages, forCompression: true) {
      guard columns[index].storage != .external,
        let compressed = ToastValue.compressed(
          slot.values[index].bytes, columns[index].compression == .lz4 ? .lz4 : .pglz, in: arena)
      else {
        incompressible.insert(index)
        continue
      }
      slot.values[index] = compressed
    }
  }

  private enum PageAlignedPointer {
    /// `MAXALIGN(TOAST_POINTER_SIZE)`.
    static let size = 24
  }
}
