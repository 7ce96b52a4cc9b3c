import MillraceEngine
import MillraceTypes

/// Groups of rows with equal keys, each with some bytes of state: the table of hashed aggregation and of set
/// operations. Open addressing; groups lie one behind the other in flat memory and do not move.
final class GroupTable {
  /// In front of each group its hash; then its state, then its keys.
  private static let headerSize = 8
  private static let addressMask: UInt64 = 1 << 48 - 1

  let keys: HashKeys
  let format: RowFormat
  private let stateSize: Int
  private let memory = RowMemory()
  /// Addresses, with the upper sixteen bits of the hash.
  private var directory: UnsafeMutablePointer<UInt64>
  private var capacity: Int
  private var groups: UnsafeMutablePointer<UnsafeMutableRawPointer>
  private var groupCapacity: Int
  private(set) var count = 0

  init(_ types: [ValueType], stateSize: Int, _ runtime: PlanRuntime) throws(SQLError) {
    keys = try HashKeys(types)
    format = RowFormat(types, runtime)
    self.stateSize = stateSize
    (capacity, groupCapacity) = (256, 128)
    directory = .allocate(capacity: capacity)
    directory.initialize(repeating: 0, count: capacity)
    groups = .allocate(capacity: groupCapacity)
  }

  deinit {
    directory.deallocate()
    groups.deallocate()
  }

  var byteCount: Int { memory.capacity + capacity * 8 + groupCapacity * 8 }

  /// Whether it holds as many groups as fit into so many bytes, or so nearly that a batch of rows could make it grow
  /// beyond them.
  func isFull(_ limit: Int) -> Bool {
    let directories = capacity * 8 + groupCapacity * 8
    let grows = count + RowBatch.capacityMax > groupCapacity
    return count > 0 && memory.capacity + directories * (grows ? 2 : 1) > limit
  }

  /// The state of the group that a row belongs to; nil where there is no such group.
  @inline(__always) func find(
    _ columns: UnsafePointer<TupleColumn>, row: Int, hash: UInt64
  ) -> UnsafeMutableRawPointer? {
    var place = Int(truncatingIfNeeded: hash) & (capacity - 1)
    while true {
      let entry = directory[place]
      if entry == 0 { return nil }
      if (entry ^ hash) >> 48 == 0, let group = UnsafeMutableRawPointer(bitPattern: UInt(entry & Self.addressMask)),
        group.load(as: UInt64.self) == hash,
        keys.isEqual(format, UnsafeRawPointer(group + Self.headerSize + stateSize), columns, row: row)
      {
        return group + Self.headerSize
      }
      place = (place + 1) & (capacity - 1)
    }
  }

  /// Makes the group that a row belongs to; there must be none yet.
  /// - Returns: its state, which is nothing yet.
  func insert(_ columns: UnsafePointer<TupleColumn>, row: Int, hash: UInt64) -> UnsafeMutableRawPointer {
    if count == groupCapacity { grow() }
    let group = memory.allocate(Self.headerSize + stateSize + format.size(columns, row: row))
    group.storeBytes(of: hash, as: UInt64.self)
    format.write(columns, row: row, to: group + Self.headerSize + stateSize)
    enter(group, hash)
    (groups + count).initialize(to: group)
    count += 1
    return group + Self.headerSize
  }

  private func enter(_ group: UnsafeMutableRawPointer, _ hash: UInt64) {
    var place = Int(truncatingIfNeeded: hash) & (capacity - 1)
    while directory[place] != 0 { place = (place + 1) & (capacity - 1) }
    directory[place] = UInt64(UInt(bitPattern: group)) | hash & ~Self.addressMask
  }

  /// Makes room for twice as many: half of the directory stays empty.
  private func grow() {
    let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: groupCapacity * 2)
    larger.moveInitialize(from: groups, count: count)
    groups.deallocate()
    (groups, groupCapacity) = (larger, groupCapacity * 2)
    directory.deallocate()
    capacity *= 2
    directory = .allocate(capacity: capacity)
    directory.initialize(repeating: 0, count: capacity)
    for index in 0..<count { enter(groups[index], groups[index].load(as: UInt64.self)) }
  }

  /// The state of a group, in the order in which they were made.
  @inline(__always) func state(_ group: Int) -> UnsafeMutableRawPointer { groups[group] + Self.headerSize }

  /// The keys of a group.
  @inline(__always) func record(_ group: Int) -> UnsafeRawPointer {
    UnsafeRawPointer(groups[group] + Self.headerSize + stateSize)
  }

  func removeAll() {
    memory.removeAll()
    count = 0
    directory.update(repeating: 0, count: capacity)
  }
}

/// Rows that were seen already.
final class RowSet {
  private let table: GroupTable
  private let columns: KeyColumns
  private let hashes: UnsafeMutablePointer<UInt64>
  private let arena = Arena(chunkSize: 4096)

  init(_ types: [ValueType], _ runtime: PlanRuntime) throws(SQLError) {
    table = try GroupTable(types, stateSize: 0, runtime)
    columns = try KeyColumns(types.enumerated().map { .input(InputColumn($0, $1)) }, runtime)
    hashes = .allocate(capacity: RowBatch.capacityMax)
  }

  deinit { hashes.deallocate() }

  /// Leaves in a batch the rows that are seen for the first time.
  func keepNew(_ batch: RowBatch) throws(SQLError) {
    arena.reset()
    try columns.evaluate(batch, arena)
    table.keys.hash(columns.vectors, RowSelection(batch), into: hashes)
    var kept = 0
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      if table.find(columns.columns, row: row, hash: hashes[row]) != nil { continue }
      _ = table.insert(columns.columns, row: row, hash: hashes[row])
      batch.selection[kept] = UInt16(truncatingIfNeeded: row)
      kept += 1
    }
    batch.isDense = batch.isDense && kept == batch.count
    batch.count = kept
  }

  func removeAll() { table.removeAll() }
}
