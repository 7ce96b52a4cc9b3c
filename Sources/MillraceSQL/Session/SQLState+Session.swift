import MillraceEngine
import MillraceSettings
import MillraceTypes

/// What can be wrong with statements about sessions, transactions and settings (src/backend/utils/errcodes.txt).
extension SQLState {
  static let activeTransaction = SQLState("25001")
  static let noActiveTransaction = SQLState("25P01")
  static let inFailedTransaction = SQLState("25P02")
  static let invalidStatementName = SQLState("26000")
  static let invalidCursorName = SQLState("34000")
  static let invalidCursorState = SQLState("24000")
  static let invalidSavepointSpecification = SQLState("3B001")
  static let duplicateCursor = SQLState("42P03")
  static let duplicatePreparedStatement = SQLState("42P05")
  static let cannotChangeRuntimeParameter = SQLState("55P02")
  static let badCopyFileFormat = SQLState("22P04")
  static let successfulCompletion = SQLState("00000")
  static let warning = SQLState("01000")
  static let checkViolation = SQLState("23514")
  static let notNullViolation = SQLState("23502")
  static let undefinedFile = SQLState("58P01")
  static let ioError = SQLState("58030")
  static let queryCanceled = SQLState("57014")
  static let lockUnavailable = SQLState("55P03")
  static let invalidTransactionState = SQLState("25000")
  static let readOnlyTransaction = SQLState("25006")
  static let invalidPassword = SQLState("28P01")
}

extension SQLError {
  /// Runs something of the engine, whose errors become those of statements.
  @inline(__always)
  static func engine<Result>(_ body: () throws(EngineError) -> Result) throws(SQLError) -> Result {
    do throws(EngineError) { return try body() } catch { throw SQLError(error) }
  }

  /// The same for types.
  @inline(__always)
  static func types<Result>(_ body: () throws(TypeError) -> Result) throws(SQLError) -> Result {
    do throws(TypeError) { return try body() } catch { throw SQLError(error) }
  }

  init(_ error: SettingError) {
    let state: SQLState =
      switch error.reason {
      case .unrecognized: .undefinedObject
      case .invalidValue, .outOfRange: .invalidParameterValue
      case .notNow: .cannotChangeRuntimeParameter
      case .permissionDenied: .insufficientPrivilege
      case .malformedAssignment: .syntaxError
      }
    self.init(state, error.message, detail: error.detail, hint: error.hint)
  }
}
