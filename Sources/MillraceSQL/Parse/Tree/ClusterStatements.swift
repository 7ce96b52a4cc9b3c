// Statements about databases, schemas, roles and privileges.

public struct CreateSchemaStatement: Equatable, Sendable {
  /// `nil`: the name of the role.
  public var name: String?
  public var authorization: RoleSpecification?
  public var elements: [Statement]
  public var ifNotExists: Bool
}

public struct CreateDatabaseStatement: Equatable, Sendable {
  public var name: String
  public var options: [DefinitionElement]
}

public struct AlterDatabaseStatement: Equatable, Sendable {
  public var name: String
  public var options: [DefinitionElement]
}

/// `ALTER DATABASE name SET ...`.
public struct AlterDatabaseSetStatement: Equatable, Sendable {
  public var name: String
  public var set: VariableSetStatement
}

public struct DropDatabaseStatement: Equatable, Sendable {
  public var name: String
  public var ifExists: Bool
  public var options: [DefinitionElement]
}

/// AlterOwnerStmt. Relations change theirs with ``AlterTableCommand/changeOwner(_:)``.
public struct AlterOwnerStatement: Equatable, Sendable {
  public enum Target: Equatable, Sendable { case schema(String), database(String) }

  public var target: Target
  public var owner: RoleSpecification
}

public struct GrantStatement: Equatable, Sendable {
  public struct Privilege: Equatable, Sendable {
    /// In lower case; `nil` for ALL PRIVILEGES.
    public var name: String?
    public var columns: [String]
  }

  public enum Target: Equatable, Sendable {
    case tables([RangeVariable]), sequences([RangeVariable])
    case databases([String]), schemas([String]), tablespaces([String])
    case parameters([String])
    case allTablesInSchemas([String]), allSequencesInSchemas([String])
  }

  public var isGrant: Bool
  /// Empty for ALL PRIVILEGES.
  public var privileges: [Privilege]
  public var target: Target
  public var grantees: [RoleSpecification]
  /// WITH GRANT OPTION, or REVOKE GRANT OPTION FOR.
  public var grantOption: Bool
  public var grantedBy: RoleSpecification?
  public var behavior: DropBehavior
}

public struct GrantRoleStatement: Equatable, Sendable {
  public var isGrant: Bool
  public var roles: [String]
  public var grantees: [RoleSpecification]
  /// WITH ADMIN OPTION, or REVOKE ADMIN OPTION FOR.
  public var adminOption: Bool
  public var grantedBy: RoleSpecification?
  public var behavior: DropBehavior
}

public struct CreateRoleStatement: Equatable, Sendable {
  /// A user may log in unless an option says otherwise.
  public enum Kind: Equatable, Sendable { case role, user, group }

  public var kind: Kind
  public var name: String
  /// With PostgreSQL's names: `superuser`, `createdb`, `canlogin`, `isreplication`, `password`, `connectionlimit`,
  /// `validUntil`, ...
  public var options: [DefinitionElement]
}

public struct AlterRoleStatement: Equatable, Sendable {
  public var role: RoleSpecification
  public var options: [DefinitionElement]
  /// ALTER GROUP ... DROP USER: the members in `rolemembers` leave.
  public var isRemoval: Bool
}

/// `ALTER ROLE name IN DATABASE name SET ...`.
public struct AlterRoleSetStatement: Equatable, Sendable {
  /// `nil` for ALL.
  public var role: RoleSpecification?
  public var database: String?
  public var set: VariableSetStatement
}

public struct DropRoleStatement: Equatable, Sendable {
  public var roles: [RoleSpecification]
  public var ifExists: Bool
}
