import MillraceEngine
import MillraceTypes

/// Puts together what CREATE TABLE says: columns, their constraints, sequences for serial and identity columns
/// (PostgreSQL's parser/parse_utilcmd.c).
struct TableBuilding {
  let sql: SQLSession
  let tableName: String
  let namespace: UInt32
  var columns: [MillraceEngine.ColumnDefinition] = []
  /// Keys and unique constraints.
  var keys: [ConstraintDefinition] = []
  /// Checks, which are looked at when the table is there: name and expression.
  var checks: [(constraint: Constraint, expression: Expression)] = []
  /// Sequences that belong to columns, by the columns' places.
  var sequences: [(column: Int, oid: UInt32, isIdentity: Bool)] = []
  /// Columns with an expression that must be looked at when the table is there.
  var expressions: [(column: Int, expression: Expression)] = []

  init(_ sql: SQLSession, table: String, namespace: UInt32) {
    (self.sql, tableName, self.namespace) = (sql, table, namespace)
  }

  /// Takes over the columns of a table that is there, so that new ones and keys come behind them.
  mutating func take(_ table: RelationDescriptor) throws(SQLError) {
    for column in table.tuple.columns {
      var known = MillraceEngine.ColumnDefinition(column.name, column.typeID, typmod: column.typmod)
      known.isNotNull = column.isNotNull
      columns.append(known)
    }
  }

  // MARK: Columns

  mutating func add(_ definition: ColumnDefinition) throws(SQLError) {
    let place = columns.count
    let serial = Self.serialType(definition.type)
    let type: ValueType
    if let serial {
      type = ValueType(serial)
    } else {
      type = try TypeNameResolver(sql.catalog).resolve(definition.type)
    }
    if definition.type.isSetOf {
      throw SQLError(
        .invalidTableDefinition, "column \"\(definition.name)\" cannot be declared SETOF", at: definition.location)
    }
    var column = MillraceEngine.ColumnDefinition(definition.name, type.id, typmod: type.typmod)
    column.dimensions = definition.type.arrayBounds.count
    if let compression = definition.compression { column.compression = try Self.compression(compression) }
    column.collation = try sql.collation(definition.collation)
    columns.append(column)
    if serial != nil {
      let oid = try makeSequence(place, type.id, options: [], isIdentity: false)
      let name = try sql.regClassName(oid)
      columns[place].defaultExpression = "nextval(\(Deparser.quoted(literal: name))::regclass)"
      columns[place].isNotNull = true
    }
    try addConstraints(of: definition, place)
  }

  private static func serialType(_ type: TypeName) -> TypeID? {
    guard type.names.count == 1, type.arrayBounds.isEmpty else { return nil }
    switch type.names[0] {
    case "smallserial", "serial2": return .int2
    case "serial", "serial4": return .int4
    case "bigserial", "serial8": return .int8
    default: return nil
    }
  }

  static func compression(_ name: String) throws(SQLError) -> ColumnDescriptor.Compression {
    switch name {
    case "pglz": .pglz
    case "lz4": .lz4
    case "default": .default
    default: throw SQLError(.invalidParameterValue, "invalid compression method \"\(name)\"")
    }
  }

  private mutating func addConstraints(of definition: ColumnDefinition, _ place: Int) throws(SQLError) {
    var (isNullable, hasDefault) = (false, columns[place].defaultExpression != nil)
    for constraint in definition.constraints {
      switch constraint.kind {
      case .null:
        isNullable = true
      case .notNull:
        (columns[place].isNotNull, columns[place].notNullName) = (true, constraint.name)
      case .default(let expression):
        if hasDefault { throw duplicateDefault(definition.name, constraint.location) }
        hasDefault = true
        setExpression(expression, place)
      case .identity(let isAlways, let options):
        if hasDefault { throw bothDefaults(definition.name, constraint.location) }
        hasDefault = true
        try addIdentity(place, isAlways: isAlways, options)
      case .generated(let expression):
        if hasDefault { throw bothDefaults(definition.name, constraint.location) }
        hasDefault = true
        columns[place].generated = .stored
        setExpression(expression, place)
      case .check(let expression): checks.append((constraint, expression))
      case .primaryKey(let index): try addKey(constraint, index, .primaryKey, columns: [place])
      case .unique(let index, let nullsNotDistinct):
        try addKey(constraint, index, .unique(isNullsNotDistinct: nullsNotDistinct), columns: [place])
      case .foreignKey: throw .unsupported("a foreign key", at: constraint.location)
      case .deferrable, .initiallyDeferred: throw .unsupported("a deferrable constraint", at: constraint.location)
      case .notDeferrable, .initiallyImmediate: break
      }
    }
    if isNullable, columns[place].isNotNull {
      throw SQLError(
        .syntaxError,
        "conflicting NULL/NOT NULL declarations for column \"\(definition.name)\" of table \"\(tableName)\"",
        at: definition.location)
    }
  }

  private mutating func setExpression(_ expression: Expression, _ place: Int) {
    // DEFAULT NULL is none.
    if case .constant(let constant) = expression, constant.value == .null, columns[place].generated == .none { return }
    columns[place].defaultExpression = Deparser.text(of: expression)
    expressions.append((place, expression))
  }

  private mutating func addIdentity(
    _ place: Int, isAlways: Bool, _ options: [DefinitionElement]
  ) throws(SQLError) {
    guard [.int2, .int4, .int8].contains(columns[place].type) else {
      throw SQLError(.invalidParameterValue, "identity column type must be smallint, integer, or bigint")
    }
    columns[place].identity = isAlways ? .always : .byDefault
    columns[place].isNotNull = true
    _ = try makeSequence(place, columns[place].type, options: options, isIdentity: true)
  }

  /// Makes the sequence of a serial or identity column.
  private mutating func makeSequence(
    _ place: Int, _ type: TypeID, options: [DefinitionElement], isIdentity: Bool
  ) throws(SQLError) -> UInt32 {
    var options = SequenceOptions(options)
    options.defaultType = type
    let definition = try options.definition(sql)
    let (catalog, namespace, table) = (sql.catalog, namespace, tableName)
    let column = columns[place].name
    let oid = try SQLError.engine { () throws(EngineError) in
      let name = try catalog.freeRelationName(table, [column], "seq", in: namespace)
      let isTemporary = try catalog.namespace(named: "pg_temp") == namespace
      return try catalog.createSequence(
        name, namespace: namespace, definition, persistence: isTemporary ? .temporary : .permanent)
    }
    sequences.append((place, oid, isIdentity))
    return oid
  }

  private func duplicateDefault(_ column: String, _ location: Location) -> SQLError {
    SQLError(
      .syntaxError, "multiple default values specified for column \"\(column)\" of table \"\(tableName)\"",
      at: location)
  }

  private func bothDefaults(_ column: String, _ location: Location) -> SQLError {
    SQLError(
      .syntaxError, "both default and identity specified for column \"\(column)\" of table \"\(tableName)\"",
      at: location)
  }

  // MARK: Constraints of the table

  mutating func add(_ constraint: Constraint) throws(SQLError) {
    if constraint.isDeferrable { throw .unsupported("a deferrable constraint", at: constraint.location) }
    switch constraint.kind {
    case .check(let expression): checks.append((constraint, expression))
    case .primaryKey(let index):
      try addKey(constraint, index, .primaryKey, columns: try places(index.columns, constraint.location))
    case .unique(let index, let nullsNotDistinct):
      try addKey(
        constraint, index, .unique(isNullsNotDistinct: nullsNotDistinct),
        columns: try places(index.columns, constraint.location))
    case .foreignKey: throw .unsupported("a foreign key", at: constraint.location)
    default: throw .unsupported("this constraint", at: constraint.location)
    }
  }

  private mutating func addKey(
    _ constraint: Constraint, _ index: IndexConstraint, _ kind: ConstraintDefinition.Kind, columns: [Int]
  ) throws(SQLError) {
    if index.indexName != nil { throw .unsupported("USING INDEX in CREATE TABLE", at: constraint.location) }
    if case .primaryKey = kind {
      let hasPrimaryKey = keys.contains { if case .primaryKey = $0.kind { true } else { false } }
      if hasPrimaryKey {
        throw SQLError(
          .invalidTableDefinition, "multiple primary keys for table \"\(tableName)\" are not allowed",
          at: constraint.location)
      }
      for column in columns { self.columns[column].isNotNull = true }
    }
    var key = ConstraintDefinition(kind, columns: columns, name: constraint.name)
    key.included = try places(index.including, constraint.location)
    key.options = try RelationOptions.index(index.options)
    keys.append(key)
  }

  private func places(_ names: [String], _ location: Location) throws(SQLError) -> [Int] {
    var places: [Int] = []
    for name in names {
      guard let place = columns.firstIndex(where: { $0.name == name }) else {
        throw SQLError(.undefinedColumn, "column \"\(name)\" named in key does not exist", at: location)
      }
      if places.contains(place) {
        throw SQLError(
          .duplicateColumn, "column \"\(name)\" appears twice in primary key constraint", at: location)
      }
      places.append(place)
    }
    return places
  }

  // MARK: LIKE

  mutating func add(_ like: TableLikeClause) throws(SQLError) {
    let source = try sql.open(like.relation, .accessShare)
    guard source.kind == .table || source.kind == .view else {
      throw SQLError(
        .wrongObjectType, "relation \"\(source.name)\" is invalid in LIKE clause", at: like.relation.location)
    }
    var places: [Int: Int] = [:]
    for (index, column) in source.tuple.columns.enumerated() where !column.isDropped {
      var copy = MillraceEngine.ColumnDefinition(column.name, column.typeID, typmod: column.typmod)
      (copy.collation, copy.isNotNull) = (column.collation, column.isNotNull)
      if like.options.contains(.storage) { copy.storage = column.storage }
      if like.options.contains(.compression) { copy.compression = column.compression }
      let isGenerated = column.generated != .none
      if isGenerated ? like.options.contains(.generated) : like.options.contains(.defaults) {
        (copy.defaultExpression, copy.generated) = (column.defaultExpression, column.generated)
      }
      places[index] = columns.count
      columns.append(copy)
      if like.options.contains(.identity), column.identity != .none {
        try addIdentity(columns.count - 1, isAlways: column.identity == .always, [])
      }
    }
    if like.options.contains(.constraints) { try copyChecks(of: source) }
    if like.options.contains(.indexes) { try copyKeys(of: source, places) }
  }

  private mutating func copyChecks(of source: RelationDescriptor) throws(SQLError) {
    for constraint in source.constraints where constraint.kind == .check {
      guard let text = constraint.expression else { continue }
      let expression: Expression
      do throws(SyntaxError) { expression = try Parser.parseExpression(text) } catch { throw SQLError(error) }
      checks.append((.check(named: constraint.name, expression), expression))
    }
  }

  private mutating func copyKeys(of source: RelationDescriptor, _ places: [Int: Int]) throws(SQLError) {
    for index in source.indexes {
      let isKey = source.constraints.contains { $0.index == index.oid && $0.kind != .foreignKey }
      guard isKey else { throw .unsupported("LIKE ... INCLUDING INDEXES of an index that is no constraint's") }
      let columns = index.columns.compactMap { $0.column.flatMap { places[$0] } }
      let kind: ConstraintDefinition.Kind =
        index.isPrimary ? .primaryKey : .unique(isNullsNotDistinct: index.isNullsNotDistinct)
      keys.append(ConstraintDefinition(kind, columns: Array(columns.prefix(index.keyCount))))
    }
  }
}

extension Constraint {
  static func check(named name: String, _ expression: Expression) -> Constraint {
    Constraint(
      name: name, kind: .check(expression), isDeferrable: false, isInitiallyDeferred: false, isNotValid: false,
      isNoInherit: false, location: .unknown)
  }
}
