extension SQLWriter {
  mutating func createSchema(_ create: CreateSchemaStatement) {
    write("CREATE SCHEMA")
    write(" IF NOT EXISTS", if: create.ifNotExists)
    if let name = create.name { write(" " + Keyword.quoted(name)) }
    if let role = create.authorization {
      write(" AUTHORIZATION ")
      self.role(role)
    }
    for element in create.elements {
      write(" ")
      statement(element)
    }
  }

  mutating func database(_ verb: String, _ name: String, _ options: [DefinitionElement]) {
    write("\(verb) DATABASE \(Keyword.quoted(name))")
    for option in options {
      write(" \(Keyword.quoted(option.name)) = ")
      if let value = option.value { optionValue(value) } else { write("DEFAULT") }
    }
  }

  mutating func dropDatabase(_ drop: DropDatabaseStatement) {
    write("DROP DATABASE ")
    write("IF EXISTS ", if: drop.ifExists)
    identifier(drop.name)
    if !drop.options.isEmpty {
      write(" WITH ")
      list(drop.options) { $0.write($1.name.uppercased()) }
    }
  }

  mutating func alterOwner(_ alter: AlterOwnerStatement) {
    switch alter.target {
    case .schema(let name): write("ALTER SCHEMA \(Keyword.quoted(name))")
    case .database(let name): write("ALTER DATABASE \(Keyword.quoted(name))")
    }
    write(" OWNER TO ")
    role(alter.owner)
  }

  // MARK: - Privileges

  mutating func grant(_ grant: GrantStatement) {
    write(grant.isGrant ? "GRANT " : "REVOKE ")
    write("GRANT OPTION FOR ", if: !grant.isGrant && grant.grantOption)
    if grant.privileges.isEmpty { write("ALL PRIVILEGES") }
    separated(grant.privileges) { writer, privilege in
      writer.privilege(privilege.name)
      writer.columns(privilege.columns)
    }
    write(" ON ")
    grantTarget(grant.target)
    write(grant.isGrant ? " TO " : " FROM ")
    separated(grant.grantees) { $0.role($1) }
    write(" WITH GRANT OPTION", if: grant.isGrant && grant.grantOption)
    grantedBy(grant.grantedBy)
    behavior(grant.behavior)
  }

  private mutating func privilege(_ name: String?) {
    switch name {
    case nil: write("ALL")
    case "select", "references", "create": write((name ?? "").uppercased())
    case "alter system": write("ALTER SYSTEM")
    case let name?: identifier(name)
    }
  }

  private mutating func grantTarget(_ target: GrantStatement.Target) {
    switch target {
    case .tables(let relations):
      write("TABLE ")
      separated(relations) { $0.relation($1) }
    case .sequences(let relations):
      write("SEQUENCE ")
      separated(relations) { $0.relation($1) }
    case .databases(let names): named("DATABASE", names)
    case .schemas(let names): named("SCHEMA", names)
    case .tablespaces(let names): named("TABLESPACE", names)
    case .parameters(let names):
      write("PARAMETER ")
      separated(names) { $0.settingName($1) }
    case .allTablesInSchemas(let names): named("ALL TABLES IN SCHEMA", names)
    case .allSequencesInSchemas(let names): named("ALL SEQUENCES IN SCHEMA", names)
    }
  }

  private mutating func named(_ keyword: String, _ names: [String]) {
    write(keyword + " ")
    separated(names) { $0.identifier($1) }
  }

  private mutating func grantedBy(_ role: RoleSpecification?) {
    guard let role else { return }
    write(" GRANTED BY ")
    self.role(role)
  }

  mutating func grantRole(_ grant: GrantRoleStatement) {
    write(grant.isGrant ? "GRANT " : "REVOKE ")
    write("ADMIN OPTION FOR ", if: !grant.isGrant && grant.adminOption)
    separated(grant.roles) { $0.identifier($1) }
    write(grant.isGrant ? " TO " : " FROM ")
    separated(grant.grantees) { $0.role($1) }
    write(" WITH ADMIN OPTION", if: grant.isGrant && grant.adminOption)
    grantedBy(grant.grantedBy)
    behavior(grant.behavior)
  }

  // MARK: - Roles

  mutating func createRole(_ create: CreateRoleStatement) {
    write("CREATE ")
    write(create.kind == .role ? "ROLE " : create.kind == .user ? "USER " : "GROUP ")
    write(Keyword.quotedUnlessNoKeyword(create.name))
    for option in create.options { roleOption(option) }
  }

  mutating func alterRole(_ alter: AlterRoleStatement) {
    let members = alter.options.first { $0.name == "rolemembers" }
    guard let members, case .list(let roles)? = members.value else {
      write("ALTER ROLE ")
      role(alter.role)
      for option in alter.options { roleOption(option) }
      return
    }
    write("ALTER GROUP ")
    role(alter.role)
    write(alter.isRemoval ? " DROP USER " : " ADD USER ")
    separated(roles) { $0.optionValue($1) }
  }

  private mutating func roleOption(_ option: DefinitionElement) {
    write(" ")
    switch (option.name, option.value) {
    case ("canlogin", .boolean(let isOn)?): write(isOn ? "LOGIN" : "NOLOGIN")
    case ("isreplication", .boolean(let isOn)?): write(isOn ? "REPLICATION" : "NOREPLICATION")
    case (let name, .boolean(let isOn)?): write((isOn ? "" : "NO") + name.uppercased())
    case ("password", nil): write("PASSWORD NULL")
    case (let name, let value?):
      let keywords = [
        "password": "PASSWORD", "connectionlimit": "CONNECTION LIMIT", "validUntil": "VALID UNTIL", "sysid": "SYSID",
        "rolemembers": "ROLE", "adminmembers": "ADMIN", "addroleto": "IN ROLE",
      ]
      write((keywords[name] ?? name) + " ")
      if case .list(let roles) = value { separated(roles) { $0.optionValue($1) } } else { optionValue(value) }
    case (let name, nil): write(name)
    }
  }

  mutating func alterRoleSet(_ alter: AlterRoleSetStatement) {
    write("ALTER ROLE ")
    if let role = alter.role { self.role(role) } else { write("ALL") }
    clause("IN DATABASE", identifier: alter.database)
    write(" ")
    set(alter.set)
  }
}
