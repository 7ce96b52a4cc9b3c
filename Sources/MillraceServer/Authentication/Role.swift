/// Somebody who may connect: what a login needs to know of a row of pg_authid.
public struct Role: Sendable, Hashable {
  public var name: String
  public var isSuperuser: Bool
  public var canLogIn: Bool
  /// May start replication, and use slots.
  public var canReplicate: Bool
  /// Connections at the same time; negative for any number.
  public var connectionLimit: Int
  /// A ``ScramVerifier`` as text; nil where it has no password.
  public var password: String?
  /// Seconds since 1970 until which the password counts; nil for ever.
  public var passwordValidUntil: Int64?
  /// Roles that it is a member of, directly or not.
  public var memberOf: Set<String>

  public init(
    name: String, isSuperuser: Bool = false, canLogIn: Bool = true, canReplicate: Bool = false,
    connectionLimit: Int = -1, password: String? = nil, passwordValidUntil: Int64? = nil, memberOf: Set<String> = []
  ) {
    (self.name, self.isSuperuser, self.canLogIn) = (name, isSuperuser, canLogIn)
    (self.canReplicate, self.connectionLimit) = (canReplicate, connectionLimit)
    (self.password, self.passwordValidUntil, self.memberOf) = (password, passwordValidUntil, memberOf)
  }
}
