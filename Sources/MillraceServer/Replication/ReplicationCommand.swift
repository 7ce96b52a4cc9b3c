import MillraceStorage

/// What a connection for replication is asked for (src/backend/replication/repl_gram.y).
enum ReplicationCommand: Equatable {
  case identifySystem
  case show(String)
  case timelineHistory(UInt32)
  case createSlot(name: String, isTemporary: Bool, reservesWAL: Bool)
  case dropSlot(name: String, waits: Bool)
  case readSlot(name: String)
  case start(slot: String?, position: LogSequenceNumber, timeline: UInt32?)

  /// The word that ends it.
  var tag: String {
    switch self {
    case .identifySystem: "IDENTIFY_SYSTEM"
    case .show: "SHOW"
    case .timelineHistory: "TIMELINE_HISTORY"
    case .createSlot: "CREATE_REPLICATION_SLOT"
    case .dropSlot: "DROP_REPLICATION_SLOT"
    case .readSlot: "READ_REPLICATION_SLOT"
    case .start: "START_REPLICATION"
    }
  }

  /// - Throws: a syntax error; 0A000 for what PostgreSQL has and this server has not; nil for SQL.
  init?(_ text: String) throws(ErrorReport) {
    var tokens = ReplicationTokens(try ReplicationTokens.tokenize(text))
    switch tokens.peek {
    case "IDENTIFY_SYSTEM": self = .identifySystem
    case "SHOW": self = .show("")
    case "TIMELINE_HISTORY": self = .timelineHistory(0)
    case "CREATE_REPLICATION_SLOT": self = .createSlot(name: "", isTemporary: false, reservesWAL: false)
    case "DROP_REPLICATION_SLOT": self = .dropSlot(name: "", waits: false)
    case "READ_REPLICATION_SLOT": self = .readSlot(name: "")
    case "START_REPLICATION": self = .start(slot: nil, position: .invalid, timeline: nil)
    case "BASE_BACKUP", "UPLOAD_MANIFEST", "ALTER_REPLICATION_SLOT":
      throw ErrorReport(.error, .featureNotSupported, "replication command \(tokens.peek ?? "") is not supported")
    default: return nil
    }
    tokens.advance()
    self = try complete(&tokens)
    if tokens.peek == ";" { tokens.advance() }
    guard tokens.peek == nil else { throw tokens.syntaxError }
  }

  /// The rest of a command whose first word says which one it is.
  private func complete(_ tokens: inout ReplicationTokens) throws(ErrorReport) -> ReplicationCommand {
    switch self {
    case .identifySystem: return self
    case .show:
      var name = try tokens.identifier()
      while tokens.take(".") { name += "." + (try tokens.identifier()) }
      return .show(name)
    case .timelineHistory:
      let timeline = try tokens.timeline()
      return .timelineHistory(timeline)
    case .readSlot: return .readSlot(name: try tokens.identifier())
    case .dropSlot: return .dropSlot(name: try tokens.identifier(), waits: tokens.take("WAIT"))
    case .createSlot:
      let name = try tokens.identifier()
      let isTemporary = tokens.take("TEMPORARY")
      if tokens.take("LOGICAL") { throw Self.logical }
      guard tokens.take("PHYSICAL") else { throw tokens.syntaxError }
      return .createSlot(name: name, isTemporary: isTemporary, reservesWAL: try Self.reservesWAL(&tokens))
    case .start:
      let slot = tokens.take("SLOT") ? try tokens.identifier() : nil
      if tokens.take("LOGICAL") { throw Self.logical }
      _ = tokens.take("PHYSICAL")
      let position = try tokens.position()
      return .start(slot: slot, position: position, timeline: tokens.take("TIMELINE") ? try tokens.timeline() : nil)
    }
  }

  private static let logical = ErrorReport(.error, .featureNotSupported, "logical replication is not supported")

  /// `RESERVE_WAL`, or `(RESERVE_WAL [true|false], …)` since PostgreSQL 15.
  private static func reservesWAL(_ tokens: inout ReplicationTokens) throws(ErrorReport) -> Bool {
    if tokens.take("RESERVE_WAL") { return true }
    guard tokens.take("(") else { return false }
    var reserves = false
    repeat {
      let option = try tokens.identifier().lowercased()
      guard option == "reserve_wal" else {
        throw ErrorReport(.error, .syntaxError, "unrecognized option: \(option)")
      }
      let value = tokens.peek == "," || tokens.peek == ")" ? "true" : try tokens.identifier().lowercased()
      switch value {
      case "true", "on", "1": reserves = true
      case "false", "off", "0": reserves = false
      default: throw ErrorReport(.error, .syntaxError, "reserve_wal requires a Boolean value")
      }
    } while tokens.take(",")
    guard tokens.take(")") else { throw tokens.syntaxError }
    return reserves
  }
}

/// The words of a replication command.
struct ReplicationTokens {
  struct Token: Equatable {
    let text: String
    /// In quotes, so that it is no keyword and keeps its letters.
    let isQuoted: Bool
  }

  private var rest: ArraySlice<Token>

  init(_ tokens: [Token]) { rest = tokens[...] }

  /// The next word as a keyword: in capitals. Nil at the end.
  var peek: String? { rest.first.map { $0.isQuoted ? "\"\($0.text)\"" : $0.text.uppercased() } }

  mutating func advance() { rest = rest.dropFirst() }

  mutating func take(_ keyword: String) -> Bool {
    guard peek == keyword else { return false }
    advance()
    return true
  }

  var syntaxError: ErrorReport {
    let place = rest.first.map { "at or near \"\($0.text)\"" } ?? "at end of input"
    return ErrorReport(.error, .syntaxError, "syntax error \(place)")
  }

  mutating func identifier() throws(ErrorReport) -> String {
    guard let token = rest.first,
      token.isQuoted || token.text.first.map({ $0.isLetter || $0 == "_" || $0.isNumber }) == true
    else { throw syntaxError }
    advance()
    return token.isQuoted ? token.text : token.text.lowercased()
  }

  mutating func timeline() throws(ErrorReport) -> UInt32 {
    guard let token = rest.first, let number = UInt32(token.text) else { throw syntaxError }
    guard number > 0 else { throw ErrorReport(.error, .syntaxError, "invalid timeline \(number)") }
    advance()
    return number
  }

  /// `0/16ED420`
  mutating func position() throws(ErrorReport) -> LogSequenceNumber {
    guard let token = rest.first, let position = LogSequenceNumber(parsing: token.text) else { throw syntaxError }
    advance()
    return position
  }

  static func tokenize(_ text: String) throws(ErrorReport) -> [Token] {
    var tokens: [Token] = []
    var rest = text[...]
    while let first = rest.first {
      if first.isWhitespace {
        rest = rest.dropFirst()
      } else if first == "\"" || first == "'" {
        tokens.append(Token(text: try quoted(&rest), isQuoted: true))
      } else if first.isLetter || first.isNumber || first == "_" {
        let word = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "/" }
        tokens.append(Token(text: String(word), isQuoted: false))
        rest = rest.dropFirst(word.count)
      } else {
        tokens.append(Token(text: String(first), isQuoted: false))
        rest = rest.dropFirst()
      }
    }
    return tokens
  }

  private static func quoted(_ rest: inout Substring) throws(ErrorReport) -> String {
    let quote = rest.removeFirst()
    var text = ""
    while let character = rest.popFirst() {
      if character != quote {
        text.append(character)
      } else if rest.first == quote {
        text.append(quote)
        rest = rest.dropFirst()
      } else {
        return text
      }
    }
    throw ErrorReport(
      .error, .syntaxError, quote == "'" ? "unterminated quoted string" : "unterminated quoted identifier")
  }
}

extension LogSequenceNumber {
  /// Reads what ``description`` writes.
  init?(parsing text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...8).contains($0.utf8.count) }),
      let high = UInt32(parts[0], radix: 16), let low = UInt32(parts[1], radix: 16)
    else { return nil }
    self.init(UInt64(high) << 32 | UInt64(low))
  }
}
