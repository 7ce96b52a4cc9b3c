/// Looking at relations that must stay as they are for a while (PostgreSQL's RangeVarGetRelidExtended,
/// src/backend/catalog/namespace.c).
extension SessionCatalog {
  /// Locks a relation until the end of the transaction. What was known of it may have changed until the lock was there.
  /// - Returns: false where it cannot be had at once and the policy is not to wait.
  /// - Throws: ``EngineError``: what waiting throws.
  @discardableResult
  public func lock(
    _ oid: UInt32, _ mode: LockMode, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> Bool {
    let isObtained = try session.lock(tag(of: oid), mode, policy)
    acceptInvalidations()
    return isObtained
  }

  func tag(of oid: UInt32) -> LockTag {
    .relation(oid, database: SystemCatalog.all[oid]?.isShared == true ? 0 : catalog.databaseID)
  }

  /// A relation, locked; nil where there is none (any more).
  /// - Throws: ``EngineError``: `.lockNotAvailable` where it cannot be had at once and the policy is not to wait.
  public func open(
    _ oid: UInt32, _ mode: LockMode, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> RelationDescriptor? {
    guard try lock(oid, mode, policy) else {
      let name = try relation(oid)?.name ?? "\(oid)"
      throw EngineError(.lockNotAvailable, "could not obtain lock on relation \"\(name)\"")
    }
    if let found = try relation(oid) { return found }
    session.unlock(tag(of: oid), mode)
    return nil
  }

  /// A relation by its name, locked; nil where there is none. Should the name come to stand for another relation while
  /// the lock is waited for, that one is taken.
  public func open(
    named name: String, schema: String? = nil, _ mode: LockMode, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> RelationDescriptor? {
    while let oid = try relationOID(named: name, schema: schema) {
      let found = try open(oid, mode, policy)
      if try relationOID(named: name, schema: schema) == oid { return found }
      if found != nil { session.unlock(tag(of: oid), mode) }
    }
    return nil
  }

  /// Locks the table of an index so that nobody uses either: who reads or changes a table uses its indexes under the
  /// lock on the table. Nothing where the name is no index's. To be called before the index is locked, in which order
  /// everybody locks.
  public func lockTable(ofIndexNamed name: String, schema: String? = nil) throws(EngineError) {
    while let oid = try relationOID(named: name, schema: schema), let table = try index(oid)?.table {
      try lock(table, .accessExclusive)
      if try relationOID(named: name, schema: schema) == oid { return }
      session.unlock(tag(of: table), .accessExclusive)
    }
  }

  /// - Throws: ``EngineError`` where there is none, in PostgreSQL's words.
  public func requiredOpen(
    named name: String, schema: String? = nil, _ mode: LockMode, _ policy: LockWaitPolicy = .wait
  ) throws(EngineError) -> RelationDescriptor {
    if let found = try open(named: name, schema: schema, mode, policy) { return found }
    throw EngineError(
      .undefinedTable, "relation \"\(schema.map { $0 + "." } ?? "")\(name)\" does not exist")
  }

  /// A relation that a statement is going to change, locked so that nobody else uses it.
  func requiredRelation(_ oid: UInt32, for mode: LockMode) throws(EngineError) -> RelationDescriptor {
    try lock(oid, mode)
    return try requiredRelation(oid)
  }
}
