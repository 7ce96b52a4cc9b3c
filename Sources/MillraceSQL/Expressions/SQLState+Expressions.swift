import MillraceTypes

extension SQLState {
  static let undefinedParameter = SQLState("42P02")
}
