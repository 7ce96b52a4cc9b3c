import MillraceEngine
import MillraceTypes

/// Making expressions of other types (src/backend/parser/parse_coerce.c).
extension Analyzer {
  /// coerce_to_target_type: the type and, where there is one, its typmod; nil where there is no way.
  func coerced(
    _ expression: TypedExpression, to target: ValueType, _ context: CoercionContext, _ form: CoercionForm,
    at location: Location = .unknown
  ) throws(SQLError) -> TypedExpression? {
    let source = expression.type.id
    guard try canCoerce(source, to: target.id, context) else { return nil }
    let result = try coerce(expression, to: target, context, form, at: location)
    return try coerceLength(
      result, to: target, context, form, at: location, hidesInput: result != expression)
  }

  /// coerce_type: what is known to be possible. Lengths are looked at by ``coerceLength(_:to:_:_:at:hidesInput:)``.
  func coerce(
    _ expression: TypedExpression, to target: ValueType, _ context: CoercionContext, _ form: CoercionForm,
    at location: Location = .unknown
  ) throws(SQLError) -> TypedExpression {
    let source = expression.type.id
    if source == target.id { return expression }
    switch target.id {
    case .any, .anyElement, .anyNonArray, Polymorphism.anyCompatible, Polymorphism.anyCompatibleNonArray:
      return expression
    case _ where Polymorphism.isPolymorphic(target.id): if source != .unknown { return expression }
    default: break
    }
    if source == .unknown {
      switch expression {
      case .constant(let constant): return try literal(constant, as: target)
      case .parameter(let parameter):
        if let inferred = try parameters.infer(parameter, target.id, name: typeName) { return inferred }
      default: break
      }
      return .throughText(expression, ValueType(target.id), form)
    }
    guard let path = try coercionPath(from: source, to: target.id, context) else {
      if target.id == .record { return expression }
      throw SQLError(
        .internalError, "failed to find conversion function from \(typeName(source)) to \(typeName(target.id))",
        at: location)
    }
    switch path {
    case .relabel: return .relabel(expression, ValueType(target.id), form)
    case .throughText: return .throughText(expression, ValueType(target.id), form)
    case .function(let function):
      return try coercionCall(function, expression, ValueType(target.id, target.typmod), context, form, location)
    }
  }

  /// build_coercion_expression, for functions: some want the typmod, and whether the cast was written.
  private func coercionCall(
    _ function: UInt32, _ expression: TypedExpression, _ target: ValueType, _ context: CoercionContext,
    _ form: CoercionForm, _ location: Location
  ) throws(SQLError) -> TypedExpression {
    guard let entry = try functions().functions[function] else {
      throw SQLError(.internalError, "cache lookup failed for function \(function)")
    }
    var arguments = [expression]
    if entry.arguments.count >= 2 {
      arguments.append(.constant(TypedConstant(ValueType(.int4), .word(Datum(target.typmod).word))))
    }
    if entry.arguments.count == 3 {
      arguments.append(.constant(TypedConstant(ValueType(.bool), .word(context == .explicit ? 1 : 0))))
    }
    return .call(
      CallExpression(
        function: function, arguments, ValueType(target.id, entry.arguments.count >= 2 ? target.typmod : -1),
        form: form, location))
  }

  /// coerce_type_typmod: the length or the precision of the type, where it has one.
  func coerceLength(
    _ expression: TypedExpression, to target: ValueType, _ context: CoercionContext, _ form: CoercionForm,
    at location: Location, hidesInput: Bool
  ) throws(SQLError) -> TypedExpression {
    guard target.typmod != expression.type.typmod else { return expression }
    let input = hidesInput ? expression.hidingCoercion : expression
    if target.typmod >= 0 {
      let element = try category(of: target.id) == UInt8(ascii: "A") ? try elementType(of: target.id) : nil
      if element != nil { return .throughText(input, target, form) }
      if let cast = try functions().casts[FunctionCatalog.CastKey(target.id, target.id)], cast.function != 0 {
        return try coercionCall(cast.function, input, target, context, form, location)
      }
    }
    return .relabel(input, target, form)
  }

  // MARK: For certain places

  /// coerce_to_boolean.
  func coerceToBoolean(_ expression: TypedExpression, _ construct: String) throws(SQLError) -> TypedExpression {
    if expression.type.id == .bool { return expression }
    guard let result = try coerced(expression, to: ValueType(.bool), .assignment, .implicitCast) else {
      throw SQLError(
        .datatypeMismatch, "argument of \(construct) must be type boolean, not type \(typeName(expression.type.id))",
        at: expression.location)
    }
    return result
  }

  /// coerce_to_specific_type.
  func coerce(
    _ expression: TypedExpression, toSpecific type: TypeID, _ construct: String
  ) throws(SQLError) -> TypedExpression {
    if expression.type.id == type { return expression }
    guard let result = try coerced(expression, to: ValueType(type), .assignment, .implicitCast) else {
      throw SQLError(
        .datatypeMismatch,
        "argument of \(construct) must be type \(typeName(type)), not type \(typeName(expression.type.id))",
        at: expression.location)
    }
    return result
  }

  // MARK: One type for several

  /// select_common_type.
  func commonType(_ expressions: [TypedExpression], _ construct: String) throws(SQLError) -> TypeID {
    try commonType(expressions.map { ($0.type.id, $0.location) }, construct)
  }

  func commonType(_ types: [(TypeID, Location)], _ construct: String) throws(SQLError) -> TypeID {
    guard var chosen = types.first?.0 else { return .text }
    if chosen != .unknown, types.allSatisfy({ $0.0 == chosen }) { return chosen }
    for (type, location) in types.dropFirst() where type != .unknown && type != chosen {
      if chosen == .unknown {
        chosen = type
      } else if try category(of: type) != category(of: chosen) {
        throw SQLError(
          .datatypeMismatch, "\(construct) types \(typeName(chosen)) and \(typeName(type)) cannot be matched",
          at: location)
      } else if try !isPreferred(chosen), try canCoerce(chosen, to: type, .implicit),
        try !canCoerce(type, to: chosen, .implicit)
      {
        chosen = type
      }
    }
    return chosen == .unknown ? .text : chosen
  }

  /// The same; nil where there is none (select_common_type without a context).
  func commonTypeIfAny(_ types: [TypeID]) throws(SQLError) -> TypeID? {
    guard var chosen = types.first else { return nil }
    for type in types.dropFirst() where type != .unknown && type != chosen {
      if chosen == .unknown {
        chosen = type
      } else if try category(of: type) != category(of: chosen) {
        return nil
      } else if try !isPreferred(chosen), try canCoerce(chosen, to: type, .implicit),
        try !canCoerce(type, to: chosen, .implicit)
      {
        chosen = type
      }
    }
    return chosen == .unknown ? .text : chosen
  }

  /// coerce_to_common_type.
  func coerce(
    _ expression: TypedExpression, toCommon type: TypeID, _ construct: String
  ) throws(SQLError) -> TypedExpression {
    let source = expression.type.id
    if source == type { return expression }
    guard try canCoerce(source, to: type, .implicit) else {
      throw SQLError(
        .cannotCoerce, "\(construct) could not convert type \(typeName(source)) to \(typeName(type))",
        at: expression.location)
    }
    return try coerce(expression, to: ValueType(type), .implicit, .implicitCast)
  }

  /// select_common_typmod.
  func commonTypmod(_ expressions: [TypedExpression], _ type: TypeID) -> Int32 {
    guard let first = expressions.first?.type, first.id == type else { return -1 }
    return expressions.allSatisfy { $0.type == first } ? first.typmod : -1
  }
}

extension TypedExpression {
  /// hide_coercion_node: a cast that is only half of what was written is not shown.
  var hidingCoercion: TypedExpression {
    switch self {
    case .call(var call) where call.form != .call:
      call.form = .implicitCast
      return .call(call)
    case .relabel(let argument, let type, _): return .relabel(argument, type, .implicitCast)
    case .throughText(let argument, let type, _): return .throughText(argument, type, .implicitCast)
    default: return self
    }
  }
}
