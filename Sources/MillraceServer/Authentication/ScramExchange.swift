/// The server's side of SCRAM-SHA-256 (RFC 5802 and 7677; src/backend/libpq/auth-scram.c). A value without I/O: the
/// client's messages go in, the answers come out.
struct ScramExchange {
  private let verifier: ScramVerifier
  /// Nobody gets in, whatever he proves: there is no such role, or it has no password.
  private let isDoomed: Bool
  private let serverNonce: String
  private var state = State.initial

  private enum State {
    case initial
    case challenged(gs2Header: String, clientFirstBare: String, serverFirst: String, nonce: String)
    case finished
  }

  enum Answer: Equatable {
    case challenge(String)
    /// The client knows the password; the message proves that the server knows it, too.
    case accepted(String)
    case refused
  }

  init(_ verifier: ScramVerifier, isDoomed: Bool) {
    // 18 bytes make 24 characters without padding.
    self.init(verifier, isDoomed: isDoomed, serverNonce: Base64.encode(Secrets.bytes(18)))
  }

  init(_ verifier: ScramVerifier, isDoomed: Bool, serverNonce: String) {
    (self.verifier, self.isDoomed, self.serverNonce) = (verifier, isDoomed, serverNonce)
  }

  /// - Throws: the message does not follow the protocol.
  mutating func respond(to message: String) throws(ErrorReport) -> Answer {
    switch state {
    case .initial: return .challenge(try challenge(message))
    case .challenged(let header, let clientFirst, let serverFirst, let nonce):
      state = .finished
      return try verify(
        message, gs2Header: header, authMessage: "\(clientFirst),\(serverFirst)", nonce: nonce)
    case .finished: throw Self.malformed("The exchange is over.")
    }
  }

  // MARK: The first message

  private mutating func challenge(_ message: String) throws(ErrorReport) -> String {
    if message.utf8.contains(0) { throw Self.malformed("Message length does not match input length.") }
    // gs2-cbind-flag "," [authzid] ","
    let parts = message.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw Self.malformed("The message ends early.") }
    switch parts[0] {
    case "n", "y": break
    case _ where parts[0].hasPrefix("p="):
      throw Self.malformed(
        "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes"
          + " channel binding data.")
    default:
      throw Self.malformed("Unexpected channel-binding flag \"\(parts[0].prefix(8))\".")
    }
    guard parts[1].isEmpty else {
      throw ErrorReport(
        .fatal, .featureNotSupported, "client uses authorization identity, but it is not supported")
    }
    let bare = String(parts[2])
    var attributes = Attributes(bare)
    if bare.hasPrefix("m=") {
      throw ErrorReport(.fatal, .protocolViolation, "client requires an unsupported SCRAM extension")
    }
    // The name is that of the startup packet.
    _ = try attributes.take("n")
    let clientNonce = try attributes.take("r")
    guard clientNonce.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }), !clientNonce.isEmpty
    else {
      throw ErrorReport(.fatal, .protocolViolation, "non-printable characters in SCRAM nonce")
    }
    let nonce = "\(clientNonce)\(serverNonce)"
    let serverFirst = "r=\(nonce),s=\(Base64.encode(verifier.salt)),i=\(verifier.iterations)"
    state = .challenged(
      gs2Header: "\(parts[0]),,", clientFirstBare: bare, serverFirst: serverFirst, nonce: nonce)
    return serverFirst
  }

  // MARK: The last message

  private func verify(
    _ message: String, gs2Header: String, authMessage: String, nonce: String
  ) throws(ErrorReport) -> Answer {
    if message.utf8.contains(0) { throw Self.malformed("Message length does not match input length.") }
    var attributes = Attributes(message)
    let binding = try attributes.take("c")
    guard binding == Base64.encode(Array(gs2Header.utf8)) else {
      throw ErrorReport(
        .fatal, .protocolViolation, "unexpected SCRAM channel-binding attribute in client-final-message")
    }
    guard try attributes.take("r") == nonce else {
      throw ErrorReport(
        .fatal, .protocolViolation, "invalid SCRAM response", detail: "Nonce does not match.")
    }
    guard let proofStart = message.range(ofLast: ",p=") else { throw Self.malformed("Attribute \"p\" is missing.") }
    let withoutProof = message[..<proofStart.lowerBound]
    guard let proof = Base64.decode(message[proofStart.upperBound...]), proof.count == ScramVerifier.keyLength else {
      throw Self.malformed("Malformed proof in client-final-message.")
    }
    let signed = Array("\(authMessage),\(withoutProof)".utf8)
    let signature = Secrets.authenticationCode(signed, key: verifier.storedKey)
    let clientKey = zip(proof, signature).map { $0 ^ $1 }
    // Computed for the doomed as well, so that they are not told by the time it takes.
    let isRight = Secrets.areEqual(Secrets.hash(clientKey), verifier.storedKey)
    guard isRight, !isDoomed else { return .refused }
    return .accepted("v=\(Base64.encode(Secrets.authenticationCode(signed, key: verifier.serverKey)))")
  }

  static func malformed(_ detail: String) -> ErrorReport {
    ErrorReport(.fatal, .protocolViolation, "malformed SCRAM message", detail: detail)
  }

  /// `a=value,b=value`, one after another.
  private struct Attributes {
    private var rest: Substring

    init(_ text: String) { rest = text[...] }

    mutating func take(_ name: Character) throws(ErrorReport) -> Substring {
      guard rest.first == name else {
        throw ScramExchange.malformed(
          "Expected attribute \"\(name)\" but found \"\(rest.first.map(String.init) ?? "")\".")
      }
      rest = rest.dropFirst()
      guard rest.first == "=" else {
        throw ScramExchange.malformed("Expected character \"=\" for attribute \"\(name)\".")
      }
      rest = rest.dropFirst()
      let value = rest.prefix { $0 != "," }
      rest = rest.dropFirst(value.count + 1)
      return value
    }
  }
}

extension String {
  /// Where a text stands last.
  fileprivate func range(ofLast text: String) -> Range<String.Index>? { ranges(of: text).last }
}
