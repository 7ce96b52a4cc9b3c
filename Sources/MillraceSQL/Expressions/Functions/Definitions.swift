import MillraceEngine
import MillraceTypes

/// The SQL that makes an object: `pg_get_indexdef`, `pg_get_constraintdef`, `pg_get_viewdef` (ruleutils.c).
extension FunctionRegistry {
  mutating func addDefinitions() {
    session("pg_get_indexdef", "pg_get_indexdef_ext") { (call) throws(SQLError) in
      let column = call.count > 1 ? Int(call[1].int32) : 0
      return try call.engine { () throws(EngineError) in
        guard let index = try call.catalog.index(call[0].oid) else { return nil }
        let definition = try IndexText(index, call.catalog)
        return call.arena.copy(column == 0 ? definition.statement : definition.column(column))
      }
    }
    session("pg_get_constraintdef", "pg_get_constraintdef_ext") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        guard let row = try call.catalog.first(CatalogColumns.Constraint.self, [.oid: .oid(call[0].oid)]),
          let constraint = ConstraintDescriptor(row), let table = try call.catalog.relation(row[.conrelid].oid)
        else { return nil }
        return try ConstraintText.definition(constraint, table, call.catalog).map { call.arena.copy($0) }
      }
    }
    session("pg_get_viewdef", "pg_get_viewdef_ext", "pg_get_viewdef_wrap") { (call) throws(SQLError) in
      try call.viewDefinition(call[0].oid)
    }
    session("pg_get_viewdef_name", "pg_get_viewdef_name_ext") { (call) throws(SQLError) in
      guard let names = RegisteredNames(.regClass, call.catalog) else { return nil }
      return try call.viewDefinition(try names.oid(of: call.text(0).string))
    }
  }
}

extension CallFrame {
  fileprivate func viewDefinition(_ oid: UInt32) throws(SQLError) -> Datum? {
    try engine { () throws(EngineError) in
      try catalog.relation(oid)?.definition.map { arena.copy($0.hasSuffix(";") ? $0 : $0 + ";") }
    }
  }
}

/// CREATE INDEX as it was meant.
private struct IndexText {
  private let index: IndexDescriptor
  private let table: RelationDescriptor
  private let schema: String
  private let functions: FunctionCatalog
  /// As they were given.
  private let options: [String]

  init(_ index: IndexDescriptor, _ catalog: SessionCatalog) throws(EngineError) {
    self.index = index
    table = try catalog.requiredRelation(index.table)
    schema = try catalog.namespaceName(table.namespace) ?? ""
    functions = try catalog.functions()
    options = try catalog.first(CatalogColumns.Class.self, [.oid: .oid(index.oid)])?[.reloptions].strings ?? []
  }

  /// A column's name, or its expression.
  private func name(_ column: IndexDescriptor.Column) -> String {
    if let place = column.column { return Deparser.quoted(identifier: table.tuple.columns[place].name) }
    let expression = column.expression ?? ""
    // A call needs no parentheses.
    let isCall = expression.hasSuffix(")") && !expression.hasPrefix("(")
    return isCall ? expression : "(\(expression))"
  }

  private func key(_ column: IndexDescriptor.Column) -> String {
    var text = name(column)
    if let found = functions.operatorClasses[column.operatorClass], !found.isDefault { text += " \(found.name)" }
    if column.isDescending {
      text += column.isNullsFirst ? " DESC" : " DESC NULLS LAST"
    } else if column.isNullsFirst {
      text += " NULLS FIRST"
    }
    return text
  }

  func column(_ number: Int) -> String {
    index.columns.indices.contains(number - 1) ? name(index.columns[number - 1]) : ""
  }

  var statement: String {
    let keys = index.columns.prefix(index.keyCount).map { key($0) }.joined(separator: ", ")
    let included = index.columns.dropFirst(index.keyCount).map { name($0) }.joined(separator: ", ")
    let options = options.map { option in
      let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
      let value = parts.count > 1 ? parts[1] : "true"
      // What could be a name stands without quotes.
      let isName = Deparser.quoted(identifier: value) == value
      return "\(parts[0])=\(isName ? value : Deparser.quoted(literal: value))"
    }
    return "CREATE \(index.isUnique ? "UNIQUE " : "")INDEX \(Deparser.quoted(identifier: index.name)) ON "
      + "\(Deparser.quoted(identifier: schema)).\(Deparser.quoted(identifier: table.name)) USING btree (\(keys))"
      + (included.isEmpty ? "" : " INCLUDE (\(included))")
      + (index.isNullsNotDistinct ? " NULLS NOT DISTINCT" : "")
      + (options.isEmpty ? "" : " WITH (\(options.joined(separator: ", ")))")
      + (index.predicate.map { " WHERE \($0.hasPrefix("(") ? $0 : "(\($0))")" } ?? "")
  }
}

private enum ConstraintText {
  /// - Returns: nil for a kind that is not made here.
  static func definition(
    _ constraint: ConstraintDescriptor, _ table: RelationDescriptor, _ catalog: SessionCatalog
  ) throws(EngineError) -> String? {
    func names(_ columns: [Int]) -> String {
      columns.map { Deparser.quoted(identifier: table.tuple.columns[$0].name) }.joined(separator: ", ")
    }
    let index = table.indexes.first { $0.oid == constraint.index }
    let included = names(index?.columns.dropFirst(index?.keyCount ?? 0).compactMap(\.column) ?? [])
    let storing = included.isEmpty ? "" : " INCLUDE (\(included))"
    let end = constraint.isValidated ? "" : " NOT VALID"
    switch constraint.kind {
    case .primaryKey: return "PRIMARY KEY (\(names(constraint.columns)))\(storing)"
    case .unique:
      let nulls = index?.isNullsNotDistinct == true ? " NULLS NOT DISTINCT" : ""
      return "UNIQUE\(nulls) (\(names(constraint.columns)))\(storing)"
    case .notNull: return "NOT NULL \(names(constraint.columns))\(end)"
    case .check:
      let expression = constraint.expression ?? ""
      return "CHECK (\(expression.hasPrefix("(") ? expression : "(\(expression))"))\(end)"
    case .foreignKey, .trigger, .exclusion: return nil
    }
  }
}
