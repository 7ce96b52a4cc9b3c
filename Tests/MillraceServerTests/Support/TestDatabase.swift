import MillraceServer
import Synchronization

/// What the test executors of one server share: a table of numbers with transactions, and a record of what happened.
final class TestDatabase: Sendable {
  struct State {
    /// Committed rows of the one table.
    var rows: [Int] = []
    var rollbacks = 0
    var ended = 0
    /// Rows that executors have produced.
    var produced = 0
  }

  let state = Mutex(State())
  let roles: Mutex<[String: Role]>

  init(roles: [Role] = [Role(name: "postgres", isSuperuser: true)]) {
    self.roles = Mutex(Dictionary(uniqueKeysWithValues: roles.map { ($0.name, $0) }))
  }
}

/// Lets in whom the test database knows.
struct TestProvider: SessionProvider {
  let database: TestDatabase

  func role(_ name: String, on thread: BackendThread) throws(ErrorReport) -> Role? {
    database.roles.withLock { $0[name] }
  }

  func hasPasswords() throws(ErrorReport) -> Bool {
    database.roles.withLock { $0.values.contains { $0.password != nil } }
  }

  func makeExecutor(
    _ session: SessionInformation, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    guard session.database != "missing" else {
      throw ErrorReport(.fatal, .invalidCatalogName, "database \"missing\" does not exist")
    }
    return TestExecutor(database, session)
  }

  func makeReplicationExecutor(
    _ session: SessionInformation, _ senders: WALSenderTable, on thread: BackendThread
  ) throws(ErrorReport) -> any StatementExecutor {
    throw ErrorReport(.fatal, .featureNotSupported, "there is no log here")
  }
}
