import MillraceEngine
import MillraceTypes

/// Transactions around statements (PostgreSQL's xact.c).
extension SQLSession {
  /// What a client is told of transactions.
  public enum Status: Sendable {
    case idle, inTransaction, failed
  }

  public var status: Status {
    switch block {
    case .none, .single, .implicit: .idle
    case .open: .inTransaction
    case .failed: .failed
    }
  }

  /// Whether the session needs its thread until something else comes.
  public var isBusy: Bool { session.isInTransaction || block != .none || portals.contains { $0.isOpen } }

  // MARK: Beginning

  /// Begins a transaction for a statement, unless one is open.
  func ensureTransaction() throws(SQLError) {
    if block == .failed { return }
    if !session.isInTransaction { try begin() }
    if block == .none { block = .single }
  }

  private func begin() throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in
      try session.begin(defaultIsolation, isReadOnly: isReadOnlyByDefault)
    }
    isReadUncommitted = isReadUncommittedByDefault
    typeSettings.dateTime.now = session.transactionTime
    hasRunStatement = false
  }

  static func isolation(_ name: String) -> IsolationLevel {
    switch name {
    case "repeatable read", "serializable": .repeatableRead
    default: .readCommitted
    }
  }

  /// Nothing but the end of a failed transaction is done in it.
  func requireNotFailed(_ statement: Statement) throws(SQLError) {
    guard block == .failed else { return }
    if case .transaction(let transaction) = statement {
      switch transaction.kind {
      case .commit, .rollback, .rollbackTo, .prepare: return
      default: break
      }
    }
    throw Self.inFailedTransaction
  }

  static let inFailedTransaction = SQLError(
    .inFailedTransaction, "current transaction is aborted, commands ignored until end of transaction block")

  // MARK: Ending

  /// Ends the transaction that was begun for statements which stand alone.
  func endImplicitTransaction() throws(SQLError) {
    guard block.endsByItself else { return }
    try commit()
  }

  /// Commits, and tells the settings and portals.
  func commit() throws(SQLError) {
    try holdPortals()
    defer {
      if !session.isInTransaction {
        block = .none
        savepoints.removeAll(keepingCapacity: true)
      }
    }
    try SQLError.engine { () throws(EngineError) in try session.commit() }
    closePortals()
    if sessionSettings.transactionHasCommitted() { applySettings() }
  }

  func rollback() {
    closePortals()
    // What cannot be said in the log, recovery will find out.
    if session.isInTransaction { try? session.rollback() }
    savepoints.removeAll(keepingCapacity: true)
    block = .none
    if sessionSettings.transactionWasRolledBack() { applySettings() }
  }

  /// A call has thrown: rolls back the implicit transaction, or fails the transaction block.
  public func abort() {
    session.endStatement()
    switch block {
    case .none, .single, .implicit: rollback()
    case .open:
      if let innermost = savepoints.last, session.isInTransaction {
        // What is left of it is what the savepoint is for.
        closePortals(from: innermost.level)
        if sessionSettings.nestedWasRolledBack(to: innermost.level) { applySettings() }
        try? session.rollback(toSavepoint: innermost.name)
        block = session.isInTransaction ? .failed : .none
      } else {
        rollback()
        block = .failed
      }
    case .failed: break
    }
    activity.end(block == .failed ? .failed : .idle, at: Self.now())
    client = nil
  }

  // MARK: What statements demand

  /// - Throws: `25001` where a transaction block is open: what the statement does cannot be a part of one.
  func requireNoTransactionBlock(_ command: String) throws(SQLError) {
    switch block {
    case .open, .failed:
      throw SQLError(.activeTransaction, "\(command) cannot run inside a transaction block")
    case .implicit:
      throw SQLError(
        .activeTransaction,
        isPipelining
          ? "\(command) cannot be executed within a pipeline"
          : "\(command) cannot run inside a transaction block")
    case .none, .single: return
    }
  }

  /// - Throws: `25P01` where none is open.
  func requireTransactionBlock(_ command: String, allowsImplicit: Bool) throws(SQLError) {
    if block == .open || block == .failed || (allowsImplicit && block == .implicit) { return }
    throw SQLError(.noActiveTransaction, "\(command) can only be used in transaction blocks")
  }

  /// Whether several statements came in the extended protocol.
  private var isPipelining: Bool { hasRunStatement }
}
