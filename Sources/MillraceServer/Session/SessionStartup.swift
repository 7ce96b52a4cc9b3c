/// What is known of a session when it begins.
struct SessionStartup: Sendable {
  let parameters: StartupParameters
  let address: ClientAddress
  /// Whether the connection is TLS.
  let isEncrypted: Bool
  /// Its number among the sessions, which clients take for a process's.
  let processID: UInt32
  /// Who knows it may cancel the session's statements.
  let secret: [UInt8]
}

/// What an executor is made from: who connected, how, and what he wants.
public struct SessionInformation: Sendable {
  public let role: Role
  public let database: String
  public let processID: UInt32
  public let address: ClientAddress
  public let isEncrypted: Bool
  /// Settings from the startup packet, in the client's order; those of its `options` first.
  public let settings: [(name: String, value: String)]
  /// `application_name`, printable ASCII only; empty where the client has none.
  public let applicationName: String
}
