import MillraceEngine
import MillraceTypes

/// Both sides of a hash join, dealt out to files by their hashes, so that partners are in files of the same number
/// (Kitsuregawa et al., Application of Hash to Data Base Machine and Its Architecture, 1983).
final class HashJoinSpill {
  static let fanOut = 16
  /// Deeper than that, rows have the same hash or the memory is tiny: what does not fit then is joined all the same.
  private static let levelMax = 4

  private struct Part {
    let inner: SpilledRows
    let outer: SpilledRows
    let level: Int
  }

  private let runtime: PlanRuntime
  private let level: Int
  private var inner: [SpilledRows] = []
  private var outer: [SpilledRows] = []
  private var pending: [Part] = []
  private(set) var partCount = HashJoinSpill.fanOut

  init(_ runtime: PlanRuntime, level: Int) throws(SQLError) { (self.runtime, self.level) = (runtime, level) }

  @inline(__always) private func part(_ hash: UInt64) -> Int {
    // The table goes by the upper half's lower bits; only the upper half is kept.
    Int(truncatingIfNeeded: hash >> UInt64(60 - 4 * level)) & (Self.fanOut - 1)
  }

  // MARK: Dealing out

  /// Takes the rows of a table that has grown too large.
  func takeOver(_ table: JoinHashTable) throws(SQLError) {
    try makeInner(table.format)
    try table.forEachAdded { (bytes, hash) throws(SQLError) in try inner[part(hash)].append(bytes, tag: hash) }
    table.removeAll()
  }

  private func makeInner(_ format: RowFormat) throws(SQLError) {
    for _ in 0..<Self.fanOut { inner.append(try SpilledRows(format, runtime)) }
  }

  func add(
    _ columns: UnsafePointer<TupleColumn>, row: Int, hash: UInt64, _ format: RowFormat
  ) throws(SQLError) {
    try inner[part(hash)].append(columns, row: row, tag: hash)
  }

  /// Deals the outer input out. Rows whose keys are NULL go with the others: they find no partner there.
  func dealOuter(_ node: PlanNode, _ keys: KeyColumns, _ build: HashJoinBuild) throws(SQLError) {
    let format = RowFormat(node.plan.outputTypes, runtime)
    for _ in 0..<Self.fanOut { outer.append(try SpilledRows(format, runtime)) }
    let arena = Arena(chunkSize: 16 << 10)
    try withHashes { (hashes) throws(SQLError) in
      while let batch = try node.next() {
        arena.reset()
        try keys.evaluate(batch, arena)
        build.keys.hash(keys.vectors, RowSelection(batch), into: hashes)
        for place in 0..<batch.count {
          let row = Int(batch.selection[place])
          try outer[part(hashes[row])].append(batch.columns, row: row, tag: hashes[row])
        }
      }
    }
    addParts()
  }

  private func withHashes(_ body: (UnsafeMutablePointer<UInt64>) throws(SQLError) -> Void) throws(SQLError) {
    let hashes = UnsafeMutablePointer<UInt64>.allocate(capacity: RowBatch.capacityMax)
    defer { hashes.deallocate() }
    try body(hashes)
  }

  private func addParts() {
    for index in inner.indices {
      pending.append(Part(inner: inner[index], outer: outer[index], level: level))
    }
    (inner, outer) = ([], [])
  }

  // MARK: Joining

  /// Fills the table with the inner rows of the next pair of files. - Returns: the outer ones; nil at the end.
  func next(_ build: HashJoinBuild) throws(SQLError) -> HashJoinProbe? {
    while let part = pending.popLast() {
      if part.outer.count == 0, part.inner.count == 0 { continue }
      if part.inner.byteCount > Int64(runtime.hashMemory), part.level < Self.levelMax {
        try deal(part)
        continue
      }
      build.table.removeAll()
      try part.inner.rewind()
      while let (bytes, hash) = try part.inner.nextRecord() { build.table.add(bytes, hash: hash) }
      build.table.finish()
      try part.outer.rewind()
      return HashJoinProbe(part.outer)
    }
    return nil
  }

  /// Deals a pair of files out again.
  private func deal(_ part: Part) throws(SQLError) {
    let finer = try HashJoinSpill(runtime, level: part.level + 1)
    for source in [part.inner, part.outer] {
      var targets: [SpilledRows] = []
      for _ in 0..<Self.fanOut { targets.append(try SpilledRows(source.format, runtime)) }
      try source.rewind()
      while let (bytes, hash) = try source.nextRecord() { try targets[finer.part(hash)].append(bytes, tag: hash) }
      if finer.inner.isEmpty { finer.inner = targets } else { finer.outer = targets }
    }
    finer.addParts()
    pending += finer.pending
    partCount += Self.fanOut - 1
  }
}
