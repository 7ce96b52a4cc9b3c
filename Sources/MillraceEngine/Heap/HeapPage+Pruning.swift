import MillraceStorage

/// What becomes of a tuple that nobody in a running transaction may need any more, or still may: PostgreSQL's
/// `HTSV_Result` (src/include/access/heapam.h).
enum TupleStatus: Sendable {
  /// No one can see it, ever again.
  case dead
  /// Deleted, and some running transaction may still see it.
  case recentlyDead
  case live
  case insertInProgress
  case deleteInProgress
}

/// What pruning does to the line pointers of a page. What a log record of it says, but for tuples that it freezes.
struct PrunePlan: Sendable, Equatable {
  struct Redirect: Sendable, Equatable {
    let from, to: UInt16
  }

  /// Roots of chains whose first versions are dead, and the versions that they lead to now.
  var redirected: [Redirect] = []
  /// Line pointers without a tuple that an index may still lead to.
  var dead: [UInt16] = []
  /// Line pointers that are free.
  var unused: [UInt16] = []
  /// The newest transaction whose deletions are pruned away: a replica must end what could see them.
  var conflictHorizon = TransactionID.invalid
  /// The oldest transaction that may leave something to prune later. A hint.
  var nextPruneXID = TransactionID.invalid

  var isEmpty: Bool { redirected.isEmpty && dead.isEmpty && unused.isEmpty }

  mutating func removeAll() {
    redirected.removeAll(keepingCapacity: true)
    dead.removeAll(keepingCapacity: true)
    unused.removeAll(keepingCapacity: true)
    (conflictHorizon, nextPruneXID) = (.invalid, .invalid)
  }

  fileprivate mutating func noteDead(_ tuple: HeapTuple) {
    // A tuple whose insertion was rolled back was never seen by anybody (HeapTupleHeaderAdvanceConflictHorizon).
    guard !tuple.infomask.isXminInvalid else { return }
    let (xmin, xmax) = (tuple.xmin, tuple.xmax)
    guard xmax.isNormal, xmin != xmax else { return }
    if !conflictHorizon.isValid || conflictHorizon.precedes(xmax) { conflictHorizon = xmax }
  }

  fileprivate mutating func notePrunable(_ xid: TransactionID) {
    guard xid.isNormal else { return }
    if !nextPruneXID.isValid || xid.precedes(nextPruneXID) { nextPruneXID = xid }
  }
}

/// Decides what can be pruned of a page: `heap_page_prune` in PostgreSQL's src/backend/access/heap/pruneheap.c.
///
/// Versions of a row that were made by HOT updates form a chain on their page, from the root that indexes know. Of each
/// chain the dead versions at its start go: the root becomes a redirect to the first one that may be seen, or, when the
/// whole chain is dead, a dead line pointer for the index entries to lead to. Line pointers in the middle become free.
struct HeapPagePruner {
  private let page: HeapPage
  private let hasIndexes: Bool
  private(set) var statuses: [TupleStatus?]
  private var isDone: [Bool]
  private(set) var plan = PrunePlan()
  /// The chain that is being followed.
  private var chain: [Int] = []

  /// - Parameters:
  ///   - hasIndexes: whether some index may lead to the roots. If none can, they need not be kept.
  ///   - status: what a tuple is to the transactions that run. May set hint bits.
  init(_ page: HeapPage, hasIndexes: Bool, status: (HeapTuple) -> TupleStatus) {
    let count = page.editor.itemCount
    var statuses = [TupleStatus?](repeating: nil, count: count + 1)
    for number in 1..<count + 1 {
      if let tuple = page.tuple(number) { statuses[number] = status(tuple) }
    }
    self.init(page, hasIndexes: hasIndexes, statuses: statuses)
  }

  /// - Parameter statuses: what the tuples are to the transactions that run, by number; found out once for each tuple,
  ///   for the answer can change meanwhile.
  init(_ page: HeapPage, hasIndexes: Bool, statuses: [TupleStatus?]) {
    (self.page, self.hasIndexes, self.statuses) = (page, hasIndexes, statuses)
    let count = page.editor.itemCount
    isDone = Array(repeating: false, count: count + 1)
    for number in 1..<count + 1 {
      if isDone[number] { continue }
      if let tuple = page.tuple(number), !tuple.isHeapOnly {
        if endsChain(number, tuple) { pruneSingle(number, tuple) } else { pruneChain(from: number) }
      } else if page.editor.linePointer(number).state == .redirect {
        pruneChain(from: number)
      }
    }
    for number in 1..<count + 1 where !isDone[number] { pruneOrphan(number) }
  }

  /// Whether no version after this one need be looked at.
  private func endsChain(_ number: Int, _ tuple: HeapTuple) -> Bool {
    switch statuses[number] {
    case .dead, .recentlyDead: !tuple.isHotUpdated
    case .live, .insertInProgress, .deleteInProgress, nil: true
    }
  }

  /// The usual row: one version.
  private mutating func pruneSingle(_ number: Int, _ tuple: HeapTuple) {
    isDone[number] = true
    switch statuses[number] {
    case .dead:
      plan.noteDead(tuple)
      if hasIndexes { plan.dead.append(UInt16(number)) } else { plan.unused.append(UInt16(number)) }
    case .recentlyDead, .deleteInProgress: plan.notePrunable(tuple.xmax)
    case .live, .insertInProgress, nil: break
    }
  }

  private mutating func pruneChain(from root: Int) {
    chain.removeAll(keepingCapacity: true)
    var deadCount = 0
    var number = root
    var writer = TransactionID.invalid
    walk: while number >= 1, number < isDone.count, !isDone[number], !chain.contains(number) {
      let pointer = page.editor.linePointer(number)
      if pointer.state == .redirect, chain.isEmpty {
        chain.append(number)
        number = pointer.offset
        continue
      }
      // A link can lead to a line pointer that was reused meanwhile: then the writers differ.
      guard let tuple = page.tuple(number), !writer.isValid || tuple.xmin == writer else { break }
      chain.append(number)
      switch statuses[number] {
      case .dead:
        deadCount = chain.count
        plan.noteDead(tuple)
      case .recentlyDead:
        // A dead one may follow even so: the transactions did not end in the order in which they began.
        plan.notePrunable(tuple.xmax)
      case .deleteInProgress:
        plan.notePrunable(tuple.xmax)
        break walk
      case .live, .insertInProgress, nil:
        break walk
      }
      guard tuple.isHotUpdated, tuple.identifier.block == page.block else { break }
      (number, writer) = (Int(tuple.identifier.number), tuple.xmax)
    }
    settle(deadCount: deadCount, wasRedirect: page.editor.linePointer(root).state == .redirect)
  }

  private mutating func settle(deadCount: Int, wasRedirect: Bool) {
    for number in chain { isDone[number] = true }
    guard let root = chain.first else { return }
    if deadCount == chain.count || wasRedirect && chain.count < 2 {
      if hasIndexes { plan.dead.append(UInt16(root)) } else { plan.unused.append(UInt16(root)) }
      plan.unused += chain.dropFirst().map { UInt16($0) }
    } else if deadCount > 0 {
      plan.unused += chain[1..<deadCount].map { UInt16($0) }
      plan.redirected.append(PrunePlan.Redirect(from: UInt16(root), to: UInt16(chain[deadCount])))
    }
  }

  /// A heap-only tuple that no chain leads to: what an update that was rolled back had made, or part of a chain that
  /// was cut by such a one.
  private mutating func pruneOrphan(_ number: Int) {
    isDone[number] = true
    guard let tuple = page.tuple(number), tuple.isHeapOnly else { return }
    switch statuses[number] {
    case .dead:
      plan.noteDead(tuple)
      plan.unused.append(UInt16(number))
    case .recentlyDead, .deleteInProgress: plan.notePrunable(tuple.xmax)
    case .live, .insertInProgress, nil: break
    }
  }
}

extension HeapPage {
  /// Why a plan cannot be carried out on this page: only a damaged record or page can be the reason.
  /// - Parameter isCleanup: as for ``prune(_:isCleanup:)``.
  func objection(to plan: PrunePlan, isCleanup: Bool) -> String? {
    if isCleanup, !plan.isEmpty, !editor.canCompact { return "its tuples do not lie beside each other" }
    let count = editor.itemCount
    let targets = plan.redirected.map(\.to)
    for number in plan.redirected.map(\.from) + plan.dead + plan.unused + targets
    where number < 1 || number > count {
      return "line pointer \(number) of \(count) is not there"
    }
    for number in targets where editor.linePointer(Int(number)).state != .normal {
      return "line pointer \(number), the target of a redirect, has no tuple"
    }
    return nil
  }

  /// Carries out a plan: `heap_page_prune_execute`.
  /// - Parameter isCleanup: whether the tuples of the plan may have been there until now, so that they are moved
  ///   together; vacuum's second pass only frees dead line pointers.
  /// - Precondition: ``objection(to:isCleanup:)`` has none. Nobody else has the page pinned, where `isCleanup`.
  func prune(_ plan: PrunePlan, isCleanup: Bool) {
    for redirect in plan.redirected {
      editor.setLinePointer(Int(redirect.from), LinePointer(offset: Int(redirect.to), state: .redirect, length: 0))
    }
    for number in plan.dead { editor.setLinePointer(Int(number), LinePointer(offset: 0, state: .dead, length: 0)) }
    for number in plan.unused { editor.setLinePointer(Int(number), LinePointer(offset: 0, state: .unused, length: 0)) }
    guard isCleanup else { return editor.truncateLinePointers() }
    let isCompact = editor.compact()
    precondition(isCompact, "the tuples of a page overlap that was looked at before")
  }
}
