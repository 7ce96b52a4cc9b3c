import NIOCore

/// Finds out whether a client is who it says, by the method that the rules name (`ClientAuthentication`,
/// src/backend/libpq/auth.c). Message by message, so that no thread waits for a client that nobody knows yet.
final class Authentication {
  private let startup: SessionStartup
  private let rule: HBARule?
  private let role: Role?
  private let mockSecret: [UInt8]
  /// Seconds since 1970.
  private let now: Int64
  private var exchange: ScramExchange?
  private var hasMechanism = false

  init(_ startup: SessionStartup, rule: HBARule?, role: Role?, mockSecret: [UInt8], now: Int64) {
    (self.startup, self.rule, self.role) = (startup, rule, role)
    (self.mockSecret, self.now) = (mockSecret, now)
  }

  private var user: String { startup.parameters.user }

  /// - Returns: what to say to the client; ``AuthenticationRequest/ok`` where it is in.
  /// - Throws: FATAL: it is not let in.
  func begin() throws(ErrorReport) -> [AuthenticationRequest] {
    guard let rule else { throw refusal("no pg_hba.conf entry for") }
    switch rule.method {
    case .trust: return [.ok]
    case .reject: throw refusal("pg_hba.conf rejects")
    case .peer:
      try checkPeer(rule)
      return [.ok]
    case .scramSHA256:
      let verifier = usableVerifier
      exchange = ScramExchange(
        verifier ?? .mock(role: user, secret: mockSecret), isDoomed: verifier == nil)
      return [.sasl(["SCRAM-SHA-256"])]
    }
  }

  /// What the client says to a challenge.
  func respond(to body: ByteBuffer) throws(ErrorReport) -> [AuthenticationRequest] {
    let data: String
    if hasMechanism {
      guard let text = String(validating: body.readableBytesView, as: UTF8.self) else {
        throw ScramExchange.malformed("The message is not text.")
      }
      data = text
    } else {
      data = try initialResponse(body)
    }
    guard let answer = try exchange?.respond(to: data) else {
      throw ErrorReport(.fatal, .protocolViolation, "no password was asked for")
    }
    switch answer {
    case .challenge(let text): return [.saslContinue(text)]
    case .accepted(let text): return [.saslFinal(text), .ok]
    case .refused:
      throw ErrorReport(.fatal, .invalidPassword, "password authentication failed for user \"\(user)\"")
    }
  }

  /// The first response names the mechanism.
  private func initialResponse(_ body: ByteBuffer) throws(ErrorReport) -> String {
    var reader = MessageReader(body)
    do throws(ErrorReport) {
      let mechanism = try reader.string()
      guard mechanism == "SCRAM-SHA-256" else {
        throw ErrorReport(.fatal, .protocolViolation, "client selected an invalid SASL authentication mechanism")
      }
      let length = try reader.int32()
      // -1 where it has nothing to say before it is asked.
      let data = length == -1 ? ByteBuffer() : try reader.slice(Int(length))
      try reader.end()
      hasMechanism = true
      guard let text = String(validating: data.readableBytesView, as: UTF8.self) else {
        throw ScramExchange.malformed("The message is not text.")
      }
      return text
    } catch {
      throw error.with(.fatal)
    }
  }

  private var usableVerifier: ScramVerifier? {
    guard let role, let password = role.password, role.passwordValidUntil.map({ $0 >= now }) ?? true else {
      return nil
    }
    return ScramVerifier(password)
  }

  // MARK: Peer

  /// The user of the client's process must have the name of the role, or be mapped to it.
  private func checkPeer(_ rule: HBARule) throws(ErrorReport) {
    guard case .local(let userID) = startup.address, let userID, let name = UserNames.name(of: userID),
      rule.userMap.map({ $0.maps(name, to: user) }) ?? (name == user)
    else {
      throw ErrorReport(.fatal, .invalidAuthorization, "Peer authentication failed for user \"\(user)\"")
    }
  }

  // MARK: Refusals

  private func refusal(_ what: String) -> ErrorReport {
    let parameters = startup.parameters
    let encryption = startup.isEncrypted ? "SSL encryption" : "no encryption"
    let connection = parameters.replication == .physical ? "replication connection from host" : "host"
    let rejects = what.hasSuffix("rejects")
    var message = what
    if rejects { message += parameters.replication == .physical ? " replication connection for" : " connection for" }
    message += rejects ? " host" : " \(connection)"
    message += " \"\(startup.address)\", user \"\(user)\""
    if parameters.replication != .physical { message += ", database \"\(parameters.database)\"" }
    return ErrorReport(
      .fatal, .invalidAuthorization, message + ", \(encryption)",
      hint: "The rules are in the file \(HBAFile.name) of the data directory.")
  }
}
