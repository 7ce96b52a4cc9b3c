import MillraceStorage
import MillraceTypes

/// A session's view of its database's system tables: what has been committed, and what its own transaction has changed.
/// Used by the session's thread.
///
/// What was found once is found again without a lock: one load shows whether anything has changed anywhere.
public final class SessionCatalog {
  /// The session that it belongs to.
  public unowned let session: Session
  public let catalog: Catalog
  /// Who the session is, and so what it may do: `current_user`.
  public var currentUser = SystemOID.bootstrapSuperuser
  /// `search_path`: names of schemas; `$user` stands for the user's own.
  public var searchPath: [String] = ["$user", "public"] {
    didSet { resolvedPath = nil }
  }

  /// Counts how often something that had been read was forgotten: what was derived from it must be looked at again.
  public private(set) var generation: UInt64 = 0
  private var relations: [UInt32: RelationDescriptor] = [:]
  private var statistics: [UInt32: [Int: ColumnStatistics]] = [:]
  private var names: [Catalog.RelationName: UInt32?] = [:]
  private var others: [ObjectIdentifier: any Sendable] = [:]
  var resolvedPath: [UInt32]?
  /// Up to where invalidations have been read.
  private var position: UInt64
  /// What the own transaction has changed.
  private(set) var changes: Set<InvalidationQueue.Message> = []
  /// The session's temporary schema, once it has one, and its files.
  var temporary = TemporaryRelations()
  /// Databases whose files go when the transaction commits, and those that it has made.
  var droppedDatabases: [UInt32] = []
  var createdDatabases: [UInt32] = []
  /// What `nextval` has taken ahead.
  var sequences = SequenceCache()
  let arena = Arena()
  let buffer = TupleBuffer()

  init(_ session: Session, _ catalog: Catalog) {
    (self.session, self.catalog) = (session, catalog)
    position = catalog.invalidations.end
  }

  // MARK: Invalidation

  /// Forgets what others have changed. To be called after a lock was taken, before what is locked is looked at.
  public func acceptInvalidations() {
    guard catalog.invalidations.end != position else { return }
    let (messages, end) = catalog.invalidations.read(from: position)
    position = end
    guard let messages else { return forgetAll() }
    for message in messages { forget(message) }
  }

  private func forgetAll() {
    generation &+= 1
    (relations, statistics) = ([:], [:])
    names = [:]
    others = [:]
    resolvedPath = nil
  }

  private func forget(_ message: InvalidationQueue.Message) {
    generation &+= 1
    switch message {
    case .relation(let oid): (relations[oid], statistics[oid]) = (nil, nil)
    case .everythingElse:
      others = [:]
      resolvedPath = nil
    }
    names = [:]
  }

  /// The own transaction has changed something.
  func noteChange(_ message: InvalidationQueue.Message) {
    changes.insert(message)
    forget(message)
  }

  /// What has changed for everybody, whatever becomes of the own transaction.
  func forgetEverywhere(_ message: InvalidationQueue.Message) {
    forget(message)
    catalog.invalidate([message])
  }

  /// Called when the transaction has ended, before its locks are given back.
  func transactionHasEnded(committed: Bool) {
    if !committed || changes.contains(.everythingElse) {
      others = [:]
      resolvedPath = nil
    }
    if !changes.isEmpty {
      for message in changes { forget(message) }
      if committed { catalog.invalidate(changes) }
      changes = []
    }
    if !droppedDatabases.isEmpty || !createdDatabases.isEmpty {
      for oid in committed ? droppedDatabases : createdDatabases { session.database.removeDatabase(oid, session) }
      (droppedDatabases, createdDatabases) = ([], [])
    }
    temporary.transactionHasEnded(committed: committed)
  }

  /// Called when a part of the transaction has been undone.
  func subtransactionHasAborted() {
    for message in changes { forget(message) }
    resolvedPath = nil
  }

  // MARK: Relations

  /// A relation; nil where there is none.
  /// - Throws: ``EngineError``.
  public func relation(_ oid: UInt32) throws(EngineError) -> RelationDescriptor? {
    acceptInvalidations()
    if let known = relations[oid] { return known }
    let isOwn = changes.contains(.relation(oid))
    if !isOwn, let known = catalog.relation(oid) {
      relations[oid] = known
      return known
    }
    let position = catalog.invalidations.end
    guard let read = try readRelation(oid) else { return nil }
    relations[oid] = read
    // What a session's own buffers hold is of no use to others.
    if !isOwn, read.temporaryBackend == nil { catalog.keep(read, since: position) }
    return read
  }

  /// What ANALYZE found out about the columns of a relation, by their numbers from 0; none for those that it has not
  /// looked at.
  /// - Throws: ``EngineError``.
  /// - Complexity: as ``relation(_:)``: read once, and again when they have changed.
  public func columnStatistics(of oid: UInt32) throws(EngineError) -> [Int: ColumnStatistics] {
    acceptInvalidations()
    if let known = statistics[oid] { return known }
    let isOwn = changes.contains(.relation(oid))
    if !isOwn, let known = catalog.statistics(oid) {
      statistics[oid] = known
      return known
    }
    let position = catalog.invalidations.end
    let read = try readStatistics(of: oid)
    statistics[oid] = read
    if !isOwn { catalog.keep(read, of: oid, since: position) }
    return read
  }

  /// A relation that is there for sure, because something refers to it.
  public func requiredRelation(_ oid: UInt32) throws(EngineError) -> RelationDescriptor {
    guard let relation = try relation(oid) else {
      throw EngineError(.internalError, "could not open relation with OID \(oid)")
    }
    return relation
  }

  /// The OID of a relation by its name in a schema; nil where there is none.
  func relationOID(_ name: String, in namespace: UInt32) throws(EngineError) -> UInt32? {
    acceptInvalidations()
    let key = Catalog.RelationName(namespace: namespace, name: name)
    if let known = names[key] { return known }
    if changes.isEmpty, let known = catalog.name(key) {
      names[key] = .some(known)
      return known
    }
    let position = catalog.invalidations.end
    let row = try first(CatalogColumns.Class.self, [.relname: .text(name), .relnamespace: .oid(namespace)])
    let oid = row.map { $0[.oid].oid }
    names[key] = .some(oid)
    if changes.isEmpty { catalog.keep(key, oid, since: position) }
    return oid
  }

  /// What is read as a whole, such as all functions: from the session, from the database's cache, or by `read`.
  func shared<Value: Sendable>(
    _ type: Value.Type, read: () throws(EngineError) -> Value
  ) throws(EngineError) -> Value {
    acceptInvalidations()
    if let known = others[ObjectIdentifier(type)] as? Value { return known }
    let isOwn = changes.contains(.everythingElse)
    if !isOwn, let known = catalog.other(type) {
      others[ObjectIdentifier(type)] = known
      return known
    }
    let position = catalog.invalidations.end
    let value = try read()
    others[ObjectIdentifier(type)] = value
    if !isOwn { catalog.keep(value, since: position) }
    return value
  }
}
