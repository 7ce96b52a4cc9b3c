@testable import MillraceStorage

/// All orders in which a few threads can take the steps of the content lock: the steps are the real ones
/// (``ContentLock``), the word, the kernel's queue and the threads are the model's.
///
/// A step is what is atomic in reality: a successful compare-and-swap, the kernel's look at the word before it lets a
/// thread sleep, a wake-up. Each thread takes the lock and gives it back, some rounds.
struct ContentLockModel {
  enum Role: Hashable, CaseIterable {
    case share, shareExclusive, exclusive
    /// Share-exclusive, and given to an I/O that others can wait for.
    case write

    var mode: ContentLockMode {
      switch self {
      case .share: .share
      case .shareExclusive, .write: .shareExclusive
      case .exclusive: .exclusive
      }
    }
  }

  enum Place: Hashable {
    case looking
    /// Announced in the word; about to see whether there is an I/O to wait for.
    case announced(UInt64)
    case fallingAsleep(UInt64)
    case asleep
    case waitingForIO
    case holding
    /// The I/O's reference has been published, the sleepers have not been told.
    case published
    case inFlight
    /// The reference is gone, the lock is still held.
    case completing
    /// Has to wake these.
    case waking(UInt64, all: Bool, then: After)
    case done

    enum After: Hashable { case inFlight, released }
  }

  struct Thread: Hashable {
    let role: Role
    var place = Place.looking
    var hasSlept = false
    var rounds: Int
  }

  struct World: Hashable {
    var word: UInt64 = 0
    var hasReference = false
    var threads: [Thread]

    /// Whether a thread holds the lock.
    func holds(_ thread: Thread) -> Bool {
      switch thread.place {
      case .holding, .published, .inFlight, .completing: true
      case .waking(_, _, .inFlight): true
      default: false
      }
    }
  }

  /// What was found wrong, and how many states there are.
  private(set) var problem: String?
  private(set) var states = 0

  init(_ roles: [Role], rounds: Int) {
    let start = World(threads: roles.map { Thread(role: $0, rounds: rounds) })
    var seen: Set<World> = [start]
    var open = [start]
    while let world = open.popLast(), problem == nil {
      states += 1
      problem = Self.problem(of: world)
      var isStuck = true
      for index in world.threads.indices {
        for next in Self.steps(world, index) {
          isStuck = false
          if seen.insert(next).inserted { open.append(next) }
        }
      }
      if isStuck, world.threads.contains(where: { $0.place != .done }) { problem = "stuck: \(world)" }
      if isStuck, world.word != 0, problem == nil { problem = "left behind: \(world)" }
    }
  }

  /// What must not be.
  private static func problem(of world: World) -> String? {
    let held = world.threads.filter { world.holds($0) }.map(\.role.mode)
    let exclusive = held.count { $0 == .exclusive }
    let shareExclusive = held.count { $0 == .shareExclusive }
    let share = held.count - exclusive - shareExclusive
    if exclusive > 1 || shareExclusive > 1 || exclusive == 1 && held.count > 1 { return "held by \(held): \(world)" }
    let word = world.word
    guard (word & ContentLock.sharerMask) / ContentLock.oneSharer == share,
      (word & ContentLock.shareExclusive != 0) == (shareExclusive == 1),
      (word & ContentLock.exclusive != 0) == (exclusive == 1)
    else { return "the word says something else than is: \(world)" }
    if word & ContentLock.draining != 0, word & (ContentLock.exclusive | ContentLock.shareExclusive) != 0 {
      return "sharers are kept out for nothing: \(world)"
    }
    return nil
  }

  /// The worlds that one step of a thread can lead to; none where it cannot take one.
  private static func steps(_ world: World, _ index: Int) -> [World] {
    var next = world
    let thread = world.threads[index]
    switch thread.place {
    case .looking:
      var attempt = ContentLock.Attempt(thread.role.mode)
      attempt.hasSlept = thread.hasSlept
      switch attempt.step(world.word) {
      case .acquire(let word):
        next.word = word
        next.threads[index].place = .holding
        next.threads[index].hasSlept = false
      case .sleep(let word):
        next.word = word
        next.threads[index].place = .announced(word)
      }
    case .announced(let word):
      let waits = world.hasReference && thread.role != .share
      next.threads[index].place = waits ? .waitingForIO : .fallingAsleep(word)
    case .fallingAsleep(let word):
      next.threads[index].place = world.word >> 32 == word >> 32 ? .asleep : .looking
      next.threads[index].hasSlept = true
    case .waitingForIO:
      if world.threads.contains(where: { $0.role == .write && isInFlight($0.place) }) { return [] }
      next.threads[index].place = .looking
    case .holding where thread.role == .write:
      next.hasReference = true
      next.threads[index].place = .published
    case .published:
      let excluded = ContentLock.sleepers(.shareExclusive) | ContentLock.sleepers(.exclusive)
      next.word = world.word & ~excluded
      next.threads[index].place =
        world.word & excluded != 0 ? .waking(excluded, all: true, then: .inFlight) : .inFlight
    case .inFlight:
      next.hasReference = false
      next.threads[index].place = .completing
    case .holding, .completing:
      let (word, wakes) = ContentLock.released(thread.role.mode, world.word)
      next.word = word
      next.threads[index].place = .waking(wakes, all: false, then: .released)
    case .waking(let wakes, let all, let then):
      return wake(world, index, wakes, all: all, then)
    case .asleep, .done: return []
    }
    return [next]
  }

  private static func isInFlight(_ place: Place) -> Bool {
    switch place {
    case .published, .inFlight, .completing, .waking: true
    default: false
    }
  }

  /// Wakes the sleepers of one mode; one of them, whichever, unless all are to be.
  private static func wake(
    _ world: World, _ index: Int, _ wakes: UInt64, all: Bool, _ then: Place.After
  ) -> [World] {
    var next = world
    guard let mode = ContentLockMode.allCases.first(where: { wakes & ContentLock.sleepers($0) != 0 }) else {
      if then == .inFlight {
        next.threads[index].place = .inFlight
      } else {
        next.threads[index].rounds -= 1
        next.threads[index].place = next.threads[index].rounds == 0 ? .done : .looking
      }
      return [next]
    }
    next.threads[index].place = .waking(wakes & ~ContentLock.sleepers(mode), all: all, then: then)
    let sleepers = world.threads.indices.filter {
      world.threads[$0].place == .asleep && world.threads[$0].role.mode == mode
    }
    if all || mode == .share || sleepers.isEmpty {
      for sleeper in sleepers { next.threads[sleeper].place = .looking }
      return [next]
    }
    return sleepers.map { sleeper in
      var chosen = next
      chosen.threads[sleeper].place = .looking
      return chosen
    }
  }
}
