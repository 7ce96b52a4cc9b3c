/// What is wrong with a value, in PostgreSQL's words.
public struct TypeError: Error, Hashable, Sendable, CustomStringConvertible {
  public let sqlState: SQLState
  public let message: String
  public var detail: String?
  public var hint: String?

  public init(_ sqlState: SQLState, _ message: String, detail: String? = nil, hint: String? = nil) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
  }

  public var description: String { message }

  /// A text that is no value of the type.
  @usableFromInline static func invalidInput(_ type: StaticString, _ text: ByteView) -> TypeError {
    TypeError(.invalidTextRepresentation, "invalid input syntax for type \(type): \"\(text.string)\"")
  }

  /// A text that would be a value if the type were larger.
  @usableFromInline static func inputOutOfRange(_ type: StaticString, _ text: ByteView) -> TypeError {
    TypeError(.numericValueOutOfRange, "value \"\(text.string)\" is out of range for type \(type)")
  }

  /// A result or a cast that the type has no room for: `integer out of range`.
  @inlinable public static func outOfRange(_ type: StaticString) -> TypeError {
    makeOutOfRange(type)
  }

  // Apart, so that loops over batches hold a call and not the making of strings.
  @usableFromInline @inline(never) static func makeOutOfRange(_ type: StaticString) -> TypeError {
    TypeError(.numericValueOutOfRange, "\(type) out of range")
  }

  public static var divisionByZero: TypeError {
    @inline(never) get { TypeError(.divisionByZero, "division by zero") }
  }

  static var insufficientMessage: TypeError {
    TypeError(.protocolViolation, "insufficient data left in message")
  }

  static var emptyMessage: TypeError { TypeError(.protocolViolation, "no data left in message") }

  static func invalidParameter(_ message: String) -> TypeError { TypeError(.invalidParameterValue, message) }
}
