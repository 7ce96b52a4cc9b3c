import MillraceEngine
import MillraceSettings
import MillraceTypes

/// CREATE ROLE and its fellows (PostgreSQL's commands/user.c).
extension SQLSession {
  func createRole(_ statement: CreateRoleStatement) throws(SQLError) {
    try requireRoleCreation("create role")
    var role = RoleEntry(name: statement.name)
    role.canLogin = statement.kind == .user
    let members = try change(&role, statement.options)
    let made = role
    let oid = try SQLError.engine { () throws(EngineError) in try catalog.createRole(made) }
    for (name, isMemberOf) in members {
      try SQLError.engine { () throws(EngineError) in
        let other = try catalog.requiredRole(named: name).oid
        try catalog.grantMembership(in: isMemberOf ? other : oid, to: isMemberOf ? oid : other)
      }
    }
  }

  func alterRole(_ statement: AlterRoleStatement) throws(SQLError) {
    var role = try role(statement.role)
    let changesOwnPassword = role.oid == catalog.currentUser && statement.options.allSatisfy { $0.name == "password" }
    if !changesOwnPassword { try requireRoleCreation("alter role") }
    let members = try change(&role, statement.options)
    let changed = role
    try SQLError.engine { () throws(EngineError) in
      try catalog.alterRole(changed)
      for (name, _) in members {
        let other = try catalog.requiredRole(named: name).oid
        if statement.isRemoval {
          try catalog.revokeMembership(in: changed.oid, from: other)
        } else {
          try catalog.grantMembership(in: changed.oid, to: other)
        }
      }
    }
  }

  func dropRole(_ statement: DropRoleStatement) throws(SQLError) {
    try requireRoleCreation("drop role")
    for specification in statement.roles {
      guard case .name(let name) = specification.kind else {
        throw SQLError(.invalidParameterValue, "cannot use special role specifier in DROP ROLE")
      }
      let isThere = try SQLError.engine { () throws(EngineError) in try catalog.role(named: name) != nil }
      if !isThere, statement.ifExists {
        notice("role \"\(name)\" does not exist, skipping")
        continue
      }
      try SQLError.engine { () throws(EngineError) in try catalog.dropRole(name) }
    }
  }

  func grantRole(_ statement: GrantRoleStatement) throws(SQLError) {
    try requireRoleCreation("grant role")
    for name in statement.roles {
      for grantee in statement.grantees {
        let member = try role(grantee)
        try SQLError.engine { () throws(EngineError) in
          let granted = try catalog.requiredRole(named: name)
          if statement.isGrant {
            try catalog.grantMembership(in: granted.oid, to: member.oid, isAdmin: statement.adminOption)
          } else {
            try catalog.revokeMembership(in: granted.oid, from: member.oid)
          }
        }
      }
    }
  }

  func requireRoleCreation(_ action: String) throws(SQLError) {
    let role = try SQLError.engine { () throws(EngineError) in try catalog.role(catalog.currentUser) }
    guard role?.isSuperuser == true || role?.canCreateRoles == true else {
      throw SQLError(
        .insufficientPrivilege, "permission denied to \(action)",
        detail: "Only roles with the CREATEROLE attribute may \(action)s.")
    }
  }

  /// Does what the options say of a role.
  /// - Returns: names of roles that become members, or (true) that it becomes a member of.
  private func change(
    _ role: inout RoleEntry, _ options: [DefinitionElement]
  ) throws(SQLError) -> [(String, Bool)] {
    var members: [(String, Bool)] = []
    for option in options {
      let text = RelationOptions.text(option.value)
      let isOn = text.flatMap { RelationOptions.boolean($0) } ?? true
      switch option.name {
      case "superuser": role.isSuperuser = isOn
      case "inherit": role.inherits = isOn
      case "createrole": role.canCreateRoles = isOn
      case "createdb": role.canCreateDatabases = isOn
      case "canlogin": role.canLogin = isOn
      case "isreplication": role.canReplicate = isOn
      case "bypassrls": role.bypassesRowSecurity = isOn
      case "connectionlimit": role.connectionLimit = text.flatMap { Int32($0) } ?? -1
      case "password": role.passwordVerifier = try text.map { password throws(SQLError) in try verifier(password) }
      case "validUntil": role.validUntil = try timestamp(text ?? "infinity")
      case "rolemembers", "addroleto", "adminmembers":
        guard case .list(let roles) = option.value else { continue }
        for case .role(let specification) in roles {
          members.append((try self.role(specification).name, option.name == "addroleto"))
        }
      default: throw .unsupported("role option \"\(option.name)\"", at: option.location)
      }
    }
    if role.isSuperuser { try requireSuperuser("alter role") }
    return members
  }

  /// What is kept of a password: itself, where it is a verifier already.
  private func verifier(_ password: String) throws(SQLError) -> String {
    if password.hasPrefix("SCRAM-SHA-256$") { return password }
    guard let make = instance.passwordVerifier else { throw .unsupported("a password in an embedded database") }
    return make(password, settings[.scramIterations])
  }

  private func timestamp(_ text: String) throws(SQLError) -> Int64? {
    let arena = Arena(chunkSize: 256)
    guard let type = TypeDescriptor.builtIn[.timestampTZ] else { return nil }
    do throws(TypeError) {
      return try type.value(of: text, typeSettings, in: arena).int64
    } catch {
      throw SQLError(error)
    }
  }
}
