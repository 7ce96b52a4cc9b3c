/// Why a string is no statement, in PostgreSQL's words; or which part of a statement is not supported.
public struct SyntaxError: Error, Equatable, Sendable {
  /// Five characters: `42601` for what the grammar refuses, `0A000` for what is not supported, `54001` for too much
  /// nesting.
  public var sqlState: String
  public var message: String
  public var detail: String?
  public var hint: String?
  /// In characters from the begin of the string, the first being 1, as the protocol has it; `nil` if it is nowhere.
  public var position: Int?

  public init(
    sqlState: String, message: String, detail: String? = nil, hint: String? = nil, position: Int? = nil
  ) {
    self.sqlState = sqlState
    self.message = message
    self.detail = detail
    self.hint = hint
    self.position = position
  }

  static func stackDepthExceeded(maxStackDepth: Int) -> SyntaxError {
    SyntaxError(
      sqlState: "54001", message: "stack depth limit exceeded",
      hint: "Increase the configuration parameter \"max_stack_depth\" (currently \(maxStackDepth / 1024)kB), "
        + "after ensuring the platform's stack depth limit is adequate.")
  }
}
