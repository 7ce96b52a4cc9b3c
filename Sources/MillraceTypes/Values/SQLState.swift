/// The five characters by which a client knows what kind of error it was told of (PostgreSQL's errcodes.txt).
public struct SQLState: Hashable, Sendable, CustomStringConvertible {
  public let description: String

  /// - Parameter code: five characters, digits or capital letters.
  public init(_ code: StaticString) {
    description = String(describing: code)
    precondition(description.utf8.count == 5, "an SQLSTATE has five characters")
  }

  public static let protocolViolation = SQLState("08P01")
  public static let featureNotSupported = SQLState("0A000")
  public static let arraySubscriptError = SQLState("2202E")
  public static let characterNotInRepertoire = SQLState("22021")
  public static let datetimeFieldOverflow = SQLState("22008")
  public static let divisionByZero = SQLState("22012")
  public static let indeterminateCollation = SQLState("42P22")
  public static let intervalFieldOverflow = SQLState("22015")
  public static let invalidArgumentForLogarithm = SQLState("2201E")
  public static let invalidArgumentForPowerFunction = SQLState("2201F")
  public static let invalidBinaryRepresentation = SQLState("22P03")
  public static let invalidDatetimeFormat = SQLState("22007")
  public static let invalidEscapeSequence = SQLState("22025")
  public static let invalidParameterValue = SQLState("22023")
  public static let invalidTextRepresentation = SQLState("22P02")
  public static let nullValueNotAllowed = SQLState("22004")
  public static let numericValueOutOfRange = SQLState("22003")
  public static let programLimitExceeded = SQLState("54000")
  public static let stringDataRightTruncation = SQLState("22001")
  public static let substringError = SQLState("22011")
  public static let syntaxError = SQLState("42601")
  public static let timeZoneDisplacement = SQLState("22009")
  public static let undefinedFunction = SQLState("42883")
  public static let untranslatableCharacter = SQLState("22P05")
  public static let dataCorrupted = SQLState("XX001")
  public static let internalError = SQLState("XX000")
}
