public import Logging
public import MillraceSettings

/// How a server is set up.
public struct ServerConfiguration: Sendable {
  public var settings: Settings
  /// Where the files of rules, certificates and keys are.
  public var dataDirectory: String
  public var logger: Logger
  /// The cluster's, for answers to those who log in as nobody (`mock_authentication_nonce` of pg_control).
  public var mockAuthenticationNonce: [UInt8] = []
  public var messageLimits = MessageLimits()
  /// Threads that serve sockets. They do nothing else, so one is enough for most.
  public var eventLoopThreads = 1
  /// Seconds since 1970.
  public var clock: @Sendable () -> Int64

  public init(
    _ settings: Settings, dataDirectory: String, logger: Logger, clock: @escaping @Sendable () -> Int64
  ) {
    (self.settings, self.dataDirectory, self.logger, self.clock) = (settings, dataDirectory, logger, clock)
  }
}

/// How a server ends (pg_ctl's modes).
public enum ShutdownMode: Int, Sendable, Comparable {
  /// When the last client has left. SIGTERM.
  case smart
  /// Clients are disconnected, their transactions rolled back. SIGINT.
  case fast
  /// At once; the next start recovers. SIGQUIT.
  case immediate

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  var name: String {
    switch self {
    case .smart: "smart"
    case .fast: "fast"
    case .immediate: "immediate"
    }
  }
}

/// Times, from the settings.
struct SessionTimeouts: Sendable {
  /// All in nanoseconds; 0 for never.
  let authentication: Int64
  let idleSession: Int64
  let idleInTransaction: Int64
  /// Whether statements end whose client is gone.
  let endsWithClient: Bool

  init(_ settings: Settings) {
    authentication = Int64(settings[.authenticationTimeout]) * 1_000_000_000
    idleSession = Int64(settings[.idleSessionTimeout]) * 1_000_000
    idleInTransaction = Int64(settings[.idleInTransactionSessionTimeout]) * 1_000_000
    endsWithClient = settings[.clientConnectionCheckInterval] > 0
  }
}
