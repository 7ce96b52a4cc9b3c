import MillraceTypes

/// What EXPLAIN is to show (PostgreSQL's src/backend/commands/explain_state.c).
public struct ExplainOptions: Hashable, Sendable {
  public enum Format: Hashable, Sendable { case text, json }

  /// Whether the statement is executed, and what really happened is shown.
  public var analyze = false
  public var verbose = false
  public var costs = true
  public var buffers = false
  public var io = false
  public var wal = false
  public var timing = false
  public var summary = false
  public var format = Format.text

  public init() {}

  /// The options as they were written; PostgreSQL's rules and words for those that do not fit together.
  public init(_ statement: ExplainStatement) throws(SQLError) {
    var (buffersSet, timingSet, summarySet): (Bool?, Bool?, Bool?)
    for option in statement.options {
      switch option.name {
      case "analyze": analyze = try Self.boolean(option)
      case "verbose": verbose = try Self.boolean(option)
      case "costs": costs = try Self.boolean(option)
      case "buffers": buffersSet = try Self.boolean(option)
      case "io": io = try Self.boolean(option)
      case "wal": wal = try Self.boolean(option)
      case "timing": timingSet = try Self.boolean(option)
      case "summary": summarySet = try Self.boolean(option)
      case "format": format = try Self.format(option)
      case "settings", "memory", "serialize", "generic_plan":
        throw SQLError.unsupported("EXPLAIN option \(option.name.uppercased())", at: option.location)
      default:
        throw SQLError(.syntaxError, "unrecognized EXPLAIN option \"\(option.name)\"", at: option.location)
      }
    }
    if wal, !analyze { throw Self.requiresAnalyze("WAL") }
    if io, !analyze { throw Self.requiresAnalyze("IO") }
    if timingSet == true, !analyze { throw Self.requiresAnalyze("TIMING") }
    // What was really done is shown with the buffers that it took, unless somebody says otherwise.
    buffers = buffersSet ?? analyze
    timing = timingSet ?? analyze
    summary = summarySet ?? analyze
  }

  private static func requiresAnalyze(_ option: String) -> SQLError {
    SQLError(.invalidParameterValue, "EXPLAIN option \(option) requires ANALYZE")
  }

  /// What the executor has to count.
  public var instrumentation: InstrumentationOptions {
    guard analyze else { return [] }
    var options: InstrumentationOptions = [.rows]
    if timing { options.insert(.timing) }
    if buffers { options.insert(.buffers) }
    if wal { options.insert(.wal) }
    return options
  }

  /// `defGetBoolean`.
  private static func boolean(_ option: DefinitionElement) throws(SQLError) -> Bool {
    switch option.value {
    case nil: return true
    case .boolean(let value): return value
    case .integer(0): return false
    case .integer(1): return true
    case .string(let text):
      switch text.lowercased() {
      case "true", "on": return true
      case "false", "off": return false
      default: break
      }
    default: break
    }
    throw SQLError(.syntaxError, "\(option.name) requires a Boolean value")
  }

  private static func format(_ option: DefinitionElement) throws(SQLError) -> Format {
    guard case .string(let text) = option.value else { throw SQLError(.syntaxError, "format requires a parameter") }
    switch text {
    case "text": return .text
    case "json": return .json
    case "xml", "yaml": throw SQLError.unsupported("EXPLAIN (FORMAT \(text.uppercased()))", at: option.location)
    default:
      throw SQLError(
        .invalidParameterValue, "unrecognized value for EXPLAIN option \"format\": \"\(text)\"", at: option.location)
    }
  }
}
