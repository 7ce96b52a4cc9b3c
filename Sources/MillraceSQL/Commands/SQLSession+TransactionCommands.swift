import MillraceEngine
import MillraceTypes

/// BEGIN, COMMIT, ROLLBACK and savepoints.
extension SQLSession {
  /// - Returns: the tag.
  func run(_ statement: TransactionStatement) throws(SQLError) -> String {
    switch statement.kind {
    case .begin, .start: try beginBlock(statement)
    case .commit(let isChained): return try commitBlock(isChained: isChained)
    case .rollback(let isChained): return try rollbackBlock(isChained: isChained)
    case .savepoint(let name):
      try requireTransactionBlock("SAVEPOINT", allowsImplicit: false)
      try SQLError.engine { () throws(EngineError) in try session.savepoint(name) }
      savepoints.append(Savepoint(name: name, level: session.nestingLevel))
    case .release(let name): try release(name)
    case .rollbackTo(let name): try rollback(to: name)
    case .prepare, .commitPrepared, .rollbackPrepared:
      throw .unsupported("two-phase commit")
    }
    return CommandTag.of(.transaction(statement))
  }

  private func beginBlock(_ statement: TransactionStatement) throws(SQLError) {
    if block == .open {
      warning(.activeTransaction, "there is already a transaction in progress")
    } else {
      block = .open
    }
    try setTransactionModes(statement.modes)
  }

  private func commitBlock(isChained: Bool) throws(SQLError) -> String {
    if isChained { try requireTransactionBlock("COMMIT AND CHAIN", allowsImplicit: false) }
    let (isolation, isReadOnly) = (session.isolation, session.isReadOnly)
    let hasFailed = block == .failed
    if hasFailed {
      rollback()
    } else {
      if block != .open { warning(.noActiveTransaction, "there is no transaction in progress") }
      try commit()
    }
    if isChained { try chain(isolation, isReadOnly) }
    return hasFailed ? "ROLLBACK" : "COMMIT"
  }

  private func rollbackBlock(isChained: Bool) throws(SQLError) -> String {
    if isChained { try requireTransactionBlock("ROLLBACK AND CHAIN", allowsImplicit: false) }
    let (isolation, isReadOnly) = (session.isolation, session.isReadOnly)
    if block != .open, block != .failed { warning(.noActiveTransaction, "there is no transaction in progress") }
    rollback()
    if isChained { try chain(isolation, isReadOnly) }
    return "ROLLBACK"
  }

  private func chain(_ isolation: IsolationLevel, _ isReadOnly: Bool) throws(SQLError) {
    try ensureTransaction()
    try SQLError.engine { () throws(EngineError) in try session.setTransaction(isolation, isReadOnly: isReadOnly) }
    block = .open
  }

  private func release(_ name: String) throws(SQLError) {
    try requireTransactionBlock("RELEASE SAVEPOINT", allowsImplicit: false)
    try SQLError.engine { () throws(EngineError) in try session.releaseSavepoint(name) }
    guard let index = savepoints.lastIndex(where: { $0.name == name }) else { return }
    sessionSettings.nestedWasReleased(to: savepoints[index].level)
    for portal in portals.values { portal.level = min(portal.level, savepoints[index].level - 1) }
    savepoints.removeSubrange(index...)
  }

  private func rollback(to name: String) throws(SQLError) {
    try requireTransactionBlock("ROLLBACK TO SAVEPOINT", allowsImplicit: false)
    guard let index = savepoints.lastIndex(where: { $0.name == name }) else {
      throw SQLError(.invalidSavepointSpecification, "savepoint \"\(name)\" does not exist")
    }
    closePortals(from: savepoints[index].level)
    try SQLError.engine { () throws(EngineError) in try session.rollback(toSavepoint: name) }
    if sessionSettings.nestedWasRolledBack(to: savepoints[index].level) { applySettings() }
    savepoints.removeSubrange((index + 1)...)
    block = .open
  }

  // MARK: Modes

  /// SET TRANSACTION, and what BEGIN says.
  func setTransactionModes(_ modes: [DefinitionElement]) throws(SQLError) {
    for mode in modes {
      switch (mode.name, mode.value) {
      case ("transaction_isolation", .string(let level)):
        try setSetting("transaction_isolation", to: level, isLocal: true)
      case ("transaction_read_only", let value):
        try setSetting("transaction_read_only", to: Self.isOn(value) ? "on" : "off", isLocal: true)
      case ("transaction_deferrable", let value):
        try setSetting("transaction_deferrable", to: Self.isOn(value) ? "on" : "off", isLocal: true)
      default: throw .unsupported("transaction mode \"\(mode.name)\"", at: mode.location)
      }
    }
  }

  private static func isOn(_ value: DefinitionElement.Value?) -> Bool {
    switch value {
    case .integer(let number): number != 0
    case .boolean(let flag): flag
    case .string(let word): word == "true" || word == "on"
    default: false
    }
  }
}
