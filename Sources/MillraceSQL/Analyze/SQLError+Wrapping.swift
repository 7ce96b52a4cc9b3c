import MillraceEngine

extension SQLError {
  /// What the engine has to say, as an error of the statement.
  static func wrapping<Result>(
    at location: Location? = nil, _ body: () throws(EngineError) -> Result
  ) throws(SQLError) -> Result {
    do {
      return try body()
    } catch {
      var failure = SQLError(error)
      failure.location = location
      throw failure
    }
  }
}
