import MillraceTypes

/// Where a node finds what its expressions refer to, among the columns of what it reads (PostgreSQL's setrefs.c).
struct InputMap {
  /// For scans of tables: the entry, and how many columns it has before the system columns.
  var entry: Int?
  var columnCount = 0
  /// For all other nodes: what the inputs give out, one behind the other.
  var list: [TypedExpression] = []

  static func scan(_ entry: Int, columns: Int) -> InputMap { InputMap(entry: entry, columnCount: columns) }
  static func list(_ list: [TypedExpression]) -> InputMap { InputMap(list: list) }

  /// The column that holds an expression; nil where there is none.
  func column(of expression: TypedExpression) -> Int? {
    if let entry {
      guard case .variable(let variable) = expression, variable.entry == entry, variable.levelsUp == 0 else {
        return nil
      }
      switch variable.column {
      case .column(let column): return column
      case .system(let system):
        return SystemColumn.allCases.firstIndex(of: system).map { columnCount + $0 }
      case .wholeRow: return nil
      }
    }
    return list.firstIndex(of: expression)
  }
}

/// A plan with what its output means.
struct CreatedPlan {
  var plan: Plan
  var list: [TypedExpression]
}

extension QueryPlanning {
  /// Replaces what refers to rows by columns of the input, and what a nested loop gives by its parameters.
  func resolve(_ expression: TypedExpression, _ map: InputMap) throws(SQLError) -> TypedExpression {
    switch expression {
    case .constant, .parameter, .caseOperand, .input: return expression
    default: break
    }
    if let column = map.column(of: expression) { return .input(InputColumn(column, expression.type)) }
    switch expression {
    case .variable(let variable):
      if variable.column == .wholeRow, let row = wholeRow(variable, map) { return try resolve(row, map) }
      if outerRelations.contains(variable.entry) { return outerParameter(expression) }
      throw SQLError(.internalError, "variable not found in subplan target list")
    case .aggregate:
      throw SQLError(.internalError, "aggregate not found in subplan target list")
    default:
      return try expression.mapChildren { (child) throws(SQLError) in try resolve(child, map) }
    }
  }

  func resolve(_ expressions: [TypedExpression], _ map: InputMap) throws(SQLError) -> [TypedExpression] {
    var resolved: [TypedExpression] = []
    resolved.reserveCapacity(expressions.count)
    for expression in expressions { resolved.append(try resolve(expression, map)) }
    return resolved
  }

  /// A row as a whole is its columns.
  private func wholeRow(_ variable: Variable, _ map: InputMap) -> TypedExpression? {
    guard map.entry == variable.entry || map.entry == nil else { return nil }
    let columns = query.rangeTable[variable.entry].columns
    let fields = columns.enumerated().compactMap { place, column -> TypedExpression? in
      column.name.isEmpty ? nil : .variable(Variable(variable.entry, .column(place), column.type))
    }
    return .row(fields, variable.type)
  }

  /// What a nested loop further up gives.
  private func outerParameter(_ expression: TypedExpression) -> TypedExpression {
    if let known = outerParameters.first(where: { $0.value == expression }) {
      return .parameter(TypedParameter(.executor(known.parameter), expression.type))
    }
    let number = statement.newParameter()
    outerParameters.append(SubplanArgument(parameter: number, expression))
    return .parameter(TypedParameter(.executor(number), expression.type))
  }

  /// The columns of the input that expressions refer to, ascending.
  static func inputColumns(_ expressions: [TypedExpression], below limit: Int) -> [Int] {
    var found: Set<Int> = []
    func collect(_ expression: TypedExpression) {
      if case .input(let column) = expression {
        if column.index < limit { found.insert(column.index) }
      } else {
        expression.forEachChild { child in collect(child) }
      }
    }
    for expression in expressions { collect(expression) }
    return found.sorted()
  }

  func cost(of path: Path) -> PlanCost {
    PlanCost(startup: path.startup, total: path.total, rows: path.rows, width: path.width)
  }

  func description(
    _ path: Path, names: [String] = [], keyCount: Int? = nil, isInnerUnique: Bool = false
  ) -> PlanDescription? {
    guard path.disabled > 0 || !names.isEmpty || keyCount != nil || isInnerUnique else { return nil }
    return PlanDescription(
      columnNames: names, disabledNodes: path.disabled, groupKeyCount: keyCount, isInnerUnique: isInnerUnique)
  }
}
