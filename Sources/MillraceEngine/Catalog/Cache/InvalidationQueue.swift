import MillraceIO
import Synchronization

/// Tells sessions which relations have changed: PostgreSQL's shared invalidation queue
/// (src/backend/storage/ipc/sinvaladt.c), for one database.
///
/// Who has changed something puts it in after its commit. Every session remembers up to where it has read, and looks at
/// one word to find out whether there is more. Who has fallen behind by more than the queue holds forgets all it knows.
final class InvalidationQueue: Sendable {
  enum Message: Sendable, Hashable {
    case relation(UInt32)
    /// Types, functions, operators, schemas: what changes seldom is forgotten as a whole.
    case everythingElse
  }

  private static let capacity = 4096

  private struct State {
    /// The last ones, the oldest first.
    var messages: [Message] = []
    /// The position of the first.
    var first: UInt64 = 0
  }

  private let state = Locked(State())
  private let endPosition = Atomic<UInt64>(0)

  /// Up to where it has been written.
  var end: UInt64 { endPosition.load(ordering: .acquiring) }

  func send(_ messages: some Collection<Message>) {
    state.withLock { state in
      state.messages.append(contentsOf: messages)
      let excess = state.messages.count - Self.capacity
      if excess > Self.capacity / 2 {
        state.messages.removeFirst(excess)
        state.first += UInt64(excess)
      }
      endPosition.store(state.first + UInt64(state.messages.count), ordering: .releasing)
    }
  }

  /// What came since a position, and where to go on; nil where some of it is gone.
  func read(from position: UInt64) -> (messages: [Message]?, end: UInt64) {
    state.withLock { state in
      let end = state.first + UInt64(state.messages.count)
      guard position >= state.first else { return (nil, end) }
      return (Array(state.messages[Int(position - state.first)...]), end)
    }
  }
}
