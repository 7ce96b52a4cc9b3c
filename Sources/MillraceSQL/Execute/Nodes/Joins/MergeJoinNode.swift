import MillraceEngine
import MillraceTypes

/// Joins two inputs that are sorted by their keys, by going through both at once
/// (src/backend/executor/nodeMergejoin.c).
///
/// Of the inner input the rows with the present key are kept, so that each outer row with that key meets all of them.
final class MergeJoinNode: PlanNode {
  private let kind: JoinKind
  private let outer: MergeJoinSide
  private let group: MergeJoinGroup
  private let comparator: RowComparator
  private let condition: CompiledFilter
  private let pairs: HashJoinPairs
  private let projector: RowProjector
  private let arena = Arena(chunkSize: 4096)
  /// In the midst of an outer row: which of the group's rows comes next.
  private var candidate: Int?
  private var isMatched = false
  /// Rows of a group that has ended, to be looked through for those without partners.
  private var leaving: [UnsafeMutableRawPointer] = []
  private var isOuterAtEnd = false

  private var keepsInner: Bool { kind == .right || kind == .full }
  private var fillsOuter: Bool { kind == .left || kind == .full }

  init(
    _ plan: Plan, _ kind: JoinKind, _ keys: [JoinKey], _ condition: [TypedExpression], _ runtime: PlanRuntime
  ) throws(SQLError) {
    self.kind = kind
    outer = MergeJoinSide(try runtime.node(plan.inputs[0]), try KeyColumns(keys.map(\.outer), runtime))
    let inner = MergeJoinSide(try runtime.node(plan.inputs[1]), try KeyColumns(keys.map(\.inner), runtime))
    let build = try HashJoinBuild(plan, kind, keys, condition, runtime)
    comparator = try RowComparator(keys.map { ($0.outer.type.id, $0.order) })
    group = MergeJoinGroup(inner, build, keys.map(\.inner.type), comparator, runtime)
    self.condition = try runtime.compiler.filter(condition)
    pairs = HashJoinPairs(plan, condition, build, runtime)
    let counters = runtime.instrument(plan)
    projector = try RowProjector(plan, runtime, counters)
    super.init(plan, runtime, counters)
  }

  override var inputs: [PlanNode] { [outer.node, group.inner.node] }

  override func produce() throws(SQLError) -> RowBatch? {
    while true {
      if !leaving.isEmpty {
        if let result = nextLeaving(), let given = try projector.apply(result) { return given }
        continue
      }
      if isOuterAtEnd {
        guard keepsInner, try dropGroup() else { return nil }
        continue
      }
      guard try outer.advance() else {
        isOuterAtEnd = true
        continue
      }
      let result = try kind == .semi || kind == .anti ? filterOuter() : pair()
      if let result, let given = try projector.apply(result) { return given }
    }
  }

  // MARK: Groups

  /// Goes on to the inner rows with the next key; those of the present one that have no partner are given out.
  /// - Returns: false where there are none at all any more.
  private func dropGroup() throws(SQLError) -> Bool {
    if keepsInner { leaving = group.records.reversed() }
    let hadRows = !group.records.isEmpty
    return try group.next() || hadRows
  }

  private func nextLeaving() -> RowBatch? {
    pairs.beginUnmatched()
    while pairs.hasRoom, let record = leaving.popLast() {
      if !JoinHashTable.isMatched(record) { pairs.addInner(record) }
    }
    let made = pairs.finishUnmatched()
    return made.count > 0 ? made : nil
  }

  /// How an outer row's key compares with the present group's; positive where it comes later, negative where it comes
  /// before, or has no partners at all.
  private func order(_ row: Int) -> Int {
    if outer.keys.hasNull(row) || group.isAtEnd { return -1 }
    if group.records.isEmpty { return 1 }
    if group.hasNull { return 1 }
    return comparator.order(outer.keys.columns, row, group.keys.columns, 0)
  }

  // MARK: Pairs

  private func pair() throws(SQLError) -> RowBatch? {
    guard let batch = outer.batch else { return nil }
    pairs.begin(batch)
    group.releaseOthers()
    while outer.place < batch.count, pairs.hasRoom {
      let row = Int(batch.selection[outer.place])
      if let next = candidate {
        if next < group.records.count {
          pairs.add(row, group.records[next])
          candidate = next + 1
          continue
        }
      } else {
        let order = order(row)
        if order == 0 {
          candidate = 0
          continue
        }
        if order > 0 {
          if keepsInner, !group.records.isEmpty {
            // Which of them have partners is known when the pairs have been tested.
            let result = try finishPairs()
            _ = try dropGroup()
            return result
          }
          _ = try group.next()
          continue
        }
      }
      if fillsOuter { pairs.addLonely(row) }
      candidate = nil
      outer.place += 1
    }
    return try finishPairs()
  }

  private func finishPairs() throws(SQLError) -> RowBatch? {
    let made = pairs.finish()
    if fillsOuter { pairs.selectPairs() }
    try test(made)
    if keepsInner { pairs.markMatched() }
    if fillsOuter { pairs.addUnmatched(&isMatched, isOpen: candidate != nil) }
    return made.count > 0 ? made : nil
  }

  private func test(_ batch: RowBatch) throws(SQLError) {
    guard !condition.isEmpty, batch.count > 0 else { return }
    arena.reset()
    let before = batch.count
    try condition.apply(batch, arena)
    if let instrumentation { instrumentation.removedByJoinFilter += UInt64(before - batch.count) }
  }

  // MARK: Semi and anti joins

  private func filterOuter() throws(SQLError) -> RowBatch? {
    guard let batch = outer.batch else { return nil }
    var kept = 0
    for place in 0..<batch.count {
      let row = Int(batch.selection[place])
      var order = order(row)
      while order > 0, try group.next() { order = self.order(row) }
      if group.isAtEnd { order = -1 }
      var hasPartner = order == 0
      if hasPartner, !condition.isEmpty { hasPartner = try hasTruePair(batch, row) }
      batch.selection[kept] = UInt16(truncatingIfNeeded: row)
      if hasPartner == (kind == .semi) { kept += 1 }
      group.releaseOthers()
    }
    guard kept > 0 else {
      outer.place = batch.count
      return nil
    }
    let result = pairs.alone(batch, kept: kept)
    outer.place = batch.count
    return result
  }

  private func hasTruePair(_ batch: RowBatch, _ row: Int) throws(SQLError) -> Bool {
    var next = 0
    while next < group.records.count {
      pairs.begin(batch)
      while next < group.records.count, pairs.hasRoom {
        pairs.add(row, group.records[next])
        next += 1
      }
      let made = pairs.finish()
      try test(made)
      if made.count > 0 { return true }
    }
    return false
  }

  override func restart() throws(SQLError) {
    (candidate, isMatched, leaving, isOuterAtEnd) = (nil, false, [], false)
    try outer.restart()
    try group.restart()
  }
}

/// One input of a merge join, row by row.
final class MergeJoinSide {
  let node: PlanNode
  let keys: KeyColumns
  private(set) var batch: RowBatch?
  var place = 0
  private let arena = Arena(chunkSize: 4096)

  init(_ node: PlanNode, _ keys: KeyColumns) { (self.node, self.keys) = (node, keys) }

  /// Makes sure that there is a present row. - Returns: false at the end.
  func advance() throws(SQLError) -> Bool {
    if let batch, place < batch.count { return true }
    batch = try node.next()
    place = 0
    guard let batch else { return false }
    arena.reset()
    try keys.evaluate(batch, arena)
    return true
  }

  func restart() throws(SQLError) {
    (batch, place) = (nil, 0)
    try node.rescan()
  }
}

/// The inner rows of a merge join that have the same key.
final class MergeJoinGroup {
  let inner: MergeJoinSide
  let keys: KeptKeys
  private(set) var records: [UnsafeMutableRawPointer] = []
  private(set) var hasNull = false
  private(set) var isAtEnd = false
  private let build: HashJoinBuild
  private let comparator: RowComparator
  private var memory = RowMemory()
  /// Bytes of the groups before the present one, which pairs may still refer to.
  private var othersSize = 0

  init(
    _ inner: MergeJoinSide, _ build: HashJoinBuild, _ types: [ValueType], _ comparator: RowComparator,
    _ runtime: PlanRuntime
  ) {
    (self.inner, self.build, self.comparator) = (inner, build, comparator)
    keys = KeptKeys(types, runtime)
  }

  /// Reads the rows with the next key. - Returns: false where there are none.
  func next() throws(SQLError) -> Bool {
    for record in records { othersSize += JoinHashTable.size(of: record) }
    records.removeAll(keepingCapacity: true)
    guard try inner.advance(), let batch = inner.batch else {
      isAtEnd = true
      return false
    }
    let first = Int(batch.selection[inner.place])
    keys.keep(inner.keys.columns, row: first)
    hasNull = inner.keys.hasNull(first)
    repeat {
      guard let batch = inner.batch else { break }
      let row = Int(batch.selection[inner.place])
      guard comparator.order(keys.columns, 0, inner.keys.columns, row) == 0 else { break }
      records.append(build.copy(row, of: batch, inner.keys, into: memory))
      inner.place += 1
    } while try inner.advance()
    return true
  }

  /// Lets go of the rows of earlier groups, which nobody refers to any more.
  func releaseOthers() {
    guard othersSize > 1 << 20 else { return }
    let fresh = RowMemory()
    for index in records.indices {
      let size = JoinHashTable.size(of: records[index])
      let copy = fresh.allocate(size)
      copy.copyMemory(from: records[index], byteCount: size)
      records[index] = copy
    }
    (memory, othersSize) = (fresh, 0)
  }

  func restart() throws(SQLError) {
    (records, hasNull, isAtEnd, othersSize) = ([], false, false, 0)
    memory.removeAll()
    try inner.restart()
  }
}
