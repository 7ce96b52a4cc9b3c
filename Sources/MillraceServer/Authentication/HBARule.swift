/// One line of the rules: which connections it is about, and how these prove who they are (`HbaLine`,
/// src/include/libpq/hba.h).
struct HBARule: Sendable {
  enum ConnectionType: String, Sendable {
    case local, host, hostssl, hostnossl, hostgssenc, hostnogssenc
  }

  enum Method: String, Sendable {
    case trust, reject, peer
    case scramSHA256 = "scram-sha-256"
  }

  /// A word of the file: in quotes it loses what it would mean otherwise.
  struct Word: Sendable, Hashable {
    var text: String
    var isQuoted: Bool

    /// Whether it is this keyword.
    func isKeyword(_ word: String) -> Bool { !isQuoted && text == word }
  }

  /// Whose connections: the addresses of the last but one column.
  enum Addresses: Sendable {
    case all
    /// This machine's own addresses.
    case sameHost
    /// Any of the networks that this machine is in.
    case sameNetwork
    case network(IPAddress, mask: [UInt8])
    /// A name, or a domain where it begins with a point.
    case host(String)
  }

  let line: Int
  let type: ConnectionType
  let databases: [Word]
  let users: [Word]
  /// Nil for `local`.
  let addresses: Addresses?
  let method: Method
  let userMap: IdentMap?

  /// Whether the rule is the one for a connection.
  func matches(_ startup: SessionStartup, role: Role?, machine: MachineAddresses) -> Bool {
    matchesConnection(startup, machine) && matchesDatabase(startup.parameters, role)
      && users.contains { matches(user: $0, startup.parameters.user, role) }
  }

  private func matchesConnection(_ startup: SessionStartup, _ machine: MachineAddresses) -> Bool {
    switch (type, startup.address) {
    case (.local, .local): return true
    case (.local, .network), (_, .local): return false
    case (.hostssl, .network) where !startup.isEncrypted: return false
    case (.hostnossl, .network) where startup.isEncrypted: return false
    // No connection here is ever encrypted by GSSAPI.
    case (.hostgssenc, .network): return false
    case (_, .network(let address, _)):
      return addresses.map { matches(address.version4 ?? address, $0, machine) } ?? false
    }
  }

  private func matches(_ address: IPAddress, _ addresses: Addresses, _ machine: MachineAddresses) -> Bool {
    switch addresses {
    case .all: true
    case .network(let network, let mask): address.isIn(network, mask: mask)
    case .sameHost: machine.interfaces.contains { $0.address == address }
    case .sameNetwork: machine.interfaces.contains { address.isIn($0.address, mask: $0.mask) }
    case .host(let name): machine.isName(name, of: address)
    }
  }

  private func matchesDatabase(_ parameters: StartupParameters, _ role: Role?) -> Bool {
    databases.contains { word in
      if parameters.replication == .physical { return word.isKeyword("replication") }
      if word.isKeyword("all") { return true }
      if word.isKeyword("sameuser") { return parameters.database == parameters.user }
      if word.isKeyword("samerole") || word.isKeyword("samegroup") {
        return role.map { $0.name == parameters.database || $0.memberOf.contains(parameters.database) } ?? false
      }
      if word.isKeyword("replication") { return false }
      return Self.matchesName(word, parameters.database)
    }
  }

  private func matches(user word: Word, _ name: String, _ role: Role?) -> Bool {
    if word.isKeyword("all") { return true }
    if !word.isQuoted, word.text.hasPrefix("+") {
      let group = String(word.text.dropFirst())
      // Superusers are not members of everything here, so that a rule for a group means that group.
      return role.map { $0.name == group || $0.memberOf.contains(group) } ?? false
    }
    return Self.matchesName(word, name)
  }

  /// A name, or a regular expression behind a slash.
  private static func matchesName(_ word: Word, _ name: String) -> Bool {
    guard word.text.hasPrefix("/") else { return word.text == name }
    return SystemPattern(String(word.text.dropFirst()))?.matches(name) ?? false
  }
}

/// Which of the system's users may be which roles: `pg_ident.conf`'s lines of one map.
struct IdentMap: Sendable {
  struct Entry: Sendable {
    let systemUser: String
    let role: String
  }

  let name: String
  let entries: [Entry]

  func maps(_ systemUser: String, to role: String) -> Bool {
    entries.contains { entry in
      guard entry.role == "all" || entry.role == role else { return false }
      guard entry.systemUser.hasPrefix("/") else { return entry.systemUser == systemUser }
      return SystemPattern(String(entry.systemUser.dropFirst()))?.matches(systemUser) ?? false
    }
  }
}
