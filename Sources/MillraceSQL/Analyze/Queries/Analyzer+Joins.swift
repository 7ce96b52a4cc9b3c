import MillraceEngine
import MillraceTypes

/// JOIN (transformFromClauseItem and transformJoinUsingClause of src/backend/parser/parse_clause.c).
extension Analyzer {
  /// A side of a join: what it is made of, and its columns as references to them.
  fileprivate struct Side {
    var tree: JoinTree
    var items: [NamespaceItem]
    var columns: [RangeTableColumn] = []
  }

  func analyze(_ join: JoinExpression, _ scope: QueryScope) throws(SQLError) -> (JoinTree, [NamespaceItem]) {
    let outer = "an outer join"
    var left = Side(
      try withRecursionObstacle(join.kind == .right || join.kind == .full ? outer : nil) { () throws(SQLError) in
        try analyze(join.left, scope)
      })
    // What stands on the left can be used by LATERAL on the right, unless rows of the right may have no partner.
    let isAllowed = join.kind == .inner || join.kind == .left
    let before = scope.namespace
    scope.namespace += left.items.map { $0.lateral(only: true, allowed: isAllowed) }
    var right = Side(
      try withRecursionObstacle(join.kind == .left || join.kind == .full ? outer : nil) { () throws(SQLError) in
        try analyze(join.right, scope)
      })
    scope.namespace = before
    try requireDifferentNames(left.items, right.items)
    left.columns = columns(of: left.items, scope)
    right.columns = columns(of: right.items, scope)

    var using: [String] = []
    var alias: String?
    switch join.condition {
    case .natural:
      let others = Set(right.columns.map(\.name))
      using = left.columns.map(\.name).filter { others.contains($0) }
    case .using(let names, let name): (using, alias) = (names, name)
    case .none, .on: break
    }
    var (merged, condition) = try merge(using, &left, &right, join.kind, scope)
    if case .on(let raw) = join.condition {
      let around = scope.namespace
      scope.namespace = (left.items + right.items).map { $0.lateral(only: false, allowed: true) }
      condition = try coerceToBoolean(try analyze(raw, scope, as: .joinOn), "JOIN/ON")
      scope.namespace = around
    }
    let usingCount = merged.count
    merged += left.columns + right.columns
    try rename(&merged, join.alias, table: join.alias?.name ?? "unnamed_join")
    let entry = scope.add(
      RangeTableEntry(
        .join, name: join.alias?.name ?? "unnamed_join", hasAlias: join.alias != nil, columns: merged))
    let kind: TypedJoin.Kind =
      switch join.kind {
      case .inner: .inner
      case .left: .left
      case .full: .full
      case .right: .right
      }
    let tree = JoinTree.join(TypedJoin(kind, left.tree, right.tree, condition, entry: entry))
    return (tree, items(join, entry, left.items + right.items, alias: alias, usingCount))
  }

  /// What of a join can be named: its parts, without their columns, and all columns at once; only the join itself
  /// where it has an alias.
  private func items(
    _ join: JoinExpression, _ entry: Int, _ parts: [NamespaceItem], alias: String?, _ usingCount: Int
  ) -> [NamespaceItem] {
    var item = NamespaceItem(entry: entry, name: join.alias?.name)
    item.isNameVisible = join.alias != nil
    var items = join.alias == nil ? parts : []
    for index in items.indices { items[index].areColumnsVisible = false }
    items.append(item)
    if let alias {
      var usingItem = NamespaceItem(entry: entry, name: alias)
      (usingItem.areColumnsVisible, usingItem.columnLimit) = (false, usingCount)
      items.append(usingItem)
    }
    return items
  }

  private func requireDifferentNames(_ left: [NamespaceItem], _ right: [NamespaceItem]) throws(SQLError) {
    for item in left where item.isNameVisible {
      for other in right where other.isNameVisible && other.name == item.name {
        if item.relation != 0, other.relation != 0, item.relation != other.relation { continue }
        throw SQLError(.duplicateAlias, "table name \"\(item.name ?? "")\" specified more than once")
      }
    }
  }

  /// All columns that can be used without a table's name, as expressions.
  private func columns(of items: [NamespaceItem], _ scope: QueryScope) -> [RangeTableColumn] {
    var columns: [RangeTableColumn] = []
    for item in items where item.areColumnsVisible {
      for (index, column) in scope.query.rangeTable[item.entry].columns.enumerated() where !column.name.isEmpty {
        let expression = reference(to: index, of: item, 0, scope, .unknown)
        columns.append(RangeTableColumn(column.name, expression.type, expression))
      }
    }
    return columns
  }

  // MARK: USING

  /// The columns that both sides have, once each; they are taken out of the sides.
  private func merge(
    _ names: [String], _ left: inout Side, _ right: inout Side, _ kind: JoinExpression.Kind, _ scope: QueryScope
  ) throws(SQLError) -> ([RangeTableColumn], TypedExpression?) {
    guard !names.isEmpty else { return ([], nil) }
    var merged: [RangeTableColumn] = []
    var conditions: [TypedExpression] = []
    for (index, name) in names.enumerated() {
      if names[..<index].contains(name) {
        throw SQLError(.duplicateColumn, "column name \"\(name)\" appears more than once in USING clause")
      }
      let l = try take(name, from: &left, "left")
      let r = try take(name, from: &right, "right")
      let condition = try operation(["="], l, r, .unknown)
      conditions.append(try coerceToBoolean(condition, "JOIN/USING"))
      merged.append(try mergedColumn(name, l, r, kind))
    }
    return (merged, conditions.count == 1 ? conditions[0] : .and(conditions))
  }

  private func take(_ name: String, from side: inout Side, _ which: String) throws(SQLError) -> TypedExpression {
    let places = side.columns.indices.filter { side.columns[$0].name == name }
    guard let place = places.first else {
      throw SQLError(
        .undefinedColumn, "column \"\(name)\" specified in USING clause does not exist in \(which) table")
    }
    if places.count > 1 {
      throw SQLError(
        .ambiguousColumn, "common column name \"\(name)\" appears more than once in \(which) table")
    }
    guard let expression = side.columns.remove(at: place).expression else {
      preconditionFailure("a join's column has an expression")
    }
    return expression
  }

  /// buildMergedJoinVar.
  private func mergedColumn(
    _ name: String, _ left: TypedExpression, _ right: TypedExpression, _ kind: JoinExpression.Kind
  ) throws(SQLError) -> RangeTableColumn {
    let type = try commonType([left, right], "JOIN/USING")
    let typmod = left.type == right.type ? left.type.typmod : -1
    func side(_ expression: TypedExpression) throws(SQLError) -> TypedExpression {
      let result = try coerce(expression, toCommon: type, "JOIN/USING")
      return result.type.typmod == typmod ? result : .relabel(result, ValueType(type, typmod), .implicitCast)
    }
    let expression: TypedExpression
    switch kind {
    // Where both are there, that which needs no cast is as good.
    case .inner: expression = try side(left.type.id != type && right.type.id == type ? right : left)
    case .left: expression = try side(left)
    case .right: expression = try side(right)
    case .full: expression = .coalesce([try side(left), try side(right)], ValueType(type, typmod))
    }
    return RangeTableColumn(name, ValueType(type, typmod), expression)
  }
}

extension Analyzer.Side {
  fileprivate init(_ analyzed: (JoinTree, [NamespaceItem])) { (tree, items) = analyzed }
}
