/// An error or a notice with everything that PostgreSQL's protocol can say about it (`ErrorData`,
/// src/include/utils/elog.h).
///
/// The words of ``message``, ``detail`` and ``hint`` are PostgreSQL's where it has the situation: the message begins in
/// lower case and has no full stop, the other two are whole sentences.
public struct ErrorReport: Error, Sendable, Hashable, CustomStringConvertible {
  /// How bad it is, in PostgreSQL's words and their order.
  public enum Severity: String, Sendable, Comparable, CaseIterable {
    case debug = "DEBUG"
    case info = "INFO"
    case notice = "NOTICE"
    case warning = "WARNING"
    case log = "LOG"
    /// The statement ends.
    case error = "ERROR"
    /// The session ends.
    case fatal = "FATAL"
    /// The server ends.
    case panic = "PANIC"

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  public var severity: Severity
  public var state: SQLState
  public var message: String
  public var detail: String?
  public var hint: String?
  /// Where in the statement, in characters, from 1.
  public var position: Int?
  /// The same in ``internalQuery``, a statement that the server has made up.
  public var internalPosition: Int?
  public var internalQuery: String?
  /// The calls that led there, one a line.
  public var context: String?
  public var schema: String?
  public var table: String?
  public var column: String?
  public var dataType: String?
  public var constraint: String?
  /// PostgreSQL's function that says it, where clients go by that.
  public var routine: String?

  public init(
    _ severity: Severity = .error, _ state: SQLState, _ message: String, detail: String? = nil, hint: String? = nil,
    position: Int? = nil
  ) {
    (self.severity, self.state, self.message) = (severity, state, message)
    (self.detail, self.hint, self.position) = (detail, hint, position)
  }

  public var description: String { "\(severity.rawValue):  \(message)" }

  /// The fields of the protocol's message, each with its letter, in PostgreSQL's order. The severity comes twice: once
  /// for people, which could be translated, and once for programs.
  var fields: [(letter: UInt8, text: String)] {
    let optional: [(Character, String?)] = [
      ("D", detail), ("H", hint), ("P", position.map { "\($0)" }), ("p", internalPosition.map { "\($0)" }),
      ("q", internalQuery), ("W", context), ("s", schema), ("t", table), ("c", column), ("d", dataType),
      ("n", constraint), ("R", routine),
    ]
    let always: [(Character, String?)] = [
      ("S", severity.rawValue), ("V", severity.rawValue), ("C", state.description), ("M", message),
    ]
    return (always + optional).compactMap { letter, text in
      text.flatMap { text in letter.asciiValue.map { ($0, text) } }
    }
  }

  /// The same, with another severity.
  public func with(_ severity: Severity) -> ErrorReport {
    var report = self
    report.severity = severity
    return report
  }
}

extension ErrorReport {
  /// A message of the protocol that cannot be understood: the statement fails, the connection stays.
  static func protocolViolation(_ message: String) -> ErrorReport { ErrorReport(.error, .protocolViolation, message) }
}
