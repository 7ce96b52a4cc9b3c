import MillraceIO
import MillraceStorage
import MillraceWAL

/// What vacuum found on a page and left there.
struct VacuumedPage {
  /// Line pointers without a tuple that index entries may lead to.
  var dead: [UInt16] = []
  var removed = 0
  var frozen = 0
  var live = 0
  var recentlyDead = 0
  /// Whether everybody sees all of its tuples, and none holds a number that gets old.
  var isAllVisible = true
  var isAllFrozen = true
  /// The newest insertion on it.
  var newestXmin = TransactionID.invalid
  /// Whether it has something that keeps the table from being cut off before it.
  var isNonEmpty = false
  var freeSpace = 0
}

/// One page of a table, vacuumed.
extension Session {
  /// Prunes a page and freezes its tuples where that is due, with one log record (heap_page_prune_and_freeze).
  /// - Parameters:
  ///   - page: locked for cleanup.
  ///   - remaining: is told of the numbers that stay.
  func vacuumPage(
    _ page: inout PinnedBuffer, of relation: HeapRelation, _ cutoffs: FreezeCutoffs, freezesAll: Bool,
    remaining: inout RemainingNumbers
  ) throws(EngineError) -> VacuumedPage {
    try examine(page, of: relation)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    let (pruner, hasHints) = try examine(heap, of: relation, horizon: cutoffs.oldestXmin)
    var plan = pruner.plan
    var found = VacuumedPage()
    var frozen = RemainingNumbers(xid: remaining.xid, multi: remaining.multi)
    var unfrozen = frozen
    var (freezes, isRequired): ([(number: UInt16, freeze: TupleFreeze)], Bool) = ([], false)
    let count = heap.editor.itemCount
    let goes = Self.marks(plan, count)
    freezes.reserveCapacity(count)
    // Taken once for all tuples: each access to what a session has is checked.
    func prepare(_ visibility: inout Visibility) throws(EngineError) {
      for number in 1..<count + 1 where goes.isEmpty || !goes[number] {
        guard let tuple = heap.tuple(number) else {
          if heap.editor.linePointer(number).state == .dead { found.dead.append(UInt16(number)) }
          continue
        }
        note(tuple, pruner.statuses[number] ?? .live, cutoffs, &found)
        let preparation = try visibility.prepareFreeze(tuple, cutoffs, frozen: &frozen, unfrozen: &unfrozen)
        if let freeze = preparation.freeze { freezes.append((UInt16(number), freeze)) }
        if !preparation.isFrozenThen { found.isAllFrozen = false }
        isRequired = isRequired || preparation.isRequired
      }
    }
    try prepare(&visibility)
    found.removed = plan.dead.count + plan.unused.count
    // Dead roots are counted with the rows that they had.
    if !plan.dead.isEmpty { found.dead = (found.dead + plan.dead).sorted() }
    // A page is frozen where it must be, or where it costs little more than pruning it and spares the next vacuum.
    let isWorthIt = found.isAllVisible && found.isAllFrozen && found.dead.isEmpty && (!plan.isEmpty || freezesAll)
    let freezesNow = !freezes.isEmpty && (isRequired || isWorthIt)
    if !freezesNow, !freezes.isEmpty { found.isAllFrozen = false }
    remaining.note(freezesNow || freezes.isEmpty ? frozen : unfrozen)
    if freezesNow { found.frozen = freezes.count }
    try carryOut(&plan, freezesNow ? freezes : [], &page, heap, of: relation, cutoffs, hasHints: hasHints, found)
    if !found.dead.isEmpty { (found.isAllVisible, found.isAllFrozen) = (false, false) }
    if !found.isAllVisible { found.isAllFrozen = false }
    found.isNonEmpty = found.isNonEmpty || !found.dead.isEmpty && !relation.hasIndexes
    found.freeSpace = heap.freeSpace
    return found
  }

  /// Which line pointers have no tuple any more once a plan is carried out; empty where all keep theirs.
  private static func marks(_ plan: PrunePlan, _ count: Int) -> [Bool] {
    guard !plan.isEmpty else { return [] }
    var marks = [Bool](repeating: false, count: count + 1)
    for number in plan.unused { marks[Int(number)] = true }
    for number in plan.dead { marks[Int(number)] = true }
    for redirect in plan.redirected { marks[Int(redirect.from)] = true }
    return marks
  }

  private func note(
    _ tuple: HeapTuple, _ status: TupleStatus, _ cutoffs: FreezeCutoffs, _ found: inout VacuumedPage
  ) {
    found.isNonEmpty = true
    switch status {
    case .live:
      found.live += 1
      // What only its own transaction knows to be committed is not seen by all.
      guard tuple.infomask.contains(.xminCommitted) else {
        found.isAllVisible = false
        return
      }
      let xmin = tuple.xmin
      if tuple.infomask.isXminFrozen || !xmin.isNormal { return }
      guard xmin.precedes(cutoffs.oldestXmin) else {
        found.isAllVisible = false
        return
      }
      if !found.newestXmin.isValid || found.newestXmin.precedes(xmin) { found.newestXmin = xmin }
    case .recentlyDead, .dead:
      found.recentlyDead += 1
      found.isAllVisible = false
    case .insertInProgress: found.isAllVisible = false
    case .deleteInProgress:
      found.live += 1
      found.isAllVisible = false
    }
  }

  private func carryOut(
    _ plan: inout PrunePlan, _ freezes: [(number: UInt16, freeze: TupleFreeze)], _ page: inout PinnedBuffer,
    _ heap: HeapPage, of relation: HeapRelation, _ cutoffs: FreezeCutoffs, hasHints: Bool, _ found: VacuumedPage
  ) throws(EngineError) {
    guard !plan.isEmpty || !freezes.isEmpty else {
      heap.editor.pruneXID = plan.nextPruneXID
      heap.editor.set(.pageFull, false)
      if hasHints { try noteHints(on: &page, of: relation) }
      return
    }
    if !freezes.isEmpty {
      // A replica must end what could still take a frozen insertion for one in progress.
      let newest =
        found.isAllVisible && found.isAllFrozen
        ? found.newestXmin : TransactionID(max(cutoffs.oldestXmin.rawValue &- 1, TransactionID.firstNormal.rawValue))
      if newest.isNormal, !plan.conflictHorizon.isValid || plan.conflictHorizon.precedes(newest) {
        plan.conflictHorizon = newest
      }
    }
    page.markDirty()
    HeapChange(builder: builder, locator: relation.locator, xid: .invalid).prune(
      plan, freezing: Self.plans(freezes), on: heap, info: HeapRecordInfo.pruneVacuumScan)
    try log(&page, of: relation)
  }

  /// Puts tuples together that all become the same (heap_log_freeze_plan).
  private static func plans(_ freezes: [(number: UInt16, freeze: TupleFreeze)]) -> [HeapPruneRecord.Freeze] {
    var plans: [HeapPruneRecord.Freeze] = []
    for (number, freeze) in freezes {
      let index = plans.firstIndex {
        $0.xmax == freeze.xmax && $0.infomask == freeze.infomask.rawValue
          && $0.infomask2 == freeze.infomask2.rawValue
      }
      if let index {
        plans[index].numbers.append(number)
      } else {
        plans.append(
          HeapPruneRecord.Freeze(
            xmax: freeze.xmax, infomask2: freeze.infomask2.rawValue, infomask: freeze.infomask.rawValue, flags: 0,
            numbers: [number]))
      }
    }
    return plans
  }

  /// Looks at a page that somebody else uses, and changes nothing (lazy_scan_noprune).
  /// - Parameter page: locked in any mode.
  /// - Returns: nil where something on it has to be frozen or removed now, for which the page is needed for itself.
  func lookAtPage(
    _ page: inout PinnedBuffer, of relation: HeapRelation, _ cutoffs: FreezeCutoffs, isAggressive: Bool,
    remaining: inout RemainingNumbers
  ) throws(EngineError) -> VacuumedPage? {
    try examine(page, of: relation)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    var found = VacuumedPage()
    var frozen = remaining
    var unfrozen = remaining
    for number in 1..<heap.editor.itemCount + 1 {
      if heap.editor.linePointer(number).state == .dead { found.dead.append(UInt16(number)) }
      guard let tuple = heap.tuple(number) else { continue }
      var hints: Infomask = []
      let status = try visibility.status(
        of: tuple, horizon: cutoffs.oldestXmin, pageLSN: heap.editor.lsn, hints: &hints)
      // What is dead and stays keeps its numbers; if they are old the page is needed for itself.
      if status != .dead || tuple.xmin.isNormal {
        unfrozen.note(tuple.xmin)
        if !tuple.infomask.contains(.xmaxIsMulti) { unfrozen.note(tuple.xmax) }
      }
      if status != .dead {
        let preparation = try visibility.prepareFreeze(tuple, cutoffs, frozen: &frozen, unfrozen: &unfrozen)
        if preparation.isRequired, isAggressive { return nil }
      } else if isAggressive {
        return nil
      }
      note(tuple, status, cutoffs, &found)
    }
    remaining.note(unfrozen)
    (found.isAllVisible, found.isAllFrozen) = (false, false)
    found.freeSpace = heap.freeSpace
    return found
  }

  /// Frees line pointers whose index entries have gone (lazy_vacuum_heap_page).
  /// - Parameter page: locked exclusively.
  func freeLinePointers(
    _ numbers: [UInt16], on page: inout PinnedBuffer, of relation: HeapRelation
  ) throws(EngineError) {
    try examine(page, of: relation)
    let heap = HeapPage(page.mutableBytes, block: page.block)
    let count = heap.editor.itemCount
    for number in numbers where Int(number) > count || heap.editor.linePointer(Int(number)).state != .dead {
      throw EngineError(.corrupted, "line pointer \(number) of block \(page.block) was dead and is not any more")
    }
    var plan = PrunePlan()
    plan.unused = numbers
    page.markDirty()
    HeapChange(builder: builder, locator: relation.locator, xid: .invalid).prune(
      plan, on: heap, info: HeapRecordInfo.pruneVacuumCleanup, isCleanup: false)
    try log(&page, of: relation)
  }

  /// Whether everybody sees all tuples of a page, and whether none holds a number that gets old
  /// (heap_page_is_all_visible).
  /// - Parameter page: locked exclusively.
  func allVisibility(
    _ page: inout PinnedBuffer, _ cutoffs: FreezeCutoffs
  ) throws(EngineError) -> (bits: VisibilityBits, newestXmin: TransactionID) {
    let heap = HeapPage(page.mutableBytes, block: page.block)
    var found = VacuumedPage()
    var numbers = RemainingNumbers(xid: cutoffs.oldestXmin, multi: cutoffs.oldestMultiXact)
    /// - Returns: whether all of them are seen by all.
    func look(_ visibility: inout Visibility) throws(EngineError) -> Bool {
      for number in 1..<heap.editor.itemCount + 1 {
        if heap.editor.linePointer(number).state == .dead { return false }
        guard let tuple = heap.tuple(number) else { continue }
        var hints: Infomask = []
        let status = try visibility.status(
          of: tuple, horizon: cutoffs.oldestXmin, pageLSN: heap.editor.lsn, hints: &hints)
        guard status != .dead else { return false }
        note(tuple, status, cutoffs, &found)
        guard found.isAllVisible else { return false }
        var unfrozen = numbers
        let preparation = try visibility.prepareFreeze(tuple, cutoffs, frozen: &numbers, unfrozen: &unfrozen)
        if preparation.freeze != nil || !preparation.isFrozenThen { found.isAllFrozen = false }
      }
      return true
    }
    guard try look(&visibility) else { return ([], .invalid) }
    return (found.isAllFrozen ? .all : .allVisible, found.newestXmin)
  }
}
