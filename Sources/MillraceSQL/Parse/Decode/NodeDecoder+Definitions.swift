import CPostgresParser

extension NodeDecoder {
  func definitionElements() throws(SyntaxError) -> [DefinitionElement] { try list(definitionElement) }

  func definitionElement() throws(SyntaxError) -> DefinitionElement {
    try expect(.defElem)
    let namespace = optionalString()
    let name = string()
    let value = try optional(definitionValue)
    try refuse("SET, ADD or DROP of an option", if: int32() != 0)
    return DefinitionElement(namespace: namespace, name: name, value: value, location: location())
  }

  private func definitionValue() throws(SyntaxError) -> DefinitionElement.Value {
    let node = reader.node()
    switch node {
    case .integer: return .integer(int32())
    case .float: return .float(string())
    case .boolean: return .boolean(bool())
    case .string: return .string(string())
    case .a_Star: return .star
    case .typeName: return .typeName(try typeNameFields())
    case .roleSpec: return .role(roleFields())
    case .list: return .list(try elements(definitionValue))
    case .a_Const:
      try refuse("NULL as the value of an option", if: bool())
      let value = try definitionValue()
      _ = location()
      return value
    default: throw unexpected(node)
    }
  }

  func role() throws(SyntaxError) -> RoleSpecification {
    try expect(.roleSpec)
    return roleFields()
  }

  private func roleFields() -> RoleSpecification {
    let kind = int32()
    let name = optionalString() ?? ""
    let kinds: [RoleSpecification.Kind] = [.name(name), .currentRole, .currentUser, .sessionUser, .isPublic]
    return RoleSpecification(kind: kinds[Int(kind)], location: location())
  }

  func dropBehavior() -> DropBehavior { int32() == 1 ? .cascade : .restrict }

  // MARK: - Columns

  /// ColumnDef as it comes, with what is legal only in some of its uses.
  struct ColumnParts {
    var name: String?
    var type: TypeName?
    var compression: String?
    /// What `ALTER COLUMN TYPE ... USING` says.
    var using: Expression?
    var collation: [String]
    var constraints: [Constraint]
    var location: Location
  }

  func columnDefinition() throws(SyntaxError) -> ColumnDefinition {
    try expect(.columnDef)
    return try columnDefinition(try columnParts())
  }

  func columnDefinition(_ parts: ColumnParts) throws(SyntaxError) -> ColumnDefinition {
    guard let name = parts.name, let type = parts.type, parts.using == nil else {
      throw unsupported("a column without a type", at: parts.location)
    }
    return ColumnDefinition(
      name: name, type: type, compression: parts.compression, collation: parts.collation,
      constraints: parts.constraints, location: parts.location)
  }

  func columnParts() throws(SyntaxError) -> ColumnParts {
    let name = optionalString()
    let type = try optional(typeName)
    let compression = optionalString()
    // Inheritance counts are found later; a column of this statement is local.
    try resolvedLater()
    _ = bool()
    try refuse("this column", if: bool())
    try refuse("this column", if: bool())
    try refuse("STORAGE", if: character() != nil)
    let using = try optionalExpression()
    try refuse("this column")
    try refuse("this column", if: character() != nil)
    try refuse("this column")
    try refuse("this column", if: character() != nil)
    let collation = try columnCollation()
    try resolvedLater()
    let constraints = try list(constraint)
    try refuse("OPTIONS of a column")
    return ColumnParts(
      name: name, type: type, compression: compression, using: using, collation: collation,
      constraints: constraints, location: location())
  }

  func tableElement() throws(SyntaxError) -> TableElement {
    let node = reader.node()
    switch node {
    case .columnDef: return .column(try columnDefinition(try columnParts()))
    case .constraint: return .constraint(try constraintFields())
    case .tableLikeClause:
      let relation = try rangeVariable()
      let options = TableLikeClause.Options(rawValue: reader.word()).intersection(.all)
      try resolvedLater()
      return .like(TableLikeClause(relation: relation, options: options))
    default: throw unexpected(node)
    }
  }

  // MARK: - Constraints

  /// PostgreSQL's ConstrType.
  private enum ConstraintType: Int32 {
    case null, notNull, `default`, identity, generated, check, primary, unique, exclusion, foreign
    case deferrable, notDeferrable, deferred, immediate
  }

  /// The fields of a Constraint of which each kind uses some.
  private struct ConstraintParts {
    var expression: Expression?
    var generatedWhen: Character?
    var nullsNotDistinct = false
    var index = IndexConstraint(columns: [], including: [], options: [], indexName: nil, tablespace: nil)
    var foreignKey: ForeignKey?
  }

  func constraint() throws(SyntaxError) -> Constraint {
    try expect(.constraint)
    return try constraintFields()
  }

  func constraintFields() throws(SyntaxError) -> Constraint {
    guard let type = ConstraintType(rawValue: int32()) else {
      preconditionFailure("the grammar has no such constraint")
    }
    let name = optionalString()
    let isDeferrable = bool()
    let isInitiallyDeferred = bool()
    let at = location()
    let isNoInherit = bool()
    let parts = try constraintParts()
    let isNotValid = bool()
    let isValid = bool()
    // ALTER CONSTRAINT has a foreign key without a table, which says neither.
    if type == .check || parts.foreignKey != nil { try refuse("this constraint", if: isNotValid == isValid, at: at) }
    return Constraint(
      name: name, kind: try constraintKind(type, parts, at), isDeferrable: isDeferrable,
      isInitiallyDeferred: isInitiallyDeferred, isNotValid: isNotValid, isNoInherit: isNoInherit, location: at)
  }

  private func constraintParts() throws(SyntaxError) -> ConstraintParts {
    var parts = ConstraintParts()
    parts.expression = try optionalExpression()
    try refuse("this constraint", if: optionalString() != nil)
    parts.generatedWhen = character()
    parts.nullsNotDistinct = bool()
    parts.index.columns = try names()
    parts.index.including = try names()
    try refuse("EXCLUDE")
    parts.index.options = try definitionElements()
    parts.index.indexName = optionalString()
    parts.index.tablespace = optionalString()
    try refuse("this constraint", if: bool())
    try refuse("EXCLUDE", if: optionalString() != nil)
    try refuse("EXCLUDE")
    let table = try optional(rangeVariable)
    let columns = try names()
    let referencedColumns = try names()
    let match = character()
    let onUpdate = character()
    let onDelete = character()
    let onDeleteColumns = try names()
    try refuse("this constraint")
    try resolvedLater()
    if let table {
      parts.foreignKey = ForeignKey(
        columns: columns, table: table, referencedColumns: referencedColumns,
        match: match == "f" ? .full : match == "p" ? .partial : .simple,
        onUpdate: try foreignKeyAction(onUpdate), onDelete: try foreignKeyAction(onDelete),
        onDeleteColumns: onDeleteColumns)
    }
    return parts
  }

  private func foreignKeyAction(_ letter: Character?) throws(SyntaxError) -> ForeignKey.Action {
    switch letter {
    case "a": .noAction
    case "r": .restrict
    case "c": .cascade
    case "n": .setNull
    case "d": .setDefault
    default: throw unsupported("this foreign key action")
    }
  }

  private func constraintKind(
    _ type: ConstraintType, _ parts: ConstraintParts, _ at: Location
  ) throws(SyntaxError) -> Constraint.Kind {
    switch (type, parts.expression) {
    case (.null, _): return .null
    case (.notNull, _): return .notNull
    case (.default, let expression?): return .default(expression)
    case (.identity, _): return .identity(isAlways: parts.generatedWhen == "a", options: parts.index.options)
    case (.generated, let expression?): return .generated(expression)
    case (.check, let expression?): return .check(expression)
    case (.primary, _): return .primaryKey(parts.index)
    case (.unique, _): return .unique(parts.index, nullsNotDistinct: parts.nullsNotDistinct)
    case (.foreign, _):
      // ALTER CONSTRAINT has one without a table.
      let none = RangeVariable(
        catalog: nil, schema: nil, name: "", includesChildren: true, persistence: .permanent, alias: nil,
        location: .unknown)
      return .foreignKey(
        parts.foreignKey
          ?? ForeignKey(
            columns: [], table: none, referencedColumns: [], match: .simple, onUpdate: .noAction,
            onDelete: .noAction, onDeleteColumns: []))
    case (.deferrable, _): return .deferrable
    case (.notDeferrable, _): return .notDeferrable
    case (.deferred, _): return .initiallyDeferred
    case (.immediate, _): return .initiallyImmediate
    default: throw unsupported("this constraint", at: at)
    }
  }
}
