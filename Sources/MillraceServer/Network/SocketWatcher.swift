import CMillraceSockets
#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
import MillraceIO
import MillraceStorage

/// Waits for the clients of sessions that have no thread, on one thread for all: who says something has his session
/// scheduled.
final class SocketWatcher: Sendable {
  private struct State {
    /// The set of sockets; -1 before the first, and where there cannot be one.
    var set: Int32 = -1
    var alarm: Int32 = -1
    var thread: NamedThread?
    var hasFailed = false
    var isStopping = false
    var connections: [UInt64: Connection] = [:]
    var lastKey: UInt64 = 0
  }

  private static let alarmKey: UInt64 = 0
  private let state = Locked(State())

  /// Takes care of a connection from now on: notices when its client is gone.
  /// - Returns: its number here; nil where that cannot be done.
  func add(_ connection: Connection, _ descriptor: Int32) -> UInt64? {
    state.withLock { state in
      guard start(&state) else { return nil }
      let key = state.lastKey + 1
      guard millrace_sockets_watch(state.set, descriptor, key, true, false) == 0 else { return nil }
      state.lastKey = key
      state.connections[key] = connection
      return key
    }
  }

  /// Waits for the client to say something, or, once he has, for nothing but his leaving.
  func watch(_ key: UInt64, _ descriptor: Int32, forInput: Bool) {
    let set = state.withLock { $0.set }
    let failure = millrace_sockets_watch(set, descriptor, key, false, forInput)
    precondition(failure == 0, "a client's socket is in the set as long as it is open")
  }

  /// To be called before the socket is closed.
  func remove(_ key: UInt64) { state.withLock { _ = $0.connections.removeValue(forKey: key) } }

  private func start(_ state: inout State) -> Bool {
    if state.thread != nil { return true }
    if state.hasFailed || state.isStopping { return false }
    state.set = millrace_sockets_create()
    state.alarm = state.set < 0 ? -1 : millrace_sockets_make_alarm(state.set, Self.alarmKey)
    if state.alarm >= 0 {
      let set = state.set
      state.thread = try? NamedThread("client watcher") { self.run(set) }
    }
    state.hasFailed = state.thread == nil
    return !state.hasFailed
  }

  private func run(_ set: Int32) {
    withUnsafeTemporaryAllocation(of: millrace_socket_event.self, capacity: 64) { events in
      guard let start = events.baseAddress else { return }
      while true {
        let count = millrace_sockets_wait(set, start, Int32(events.count))
        if state.withLock({ $0.isStopping }) { return }
        for event in events[..<Int(max(count, 0))] where event.key != Self.alarmKey {
          let connection = state.withLock { $0.connections[event.key] }
          connection?.socketHasNews(isReadable: event.is_readable, isLost: event.is_lost)
        }
      }
    }
  }

  /// Ends the thread. All connections have ended.
  func stop() {
    let (thread, set, alarm) = state.withLock { state in
      state.isStopping = true
      defer { (state.thread, state.set, state.alarm) = (nil, -1, -1) }
      return (state.thread, state.set, state.alarm)
    }
    if alarm >= 0 { millrace_sockets_ring(alarm) }
    thread?.join()
    for descriptor in [alarm, set] where descriptor >= 0 { close(descriptor) }
  }
}
