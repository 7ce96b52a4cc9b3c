import MillraceEngine
import MillraceTypes

/// Operators: which one is meant, and the expression that uses it (src/backend/parser/parse_oper.c).
extension Analyzer {
  // MARK: Looking up

  /// oper(): an operator between two operands of these types.
  func binaryOperator(
    _ name: [String], _ left: TypeID, _ right: TypeID, _ location: Location
  ) throws(SQLError) -> OperatorEntry {
    let functions = try functions()
    let simple = try operatorName(name, location)
    // An unknown literal is first assumed to be of the other operand's type.
    let assumed = (left == .unknown && right != .unknown ? right : left, right == .unknown ? left : right)
    if let exact = functions.operator(named: simple, left: assumed.0, right: assumed.1) { return exact }
    let candidates = candidates(simple, functions) { $0.left != .none }
    guard !candidates.isEmpty, let found = try choose(candidates, [left, right], name, location) else {
      throw noOperator(name, [left, right], location)
    }
    return found
  }

  /// left_oper(): an operator before its operand.
  func prefixOperator(_ name: [String], _ operand: TypeID, _ location: Location) throws(SQLError) -> OperatorEntry {
    let functions = try functions()
    let simple = try operatorName(name, location)
    if let exact = functions.operator(named: simple, left: .none, right: operand) { return exact }
    let candidates = candidates(simple, functions) { $0.left == .none }
    guard !candidates.isEmpty, let found = try choose(candidates, [operand], name, location) else {
      throw noOperator(name, [operand], location)
    }
    return found
  }

  /// Without the schema, in which all operators are.
  private func operatorName(_ name: [String], _ location: Location) throws(SQLError) -> String {
    if name.count > 1, name[name.count - 2] != "pg_catalog" {
      let schema = name[name.count - 2]
      let isThere = try SQLError.wrapping(at: location) { () throws(EngineError) in
        try catalog.namespace(named: schema) != nil
      }
      if !isThere { throw SQLError(.invalidSchemaName, "schema \"\(schema)\" does not exist", at: location) }
      return ""
    }
    return name.last ?? ""
  }

  private func candidates(
    _ name: String, _ functions: FunctionCatalog, _ isWanted: (OperatorEntry) -> Bool
  ) -> [Candidate] {
    (functions.operatorsByName[name] ?? []).compactMap { oid in
      guard let entry = functions.operators[oid], isWanted(entry) else { return nil }
      return Candidate(oid: oid, arguments: entry.left == .none ? [entry.right] : [entry.left, entry.right])
    }
  }

  /// oper_select_candidate; nil where none fits.
  private func choose(
    _ candidates: [Candidate], _ types: [TypeID], _ name: [String], _ location: Location
  ) throws(SQLError) -> OperatorEntry? {
    let fitting = try matching(candidates, types)
    if fitting.isEmpty { return nil }
    guard let chosen = fitting.count == 1 ? fitting[0] : try select(fitting, types) else {
      throw SQLError(
        .ambiguousFunction, "operator is not unique: \(operatorSignature(name, types))",
        hint: "Could not choose a best candidate operator. You might need to add explicit type casts.", at: location)
    }
    return try functions().operators[chosen.oid]
  }

  private func noOperator(_ name: [String], _ types: [TypeID], _ location: Location) -> SQLError {
    SQLError(
      .undefinedFunction, "operator does not exist: \(operatorSignature(name, types))",
      hint: types.count == 1
        ? "No operator matches the given name and argument type. You might need to add an explicit type cast."
        : "No operator matches the given name and argument types. You might need to add explicit type casts.",
      at: location)
  }

  /// op_signature_string: `integer + text`.
  func operatorSignature(_ name: [String], _ types: [TypeID]) -> String {
    let shown = name.joined(separator: ".")
    guard types.count == 2 else { return "\(shown) \(typeName(types[0]))" }
    return "\(typeName(types[0])) \(shown) \(typeName(types[1]))"
  }

  // MARK: Using

  /// make_op, of two operands.
  func operation(
    _ name: [String], _ left: TypedExpression, _ right: TypedExpression, _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let entry = try binaryOperator(name, left.type.id, right.type.id, location)
    return .call(try call(entry, [left, right], location))
  }

  /// make_op, of one operand.
  func operation(
    _ name: [String], _ operand: TypedExpression, _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let entry = try prefixOperator(name, operand.type.id, location)
    return .call(try call(entry, [operand], location))
  }

  func call(
    _ entry: OperatorEntry, _ operands: [TypedExpression], _ location: Location
  ) throws(SQLError) -> CallExpression {
    let declared = operands.count == 1 ? [entry.right] : [entry.left, entry.right]
    let (types, result) = try resolvePolymorphism(operands.map(\.type.id), declared, result: entry.result)
    var arguments = operands
    for index in arguments.indices where arguments[index].type.id != types[index] {
      arguments[index] = try coerce(arguments[index], to: ValueType(types[index]), .implicit, .implicitCast)
    }
    return CallExpression(
      function: entry.function, operatorID: entry.oid, arguments, ValueType(result), location)
  }

  /// make_distinct_op, and NULLIF: two operands compared by `=`.
  func comparison(
    _ left: TypedExpression, _ right: TypedExpression, _ construct: String, _ location: Location
  ) throws(SQLError) -> ComparisonExpression {
    let entry = try binaryOperator(["="], left.type.id, right.type.id, location)
    let call = try call(entry, [left, right], location)
    guard call.type.id == .bool else {
      throw SQLError(.datatypeMismatch, "\(construct) requires = operator to yield boolean", at: location)
    }
    return ComparisonExpression(
      operatorID: entry.oid, function: entry.function, call.arguments[0], call.arguments[1], ValueType(.bool),
      location)
  }

  /// make_scalar_array_op.
  func arrayComparison(
    _ name: [String], isAll: Bool, _ left: TypedExpression, _ array: TypedExpression, _ location: Location
  ) throws(SQLError) -> TypedExpression {
    let (leftType, arrayID) = (left.type.id, array.type.id)
    var element = TypeID.unknown
    if arrayID != .unknown {
      guard let found = try elementType(of: arrayID) else {
        throw SQLError(.wrongObjectType, "op ANY/ALL (array) requires array on right side", at: location)
      }
      element = found
    }
    let entry = try binaryOperator(name, leftType, element, location)
    let (types, result) = try resolvePolymorphism(
      [leftType, element], [entry.left, entry.right], result: entry.result)
    guard result == .bool else {
      throw SQLError(.wrongObjectType, "op ANY/ALL (array) requires operator to yield boolean", at: location)
    }
    guard let wanted = try arrayType(of: types[1]) else {
      throw SQLError(
        .undefinedObject, "could not find array type for data type \(typeName(types[1]))", at: location)
    }
    return .arrayComparison(
      TypedArrayComparison(
        operatorID: entry.oid, function: entry.function, isAll: isAll,
        try coerce(left, to: ValueType(types[0]), .implicit, .implicitCast),
        try coerce(array, to: ValueType(wanted), .implicit, .implicitCast), location))
  }

  // MARK: Sorting

  /// get_sort_group_operators: how values of a type are sorted and compared; nil where they cannot be.
  func sortOperators(of type: TypeID) throws(SQLError) -> SortOperators? {
    let functions = try functions()
    if let exact = functions.sortOperators(of: type) { return exact }
    if try category(of: type) == UInt8(ascii: "A"), let element = try elementType(of: type) {
      return try sortOperators(of: element) == nil ? nil : functions.sortOperators(of: .anyArray)
    }
    var found: SortOperators?
    for other in functions.casts.values where other.source == type && other.method == "b" && other.context == "i" {
      guard let candidate = functions.sortOperators(of: other.target) else { continue }
      let isBetter = try isPreferred(other.target)
      if found == nil || isBetter { found = candidate }
    }
    return found
  }

  /// The order of a type's values, ascending unless said otherwise.
  func sortOrder(
    of type: TypeID, isDescending: Bool = false, isNullsFirst: Bool? = nil, _ location: Location
  ) throws(SQLError) -> SortOrder {
    let operators = try requiredSortOperators(of: type, location)
    let ordered: TypeID = operators.type == .anyArray ? type : operators.type
    return SortOrder(
      ordered, isDescending: isDescending, isNullsFirst: isNullsFirst ?? isDescending, equality: operators.equal,
      ordering: isDescending ? operators.greater : operators.less)
  }

  private func requiredSortOperators(of type: TypeID, _ location: Location) throws(SQLError) -> SortOperators {
    if let found = try sortOperators(of: type) { return found }
    throw SQLError(
      .undefinedFunction, "could not identify an ordering operator for type \(typeName(type))",
      hint: "Use an explicit ordering operator or modify the query.", at: location)
  }
}
