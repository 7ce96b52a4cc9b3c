/// Finds out whether a session that waits for a lock is part of a deadlock, and whether turning round the order of some
/// queues would end it: PostgreSQL's src/backend/storage/lmgr/deadlock.c.
///
/// A waiter waits for those who hold what conflicts (hard edges) and for those before it in the queue who want what
/// conflicts (soft edges). A cycle of hard edges alone cannot be helped. In one with a soft edge the waiter may be put
/// before the one that it waits for; that is tried for one edge after another, as long as it brings about no new cycle.
/// Used while every partition is locked.
struct DeadlockDetector {
  enum Result {
    case none
    /// There was one, and queues were reordered so that there is none.
    case resolved
    /// The members of the cycle, the one that looked first, each waiting for the next.
    case deadlock([Member])
  }

  struct Member: Equatable {
    let place: Int
    let tag: LockTag
    let mode: LockMode
  }

  /// A waiter, and one before it in the queue of a lock: to be the other way round.
  private struct Constraint: Equatable {
    let waiter, blocker: Int
    let tag: LockTag
  }

  private let view: LockManager.View
  private var constraints: [Constraint] = []
  /// Queues as the constraints would have them.
  private var orders: [LockTag: [SharedLock.Request]] = [:]
  private var visited: [Int] = []
  private var cycle: [Member] = []
  private var softEdges: [Constraint] = []

  init(_ view: LockManager.View) { self.view = view }

  /// Looks for a deadlock that a session is part of, and ends it by reordering queues where that can be done.
  mutating func check(_ start: Int) -> Result {
    guard let wait = view.lockers[start].wait, view.lock(wait.tag) != nil else { return .none }
    if isHopeless(start) {
      // Once more as things are, for the message.
      orders = [:]
      _ = findCycle(from: start)
      return .deadlock(cycle)
    }
    guard !orders.isEmpty else { return .none }
    for (tag, order) in orders {
      guard let lock = view.lock(tag) else { continue }
      lock.queue = order
      view.wakeUp(lock)
    }
    return .resolved
  }

  /// Tries the present constraints, and with each soft edge of the cycle that is left one more (DeadLockCheckRecurse).
  private mutating func isHopeless(_ start: Int) -> Bool {
    guard let edges = test(start) else { return true }
    if edges.isEmpty { return false }
    guard constraints.count < view.lockers.count else { return true }
    for edge in edges {
      constraints.append(edge)
      if !isHopeless(start) { return false }
      constraints.removeLast()
    }
    return true
  }

  /// - Returns: the soft edges of a cycle that is there with the present constraints, none where there is no cycle; nil
  ///   where there is one of hard edges alone, or the constraints contradict each other (TestConfiguration).
  private mutating func test(_ start: Int) -> [Constraint]? {
    guard order() else { return nil }
    var found: [Constraint] = []
    for place in constraints.flatMap({ [$0.waiter, $0.blocker] }) + [start] where findCycle(from: place) {
      if softEdges.isEmpty { return nil }
      found = softEdges
    }
    return found
  }

  // MARK: Cycles

  private mutating func findCycle(from start: Int) -> Bool {
    visited = []
    cycle = []
    softEdges = []
    return search(start, depth: 0)
  }

  private mutating func search(_ place: Int, depth: Int) -> Bool {
    if let index = visited.firstIndex(of: place) {
      guard index == 0 else { return false }
      let none = Member(place: -1, tag: LockTag.transaction(.invalid), mode: .accessShare)
      cycle = Array(repeating: none, count: depth)
      return true
    }
    visited.append(place)
    guard let wait = view.lockers[place].wait, let lock = view.lock(wait.tag) else { return false }
    let conflicts = wait.mode.conflicts
    for holding in lock.holdings where holding.place != place && !holding.modes.isDisjoint(with: conflicts) {
      if search(holding.place, depth: depth + 1) {
        cycle[depth] = Member(place: place, tag: wait.tag, mode: wait.mode)
        return true
      }
    }
    for request in orders[wait.tag] ?? lock.queue {
      if request.place == place { break }
      guard conflicts.contains(LockModes(request.mode)) else { continue }
      if search(request.place, depth: depth + 1) {
        cycle[depth] = Member(place: place, tag: wait.tag, mode: wait.mode)
        softEdges.append(Constraint(waiter: place, blocker: request.place, tag: wait.tag))
        return true
      }
    }
    return false
  }

  // MARK: Orders

  /// Finds orders for the queues that the constraints name (ExpandConstraints).
  private mutating func order() -> Bool {
    orders = [:]
    for index in constraints.indices.reversed() where orders[constraints[index].tag] == nil {
      let tag = constraints[index].tag
      guard let queue = view.lock(tag)?.queue else { return false }
      guard let sorted = Self.sort(queue, constraints[...index].filter { $0.tag == tag }) else { return false }
      orders[tag] = sorted
    }
    return true
  }

  /// Sorts a queue so that each waiter comes before its blocker, from the end, changing as little as can be (TopoSort).
  private static func sort(_ queue: [SharedLock.Request], _ constraints: [Constraint]) -> [SharedLock.Request]? {
    var left = queue
    var sorted: [SharedLock.Request] = []
    while !left.isEmpty {
      let last = left.lastIndex { request in
        !constraints.contains { edge in
          edge.waiter == request.place && left.contains { $0.place == edge.blocker }
        }
      }
      guard let last else { return nil }
      sorted.append(left.remove(at: last))
    }
    return sorted.reversed()
  }
}
