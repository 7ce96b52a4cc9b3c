import NIOCore

/// The first packet of a connection (`ProcessStartupPacket`, src/backend/tcop/backend_startup.c).
enum StartupPacket {
  case tlsRequest
  case gssEncryptionRequest
  case cancel(processID: UInt32, secret: [UInt8])
  case startup(StartupParameters)

  private static let cancelCode: UInt32 = 1234 << 16 | 5678
  private static let tlsCode: UInt32 = 1234 << 16 | 5679
  private static let gssCode: UInt32 = 1234 << 16 | 5680

  /// - Parameter packet: what follows the length; at least four bytes.
  init(_ packet: ByteBuffer) throws(ErrorReport) {
    var packet = packet
    guard let code = packet.readInteger(as: UInt32.self) else {
      throw ErrorReport(.fatal, .protocolViolation, "invalid length of startup packet")
    }
    switch code {
    case Self.tlsCode: self = .tlsRequest
    case Self.gssCode: self = .gssEncryptionRequest
    case Self.cancelCode:
      guard let processID = packet.readInteger(as: UInt32.self), (1...256).contains(packet.readableBytes) else {
        throw ErrorReport(.fatal, .protocolViolation, "invalid length of cancel request packet")
      }
      self = .cancel(processID: processID, secret: Array(packet.readableBytesView))
    default:
      self = .startup(try StartupParameters(ProtocolVersion(rawValue: code), packet))
    }
  }
}

/// What a client says of itself when it connects.
public struct StartupParameters: Sendable {
  /// The version that is spoken: the client's, or ours where that is lower.
  public let version: ProtocolVersion
  public let user: String
  /// The same as ``user`` where the client names none.
  public let database: String
  public let replication: ReplicationMode
  /// Command-line options: `-c name=value` and the like.
  public let options: String?
  /// Settings by name, in the client's order.
  public let settings: [(name: String, value: String)]
  /// Options of the protocol itself (`_pq_.…`) that nobody here knows.
  let unknownOptions: [String]
  let wantedVersion: ProtocolVersion

  /// What a connection is for.
  public enum ReplicationMode: Sendable, Hashable {
    case none
    /// It streams WAL, and speaks the replication commands only.
    case physical
    /// The same, connected to a database, whose statements it may use as well.
    case database
  }

  init(_ wanted: ProtocolVersion, _ packet: ByteBuffer) throws(ErrorReport) {
    guard wanted.major == ProtocolVersion.newest.major else {
      throw ErrorReport(
        .fatal, .featureNotSupported,
        "unsupported frontend protocol \(wanted): server supports \(ProtocolVersion.oldest.major).0 to "
          + "\(ProtocolVersion.newest)")
    }
    var reader = MessageReader(packet)
    var names: [String: String] = [:]
    var settings: [(name: String, value: String)] = []
    var unknown: [String] = []
    while true {
      guard let name = reader.takeString() else { throw Self.badLayout }
      if name.isEmpty { break }
      guard let value = reader.takeString() else { throw Self.badLayout }
      switch name {
      case "user", "database", "replication", "options": names[name] = value
      case _ where name.hasPrefix("_pq_."): unknown.append(name)
      default: settings.append((name, value))
      }
    }
    guard reader.isAtEnd else { throw Self.badLayout }
    guard let user = names["user"], !user.isEmpty else {
      throw ErrorReport(.fatal, .invalidAuthorization, "no PostgreSQL user name specified in startup packet")
    }
    self.user = Self.truncated(user)
    let database = names["database"] ?? ""
    self.database = Self.truncated(database.isEmpty ? user : database)
    replication = try Self.replication(names["replication"])
    options = names["options"]
    (self.settings, unknownOptions) = (settings, unknown)
    (wantedVersion, version) = (wanted, min(wanted, .newest))
  }

  /// Whether the client must be told that it gets less than it asked for.
  var needsNegotiation: Bool { wantedVersion > version || !unknownOptions.isEmpty }

  private static var badLayout: ErrorReport {
    ErrorReport(
      .fatal, .protocolViolation, "invalid startup packet layout: expected terminator as last byte")
  }

  /// Names have at most 63 bytes (NAMEDATALEN).
  private static func truncated(_ name: String) -> String {
    guard name.utf8.count > 63 else { return name }
    var length = 63
    let bytes = Array(name.utf8)
    while length > 0, bytes[length] & 0xC0 == 0x80 { length -= 1 }
    return String(decoding: bytes[..<length], as: UTF8.self)
  }

  private static func replication(_ text: String?) throws(ErrorReport) -> ReplicationMode {
    switch text?.lowercased() {
    case nil: return .none
    case "database": return .database
    case "true", "on", "yes", "1", "t", "y": return .physical
    case "false", "off", "no", "0", "f", "n": return .none
    default:
      throw ErrorReport(
        .fatal, .invalidParameterValue, "invalid value for parameter \"replication\": \"\(text ?? "")\"",
        hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\".")
    }
  }
}
