extension SQLWriter {
  mutating func function(_ call: FunctionCall) {
    if call.isSQLSyntax, sqlSyntax(call) { return }
    name(call.name)
    write("(")
    if call.isStar { write("*") }
    write("DISTINCT ", if: call.isDistinct)
    for (index, argument) in call.arguments.enumerated() {
      write(", ", if: index > 0)
      write("VARIADIC ", if: call.isVariadic && index == call.arguments.count - 1)
      expression(argument)
    }
    if !call.isWithinGroup { clause("ORDER BY", call.orderBy) { $0.sortBy($1) } }
    write(")")
    if call.isWithinGroup {
      write(" WITHIN GROUP (ORDER BY ")
      separated(call.orderBy) { $0.sortBy($1) }
      write(")")
    }
    if let filter = call.filter {
      write(" FILTER (WHERE ")
      expression(filter)
      write(")")
    }
    if let over = call.over {
      write(" OVER ")
      window(over)
    }
  }

  /// What the grammar makes functions in pg_catalog of. Returns false for one that can be called like others.
  private mutating func sqlSyntax(_ call: FunctionCall) -> Bool {
    guard call.name.count == 2, call.name[0] == "pg_catalog" else { return false }
    let arguments = call.arguments
    switch (call.name[1], arguments.count) {
    case ("timezone", 2):
      infix(arguments[1], " AT TIME ZONE ", arguments[0])
    case ("overlaps", 4):
      write("((")
      expressions(Array(arguments[..<2]))
      write(") OVERLAPS (")
      expressions(Array(arguments[2...]))
      write("))")
    case ("position", 2):
      keywords("POSITION", arguments.reversed(), [" IN "])
    case ("overlay", 3...4):
      keywords("OVERLAY", arguments, [" PLACING ", " FROM ", " FOR "])
    case ("substring", 2...3):
      keywords("SUBSTRING", arguments, [" FROM ", " FOR "])
    case ("extract", 2):
      guard case .constant(let field) = arguments[0], case .string(let name) = field.value else { return false }
      write("EXTRACT(")
      literal(name)
      write(" FROM ")
      expression(arguments[1])
      write(")")
    case ("btrim", _): trim("BOTH", arguments)
    case ("ltrim", _): trim("LEADING", arguments)
    case ("rtrim", _): trim("TRAILING", arguments)
    case ("pg_collation_for", 1):
      write("COLLATION FOR (")
      expression(arguments[0])
      write(")")
    case ("normalize", 1...2), ("is_normalized", 1...2): return normalization(call)
    default: return false
    }
    return true
  }

  private mutating func infix(_ left: Expression, _ keyword: String, _ right: Expression) {
    write("(")
    expression(left)
    write(keyword)
    expression(right)
    write(")")
  }

  private mutating func keywords(_ function: String, _ arguments: [Expression], _ separators: [String]) {
    write(function + "(")
    for (index, argument) in arguments.enumerated() {
      if index > 0 { write(separators[index - 1]) }
      expression(argument)
    }
    write(")")
  }

  /// The characters to trim come last in the function, and first in SQL.
  private mutating func trim(_ side: String, _ arguments: [Expression]) {
    write("TRIM(\(side) ")
    if arguments.count == 2 { expression(arguments[1]) }
    write(arguments.count == 2 ? " FROM " : "FROM ")
    expressions(arguments.count == 2 ? [arguments[0]] : arguments)
    write(")")
  }

  private mutating func normalization(_ call: FunctionCall) -> Bool {
    var form = ""
    if call.arguments.count == 2 {
      guard case .constant(let constant) = call.arguments[1], case .string(let name) = constant.value else {
        return false
      }
      form = name.uppercased()
    }
    if call.name[1] == "normalize" {
      write("NORMALIZE(")
      expression(call.arguments[0])
      write(form.isEmpty ? ")" : ", \(form))")
    } else {
      write("(")
      expression(call.arguments[0])
      write(form.isEmpty ? " IS NORMALIZED)" : " IS \(form) NORMALIZED)")
    }
    return true
  }

  // MARK: - Parts of function calls and queries

  mutating func sortBy(_ sort: SortBy) {
    expression(sort.expression)
    switch sort.direction {
    case .unspecified: break
    case .ascending: write(" ASC")
    case .descending: write(" DESC")
    case .using(let name):
      write(" USING ")
      operatorName(name)
    }
    nulls(sort.nulls)
  }

  mutating func nulls(_ nulls: SortBy.Nulls) {
    switch nulls {
    case .unspecified: break
    case .first: write(" NULLS FIRST")
    case .last: write(" NULLS LAST")
    }
  }

  /// What stands behind OVER.
  mutating func window(_ window: WindowDefinition) {
    if let name = window.name { return identifier(name) }
    windowSpecification(window)
  }

  mutating func windowSpecification(_ window: WindowDefinition) {
    write("(")
    if let reference = window.reference { identifier(reference) }
    clause("PARTITION BY", window.partitionBy) { $0.expression($1) }
    clause("ORDER BY", window.orderBy) { $0.sortBy($1) }
    if window.frame.isSpecified { frame(window.frame) }
    write(")")
  }

  private mutating func frame(_ frame: WindowFrame) {
    write(frame.unit == .range ? " RANGE " : frame.unit == .rows ? " ROWS " : " GROUPS ")
    write("BETWEEN ", if: frame.isBetween)
    bound(frame.start)
    if frame.isBetween {
      write(" AND ")
      bound(frame.end)
    }
    switch frame.exclusion {
    case .none: break
    case .currentRow: write(" EXCLUDE CURRENT ROW")
    case .group: write(" EXCLUDE GROUP")
    case .ties: write(" EXCLUDE TIES")
    }
  }

  private mutating func bound(_ bound: WindowFrame.Bound) {
    switch bound {
    case .unboundedPreceding: write("UNBOUNDED PRECEDING")
    case .unboundedFollowing: write("UNBOUNDED FOLLOWING")
    case .currentRow: write("CURRENT ROW")
    case .preceding(let offset):
      expression(offset)
      write(" PRECEDING")
    case .following(let offset):
      expression(offset)
      write(" FOLLOWING")
    }
  }
}
