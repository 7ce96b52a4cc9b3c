/// The five characters that tell programs what has happened (src/backend/utils/errcodes.txt).
public struct SQLState: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The characters from the last to the first, eight bits each.
  private let packed: UInt64

  /// - Precondition: five digits or capital letters.
  public init(_ text: String) {
    precondition(
      text.utf8.count == 5 && text.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) },
      "an SQLSTATE has five digits or capital letters")
    packed = text.utf8.reduce(0) { $0 << 8 | UInt64($1) }
  }

  public init(stringLiteral text: StaticString) { self.init("\(text)") }

  public var description: String {
    String(decoding: (0..<5).map { UInt8(truncatingIfNeeded: packed >> UInt64(32 - 8 * $0)) }, as: UTF8.self)
  }
}

extension SQLState {
  public static let successfulCompletion: SQLState = "00000"
  public static let warning: SQLState = "01000"
  public static let connectionDoesNotExist: SQLState = "08003"
  public static let connectionFailure: SQLState = "08006"
  public static let protocolViolation: SQLState = "08P01"
  public static let featureNotSupported: SQLState = "0A000"
  public static let invalidParameterValue: SQLState = "22023"
  public static let characterNotInRepertoire: SQLState = "22021"
  public static let badCopyFileFormat: SQLState = "22P04"
  public static let activeTransaction: SQLState = "25001"
  public static let noActiveTransaction: SQLState = "25P01"
  public static let inFailedTransaction: SQLState = "25P02"
  public static let idleInTransactionTimeout: SQLState = "25P03"
  public static let invalidStatementName: SQLState = "26000"
  public static let invalidAuthorization: SQLState = "28000"
  public static let invalidPassword: SQLState = "28P01"
  public static let invalidCursorName: SQLState = "34000"
  public static let invalidCatalogName: SQLState = "3D000"
  public static let insufficientPrivilege: SQLState = "42501"
  public static let syntaxError: SQLState = "42601"
  public static let undefinedObject: SQLState = "42704"
  public static let duplicateObject: SQLState = "42710"
  public static let duplicateCursor: SQLState = "42P03"
  public static let duplicatePreparedStatement: SQLState = "42P05"
  public static let indeterminateType: SQLState = "42P18"
  public static let undefinedFile: SQLState = "58P01"
  public static let ioError: SQLState = "58030"
  public static let tooManyConnections: SQLState = "53300"
  public static let outOfMemory: SQLState = "53200"
  public static let configurationLimitExceeded: SQLState = "53400"
  public static let programLimitExceeded: SQLState = "54000"
  public static let objectNotInPrerequisiteState: SQLState = "55000"
  public static let objectInUse: SQLState = "55006"
  public static let cannotChangeNow: SQLState = "55P02"
  public static let queryCanceled: SQLState = "57014"
  public static let adminShutdown: SQLState = "57P01"
  public static let crashShutdown: SQLState = "57P02"
  public static let cannotConnectNow: SQLState = "57P03"
  public static let idleSessionTimeout: SQLState = "57P05"
  public static let configurationFileError: SQLState = "F0000"
  public static let internalError: SQLState = "XX000"
  public static let dataCorrupted: SQLState = "XX001"
}
