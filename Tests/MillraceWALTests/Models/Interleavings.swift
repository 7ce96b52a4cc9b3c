/// A protocol of threads as a state and the single steps that each can do next; small enough to try every order.
protocol InterleavingModel: Hashable {
  /// The states after one step of one thread, for every thread that is not asleep and not at its end.
  var successors: [Self] { get }
  /// What is wrong with this state.
  var violation: String? { get }
  /// Whether every thread is at its end. Where none can do a step and this is false, some sleep for ever.
  var isFinished: Bool { get }
}

/// Every state that a model can get to, by whatever order of steps.
struct Interleavings {
  private(set) var stateCount = 0
  private(set) var finishedCount = 0
  /// The first thing that goes wrong in some order; nil where nothing does.
  private(set) var violation: String?

  init(of start: some InterleavingModel) { explore(start) }

  private mutating func explore<Model: InterleavingModel>(_ start: Model) {
    var seen: Set<Model> = [start]
    var pending = [start]
    while let state = pending.popLast() {
      stateCount += 1
      if let violation = state.violation {
        self.violation = violation
        return
      }
      let next = state.successors
      if next.isEmpty {
        guard state.isFinished else {
          violation = "some sleep for ever"
          return
        }
        finishedCount += 1
      }
      for state in next where seen.insert(state).inserted { pending.append(state) }
    }
  }
}

/// An event count as ``EventCount`` keeps it: one word, and who sleeps on it.
struct ModelEvent: Hashable {
  var signals = 0
  var hasSleepers = false
  /// One bit for each thread.
  private var asleep: UInt64 = 0

  func isAsleep(_ thread: Int) -> Bool { asleep & 1 << UInt64(thread) != 0 }

  /// The ticket of a sleeper that announces itself.
  mutating func prepare() -> Int {
    hasSleepers = true
    return signals
  }

  /// Falls asleep unless there has been a signal since. - Returns: whether it sleeps.
  mutating func sleep(_ thread: Int, ticket: Int) -> Bool {
    guard ticket == signals else { return false }
    asleep |= 1 << UInt64(thread)
    return true
  }

  mutating func signalAll() {
    guard hasSleepers else { return }
    signals += 1
    hasSleepers = false
    asleep = 0
  }

  /// Wakes one: whichever, so the caller gets a state for each.
  func signallingOne() -> [ModelEvent] {
    guard hasSleepers else { return [self] }
    var next = self
    next.signals += 1
    if asleep == 0 { return [next] }
    return (0..<64).filter(isAsleep).map { thread in
      var woken = next
      woken.asleep &= ~(1 << UInt64(thread))
      return woken
    }
  }
}
