import MillraceSQL

/// The connections of a database: each is lent to one task at a time, and new ones are made while fewer than the most
/// allowed exist. Who finds none waits, in order.
actor ConnectionPool {
  private let instance: SQLInstance
  private let options: DatabaseOptions
  private var idle: [Connection] = []
  private var all: [Connection] = []
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<Connection, any Error>)] = []
  private var waiterCount: UInt64 = 0
  private var isClosed = false

  init(_ instance: SQLInstance, _ options: DatabaseOptions) { (self.instance, self.options) = (instance, options) }

  /// A connection, to be given back by ``give(_:)``.
  /// - Throws: ``DatabaseError`` or `CancellationError`.
  func take() async throws -> Connection {
    guard !isClosed else { throw Self.closed }
    if let connection = idle.popLast() { return connection }
    if all.count < options.connectionsMax {
      let connection = try Connection.open(
        instance, database: options.databaseName, user: options.user, name: "connection \(all.count + 1)",
        onNotice: options.onNotice)
      all.append(connection)
      return connection
    }
    waiterCount += 1
    let id = waiterCount
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
        waiting.append((id, continuation))
      }
    } onCancel: {
      Task { await self.giveUp(id) }
    }
  }

  private func giveUp(_ id: UInt64) {
    guard let place = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: place).continuation.resume(throwing: CancellationError())
  }

  func give(_ connection: Connection) {
    guard waiting.isEmpty else { return waiting.removeFirst().continuation.resume(returning: connection) }
    idle.append(connection)
  }

  /// Ends all connections: what runs on them is cancelled, and waited for.
  func close() async {
    isClosed = true
    for waiter in waiting { waiter.continuation.resume(throwing: Self.closed) }
    waiting = []
    for connection in all {
      connection.terminate()
      await connection.close()
      connection.join()
    }
    (all, idle) = ([], [])
  }

  private static var closed: DatabaseError { DatabaseError(sqlState: "08003", "the database is closed") }
}
