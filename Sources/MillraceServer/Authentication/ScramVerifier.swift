/// What the server keeps of a password: PostgreSQL's form of RFC 5803,
/// `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>` (src/common/scram-common.c). The password cannot be
/// had back from it, and who has it cannot log in with it.
public struct ScramVerifier: Sendable, Hashable, CustomStringConvertible {
  public let iterations: Int
  let salt: [UInt8]
  let storedKey: [UInt8]
  let serverKey: [UInt8]

  /// PostgreSQL's `scram_iterations`.
  public static let usualIterations = 4096
  static let keyLength = 32
  static let saltLength = 16

  init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
    (self.iterations, self.salt, self.storedKey, self.serverKey) = (iterations, salt, storedKey, serverKey)
  }

  /// Makes one from a password, which takes some milliseconds on purpose.
  ///
  /// A password is used as its bytes are: SASLprep (RFC 4013), which makes the same of different ways to write some
  /// characters outside of ASCII, changes nothing about ASCII.
  public init(password: String, iterations: Int = usualIterations) {
    self.init(password: password, iterations: iterations, salt: Secrets.bytes(Self.saltLength))
  }

  init(password: String, iterations: Int, salt: [UInt8]) {
    let salted = Self.saltedPassword(password, iterations: iterations, salt: salt)
    let clientKey = Secrets.authenticationCode(Array("Client Key".utf8), key: salted)
    self.init(
      iterations: iterations, salt: salt, storedKey: Secrets.hash(clientKey),
      serverKey: Secrets.authenticationCode(Array("Server Key".utf8), key: salted))
  }

  /// PBKDF2 with HMAC-SHA-256 and one block (RFC 5802, `Hi`).
  static func saltedPassword(_ password: String, iterations: Int, salt: [UInt8]) -> [UInt8] {
    let key = Array(password.utf8)
    var block = Secrets.authenticationCode(salt + [0, 0, 0, 1], key: key)
    var result = block
    for _ in 1..<max(iterations, 1) {
      block = Secrets.authenticationCode(block, key: key)
      for index in result.indices { result[index] ^= block[index] }
    }
    return result
  }

  /// Reads what ``description`` writes.
  public init?(_ text: String) {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "SCRAM-SHA-256" else { return nil }
    let parameters = parts[1].split(separator: ":", omittingEmptySubsequences: false)
    let keys = parts[2].split(separator: ":", omittingEmptySubsequences: false)
    guard parameters.count == 2, keys.count == 2, let iterations = Int(parameters[0]), iterations > 0,
      let salt = Base64.decode(parameters[1]), let storedKey = Base64.decode(keys[0]),
      let serverKey = Base64.decode(keys[1]), storedKey.count == Self.keyLength, serverKey.count == Self.keyLength
    else { return nil }
    self.init(iterations: iterations, salt: salt, storedKey: storedKey, serverKey: serverKey)
  }

  public var description: String {
    "SCRAM-SHA-256$\(iterations):\(Base64.encode(salt))$\(Base64.encode(storedKey)):\(Base64.encode(serverKey))"
  }

  /// One that no password fits, for a role that has none or is not there: whoever tries cannot tell these from a wrong
  /// password, as the salt is the same each time.
  /// - Parameter secret: the cluster's (`mock_authentication_nonce` of pg_control).
  static func mock(role: String, secret: [UInt8]) -> ScramVerifier {
    let salt = Array(Secrets.hash(Array(role.utf8) + secret).prefix(saltLength))
    let zeros = [UInt8](repeating: 0, count: keyLength)
    return ScramVerifier(iterations: usualIterations, salt: salt, storedKey: zeros, serverKey: zeros)
  }
}
