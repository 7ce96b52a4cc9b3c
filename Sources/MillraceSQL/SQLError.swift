public import MillraceEngine
public import MillraceTypes

/// Why a statement fails, with all that PostgreSQL's protocol can say of it except its severity.
public struct SQLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Five characters.
  public var sqlState: String
  /// In PostgreSQL's words: it begins in lower case and has no full stop.
  public var message: String
  public var detail: String?
  public var hint: String?
  /// Where in the statement's text, in bytes; who has the text makes characters of it: see ``position(in:)``.
  public var location: Location?
  /// In characters from 1, where the text is not at hand any more.
  public var position: Int?
  /// The calls that led there, one a line: `CONTEXT` of a message.
  public var context: String?
  public var schema: String?
  public var table: String?
  public var column: String?
  public var dataType: String?
  public var constraint: String?
  /// PostgreSQL's function that says it, where clients go by that.
  public var routine: String?
  /// Whether the connection has failed, or the client has given up; the server has the words for it.
  public var isOfConnection = false

  public init(
    _ sqlState: SQLState, _ message: String, detail: String? = nil, hint: String? = nil, at location: Location? = nil
  ) {
    (self.sqlState, self.message) = (sqlState.description, message)
    (self.detail, self.hint, self.location) = (detail, hint, location)
  }

  public init(_ error: SyntaxError) {
    (sqlState, message, detail) = (error.sqlState, error.message, error.detail)
    (hint, position) = (error.hint, error.position)
  }

  public init(_ error: TypeError, at location: Location? = nil) {
    self.init(error.sqlState, error.message, detail: error.detail, hint: error.hint, at: location)
  }

  public init(_ error: EngineError) {
    (sqlState, message, detail, hint) = (error.sqlState, error.message, error.detail, error.hint)
  }

  /// What this server does not do: SQLSTATE 0A000.
  public static func unsupported(_ construct: String, at location: Location? = nil) -> SQLError {
    SQLError(.featureNotSupported, "\(construct) is not supported", at: location)
  }

  /// Where it is, in characters from 1, as clients want it; nil where it is nowhere.
  public func position(in text: String) -> Int? {
    if let position { return position }
    guard let location, location.isKnown else { return nil }
    let bytes = text.utf8.prefix(Int(location.offset))
    return bytes.count { $0 & 0xC0 != 0x80 } + 1
  }

  public var description: String { message }
}
