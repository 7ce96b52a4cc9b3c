extension SQLWriter {
  mutating func expressions(_ expressions: [Expression]) {
    separated(expressions) { $0.expression($1) }
  }

  /// An expression as the grammar's c_expr: one that can be an operand anywhere.
  mutating func expression(_ expression: Expression) {
    switch expression {
    case .constant(let constant): self.constant(constant.value)
    case .column(let column): self.column(column)
    case .parameter(let parameter): write("$\(parameter.number)")
    case .function(let call): function(call)
    case .cast(let cast): self.cast(cast)
    case .indirection(let indirection): self.indirection(indirection)
    case .array(let array): arrayConstructor(array)
    case .row(let row): self.row(row)
    case .subquery(let subquery): self.subquery(subquery)
    case .caseWhen(let value): caseWhen(value)
    case .nullIf, .coalesce, .minMax, .grouping: functionLike(expression)
    case .valueFunction(let function): valueFunction(function)
    case .setToDefault: write("DEFAULT")
    case .currentOf(let current):
      write("CURRENT OF ")
      identifier(current.cursor)
    case .namedArgument(let argument):
      identifier(argument.name)
      write(" => ")
      self.expression(argument.value)
    default:
      write("(")
      operators(expression)
      write(")")
    }
  }

  /// What is always in parentheses.
  private mutating func operators(_ expression: Expression) {
    switch expression {
    case .operation(let operation): self.operation(operation)
    case .boolean(let boolean): self.boolean(boolean)
    case .arrayComparison(let comparison): arrayComparison(comparison)
    case .inList(let list):
      self.expression(list.left)
      write(list.isNegated ? " NOT IN " : " IN ")
      self.list(list.list) { $0.expression($1) }
    case .between(let between): self.between(between)
    case .like(let like): self.like(like)
    case .distinct(let distinct):
      self.expression(distinct.left)
      write(distinct.isNegated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ")
      self.expression(distinct.right)
    case .collate(let collate):
      self.expression(collate.argument)
      write(" COLLATE ")
      name(collate.collation)
    case .nullTest(let test):
      self.expression(test.argument)
      write(test.isNegated ? " IS NOT NULL" : " IS NULL")
    case .booleanTest(let test):
      self.expression(test.argument)
      write(test.isNegated ? " IS NOT " : " IS ")
      write(test.value == .isTrue ? "TRUE" : test.value == .isFalse ? "FALSE" : "UNKNOWN")
    default: preconditionFailure("an expression that is written without parentheses")
    }
  }

  private mutating func functionLike(_ expression: Expression) {
    switch expression {
    case .nullIf(let nullIf): functionLike("NULLIF", [nullIf.left, nullIf.right])
    case .coalesce(let coalesce): functionLike("COALESCE", coalesce.arguments)
    case .minMax(let minMax): functionLike(minMax.isGreatest ? "GREATEST" : "LEAST", minMax.arguments)
    case .grouping(let grouping): functionLike("GROUPING", grouping.arguments)
    default: preconditionFailure("an expression that is not written like a function")
    }
  }

  mutating func functionLike(_ keyword: String, _ arguments: [Expression]) {
    write(keyword)
    list(arguments) { $0.expression($1) }
  }

  mutating func constant(_ value: Constant.Value) {
    switch value {
    case .null: write("NULL")
    case .integer(let number): write(number < 0 ? "(\(number))" : "\(number)")
    case .float(let digits): write(digits.hasPrefix("-") ? "(\(digits))" : digits)
    case .boolean(let value): write(value ? "true" : "false")
    case .string(let string): literal(string)
    case .bitString(let digits): write("\(digits.prefix(1))'\(digits.dropFirst())'")
    }
  }

  private mutating func column(_ column: ColumnReference) {
    name(column.names)
    write(column.names.isEmpty ? "*" : ".*", if: column.isStar)
  }

  /// An operator, as the grammar's qual_all_Op.
  mutating func operatorName(_ parts: [String]) {
    if parts.count == 1 { return write(parts[0]) }
    write("OPERATOR(")
    for part in parts.dropLast() {
      identifier(part)
      write(".")
    }
    write((parts.last ?? "") + ")")
  }

  private mutating func operation(_ operation: OperatorExpression) {
    if let left = operation.left {
      expression(left)
      write(" ")
    }
    operatorName(operation.name)
    write(" ")
    expression(operation.right)
  }

  private mutating func boolean(_ boolean: BooleanExpression) {
    switch boolean.operator {
    case .not:
      write("NOT ")
      expressions(boolean.arguments)
    case .and: separated(boolean.arguments, by: " AND ") { $0.expression($1) }
    case .or: separated(boolean.arguments, by: " OR ") { $0.expression($1) }
    }
  }

  private mutating func arrayComparison(_ comparison: ArrayComparison) {
    expression(comparison.left)
    write(" ")
    // The grammar takes LIKE here, but not the name of its operator without OPERATOR.
    operatorName(comparison.name)
    write(comparison.isAll ? " ALL (" : " ANY (")
    expression(comparison.array)
    write(")")
  }

  private mutating func between(_ between: BetweenExpression) {
    expression(between.operand)
    write(between.isNegated ? " NOT BETWEEN " : " BETWEEN ")
    write("SYMMETRIC ", if: between.isSymmetric)
    expression(between.lower)
    write(" AND ")
    expression(between.upper)
  }

  private mutating func like(_ like: LikeExpression) {
    expression(like.left)
    write(like.isNegated ? " NOT" : "")
    write(like.kind == .like ? " LIKE " : like.kind == .ilike ? " ILIKE " : " SIMILAR TO ")
    expression(like.pattern)
    clause("ESCAPE", like.escape)
  }

  private mutating func cast(_ cast: TypeCast) {
    if case .constant = cast.argument {
      expression(cast.argument)
    } else {
      write("(")
      expression(cast.argument)
      write(")")
    }
    write("::")
    type(cast.type)
  }

  private mutating func indirection(_ indirection: Indirection) {
    write("(")
    expression(indirection.argument)
    write(")")
    indirectionElements(indirection.elements)
  }

  mutating func indirectionElements(_ elements: [IndirectionElement]) {
    for element in elements {
      switch element {
      case .field(let name):
        write(".")
        identifier(name)
      case .star: write(".*")
      case .index(let index):
        write("[")
        expression(index)
        write("]")
      case .slice(let lower, let upper):
        write("[")
        if let lower { expression(lower) }
        write(":")
        if let upper { expression(upper) }
        write("]")
      }
    }
  }

  private mutating func arrayConstructor(_ array: ArrayExpression) {
    write("ARRAY[")
    expressions(array.elements)
    write("]")
  }

  private mutating func row(_ row: RowExpression) {
    write("ROW", if: row.isExplicit)
    list(row.elements) { $0.expression($1) }
  }

  private mutating func subquery(_ subquery: SubqueryExpression) {
    switch subquery.kind {
    case .value: break
    case .exists: write("EXISTS ")
    case .array: write("ARRAY")
    case .any(let test, let name): comparison(test, name, name == nil ? " IN " : " ANY ")
    case .all(let test, let name): comparison(test, name, " ALL ")
    }
    write("(")
    select(subquery.query)
    write(")")
    switch subquery.kind {
    case .any, .all: write(")")
    default: break
    }
  }

  private mutating func comparison(_ test: Expression, _ name: [String]?, _ quantifier: String) {
    write("(")
    expression(test)
    if let name {
      write(" ")
      operatorName(name)
    }
    write(quantifier)
  }

  private mutating func caseWhen(_ value: CaseExpression) {
    write("CASE")
    if let argument = value.argument {
      write(" ")
      expression(argument)
    }
    for when in value.whens {
      clause("WHEN", when.condition)
      clause("THEN", when.result)
    }
    clause("ELSE", value.otherwise)
    write(" END")
  }

  private mutating func valueFunction(_ function: ValueFunction) {
    let name =
      switch function.kind {
      case .currentDate: "CURRENT_DATE"
      case .currentTime: "CURRENT_TIME"
      case .currentTimestamp: "CURRENT_TIMESTAMP"
      case .localTime: "LOCALTIME"
      case .localTimestamp: "LOCALTIMESTAMP"
      case .currentRole: "CURRENT_ROLE"
      case .currentUser: "CURRENT_USER"
      case .user: "USER"
      case .sessionUser: "SESSION_USER"
      case .currentCatalog: "CURRENT_CATALOG"
      case .currentSchema: "CURRENT_SCHEMA"
      }
    write(name)
    if let precision = function.precision { write("(\(precision))") }
  }
}
