import MillraceIO
import MillraceStorage
import MillraceTypes

/// A session's temporary relations: their schema, and their files, of which the log knows nothing
/// (PostgreSQL's src/backend/catalog/namespace.c, and storage.c).
public struct TemporaryRelations {
  /// What becomes of a temporary table when the transaction commits.
  public enum CommitAction: Sendable {
    case preserveRows
    case deleteRows
    case drop
  }

  /// `pg_temp_N`, once there is one.
  var namespace: UInt32?
  /// Whether the running transaction made it.
  private var isNamespaceNew = false
  /// Those with something to do at commit.
  private(set) var actions: [UInt32: CommitAction] = [:]
  /// Files that the running transaction made, and that it dropped.
  private var created: [RelationLocator] = []
  private var dropped: [RelationLocator] = []
  /// Files that can be removed.
  private var removable: [RelationLocator] = []

  mutating func setNamespace(_ oid: UInt32, isNew: Bool) { (namespace, isNamespaceNew) = (oid, isNew) }

  mutating func noteTable(_ oid: UInt32, _ action: CommitAction) {
    if action != .preserveRows { actions[oid] = action }
  }

  mutating func forget(_ oid: UInt32) { actions[oid] = nil }
  mutating func noteCreated(_ locator: RelationLocator) { created.append(locator) }
  mutating func noteDropped(_ locator: RelationLocator) { dropped.append(locator) }

  mutating func transactionHasEnded(committed: Bool) {
    if !committed, isNamespaceNew { namespace = nil }
    isNamespaceNew = false
    if created.isEmpty, dropped.isEmpty { return }
    removable += committed ? dropped : created
    (created, dropped) = ([], [])
  }

  mutating func takeRemovable() -> [RelationLocator] {
    defer { removable = [] }
    return removable
  }
}

extension SessionCatalog {
  /// Whose temporary relation a row of `pg_class` describes; nil for all others.
  func temporaryBackend(of row: CatalogRow<CatalogColumns.Class>) -> UInt32? {
    guard row[.relpersistence].byte == RelationDescriptor.Persistence.temporary.rawValue else { return nil }
    if row[.relnamespace].oid == temporary.namespace { return session.temporaryBackend }
    guard let name = try? namespaceName(row[.relnamespace].oid) else { return session.temporaryBackend }
    return name.split(separator: "_").last.flatMap { UInt32($0) } ?? session.temporaryBackend
  }

  /// The session's temporary schema, made now if there is none yet. What an earlier session has left in it goes.
  public func temporaryNamespace() throws(EngineError) -> UInt32 {
    if let known = temporary.namespace { return known }
    let name = "pg_temp_\(session.temporaryBackend)"
    if let found = try namespaces().byName[name] {
      temporary.setNamespace(found, isNew: false)
      try dropTemporaryRelations()
    } else {
      let oid = try insertNamespace(name, owner: SystemOID.bootstrapSuperuser)
      temporary.setNamespace(oid, isNew: true)
    }
    resolvedPath = nil
    guard let made = temporary.namespace else { preconditionFailure("a temporary schema was made and forgotten") }
    return made
  }

  /// Drops all relations of the session's temporary schema.
  func dropTemporaryRelations() throws(EngineError) {
    guard let namespace = temporary.namespace else { return }
    let rows = try rows(CatalogColumns.Class.self, [.relnamespace: .oid(namespace)])
    for row in rows where row[.relkind].char != "i" && row[.relkind].char != "t" {
      // Some may have gone with others.
      guard try first(CatalogColumns.Class.self, [.oid: row[.oid]]) != nil else { continue }
      guard try dependencies(of: .relation(row[.oid].oid)).allSatisfy({ $0.kind == .normal }) else { continue }
      try drop([.relation(row[.oid].oid)], .cascade)
    }
  }

  /// What temporary tables were told to do when the transaction commits.
  func prepareCommit() throws(EngineError) {
    for (oid, action) in temporary.actions.sorted(by: { $0.key < $1.key }) {
      switch action {
      case .preserveRows: break
      case .deleteRows: try truncate(oid)
      case .drop: try drop([.relation(oid)], .cascade)
      }
    }
  }

  /// Removes files that no transaction needs any more.
  func removeTemporaryFiles() {
    for locator in temporary.takeRemovable() {
      // Its first file was made before anybody needed a buffer for it.
      guard let buffers = try? session.requireLocalBuffers() else { return }
      buffers.removeFiles(of: locator, session.backend)
    }
  }

  /// Called when the session ends: its temporary relations go.
  func close() {
    guard temporary.namespace != nil, session.database.isRunning else { return }
    // What cannot be dropped now goes when the schema is used the next time.
    try? session.transaction { session throws(EngineError) in try session.catalog.dropTemporaryRelations() }
  }
}
