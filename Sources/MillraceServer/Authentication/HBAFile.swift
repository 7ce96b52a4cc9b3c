/// The rules by which clients are let in, in the syntax of PostgreSQL's pg_hba.conf (src/backend/libpq/hba.c): the
/// first line that a connection matches decides.
struct HBAFile: Sendable {
  static let name = "millrace_hba.conf"
  static let identName = "millrace_ident.conf"

  let rules: [HBARule]

  /// What holds where a cluster has no such file: this machine is trusted, others need a password. As after
  /// PostgreSQL's `initdb`.
  static let usual = """
    local   all             all                                     trust
    host    all             all             127.0.0.1/32            trust
    host    all             all             ::1/128                 trust
    local   replication     all                                     trust
    host    replication     all             127.0.0.1/32            trust
    host    replication     all             ::1/128                 trust
    host    all             all             all                     scram-sha-256
    host    replication     all             all                     scram-sha-256
    """

  /// - Parameters:
  ///   - read: the text of another file that this one names; nil where it is not there.
  ///   - ident: the text of the maps.
  /// - Throws: ``HBAError``: all lines that make no sense.
  init(
    _ text: String, name: String = HBAFile.name, ident: String? = nil,
    read: @escaping (String) -> String? = { _ in nil }
  ) throws(HBAError) {
    var reader = HBALines(read: read)
    let maps = ident.map { Self.maps($0) } ?? [:]
    var rules: [HBARule] = []
    for line in reader.lines(of: text, name: name) {
      do throws(HBALineError) {
        rules.append(try HBARule(line, maps: maps))
      } catch {
        reader.problems.append("line \(line.number) of file \"\(line.file)\": \(error.message)")
      }
    }
    guard reader.problems.isEmpty else { throw HBAError(problems: reader.problems) }
    self.rules = rules
  }

  /// The rule for a connection; nil where there is none, which is a refusal.
  func rule(for startup: SessionStartup, role: Role?, machine: MachineAddresses) -> HBARule? {
    rules.first { $0.matches(startup, role: role, machine: machine) }
  }

  private static func maps(_ text: String) -> [String: IdentMap] {
    var entries: [String: [IdentMap.Entry]] = [:]
    var reader = HBALines(read: { _ in nil })
    for line in reader.lines(of: text, name: identName) where line.fields.count == 3 {
      guard let map = line.fields[0].first, let user = line.fields[1].first, let role = line.fields[2].first else {
        continue
      }
      entries[map.text, default: []].append(IdentMap.Entry(systemUser: user.text, role: role.text))
    }
    return Dictionary(uniqueKeysWithValues: entries.map { ($0, IdentMap(name: $0, entries: $1)) })
  }
}

/// What is wrong with a file of rules.
struct HBAError: Error, CustomStringConvertible {
  let problems: [String]

  var description: String { problems.joined(separator: "; ") }
}

/// What is wrong with one of its lines.
struct HBALineError: Error {
  let message: String
}

extension HBARule {
  /// Reads a line's fields.
  init(_ source: HBALine, maps: [String: IdentMap]) throws(HBALineError) {
    line = source.number
    var fields = source.fields[...]
    guard let typeName = fields.popFirst()?.first else { throw HBALineError(message: "the line is empty") }
    guard let type = ConnectionType(rawValue: typeName.text) else {
      throw HBALineError(message: "invalid connection type \"\(typeName.text)\"")
    }
    self.type = type
    guard let databases = fields.popFirst() else {
      throw HBALineError(message: "end-of-line before database specification")
    }
    guard let users = fields.popFirst() else { throw HBALineError(message: "end-of-line before role specification") }
    (self.databases, self.users) = (databases, users)
    for word in databases + users where word.text.hasPrefix("/") {
      guard SystemPattern(String(word.text.dropFirst())) != nil else {
        throw HBALineError(message: "invalid regular expression \"\(word.text.dropFirst())\"")
      }
    }
    addresses = type == .local ? nil : try Self.addresses(&fields)
    guard let methodName = fields.popFirst()?.first?.text else {
      throw HBALineError(message: "end-of-line before authentication method")
    }
    method = try Self.method(methodName, type)
    userMap = try Self.options(fields, method, maps)
  }

  private static func method(_ name: String, _ type: ConnectionType) throws(HBALineError) -> Method {
    if let method = Method(rawValue: name) {
      if method == .peer, type != .local {
        throw HBALineError(message: "peer authentication is only supported on local sockets")
      }
      return method
    }
    let known = ["ident", "md5", "password", "gss", "sspi", "pam", "bsd", "ldap", "radius", "cert", "oauth"]
    throw HBALineError(
      message: known.contains(name)
        ? "authentication method \"\(name)\" is not supported; use scram-sha-256, peer, trust or reject"
        : "invalid authentication method \"\(name)\"")
  }

  private static func addresses(_ fields: inout ArraySlice<[Word]>) throws(HBALineError) -> Addresses {
    guard let words = fields.popFirst(), let word = words.first else {
      throw HBALineError(message: "end-of-line before IP address specification")
    }
    guard words.count == 1 else { throw HBALineError(message: "multiple values specified for host address") }
    if word.isKeyword("all") { return .all }
    if word.isKeyword("samehost") { return .sameHost }
    if word.isKeyword("samenet") { return .sameNetwork }
    let parts = word.text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let address = IPAddress(parts[0]) else {
      guard parts.count == 1 else {
        throw HBALineError(message: "specifying both host name and CIDR mask is invalid: \"\(word.text)\"")
      }
      return .host(word.text)
    }
    if parts.count == 2 {
      guard let length = Int(parts[1]), (0...address.bitCount).contains(length) else {
        throw HBALineError(message: "invalid CIDR mask in address \"\(word.text)\"")
      }
      return .network(address, mask: IPAddress.mask(length, isVersion6: address.isVersion6))
    }
    guard let maskText = fields.popFirst()?.first?.text else {
      throw HBALineError(message: "end-of-line before netmask specification")
    }
    guard let mask = IPAddress(maskText) else { throw HBALineError(message: "invalid IP mask \"\(maskText)\"") }
    guard mask.isVersion6 == address.isVersion6 else {
      throw HBALineError(message: "IP address and mask do not match")
    }
    return .network(address, mask: mask.bytes)
  }

  private static func options(
    _ fields: ArraySlice<[Word]>, _ method: Method, _ maps: [String: IdentMap]
  ) throws(HBALineError) -> IdentMap? {
    var map: IdentMap?
    for word in fields.joined() {
      let parts = word.text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw HBALineError(message: "authentication option not in name=value format: \(word.text)")
      }
      guard parts[0] == "map" else {
        throw HBALineError(message: "unrecognized authentication option name: \"\(parts[0])\"")
      }
      guard method == .peer else {
        throw HBALineError(message: "authentication option \"map\" is only valid for authentication method peer")
      }
      map = maps[parts[1]] ?? IdentMap(name: parts[1], entries: [])
    }
    return map
  }
}
