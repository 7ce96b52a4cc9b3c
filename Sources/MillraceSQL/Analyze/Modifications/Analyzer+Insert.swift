import MillraceEngine
import MillraceTypes

/// INSERT (transformInsertStmt of src/backend/parser/analyze.c).
extension Analyzer {
  func analyze(_ insert: InsertStatement, _ scope: QueryScope) throws(SQLError) -> Query {
    scope.query.command = .insert
    if let with = insert.with { try analyze(with, scope) }
    let updates: Bool
    if case .update = insert.onConflict?.action { updates = true } else { updates = false }
    let relation = try openTarget(insert.relation)
    let item = try addTarget(relation, insert.relation, scope)
    let given = try columns(of: insert, relation)
    var row = NewRow(relation)
    if let source = insert.source {
      if let values = source.plainValues {
        if values.count == 1 {
          try insertRow(values[0], given, insert, &row, scope)
        } else {
          try insertRows(values, given, insert, &row, scope)
        }
      } else {
        try insertQuery(source, given, insert, &row, scope)
      }
    }
    try complete(&row, scope)
    (scope.query.targets, scope.query.assignments) = row.targets
    if insert.onConflict != nil || !insert.returning.isEmpty {
      scope.namespace = [item]
      if let clause = insert.onConflict {
        scope.query.onConflict = try analyze(clause, relation, item, updates: updates, scope)
        scope.namespace = [item]
      }
      try analyze(returning: insert.returning, scope)
    }
    return scope.query
  }

  /// The columns that values go to (checkInsertTargets).
  private func columns(of insert: InsertStatement, _ relation: RelationDescriptor) throws(SQLError) -> [InsertPlace] {
    guard !insert.columns.isEmpty else {
      return relation.tuple.columns.indices.filter { !relation.tuple.columns[$0].isDropped }.map {
        InsertPlace(column: $0, location: .unknown)
      }
    }
    var places: [InsertPlace] = []
    for column in insert.columns {
      if !column.indirection.isEmpty { throw SQLError.unsupported("a part of a column", at: column.location) }
      guard let number = relation.column(named: column.name) else {
        throw SQLError(
          .undefinedColumn, "column \"\(column.name)\" of relation \"\(relation.name)\" does not exist",
          at: column.location)
      }
      if places.contains(where: { $0.column == number }) {
        throw SQLError(
          .duplicateColumn, "column \"\(column.name)\" specified more than once", at: column.location)
      }
      places.append(InsertPlace(column: number, location: column.location))
    }
    return places
  }

  // MARK: Sources

  /// `VALUES (...)`: the expressions are the new row's.
  private func insertRow(
    _ values: [Expression], _ places: [InsertPlace], _ insert: InsertStatement, _ row: inout NewRow,
    _ scope: QueryScope
  ) throws(SQLError) {
    scope.kind = .valuesSingle
    defer { scope.kind = .other }
    // The table itself cannot be used there.
    var analyzed: [TypedExpression?] = []
    for value in values {
      if case .setToDefault = value { analyzed.append(nil) } else { analyzed.append(try analyze(value, scope)) }
    }
    try checkCount(values.map(\.location), places, insert)
    for (index, value) in analyzed.enumerated() {
      let place = places[index]
      if let value {
        try requireAssignable(place.column, row.relation, insert.overriding)
        if row.ignoresGiven(place.column, insert.overriding) { continue }
        row[place.column] = try assign(value, to: place.column, of: row.relation, .insertTarget, place.location)
      }
    }
  }

  /// Several rows: an entry of VALUES, whose columns have the table's types already.
  private func insertRows(
    _ rows: [[Expression]], _ places: [InsertPlace], _ insert: InsertStatement, _ row: inout NewRow,
    _ scope: QueryScope
  ) throws(SQLError) {
    let count = rows.first?.count ?? 0
    var values: [[TypedExpression]] = []
    values.reserveCapacity(rows.count)
    for raw in rows {
      guard raw.count == count else {
        throw SQLError(.syntaxError, "VALUES lists must all be the same length", at: raw.first?.location)
      }
      if values.isEmpty { try checkCount(raw.map(\.location), places, insert) }
      var analyzed: [TypedExpression] = []
      analyzed.reserveCapacity(count)
      for (index, expression) in raw.enumerated() {
        let place = places[index]
        if case .setToDefault = expression {
          analyzed.append(try defaultOrNull(of: place.column, row.relation, scope))
          continue
        }
        let value = try analyze(expression, scope, as: .values)
        try requireAssignable(place.column, row.relation, insert.overriding)
        analyzed.append(try assign(value, to: place.column, of: row.relation, .insertTarget, place.location))
      }
      values.append(analyzed)
    }
    let columns = places.prefix(count).enumerated().map { index, place in
      let column = row.relation.tuple.columns[place.column]
      return RangeTableColumn("column\(index + 1)", ValueType(column.typeID, column.typmod))
    }
    let entry = scope.add(RangeTableEntry(.values(values), name: "*VALUES*", columns: Array(columns)))
    scope.query.from = [.entry(entry)]
    for (index, column) in columns.enumerated() where !row.ignoresGiven(places[index].column, insert.overriding) {
      row[places[index].column] = .variable(Variable(entry, .column(index), column.type))
    }
  }

  /// `SELECT ...`: a subquery.
  private func insertQuery(
    _ select: SelectStatement, _ places: [InsertPlace], _ insert: InsertStatement, _ row: inout NewRow,
    _ scope: QueryScope
  ) throws(SQLError) {
    let inner = QueryScope(scope)
    inner.resolvesUnknowns = false
    var query = try analyze(select, inner)
    let shown = query.targets.indices.filter { !query.targets[$0].isHidden }
    try checkCount(shown.map { query.targets[$0].expression.location }, places, insert)
    var values: [TypedExpression] = []
    let entry = scope.query.rangeTable.count
    for (index, target) in shown.enumerated() {
      let place = places[index]
      try requireAssignable(place.column, row.relation, insert.overriding)
      let expression = query.targets[target].expression
      if expression.type.id == .unknown, query.setOperations == nil {
        // A literal takes the column's type where it stands.
        query.targets[target].expression = try assign(
          expression, to: place.column, of: row.relation, .insertTarget, place.location)
      }
      let type = query.targets[target].expression.type
      let variable = Variable(entry, .column(index), type, expression.location)
      values.append(
        try assign(.variable(variable), to: place.column, of: row.relation, .insertTarget, place.location))
    }
    let columns = query.visibleTargets.map { RangeTableColumn($0.name, $0.expression.type) }
    let added = scope.add(RangeTableEntry(.subquery(query, isLateral: false), name: "*SELECT*", columns: columns))
    scope.query.from = [.entry(added)]
    for (index, value) in values.enumerated() where !row.ignoresGiven(places[index].column, insert.overriding) {
      row[places[index].column] = value
    }
  }

  /// transformInsertRow: as many values as columns, or fewer where the columns are not named.
  private func checkCount(
    _ locations: [Location], _ places: [InsertPlace], _ insert: InsertStatement
  ) throws(SQLError) {
    if locations.count > places.count {
      throw SQLError(
        .syntaxError, "INSERT has more expressions than target columns", at: locations[places.count])
    }
    if !insert.columns.isEmpty, locations.count < places.count {
      throw SQLError(
        .syntaxError, "INSERT has more target columns than expressions", at: places[locations.count].location)
    }
  }
}

/// A column that INSERT gives a value to.
struct InsertPlace {
  var column: Int
  var location: Location
}

/// The row that INSERT makes: its columns' values as far as they are known.
struct NewRow {
  let relation: RelationDescriptor
  private var values: [TypedExpression?]

  init(_ relation: RelationDescriptor) {
    self.relation = relation
    values = Array(repeating: nil, count: relation.tuple.columns.count)
  }

  subscript(column: Int) -> TypedExpression? {
    get { values[column] }
    set { values[column] = newValue }
  }

  /// OVERRIDING USER VALUE: what is given for an identity column does not count.
  func ignoresGiven(_ column: Int, _ overriding: InsertStatement.Overriding) -> Bool {
    overriding == .userValue && relation.tuple.columns[column].identity != .none
  }

  /// The values that there are, in the order of the columns, and which columns they are.
  var targets: ([TargetEntry], [Int]) {
    var (targets, columns): ([TargetEntry], [Int]) = ([], [])
    for (column, value) in values.enumerated() {
      guard let value else { continue }
      targets.append(TargetEntry(value, name: relation.tuple.columns[column].name))
      columns.append(column)
    }
    return (targets, columns)
  }
}

extension SelectStatement {
  /// The rows of VALUES, where there is nothing else.
  var plainValues: [[Expression]]? {
    guard case .values(let rows) = body, with == nil, orderBy.isEmpty, limit.count == nil, limit.offset == nil,
      locking.isEmpty
    else { return nil }
    return rows
  }
}

extension RelationDescriptor {
  /// A column's number, from 0; nil where there is none of that name.
  func column(named name: String) -> Int? {
    tuple.columns.firstIndex { !$0.isDropped && $0.name == name }
  }
}
