import MillraceStorage

/// Which numbers are old enough to be taken out of tuples, and which may be left (PostgreSQL's `VacuumCutoffs`).
struct FreezeCutoffs {
  /// Deletions before it are seen by all, and insertions too.
  var oldestXmin: TransactionID
  /// No multixact before it has a member that runs.
  var oldestMultiXact: UInt32
  /// What is older has to go.
  var freezeLimit: TransactionID
  var multiXactLimit: UInt32

  /// - Parameter database: at the moment when vacuum begins.
  init(_ database: Database, _ options: VacuumOptions) {
    oldestXmin = database.transactions.removalHorizon()
    oldestMultiXact = database.multiXacts.horizon()
    let next = database.transactions.next.short
    var limit = TransactionID(next.rawValue &- min(options.freezeMinAge, 1_000_000_000))
    if !limit.isNormal { limit = .firstNormal }
    freezeLimit = limit.precedes(oldestXmin) ? limit : oldestXmin
    let nextMulti = database.multiXacts.position.next
    var multi = nextMulti &- min(options.multiXactFreezeMinAge, 200_000_000)
    if multi < MultiXacts.firstValid { multi = MultiXacts.firstValid }
    // Before the first there is none.
    if MultiXacts.precedes(nextMulti, multi) || nextMulti < options.multiXactFreezeMinAge {
      multi = MultiXacts.firstValid
    }
    if options.multiXactFreezeMinAge == 0 { multi = oldestMultiXact }
    multiXactLimit = MultiXacts.precedes(multi, oldestMultiXact) ? multi : oldestMultiXact
  }
}

/// The oldest numbers that stay in a table.
struct RemainingNumbers: Equatable {
  var xid: TransactionID
  var multi: UInt32

  mutating func note(_ other: TransactionID) {
    if other.isNormal, other.precedes(xid) { xid = other }
  }

  mutating func note(multi other: UInt32) {
    if MultiXacts.precedes(other, multi) { multi = other }
  }

  mutating func note(_ other: RemainingNumbers) {
    note(other.xid)
    note(multi: other.multi)
  }
}

/// What becomes of one tuple when it is frozen (heap_prepare_freeze_tuple).
struct TupleFreeze: Equatable {
  var xmax: TransactionID
  var infomask: Infomask
  var infomask2: Infomask2
}

/// What freezing a tuple would do, and leave.
struct FreezePreparation {
  /// Nil where nothing is to be done.
  var freeze: TupleFreeze?
  /// Whether no number that gets old is left in it then.
  var isFrozenThen = true
  /// Whether it holds a number that is so old that it has to go.
  var isRequired = false
}

extension Visibility {
  /// Finds out what can be frozen of a tuple.
  /// - Parameters:
  ///   - tuple: one that stays; its page is locked exclusively.
  ///   - frozen, unfrozen: get the numbers that stay if the page's tuples are frozen, and if they are not.
  mutating func prepareFreeze(
    _ tuple: HeapTuple, _ cutoffs: FreezeCutoffs, frozen: inout RemainingNumbers, unfrozen: inout RemainingNumbers
  ) throws(EngineError) -> FreezePreparation {
    var preparation = FreezePreparation()
    var (infomask, infomask2, xmax) = (tuple.infomask, tuple.infomask2, tuple.xmax)
    let xmin = tuple.xmin
    if xmin.isNormal, !infomask.isXminFrozen {
      unfrozen.note(xmin)
      if xmin.precedes(cutoffs.freezeLimit) { preparation.isRequired = true }
      if xmin.precedes(cutoffs.oldestXmin) {
        guard try infomask.contains(.xminCommitted) ? true : hasCommitted(xmin) else {
          throw EngineError(.corrupted, "uncommitted xmin \(xmin) needs to be frozen")
        }
        infomask.formUnion(.xminFrozen)
      } else {
        frozen.note(xmin)
        preparation.isFrozenThen = false
      }
    }
    if !infomask.contains(.xmaxInvalid) {
      let outcome = try freezeXmax(of: tuple, cutoffs, &preparation, frozen: &frozen, unfrozen: &unfrozen)
      switch outcome {
      case .stays: preparation.isFrozenThen = false
      case .goes:
        xmax = .invalid
        infomask = infomask.subtracting(.xmaxBits).union(.xmaxInvalid)
        infomask2.subtract([.hotUpdated, .keysUpdated])
      case .becomes(let updater):
        xmax = updater
        preparation.isFrozenThen = false
        infomask = infomask.subtracting(.xmaxBits).union(.xmaxCommitted)
      }
    } else if xmax.isValid {
      // What is left of one that has aborted may be old, too.
      if xmax.isNormal, !infomask.contains(.xmaxIsMulti) {
        unfrozen.note(xmax)
        if xmax.precedes(cutoffs.freezeLimit) { preparation.isRequired = true }
      } else if infomask.contains(.xmaxIsMulti) {
        unfrozen.note(multi: xmax.rawValue)
        if MultiXacts.precedes(xmax.rawValue, cutoffs.multiXactLimit) { preparation.isRequired = true }
      }
      xmax = .invalid
      infomask = infomask.subtracting(.xmaxBits).union(.xmaxInvalid)
      infomask2.subtract([.hotUpdated, .keysUpdated])
    }
    let freeze = TupleFreeze(xmax: xmax, infomask: infomask, infomask2: infomask2)
    if freeze != TupleFreeze(xmax: tuple.xmax, infomask: tuple.infomask, infomask2: tuple.infomask2) {
      preparation.freeze = freeze
    }
    return preparation
  }

  private enum XmaxOutcome {
    case stays, goes
    /// Only the one that updated it counts any more.
    case becomes(TransactionID)
  }

  private mutating func freezeXmax(
    of tuple: HeapTuple, _ cutoffs: FreezeCutoffs, _ preparation: inout FreezePreparation,
    frozen: inout RemainingNumbers, unfrozen: inout RemainingNumbers
  ) throws(EngineError) -> XmaxOutcome {
    let infomask = tuple.infomask
    guard infomask.contains(.xmaxIsMulti) else {
      let xmax = tuple.xmax
      guard xmax.isNormal else { return .goes }
      unfrozen.note(xmax)
      if xmax.precedes(cutoffs.freezeLimit) { preparation.isRequired = true }
      guard xmax.precedes(cutoffs.oldestXmin) else {
        frozen.note(xmax)
        return .stays
      }
      if !infomask.isXmaxLockOnly, try hasCommitted(xmax) {
        throw EngineError(.corrupted, "cannot freeze committed xmax \(xmax)")
      }
      return .goes
    }
    let multi = tuple.xmax.rawValue
    unfrozen.note(multi: multi)
    if MultiXacts.precedes(multi, cutoffs.multiXactLimit) { preparation.isRequired = true }
    var updater = TransactionID.invalid
    var isRunning = false
    for member in try members(tuple) {
      let runs = isInProgress(member.xid)
      isRunning = isRunning || runs
      unfrozen.note(member.xid)
      if member.xid.precedes(cutoffs.freezeLimit) { preparation.isRequired = true }
      guard member.status.isUpdate else { continue }
      let counts = runs ? true : try hasCommitted(member.xid)
      if counts { updater = member.xid }
    }
    if isRunning {
      frozen.note(multi: multi)
      for member in try members(tuple) { frozen.note(member.xid) }
      return .stays
    }
    guard updater.isValid else { return .goes }
    frozen.note(updater)
    return .becomes(updater)
  }
}
