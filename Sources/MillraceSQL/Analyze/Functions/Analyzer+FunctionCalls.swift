import MillraceEngine
import MillraceTypes

/// Calls of functions and aggregates (ParseFuncOrColumn of src/backend/parser/parse_func.c).
extension Analyzer {
  func analyze(_ call: FunctionCall, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    if call.over != nil { throw SQLError.unsupported("a window function", at: call.location) }
    if call.isWithinGroup { throw SQLError.unsupported("WITHIN GROUP", at: call.location) }
    var arguments: [TypedExpression] = []
    var names: [String] = []
    for argument in call.arguments {
      if case .namedArgument(let named) = argument {
        if names.contains(named.name) {
          throw SQLError(
            .syntaxError, "argument name \"\(named.name)\" used more than once", at: named.location)
        }
        names.append(named.name)
        arguments.append(try analyze(named.value, scope))
      } else {
        guard names.isEmpty else {
          throw SQLError(
            .syntaxError, "positional argument cannot follow named argument", at: argument.location)
        }
        let argument = try analyze(argument, scope)
        // The JDBC driver has one for what a function gives back.
        if case .parameter = argument, argument.type.id == .void { continue }
        arguments.append(argument)
      }
    }
    var filter: TypedExpression?
    if let raw = call.filter {
      filter = try scope.with(.filter) { () throws(SQLError) in
        try coerceToBoolean(try analyze(raw, scope), "FILTER")
      }
    }
    let types = arguments.map(\.type.id)
    switch try function(call.name, types, names: names, isVariadic: call.isVariadic, location: call.location) {
    case .function(let entry, let candidate):
      return try use(entry, candidate, call, arguments, names, filter, scope)
    case .coercion(let target):
      try refuseAggregateSyntax(call, "is not an aggregate function")
      guard
        let result = try coerced(arguments[0], to: ValueType(target), .explicit, .call, at: call.location)
      else { throw noFunction(call, types, names) }
      return result
    case .ambiguous:
      throw SQLError(
        .ambiguousFunction, "function \(functionSignature(call.name, types, names: names)) is not unique",
        hint: "Could not choose a best candidate function. You might need to add explicit type casts.",
        at: call.location)
    case .unknown: throw noFunction(call, types, names)
    }
  }

  private func noFunction(_ call: FunctionCall, _ types: [TypeID], _ names: [String]) -> SQLError {
    SQLError(
      .undefinedFunction, "function \(functionSignature(call.name, types, names: names)) does not exist",
      hint: call.orderBy.count > 1
        ? "No aggregate function matches the given name and argument types. Perhaps you misplaced ORDER BY; ORDER BY "
          + "must appear after all regular arguments of the aggregate."
        : "No function matches the given name and argument types. You might need to add explicit type casts.",
      at: call.location)
  }

  private func shown(_ call: FunctionCall) -> String { call.name.joined(separator: ".") }

  private func refuseAggregateSyntax(_ call: FunctionCall, _ why: String) throws(SQLError) {
    func refuse(_ what: String) -> SQLError {
      SQLError(.wrongObjectType, "\(what) specified, but \(shown(call)) \(why)", at: call.location)
    }
    if call.isStar {
      throw SQLError(
        .wrongObjectType, "\(shown(call))(*) specified, but \(shown(call)) \(why)", at: call.location)
    }
    if call.isDistinct { throw refuse("DISTINCT") }
    if call.isWithinGroup { throw refuse("WITHIN GROUP") }
    if !call.orderBy.isEmpty { throw refuse("ORDER BY") }
    if call.filter != nil { throw refuse("FILTER") }
  }

  // MARK: A function that was found

  private func use(
    _ entry: FunctionEntry, _ candidate: Candidate, _ call: FunctionCall, _ given: [TypedExpression],
    _ names: [String], _ filter: TypedExpression?, _ scope: QueryScope
  ) throws(SQLError) -> TypedExpression {
    switch entry.kind {
    case "f": try refuseAggregateSyntax(call, "is not an aggregate function")
    case "a": break
    case "w":
      throw SQLError(.wrongObjectType, "window function \(shown(call)) requires an OVER clause", at: call.location)
    default:
      throw SQLError(
        .wrongObjectType, "\(functionSignature(call.name, given.map(\.type.id), names: names)) is a procedure",
        hint: "To call a procedure, use CALL.", at: call.location)
    }
    var arguments = given
    var declared = candidate.arguments
    if candidate.defaultCount > 0 || candidate.places != nil {
      (arguments, declared) = try filled(entry, candidate, given)
    }
    let (types, result) = try resolvePolymorphism(arguments.map(\.type.id), declared, result: entry.result)
    for index in arguments.indices where arguments[index].type.id != types[index] {
      arguments[index] = try coerce(arguments[index], to: ValueType(types[index]), .implicit, .implicitCast)
    }
    if call.isVariadic, entry.variadic == .any, let last = arguments.last,
      try category(of: last.type.id) != UInt8(ascii: "A")
    {
      throw SQLError(.datatypeMismatch, "VARIADIC argument must be an array", at: last.location)
    }
    var isVariadic = call.isVariadic
    if candidate.variadicCount > 0, entry.variadic != .any {
      let first = arguments.count - candidate.variadicCount
      let element = arguments[first].type.id
      guard let array = try arrayType(of: element) else {
        throw SQLError(
          .undefinedObject, "could not find array type for data type \(typeName(element))", at: call.location)
      }
      arguments = arguments[..<first] + [.array(Array(arguments[first...]), ValueType(array))]
      isVariadic = true
    }
    if entry.kind == "a" {
      return try aggregate(entry, call, arguments, ValueType(result), filter, scope)
    }
    if entry.returnsSet { try noteSetFunction(scope, call.location) }
    return .call(
      CallExpression(
        function: entry.oid, arguments, ValueType(result), isVariadic: isVariadic, call.location))
  }

  /// The arguments with the defaults of those that were left out, in the function's own order, and their types.
  private func filled(
    _ entry: FunctionEntry, _ candidate: Candidate, _ given: [TypedExpression]
  ) throws(SQLError) -> ([TypedExpression], [TypeID]) {
    var all: [TypedExpression?] = Array(repeating: nil, count: entry.arguments.count)
    for (index, argument) in given.enumerated() { all[candidate.places?[index] ?? index] = argument }
    let defaults = try argumentDefaults(entry)
    let firstDefault = entry.arguments.count - defaults.count
    var arguments: [TypedExpression] = []
    for (index, argument) in all.enumerated() {
      if let argument {
        arguments.append(argument)
      } else if index >= firstDefault {
        let value = try analyze(defaults[index - firstDefault], QueryScope())
        arguments.append(
          try coerced(value, to: ValueType(entry.arguments[index]), .assignment, .implicitCast) ?? value)
      } else {
        throw SQLError(.internalError, "function \(entry.name) lacks a default for argument \(index + 1)")
      }
    }
    return (arguments, entry.arguments)
  }

  private func argumentDefaults(_ entry: FunctionEntry) throws(SQLError) -> [Expression] {
    guard let text = entry.defaults else { return [] }
    // A list of expressions is what a row is made of.
    let parsed: Expression
    do { parsed = try Parser.parseExpression("ROW(\(text))") } catch { throw SQLError(error) }
    guard case .row(let row) = parsed else { return [] }
    return row.elements
  }

  /// check_srf_call_placement.
  private func noteSetFunction(_ scope: QueryScope, _ location: Location) throws(SQLError) {
    switch scope.kind {
    case .selectTarget, .orderBy, .groupBy, .distinctOn, .insertTarget, .valuesSingle:
      scope.query.hasTargetSetFunctions = true
    case .fromFunction: break
    default:
      let place = scope.kind.refusal ?? scope.kind.name
      throw SQLError(
        .featureNotSupported, "set-returning functions are not allowed in \(place)", at: location)
    }
  }

  // MARK: Value functions

  /// SQLValueFunction: each is a call of a function that gives the same.
  func analyze(_ function: ValueFunction, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    let location = function.location
    func call(_ oid: UInt32, _ arguments: [TypedExpression], _ type: TypeID, _ typmod: Int32 = -1) -> TypedExpression {
      .call(CallExpression(function: oid, arguments, ValueType(type, typmod), location))
    }
    let now = call(1299, [], .timestampTZ)
    func rounded(_ value: TypedExpression, by oid: UInt32) -> TypedExpression {
      guard let precision = function.precision else { return value }
      let digits = min(precision, 6)
      let argument = TypedExpression.constant(TypedConstant(ValueType(.int4), .word(Datum(digits).word)))
      return call(oid, [value, argument], value.type.id, digits)
    }
    // The numbers are those of pg_proc.dat: casts of timestamptz to the other types, and their length coercions.
    switch function.kind {
    case .currentDate: return call(1178, [now], .date)
    case .currentTime: return rounded(call(1388, [now], .timeTZ), by: 1969)
    case .currentTimestamp: return rounded(now, by: 1967)
    case .localTime: return rounded(call(2019, [now], .time), by: 1968)
    case .localTimestamp: return rounded(call(2027, [now], .timestamp), by: 1961)
    case .currentRole, .currentUser, .user: return call(745, [], .name)
    case .sessionUser: return call(746, [], .name)
    case .currentCatalog: return call(861, [], .name)
    case .currentSchema: return call(1402, [], .name)
    }
  }
}
