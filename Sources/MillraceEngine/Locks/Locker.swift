import MillraceIO
import MillraceStorage
import Synchronization

/// One session as others meet it: what it holds and waits for (the lock manager's part of PostgreSQL's `PGPROC`), and
/// how it is asked to end what it does. There is one for each place, for as long as the database is open.
final class Locker: Sendable {
  let place: Int
  let fast = FastPathSlots()
  /// What its thread sleeps on while it waits for a lock.
  let latch = Latch()

  private let process = Atomic<Int32>(0)
  private let database = Atomic<UInt32>(0)
  private let interruptWord = Atomic<UInt32>(0)
  /// The number of its transaction in this place; 0 between transactions.
  private let transactionNumber = Atomic<UInt32>(0)
  private let awaited = Atomic<Bool>(false)
  private let waitState = Atomic<UInt8>(0)
  private let backgroundState = Atomic<UInt8>(0)

  /// Guarded by the partition of what it waits for.
  private let waiting = Locked<Wait?>(nil)

  struct Wait {
    let tag: LockTag
    let mode: LockMode
    /// Nanoseconds of the monotonic clock.
    let start: UInt64
  }

  enum WaitState: UInt8 {
    case none, waiting, granted
  }

  init(place: Int) { self.place = place }

  /// What messages and `pg_locks` call it.
  var processID: Int32 {
    get { process.load(ordering: .relaxed) }
    set { process.store(newValue, ordering: .relaxed) }
  }

  /// The database in whose relations it can use the fast path.
  var databaseID: UInt32 {
    get { database.load(ordering: .relaxed) }
    set { database.store(newValue, ordering: .relaxed) }
  }

  // MARK: Its transaction

  var transaction: VirtualTransactionID? {
    let number = transactionNumber.load(ordering: .sequentiallyConsistent)
    return number == 0 ? nil : VirtualTransactionID(place: place, number: number)
  }

  func setTransaction(_ number: UInt32) { transactionNumber.store(number, ordering: .sequentiallyConsistent) }

  /// Whether somebody waits, or wanted to, for the end of its transaction, so that the shared table may have locks on
  /// the transaction's numbers.
  var isAwaited: Bool {
    get { awaited.load(ordering: .sequentiallyConsistent) }
    set { awaited.store(newValue, ordering: .sequentiallyConsistent) }
  }

  // MARK: Its wait

  /// What it waits for; whoever changes it holds the partition of that.
  var wait: Wait? {
    get { waiting.withLock { $0 } }
    set { waiting.withLock { $0 = newValue } }
  }

  var state: WaitState {
    get { WaitState(rawValue: waitState.load(ordering: .acquiring)) ?? .none }
    set { waitState.store(newValue.rawValue, ordering: .releasing) }
  }

  // MARK: Work in the background

  /// Whether its session is one that vacuums in the background, and whether that makes way for others.
  enum Background: UInt8 {
    case none, yielding, unyielding
  }

  var background: Background {
    get { Background(rawValue: backgroundState.load(ordering: .sequentiallyConsistent)) ?? .none }
    set { backgroundState.store(newValue.rawValue, ordering: .sequentiallyConsistent) }
  }

  // MARK: Interrupts

  /// What its session has been asked for.
  struct Interrupts: OptionSet {
    let rawValue: UInt32
    /// To give up the running statement.
    static let cancel = Interrupts(rawValue: 1)
    /// To end.
    static let terminate = Interrupts(rawValue: 2)
  }

  @inline(__always) var interrupts: Interrupts { Interrupts(rawValue: interruptWord.load(ordering: .relaxed)) }

  func raise(_ interrupt: Interrupts) {
    interruptWord.bitwiseOr(interrupt.rawValue, ordering: .acquiringAndReleasing)
    latch.set()
  }

  func clear(_ interrupt: Interrupts) {
    guard !interrupts.isDisjoint(with: interrupt) else { return }
    interruptWord.bitwiseAnd(~interrupt.rawValue, ordering: .acquiringAndReleasing)
  }
}
