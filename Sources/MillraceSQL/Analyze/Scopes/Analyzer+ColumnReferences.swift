import MillraceEngine
public import MillraceTypes

/// Which column a name means (src/backend/parser/parse_relation.c and transformColumnRef of parse_expr.c).
extension Analyzer {
  func analyze(_ reference: ColumnReference, _ scope: QueryScope) throws(SQLError) -> TypedExpression {
    switch scope.kind {
    case .columnDefault:
      throw SQLError(
        .featureNotSupported, "cannot use column reference in DEFAULT expression", at: reference.location)
    default: break
    }
    if reference.isStar { throw rowExpansion(reference.location) }
    let names = reference.names
    switch names.count {
    case 1:
      if let found = try column(names[0], scope, reference.location) { return found }
      // The name of a table stands for a whole row.
      if let (item, levels) = try item(nil, names[0], scope, reference.location) {
        return wholeRow(item, levels, scope, reference.location)
      }
      throw undefinedColumn(names[0], qualifier: nil, scope, reference.location)
    case 2: return try qualified(nil, names[0], names[1], scope, reference)
    case 3: return try qualified(names[0], names[1], names[2], scope, reference)
    case 4:
      guard names[0] == environment.databaseName else {
        throw SQLError(
          .featureNotSupported, "cross-database references are not implemented: \(names.joined(separator: "."))",
          at: reference.location)
      }
      return try qualified(names[1], names[2], names[3], scope, reference)
    default:
      throw SQLError(
        .syntaxError, "improper qualified name (too many dotted names): \(names.joined(separator: "."))",
        at: reference.location)
    }
  }

  func rowExpansion(_ location: Location) -> SQLError {
    SQLError(.featureNotSupported, "row expansion via \"*\" is not supported here", at: location)
  }

  private func qualified(
    _ schema: String?, _ table: String, _ name: String, _ scope: QueryScope, _ reference: ColumnReference
  ) throws(SQLError) -> TypedExpression {
    guard let (item, levels) = try item(schema, table, scope, reference.location) else {
      throw try missingTable(schema, table, scope, reference.location)
    }
    if let found = try column(name, of: item, levels, scope, reference.location) { return found }
    throw undefinedColumn(name, qualifier: table, scope, reference.location)
  }

  // MARK: Columns without a table's name

  /// colNameToVar.
  func column(
    _ name: String, _ scope: QueryScope, _ location: Location, localOnly: Bool = false
  ) throws(SQLError) -> TypedExpression? {
    var level = 0
    var current: QueryScope? = scope
    while let here = current {
      var found: TypedExpression?
      for item in here.namespace where item.areColumnsVisible {
        if item.isLateralOnly, !here.isLateralActive { continue }
        guard let column = try column(name, of: item, level, scope, location) else { continue }
        if found != nil {
          throw SQLError(.ambiguousColumn, "column reference \"\(name)\" is ambiguous", at: location)
        }
        try requireLateral(item, here, location)
        found = column
      }
      if found != nil || localOnly { return found }
      current = here.parent
      level += 1
    }
    return nil
  }

  /// A column of one item (scanNSItemForColumn); nil where it has none of that name.
  func column(
    _ name: String, of item: NamespaceItem, _ levelsUp: Int, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> TypedExpression? {
    guard let home = scope.ancestor(levelsUp) else { return nil }
    let columns = home.query.rangeTable[item.entry].columns
    var found: Int?
    for index in 0..<(item.columnLimit ?? columns.count) where columns[index].name == name {
      if found != nil {
        throw SQLError(.ambiguousColumn, "column reference \"\(name)\" is ambiguous", at: location)
      }
      found = index
    }
    if let found, !name.isEmpty { return reference(to: found, of: item, levelsUp, home, location) }
    guard item.hasSystemColumns, let system = SystemColumn(named: name) else { return nil }
    return .variable(
      Variable(item.entry, .system(system), ValueType(system.type), levelsUp: levelsUp, location))
  }

  /// A variable for a column, or the expression that a join's column stands for.
  func reference(
    to column: Int, of item: NamespaceItem, _ levelsUp: Int, _ home: QueryScope, _ location: Location
  ) -> TypedExpression {
    let found = home.query.rangeTable[item.entry].columns[column]
    guard let expression = found.expression else {
      return .variable(Variable(item.entry, .column(column), found.type, levelsUp: levelsUp, location))
    }
    return expression.shifted(by: levelsUp, location)
  }

  func wholeRow(
    _ item: NamespaceItem, _ levels: Int, _ scope: QueryScope, _ location: Location
  ) -> TypedExpression {
    .variable(Variable(item.entry, .wholeRow, ValueType(.record), levelsUp: levels, location))
  }

  // MARK: Tables by name

  /// refnameNamespaceItem: the item that a column is qualified with, and how many queries further out it is.
  func item(
    _ schema: String?, _ name: String, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) -> (NamespaceItem, levels: Int)? {
    var relation: UInt32 = 0
    if let schema {
      let namespace = try SQLError.wrapping(at: location) { () throws(EngineError) in
        try catalog.namespace(named: schema)
      }
      guard namespace != nil else { return nil }
      relation =
        try SQLError.wrapping(at: location) { () throws(EngineError) in
          try catalog.relationOID(named: name, schema: schema)
        } ?? 0
      guard relation != 0 else { return nil }
    }
    var level = 0
    var current: QueryScope? = scope
    while let here = current {
      var found: NamespaceItem?
      for item in here.namespace where item.isNameVisible && item.name == name {
        if item.isLateralOnly, !here.isLateralActive { continue }
        if schema != nil, item.relation != relation { continue }
        if found != nil {
          throw SQLError(.ambiguousAlias, "table reference \"\(name)\" is ambiguous", at: location)
        }
        try requireLateral(item, here, location)
        found = item
      }
      if let found { return (found, level) }
      current = here.parent
      level += 1
    }
    return nil
  }

  private func requireLateral(
    _ item: NamespaceItem, _ scope: QueryScope, _ location: Location
  ) throws(SQLError) {
    guard item.isLateralOnly, !item.isLateralAllowed else { return }
    var error = SQLError(
      .invalidColumnReference, "invalid reference to FROM-clause entry for table \"\(item.name ?? "")\"", at: location)
    if scope.query.resultRelation == item.entry {
      error.hint =
        "There is an entry for table \"\(item.name ?? "")\", but it cannot be referenced from this part of the query."
    } else {
      error.detail = "The combining JOIN type must be INNER or LEFT for a LATERAL reference."
    }
    throw error
  }
}

extension SystemColumn {
  init?(named name: String) {
    switch name {
    case "ctid": self = .ctid
    case "xmin": self = .xmin
    case "cmin": self = .cmin
    case "xmax": self = .xmax
    case "cmax": self = .cmax
    case "tableoid": self = .tableoid
    default: return nil
    }
  }

  var name: String {
    switch self {
    case .ctid: "ctid"
    case .xmin: "xmin"
    case .cmin: "cmin"
    case .xmax: "xmax"
    case .cmax: "cmax"
    case .tableoid: "tableoid"
    }
  }

  /// What its values are of.
  public var type: TypeID {
    switch self {
    case .ctid: .tid
    case .xmin, .xmax: .xid
    case .cmin, .cmax: .cid
    case .tableoid: .oid
    }
  }
}

extension TypedExpression {
  /// The same expression seen from so many queries further in; every variable gets the location of the reference.
  func shifted(by levels: Int, _ location: Location) -> TypedExpression {
    if case .variable(var variable) = self {
      variable.levelsUp += levels
      variable.location = location
      return .variable(variable)
    }
    return mapChildren { $0.shifted(by: levels, location) }
  }
}
