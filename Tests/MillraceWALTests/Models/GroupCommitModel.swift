/// Group commit as ``CommitBatches`` and `makeDurable` do it, step by step: committers that lead, wait for a batch, or
/// wait for the next one. What can go wrong is that somebody sleeps for ever.
struct GroupCommitModel: InterleavingModel {
  enum Mistake: Hashable, CaseIterable {
    /// Looks at the condition before it announces itself.
    case looksBeforePreparing
    /// Waits for the next batch without having looked whether the one that was begun meanwhile serves as well.
    case overlooksBatch
    /// Ends batches without waking anybody to lead.
    case neverNudges
  }

  private enum Place: Hashable {
    case insert, look, glance, prepareBatch, sleepBatch, prepareNext, sleepNext
    case lead, append, unlock, recheck, flush, publish, end, nudge, finished
  }

  private struct Committer: Hashable {
    var place = Place.insert
    var target = 0
    var batch = 0
    var ticket = 0
    var upTo = 0
    var published = 0

    /// Looks again, and forgets what it knew: fewer states to tell apart.
    mutating func restart() { self = Committer(place: .look, target: target) }
  }

  let mistake: Mistake?
  let batchesMax: Int
  private var inserted = 0
  private var flushed = 0
  private var batches: [Int] = []
  private var ended = 0
  private var isLocked = false
  private var events: [ModelEvent]
  private var committers: [Committer]
  private(set) var violation: String?

  /// - Parameter isUnderWay: everybody has inserted already, and the first one's flush is in flight: fewer states, so
  ///   more committers can be tried.
  init(committers: Int, batchesMax: Int, isUnderWay: Bool = false, mistake: Mistake? = nil) {
    self.mistake = mistake
    self.batchesMax = batchesMax
    self.committers = Array(repeating: Committer(), count: committers)
    events = Array(repeating: ModelEvent(), count: committers + 2)
    guard isUnderWay else { return }
    for index in 0..<committers { self.committers[index] = Committer(place: .look, target: index + 1) }
    self.committers[0] = Committer(place: .flush, target: 1, upTo: 1)
    (inserted, batches) = (committers, [1])
  }

  var isFinished: Bool { committers.allSatisfy { $0.place == .finished } }

  private var mayLead: Bool { batches.count - ended < batchesMax }

  private func covering(_ target: Int) -> Int? {
    (ended..<batches.count).first { batches[$0] >= target }
  }

  var successors: [GroupCommitModel] {
    committers.indices.flatMap { index -> [GroupCommitModel] in
      guard committers[index].place != .finished, !events.contains(where: { $0.isAsleep(index) }) else {
        return []
      }
      return step(index)
    }
  }

  private func step(_ index: Int) -> [GroupCommitModel] {
    var state = self
    switch committers[index].place {
    case .nudge: return nudged(index)
    case .lead:
      guard !isLocked else { return [] }
      state.isLocked = true
      state.committers[index].place = .append
    default: state.advance(index)
    }
    return [state]
  }

  /// One of those who wait for the next batch is woken, whichever.
  private func nudged(_ index: Int) -> [GroupCommitModel] {
    let event = batches.count
    let woken = mistake == .neverNudges ? [events[event]] : events[event].signallingOne()
    return woken.map { signalled in
      var state = self
      state.events[event] = signalled
      state.committers[index].restart()
      return state
    }
  }

  private mutating func advance(_ index: Int) {
    var committer = committers[index]
    defer { committers[index] = committer }
    switch committer.place {
    case .insert:
      inserted += 1
      committer.target = inserted
      committer.place = .look
    case .look: look(&committer)
    case .glance:
      if flushed >= committer.target { committer.restart() } else { committer.place = .prepareBatch }
    case .prepareBatch:
      committer.ticket = events[committer.batch].prepare()
      committer.place = .sleepBatch
    case .sleepBatch:
      let isInFlight = committer.batch >= ended && committer.batch < batches.count
      if mistake == .looksBeforePreparing || flushed < committer.target && isInFlight {
        _ = events[committer.batch].sleep(index, ticket: committer.ticket)
      }
      committer.restart()
    case .prepareNext:
      committer.batch = batches.count
      committer.ticket = events[committer.batch].prepare()
      committer.place = .sleepNext
    case .sleepNext:
      let isCovered = mistake != .overlooksBatch && covering(committer.target) != nil
      if flushed < committer.target, batches.count == committer.batch, !isCovered, !mayLead {
        _ = events[committer.batch].sleep(index, ticket: committer.ticket)
      }
      committer.restart()
    default: lead(&committer)
    }
  }

  private func look(_ committer: inout Committer) {
    if flushed >= committer.target {
      committer.place = .finished
    } else if let batch = covering(committer.target) {
      committer.batch = batch
      committer.place = mistake == .looksBeforePreparing ? .glance : .prepareBatch
    } else if mayLead {
      committer.place = .lead
    } else {
      committer.place = .prepareNext
    }
  }

  private mutating func lead(_ committer: inout Committer) {
    switch committer.place {
    case .append:
      if flushed < committer.target, covering(committer.target) == nil, mayLead {
        committer.upTo = inserted
        batches.append(inserted)
        committer.place = .unlock
      } else {
        isLocked = false
        committer.restart()
      }
    case .unlock:
      isLocked = false
      committer.place = .recheck
    case .recheck:
      committer.published = flushed
      end(&committer, next: .flush)
    case .flush: committer.place = .publish
    case .publish:
      // The flush has ended.
      if flushed < committer.upTo {
        flushed = committer.upTo
        committer.published = flushed
        committer.place = .end
      } else {
        committer.restart()
      }
    case .end: end(&committer, next: .nudge)
    default: violation = "a committer does what it cannot"
    }
  }

  /// Ends the first batch that is durable, one in a step, and wakes who waits for it.
  private mutating func end(_ committer: inout Committer, next: Place) {
    if ended < batches.count, batches[ended] <= committer.published {
      events[ended].signalAll()
      ended += 1
      committer.place = next == .flush ? .recheck : .end
    } else {
      committer.place = next
    }
  }
}
