/// How large a client's messages may be. Whoever sends more is cut off.
public struct MessageLimits: Sendable, Hashable {
  /// Of the first packet, its length included (PostgreSQL's MAX_STARTUP_PACKET_LENGTH).
  public var startup = 10_000
  /// Of messages that are short by nature, and of all messages before the client is known (PQ_SMALL_MESSAGE_LIMIT).
  public var small = 10_000
  /// Of passwords and of what SASL exchanges (PG_MAX_AUTH_TOKEN_LENGTH).
  public var authentication = 65_535
  /// Of statements, parameters and COPY's data (PQ_LARGE_MESSAGE_LIMIT).
  public var large = (1 << 30) - 2

  public init() {}

  /// The most that may follow the length of a message; nil where no message has that letter.
  func bodyLength(of kind: UInt8, isAuthenticated: Bool) -> Int? {
    guard isAuthenticated else { return kind == MessageKind.password ? authentication : nil }
    switch kind {
    case MessageKind.query, MessageKind.parse, MessageKind.bind, MessageKind.functionCall, MessageKind.copyData:
      return large
    case MessageKind.execute, MessageKind.describe, MessageKind.close, MessageKind.flush, MessageKind.sync,
      MessageKind.terminate, MessageKind.copyDone, MessageKind.copyFail:
      return small
    default: return nil
    }
  }
}

/// The letters of a client's messages (src/include/libpq/protocol.h).
enum MessageKind {
  static let bind = UInt8(ascii: "B")
  static let close = UInt8(ascii: "C")
  static let describe = UInt8(ascii: "D")
  static let execute = UInt8(ascii: "E")
  static let functionCall = UInt8(ascii: "F")
  static let flush = UInt8(ascii: "H")
  static let parse = UInt8(ascii: "P")
  static let query = UInt8(ascii: "Q")
  static let sync = UInt8(ascii: "S")
  static let terminate = UInt8(ascii: "X")
  static let copyDone = UInt8(ascii: "c")
  static let copyData = UInt8(ascii: "d")
  static let copyFail = UInt8(ascii: "f")
  static let password = UInt8(ascii: "p")
}
