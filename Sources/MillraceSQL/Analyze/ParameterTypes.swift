import MillraceTypes

/// What is known of the types of a statement's parameters: given by the client, or inferred from where they stand
/// (src/backend/parser/parse_param.c).
public final class ParameterTypes {
  /// `$1` is the first; ``TypeID/none`` where nothing is known yet.
  private var known: [TypeID]
  /// Whether types are inferred, and there may be more parameters than types were given.
  public let isVariable: Bool
  /// How many parameters without a type are in the tree: as long as there are some, it must be looked at in the end.
  private var untyped = 0

  static let maximum = 65_535

  /// - Parameter types: nil, 0 and `unknown` are to be inferred.
  public init(_ types: [ValueType?] = [], isVariable: Bool = true) {
    known = types.map { type in type.flatMap { $0.id == .unknown ? nil : $0.id } ?? .none }
    self.isVariable = isVariable
  }

  /// `$1` is the first. All are known when a statement has been analysed.
  public var types: [ValueType] { known.map { ValueType($0) } }

  func expression(_ reference: ParameterReference) throws(SQLError) -> TypedExpression {
    let number = Int(reference.number)
    guard number > 0, number <= Self.maximum, isVariable || number <= known.count else {
      throw SQLError(.undefinedParameter, "there is no parameter $\(number)", at: reference.location)
    }
    while known.count < number { known.append(.none) }
    let type = known[number - 1]
    if type == .none { untyped += 1 }
    return .parameter(
      TypedParameter(.external(number), ValueType(type == .none ? .unknown : type), reference.location))
  }

  /// A parameter whose type was not known gets that of its place (variable_coerce_param_hook).
  func infer(
    _ parameter: TypedParameter, _ target: TypeID, name: (TypeID) -> String
  ) throws(SQLError) -> TypedExpression? {
    guard case .external(let number) = parameter.source, parameter.type.id == .unknown, number <= known.count else {
      return nil
    }
    let type = known[number - 1]
    if type == .none {
      known[number - 1] = target
    } else if type != target {
      throw SQLError(
        .ambiguousParameter, "inconsistent types deduced for parameter $\(number)",
        detail: "\(name(type)) versus \(name(target))", at: parameter.location)
    }
    untyped -= 1
    return .parameter(TypedParameter(parameter.source, ValueType(target), parameter.location))
  }

  /// Throws where a type could not be found out.
  func check(_ query: Query) throws(SQLError) {
    guard !known.isEmpty else { return }
    if untyped > 0 {
      var found: TypedParameter?
      query.visitExpressions { expression, _ in
        if case .parameter(let parameter) = expression, parameter.type.id == .unknown { found = found ?? parameter }
      }
      if let found, case .external(let number) = found.source, known[number - 1] != .none {
        throw SQLError(
          .ambiguousParameter, "could not determine data type of parameter $\(number)", at: found.location)
      }
    }
    if let missing = known.firstIndex(of: .none) {
      throw SQLError(.indeterminateDatatype, "could not determine data type of parameter $\(missing + 1)")
    }
  }
}
