import MillraceEngine
import MillraceTypes

/// `get_rule_expr` of ruleutils.c.
extension PlanDeparser {
  /// What has to be true together, as one expression.
  func condition(_ parts: [TypedExpression], _ context: DeparseContext) -> String {
    parts.count == 1 ? expression(parts[0], context) : expression(.and(parts), context)
  }

  /// - Parameter showsImplicit: whether casts are shown that nobody wrote.
  func expression(_ value: TypedExpression, _ context: DeparseContext, showsImplicit: Bool = false) -> String {
    switch value {
    case .constant(let constant): return self.constant(constant)
    case .input(let input): return self.input(input, context)
    case .variable: return "?"
    case .parameter(let parameter):
      switch parameter.source {
      case .external(let number): return "$\(number)"
      case .executor(let number):
        return initialSubplan(number, context.plan) ?? executorParameter(number)
      }
    case .call(let call): return self.call(call, context, showsImplicit: showsImplicit)
    case .and(let arguments): return chain(arguments, " AND ", context)
    case .or(let arguments): return chain(arguments, " OR ", context)
    case .not(let argument): return "(NOT \(expression(argument, context)))"
    case .distinct(let comparison):
      return "(\(operand(comparison.left, context)) IS DISTINCT FROM \(operand(comparison.right, context)))"
    case .nullIf(let comparison):
      return "NULLIF(\(operand(comparison.left, context)), \(operand(comparison.right, context)))"
    case .arrayComparison(let comparison): return arrayComparison(comparison, context)
    case .nullTest(let argument, let isNegated):
      return "(\(operand(argument, context)) IS \(isNegated ? "NOT " : "")NULL)"
    case .booleanTest(let argument, let test, let isNegated):
      let word =
        switch test {
        case .isTrue: "TRUE"
        case .isFalse: "FALSE"
        case .isUnknown: "UNKNOWN"
        }
      return "(\(expression(argument, context)) IS \(isNegated ? "NOT " : "")\(word))"
    case .caseWhen(let value): return caseWhen(value, context)
    case .caseOperand: return "CASE_TEST_EXPR"
    case .coalesce(let arguments, _): return "COALESCE(\(list(arguments, context)))"
    case .minMax(let isGreatest, let arguments, _):
      return "\(isGreatest ? "GREATEST" : "LEAST")(\(list(arguments, context)))"
    case .relabel(let inner, let type, let form), .throughText(let inner, let type, let form):
      if form == .implicitCast, !showsImplicit { return expression(inner, context) }
      return cast(inner, type, context)
    case .array(let elements, let type):
      if elements.isEmpty { return "ARRAY[]::\(TypeNames.format(type))" }
      return "ARRAY[\(list(elements, context))]"
    case .row(let elements, _): return "ROW(\(list(elements, context)))"
    case .rowComparison(let comparison):
      let name = functions.operators[comparison.operators[0]]?.name ?? "?"
      return "(ROW(\(list(comparison.left, context))) \(name) ROW(\(list(comparison.right, context))))"
    case .aggregate(let aggregate): return self.aggregate(aggregate, context.plan, context)
    case .subquery: return "(SubPlan)"
    case .subplan(let reference): return subplan(reference, context)
    }
  }

  private func input(_ input: InputColumn, _ context: DeparseContext) -> String {
    let found =
      context.readsOutput
      ? output(input.index, of: context.plan, context)
      : column(input.index + context.offset, of: context.plan, context)
    if found.isColumn { return found.text }
    // The node that computes an aggregate shows it as it is.
    if !context.readsOutput, case .aggregate(_, let keys, _) = context.plan.operation, input.index >= keys.count {
      return found.text
    }
    return "(\(found.text))"
  }

  private func operand(_ value: TypedExpression, _ context: DeparseContext) -> String {
    expression(value, context, showsImplicit: true)
  }

  private func list(_ values: [TypedExpression], _ context: DeparseContext) -> String {
    values.map { operand($0, context) }.joined(separator: ", ")
  }

  private func chain(_ values: [TypedExpression], _ separator: String, _ context: DeparseContext) -> String {
    "(" + values.map { expression($0, context) }.joined(separator: separator) + ")"
  }

  // MARK: Calls

  private func call(_ call: CallExpression, _ context: DeparseContext, showsImplicit: Bool) -> String {
    if let known = functions.operators[call.operatorID] {
      if call.arguments.count == 1 { return "(\(known.name) \(operand(call.arguments[0], context)))" }
      return "(\(operand(call.arguments[0], context)) \(known.name) \(operand(call.arguments[1], context)))"
    }
    switch call.form {
    case .implicitCast where !showsImplicit: return expression(call.arguments[0], context)
    case .implicitCast, .explicitCast: return cast(call.arguments[0], call.type, context)
    case .call: break
    }
    if call.function == CallExpression.arraySubscript { return element(call.arguments, context) }
    let name = functions.functions[call.function]?.name ?? "?"
    var arguments = call.arguments.map { operand($0, context) }
    if call.isVariadic, case .array(let elements, _)? = call.arguments.last {
      arguments.removeLast()
      arguments += elements.map { operand($0, context) }
    }
    return "\(Keyword.quoted(name))(\(arguments.joined(separator: ", ")))"
  }

  /// An array's element: `a[1]`, `(f(x))[1]`.
  private func element(_ arguments: [TypedExpression], _ context: DeparseContext) -> String {
    let array = operand(arguments[0], context)
    let subscripts = arguments.dropFirst().map { "[\(operand($0, context))]" }.joined()
    return (arguments[0].isVariable ? array : "(\(array))") + subscripts
  }

  /// `get_coercion_expr`.
  private func cast(_ inner: TypedExpression, _ type: ValueType, _ context: DeparseContext) -> String {
    if case .constant(let constant) = inner, constant.type.id == type.id, constant.value != .null {
      return quoted(literal(constant)) + "::" + TypeNames.format(type)
    }
    return "(\(expression(inner, context)))::\(TypeNames.format(type))"
  }

  private func arrayComparison(_ comparison: TypedArrayComparison, _ context: DeparseContext) -> String {
    let name = functions.operators[comparison.operatorID]?.name ?? "?"
    let word = comparison.isAll ? "ALL" : "ANY"
    return
      "(\(operand(comparison.left, context)) \(name) \(word) (\(operand(listConstant(comparison.array), context))))"
  }

  /// A list of constants is one array.
  private func listConstant(_ array: TypedExpression) -> TypedExpression {
    guard case .array(let elements, let type) = array, let descriptor = TypeDescriptor.builtIn[type.id],
      let element = TypeDescriptor.builtIn[descriptor.elementID]
    else { return array }
    let arena = Arena(chunkSize: 1024)
    var values: [Datum?] = []
    for value in elements {
      guard let constant = value.withoutRelabels.asConstant else { return array }
      switch constant.value {
      case .null: values.append(nil)
      case .word(let word): values.append(Datum(word: word))
      case .bytes(let bytes): values.append(arena.copy(bytes))
      }
    }
    let made = ArrayType.make(values, of: element, in: arena)
    return .constant(TypedConstant(type, .bytes(made.bytes.array)))
  }

  private func caseWhen(_ value: TypedCase, _ context: DeparseContext) -> String {
    var text = "CASE"
    if let operand = value.operand { text += " " + expression(operand, context, showsImplicit: true) }
    for branch in value.branches {
      var condition = branch.condition
      // With an operand each branch says only what it is compared with.
      if value.operand != nil, case .call(let call) = condition, call.arguments.count == 2 {
        condition = call.arguments[1]
      }
      text += " WHEN \(expression(condition, context)) THEN \(expression(branch.result, context, showsImplicit: true))"
    }
    if !value.otherwise.isNullConstant || value.otherwise.asConstant == nil {
      text += " ELSE \(expression(value.otherwise, context, showsImplicit: true))"
    } else {
      text += " ELSE NULL::\(TypeNames.format(value.type))"
    }
    return text + " END"
  }

  /// `get_agg_expr`: what it is computed of are the input's columns.
  func aggregate(_ aggregate: AggregateExpression, _ input: Plan, _ context: DeparseContext) -> String {
    var inner = context
    (inner.plan, inner.readsOutput) = (input, true)
    var text = functions.functions[aggregate.function]?.name ?? "?"
    text = Keyword.quoted(text) + "(" + (aggregate.isDistinct ? "DISTINCT " : "")
    text += aggregate.isStar ? "*" : list(aggregate.arguments, inner)
    if !aggregate.orderBy.isEmpty {
      let keys = aggregate.orderBy.map { operand($0.expression, inner) + Self.direction($0.order) }
      text += " ORDER BY " + keys.joined(separator: ", ")
    }
    text += ")"
    if let filter = aggregate.filter { text += " FILTER (WHERE \(expression(filter, inner)))" }
    return text
  }

  /// What stands behind a sort key.
  static func direction(_ order: SortOrder) -> String {
    var text = order.isDescending ? " DESC" : ""
    if order.isNullsFirst != order.isDescending { text += order.isNullsFirst ? " NULLS FIRST" : " NULLS LAST" }
    return text
  }

  private func subplan(_ reference: SubplanReference, _ context: DeparseContext) -> String {
    let number = planned.subplanNumber(reference.index)
    let name = "\(reference.isHashed ? "hashed " : "")SubPlan \(number)"
    switch reference.kind {
    case .exists: return "EXISTS(\(name))"
    case .scalar: return "(\(name))"
    case .array: return "ARRAY(\(name))"
    case .any, .all:
      var parts: [String] = []
      for (place, value) in reference.left.enumerated() {
        let symbol = functions.operators[reference.operators[place]]?.name ?? "?"
        parts.append("(\(operand(value, context)) \(symbol) (\(name)).col\(place + 1))")
      }
      let test = parts.count == 1 ? parts[0] : "(" + parts.joined(separator: " AND ") + ")"
      return "(\(reference.kind == .any ? "ANY" : "ALL") \(test))"
    }
  }

  // MARK: Constants

  /// `get_const_expr`.
  func constant(_ constant: TypedConstant) -> String {
    let name = TypeNames.format(constant.type)
    if constant.value == .null { return "NULL::\(name)" }
    let text = literal(constant)
    switch constant.type.id {
    case .bool: return text == "t" ? "true" : "false"
    case .int4: return text.hasPrefix("-") ? "'\(text)'::\(name)" : text
    case .numeric:
      let isPlain = text.utf8.first.map { (0x30...0x39).contains($0) } ?? false
      let isFraction = text.contains { "eE.".contains($0) }
      if isPlain, isFraction { return constant.type.typmod >= 0 ? "\(text)::\(name)" : text }
      return "'\(text)'::\(name)"
    case .unknown: return quoted(text)
    default: return "\(quoted(text))::\(name)"
    }
  }

  private func literal(_ constant: TypedConstant) -> String {
    guard let type = TypeDescriptor.builtIn[constant.type.id] else { return "" }
    switch constant.value {
    case .null: return ""
    case .word(let word): return type.text(of: Datum(word: word), settings)
    case .bytes(let bytes):
      return bytes.withByteView { view in type.text(of: Datum(view), settings) }
    }
  }

  private func quoted(_ text: String) -> String {
    let doubled = text.replacing("'", with: "''")
    return text.contains("\\") ? "E'\(doubled.replacing("\\", with: "\\\\"))'" : "'\(doubled)'"
  }
}

extension PlannedStatement {
  /// Which number a subplan is shown with.
  func subplanNumber(_ index: Int) -> Int { subplanNumbers.indices.contains(index) ? subplanNumbers[index] : index + 1 }
}
