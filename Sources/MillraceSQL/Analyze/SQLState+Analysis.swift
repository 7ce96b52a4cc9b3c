public import MillraceTypes

/// What can be wrong with a statement's meaning (src/backend/utils/errcodes.txt).
extension SQLState {
  public static let ambiguousAlias = SQLState("42P09")
  public static let ambiguousFunction = SQLState("42725")
  public static let ambiguousParameter = SQLState("42P08")
  public static let cannotCoerce = SQLState("42846")
  public static let cardinalityViolation = SQLState("21000")
  public static let datatypeMismatch = SQLState("42804")
  public static let duplicateAlias = SQLState("42712")
  public static let generatedAlways = SQLState("428C9")
  public static let groupingError = SQLState("42803")
  public static let indeterminateDatatype = SQLState("42P18")
  public static let invalidColumnReference = SQLState("42P10")
  public static let invalidRecursion = SQLState("42P19")
  public static let noData = SQLState("02000")
  public static let undefinedParameter = SQLState("42P02")
  public static let windowingError = SQLState("42P20")
}
