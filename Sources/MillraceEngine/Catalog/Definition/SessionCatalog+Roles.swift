import MillraceTypes

/// A role: a row of `pg_authid`.
public struct RoleEntry: Sendable, Hashable {
  public let oid: UInt32
  public let name: String
  public var isSuperuser = false
  public var inherits = true
  public var canCreateRoles = false
  public var canCreateDatabases = false
  public var canLogin = false
  public var canReplicate = false
  public var bypassesRowSecurity = false
  /// -1 for any number.
  public var connectionLimit: Int32 = -1
  /// What a password is checked against: a SCRAM verifier. Nil for none.
  public var passwordVerifier: String?
  /// Microseconds since 2000.
  public var validUntil: Int64?

  init(_ row: CatalogRow<CatalogColumns.Role>) {
    (oid, name) = (row[.oid].oid, row[.rolname].string ?? "")
    (isSuperuser, inherits) = (row[.rolsuper].bool, row[.rolinherit].bool)
    (canCreateRoles, canCreateDatabases) = (row[.rolcreaterole].bool, row[.rolcreatedb].bool)
    (canLogin, canReplicate, bypassesRowSecurity) = (
      row[.rolcanlogin].bool, row[.rolreplication].bool, row[.rolbypassrls].bool
    )
    connectionLimit = Int32(truncatingIfNeeded: row[.rolconnlimit].integer)
    passwordVerifier = row[.rolpassword].string
    validUntil = row[.rolvaliduntil].isNull ? nil : row[.rolvaliduntil].integer
  }

  /// A role that is to be made.
  public init(name: String) { (oid, self.name) = (0, name) }

  fileprivate func fill(_ row: inout CatalogRow<CatalogColumns.Role>) {
    row[.rolname] = .text(name)
    (row[.rolsuper], row[.rolinherit]) = (.bool(isSuperuser), .bool(inherits))
    (row[.rolcreaterole], row[.rolcreatedb]) = (.bool(canCreateRoles), .bool(canCreateDatabases))
    (row[.rolcanlogin], row[.rolreplication]) = (.bool(canLogin), .bool(canReplicate))
    row[.rolbypassrls] = .bool(bypassesRowSecurity)
    row[.rolconnlimit] = .int(connectionLimit)
    row[.rolpassword] = .text(passwordVerifier)
    row[.rolvaliduntil] = validUntil.map { .integer($0) } ?? .null
  }
}

/// Roles of the cluster. They are read anew each time: there are few, and they are asked for seldom.
extension SessionCatalog {
  public func role(named name: String) throws(EngineError) -> RoleEntry? {
    try first(CatalogColumns.Role.self, [.rolname: .text(name)]).map { RoleEntry($0) }
  }

  public func role(_ oid: UInt32) throws(EngineError) -> RoleEntry? {
    try first(CatalogColumns.Role.self, [.oid: .oid(oid)]).map { RoleEntry($0) }
  }

  public func roleName(_ oid: UInt32) throws(EngineError) -> String? { try role(oid)?.name }

  public func requiredRole(named name: String) throws(EngineError) -> RoleEntry {
    if let found = try role(named: name) { return found }
    throw EngineError(.undefinedObject, "role \"\(name)\" does not exist")
  }

  /// Makes a role.
  /// - Returns: its OID.
  @discardableResult
  public func createRole(_ definition: RoleEntry) throws(EngineError) -> UInt32 {
    try Self.checkRoleName(definition.name)
    if try role(named: definition.name) != nil {
      throw EngineError(.duplicateObject, "role \"\(definition.name)\" already exists")
    }
    let oid = try session.allocateOID()
    var row = CatalogRow<CatalogColumns.Role>()
    row[.oid] = .oid(oid)
    definition.fill(&row)
    try insert(row)
    try session.advanceCommand()
    return oid
  }

  private static func checkRoleName(_ name: String) throws(EngineError) {
    guard !name.hasPrefix("pg_") else {
      throw EngineError(
        .reservedName, "role name \"\(name)\" is reserved",
        detail: "Role names starting with \"pg_\" are reserved.")
    }
    guard name != "public", name != "none" else {
      throw EngineError(.reservedName, "role name \"\(name)\" is reserved")
    }
  }

  /// Changes a role, its name included. - Parameter role: as it was read, changed.
  public func alterRole(_ role: RoleEntry) throws(EngineError) {
    guard var row = try first(CatalogColumns.Role.self, [.oid: .oid(role.oid)]) else {
      throw EngineError(.undefinedObject, "role \"\(role.name)\" does not exist")
    }
    role.fill(&row)
    try update(row)
    try session.advanceCommand()
  }

  public func renameRole(_ name: String, to newName: String) throws(EngineError) {
    let role = try requiredRole(named: name)
    try Self.checkRoleName(newName)
    if try self.role(named: newName) != nil {
      throw EngineError(.duplicateObject, "role \"\(newName)\" already exists")
    }
    guard var row = try first(CatalogColumns.Role.self, [.oid: .oid(role.oid)]) else { return }
    row[.rolname] = .text(newName)
    try update(row)
    try session.advanceCommand()
  }

  /// Drops a role that owns nothing in this database.
  public func dropRole(_ name: String) throws(EngineError) {
    let role = try requiredRole(named: name)
    guard role.oid != currentUser else {
      throw EngineError(.objectInUse, "current user cannot be dropped")
    }
    guard role.oid >= SystemOID.firstNormal else {
      throw EngineError(
        .dependentObjectsStillExist,
        "cannot drop role \(SessionCatalog.quoted(name)) because it is required by the database system")
    }
    let owned = try ownedObjects(role.oid)
    guard owned.isEmpty else {
      throw EngineError(
        .dependentObjectsStillExist, "role \"\(name)\" cannot be dropped because some objects depend on it",
        detail: owned.joined(separator: "\n"))
    }
    try deleteAll(CatalogColumns.Membership.self, [.roleid: .oid(role.oid)])
    try deleteAll(CatalogColumns.Membership.self, [.member: .oid(role.oid)])
    try deleteAll(CatalogColumns.Role.self, [.oid: .oid(role.oid)])
    try session.advanceCommand()
  }

  private func ownedObjects(_ role: UInt32) throws(EngineError) -> [String] {
    var owned: [String] = []
    for row in try rows(CatalogColumns.Database.self, [.datdba: .oid(role)]) {
      owned.append("owner of database \(SessionCatalog.quoted(row[.datname].string ?? ""))")
    }
    for row in try rows(CatalogColumns.Namespace.self, [.nspowner: .oid(role)]) {
      owned.append("owner of schema \(SessionCatalog.quoted(row[.nspname].string ?? ""))")
    }
    for row in try rows(CatalogColumns.Class.self, [.relowner: .oid(role)])
    where row[.relkind].char != "i" && row[.relkind].char != "t" {
      owned.append("owner of \(try describe(.relation(row[.oid].oid)))")
    }
    return owned
  }

  // MARK: Membership

  /// Makes a role a member of another.
  public func grantMembership(
    in role: UInt32, to member: UInt32, isAdmin: Bool = false
  ) throws(EngineError) {
    let keys: [CatalogColumns.Membership: CatalogValue] = [.roleid: .oid(role), .member: .oid(member)]
    guard try first(CatalogColumns.Membership.self, keys) == nil else { return }
    guard try !isMember(role, of: member) else {
      throw EngineError(
        .invalidGrantOperation,
        "role \"\(try roleName(role) ?? "")\" is a member of role \"\(try roleName(member) ?? "")\"")
    }
    var row = CatalogRow<CatalogColumns.Membership>()
    row[.oid] = .oid(try session.allocateOID())
    (row[.roleid], row[.member], row[.grantor]) = (.oid(role), .oid(member), .oid(currentUser))
    (row[.adminOption], row[.inheritOption], row[.setOption]) = (.bool(isAdmin), .bool(true), .bool(true))
    try insert(row)
    try session.advanceCommand()
  }

  public func revokeMembership(in role: UInt32, from member: UInt32) throws(EngineError) {
    try deleteAll(CatalogColumns.Membership.self, [.roleid: .oid(role), .member: .oid(member)])
    try session.advanceCommand()
  }

  /// Whether a role is a member of another, directly or through others.
  public func isMember(_ member: UInt32, of role: UInt32) throws(EngineError) -> Bool {
    let rows = try rows(CatalogColumns.Membership.self)
    var seen: Set<UInt32> = [member]
    var pending = [member]
    while let next = pending.popLast() {
      if next == role { return true }
      for row in rows where row[.member].oid == next && seen.insert(row[.roleid].oid).inserted {
        pending.append(row[.roleid].oid)
      }
    }
    return false
  }

  /// - Throws: ``EngineError`` where the current user does not own a relation.
  public func requireOwnership(of relation: RelationDescriptor) throws(EngineError) {
    if relation.owner == currentUser || currentUser == SystemOID.bootstrapSuperuser { return }
    if try role(currentUser)?.isSuperuser == true { return }
    if try isMember(currentUser, of: relation.owner) { return }
    throw EngineError(.insufficientPrivilege, "must be owner of \(relation.kind.noun) \(relation.name)")
  }
}
