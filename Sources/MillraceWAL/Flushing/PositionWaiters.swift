import MillraceIO
import Synchronization

/// Who follows the durable position without driving it: WAL senders, an archiver, tasks. Threads sleep on an event
/// count, tasks are kept in a table that a publication looks at only while there is one.
final class PositionWaiters: @unchecked Sendable {
  // Safe because the words are atomic and the table is behind a lock.

  private struct Task {
    let ticket: UInt64
    let position: UInt64
    let continuation: CheckedContinuation<Bool, Never>
  }

  private struct Table {
    var tasks: [Task] = []
    var nextTicket: UInt64 = 0
    var followers: [UInt64: @Sendable () -> Void] = [:]

    /// Whom a publication has to look at.
    var count: UInt64 { UInt64(tasks.count + followers.count) }
  }

  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  private let table = Locked(Table())

  init() {
    words = .allocate(capacity: 2)
    for index in 0..<2 { (words + index).initialize(to: Atomic(0)) }
  }

  deinit { words.deallocate() }

  /// For threads.
  var event: EventCount { EventCount(words) }

  /// How many tasks and followers there are.
  private var taskCount: UnsafeMutablePointer<Atomic<UInt64>> { words + 1 }

  /// The durable position has been raised. Runs in a completion.
  func publish(_ position: UInt64) {
    event.signalAll()
    guard taskCount.pointee.load(ordering: .sequentiallyConsistent) > 0 else { return }
    resume { $0.position <= position }
    wakeFollowers()
  }

  /// The log has stopped.
  func wakeAll() {
    event.signalAll()
    resume { _ in true }
    wakeFollowers()
  }

  // MARK: Followers

  /// Adds one who is told of every publication until he is removed, and who may not wait when he is.
  func addFollower(_ wake: @escaping @Sendable () -> Void) -> UInt64 {
    table.withLock { table in
      table.nextTicket += 1
      table.followers[table.nextTicket] = wake
      taskCount.pointee.store(table.count, ordering: .sequentiallyConsistent)
      return table.nextTicket
    }
  }

  func removeFollower(_ ticket: UInt64) {
    table.withLock { table in
      table.followers[ticket] = nil
      taskCount.pointee.store(table.count, ordering: .sequentiallyConsistent)
    }
  }

  /// With the lock held, so that nobody is called who has been removed.
  private func wakeFollowers() {
    table.withLock { table in
      for wake in table.followers.values { wake() }
    }
  }

  private func resume(_ isDue: (Task) -> Bool) {
    let due = table.withLock { table in
      let due = table.tasks.filter(isDue)
      table.tasks.removeAll(where: isDue)
      taskCount.pointee.store(table.count, ordering: .sequentiallyConsistent)
      return due
    }
    for task in due { task.continuation.resume(returning: true) }
  }

  func ticket() -> UInt64 {
    table.withLock { table in
      table.nextTicket += 1
      return table.nextTicket
    }
  }

  /// Adds a task. The caller looks at the position afterwards, and withdraws it if that is there already.
  func add(_ continuation: CheckedContinuation<Bool, Never>, ticket: UInt64, position: UInt64) {
    table.withLock { table in
      table.tasks.append(Task(ticket: ticket, position: position, continuation: continuation))
      taskCount.pointee.store(table.count, ordering: .sequentiallyConsistent)
    }
  }

  /// Takes a task out and resumes it, if it is still there.
  func withdraw(ticket: UInt64, result: Bool) {
    let task = table.withLock { table -> Task? in
      guard let index = table.tasks.firstIndex(where: { $0.ticket == ticket }) else { return nil }
      let task = table.tasks.remove(at: index)
      taskCount.pointee.store(table.count, ordering: .sequentiallyConsistent)
      return task
    }
    task?.continuation.resume(returning: result)
  }
}
