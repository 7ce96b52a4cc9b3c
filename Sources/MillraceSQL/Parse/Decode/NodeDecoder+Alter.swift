import CPostgresParser

/// PostgreSQL's AlterTableType, in its order.
private enum AlterTableType: Int32 {
  case addColumn, addColumnRecurse, addColumnToView, columnDefault, cookedColumnDefault, dropNotNull, setNotNull
  case dropExpression, checkNotNull, setStatistics, setOptions, resetOptions, setStorage, setCompression, dropColumn
  case dropColumnRecurse, addIndex, reAddIndex, addConstraint, addConstraintRecurse, reAddConstraint
  case reAddDomainConstraint, alterConstraint, validateConstraint, validateConstraintRecurse, addIndexConstraint
  case dropConstraint, dropConstraintRecurse, reAddComment, alterColumnType, alterColumnGenericOptions, changeOwner
  case clusterOn, dropCluster, setLogged, setUnlogged, dropOids, setAccessMethod, setTablespace, setRelationOptions
  case resetRelationOptions, replaceRelationOptions, enableTrigger, enableAlwaysTrigger, enableReplicaTrigger
  case disableTrigger, enableTriggerAll, disableTriggerAll, enableTriggerUser, disableTriggerUser, enableRule
  case enableAlwaysRule, enableReplicaRule, disableRule, addInherit, dropInherit, addOf, dropOf, replicaIdentity
  case enableRowSecurity, disableRowSecurity, forceRowSecurity, noForceRowSecurity, genericOptions, attachPartition
  case detachPartition, detachPartitionFinalize, addIdentity, setIdentity, dropIdentity, reAddStatistics

  /// What a command that is not carried is called.
  var sqlName: String {
    switch self {
    case .clusterOn: "CLUSTER ON"
    case .dropCluster: "SET WITHOUT CLUSTER"
    case .alterColumnGenericOptions, .genericOptions: "OPTIONS"
    case .enableTrigger, .enableAlwaysTrigger, .enableReplicaTrigger, .enableTriggerAll, .enableTriggerUser:
      "ENABLE TRIGGER"
    case .disableTrigger, .disableTriggerAll, .disableTriggerUser: "DISABLE TRIGGER"
    case .enableRule, .enableAlwaysRule, .enableReplicaRule: "ENABLE RULE"
    case .disableRule: "DISABLE RULE"
    case .addInherit: "INHERIT"
    case .dropInherit: "NO INHERIT"
    case .addOf: "OF"
    case .dropOf: "NOT OF"
    case .replicaIdentity: "REPLICA IDENTITY"
    case .enableRowSecurity, .disableRowSecurity, .forceRowSecurity, .noForceRowSecurity: "ROW LEVEL SECURITY"
    case .attachPartition: "ATTACH PARTITION"
    case .detachPartition, .detachPartitionFinalize: "DETACH PARTITION"
    case .dropOids: "SET WITHOUT OIDS"
    default: "this command"
    }
  }
}

/// What an AlterTableCmd is about, whatever node that is.
private enum AlterTableDefinition {
  case none
  case column(NodeDecoder.ColumnParts)
  case constraint(Constraint)
  case options([DefinitionElement])
  case integer(Int32)
  case string(String)
  case expression(Expression)
}

extension NodeDecoder {
  func alterTable() throws(SyntaxError) -> AlterTableStatement {
    let kind = try relationKind(objectType(), "")
    let relation = try rangeVariable()
    let commands = try list(alterTableCommand)
    return AlterTableStatement(kind: kind, relation: relation, commands: commands, ifExists: bool())
  }

  private func alterTableCommand() throws(SyntaxError) -> AlterTableCommand {
    try expect(.alterTableCmd)
    guard let type = AlterTableType(rawValue: int32()) else { preconditionFailure("the grammar has no such command") }
    let name = optionalString()
    let number = Int16(truncatingIfNeeded: int32())
    let owner = try optional(role)
    let definition = try alterTableDefinition(type)
    let behavior = dropBehavior()
    let missingOK = bool()
    try resolvedLater()
    if case .changeOwner = type, let owner { return .changeOwner(owner) }
    if let command = try columnCommand(type, name ?? "", number, definition, behavior, missingOK) { return command }
    if let command = constraintCommand(type, name ?? "", definition, behavior, missingOK) { return command }
    switch (type, definition) {
    case (.setRelationOptions, .options(let options)): return .setOptions(options)
    case (.resetRelationOptions, .options(let options)): return .resetOptions(options)
    case (.setLogged, .none): return .setLogged
    case (.setUnlogged, .none): return .setUnlogged
    case (.setTablespace, .none): return .setTablespace(name ?? "")
    case (.setAccessMethod, .none): return .setAccessMethod(name ?? "")
    default: throw unsupported("ALTER TABLE ... \(type.sqlName)")
    }
  }

  private func alterTableDefinition(_ type: AlterTableType) throws(SyntaxError) -> AlterTableDefinition {
    if reader.readIfNull() { return .none }
    let node = reader.node()
    switch node {
    case .columnDef: return .column(try columnParts())
    case .constraint: return .constraint(try constraintFields())
    case .list where type.sqlName == "this command": return .options(try elements(definitionElement))
    case .integer: return .integer(int32())
    case .string: return .string(string())
    case _ where type.sqlName != "this command": throw unsupported("ALTER TABLE ... \(type.sqlName)")
    default: return .expression(try nested { () throws(SyntaxError) in try expression(after: node) })
    }
  }

  private func columnCommand(
    _ type: AlterTableType, _ name: String, _ number: Int16, _ definition: AlterTableDefinition,
    _ behavior: DropBehavior, _ missingOK: Bool
  ) throws(SyntaxError) -> AlterTableCommand? {
    switch (type, definition) {
    case (.addColumn, .column(let parts)):
      return .addColumn(try columnDefinition(parts), ifNotExists: missingOK)
    case (.dropColumn, .none): return .dropColumn(name, behavior, ifExists: missingOK)
    case (.columnDefault, .none): return .setDefault(name, nil)
    case (.columnDefault, .expression(let expression)): return .setDefault(name, expression)
    case (.setNotNull, .none): return .setNotNull(name)
    case (.dropNotNull, .none): return .dropNotNull(name)
    case (.dropExpression, .none): return .dropExpression(name, ifExists: missingOK)
    case (.alterColumnType, .column(let parts)):
      guard let type = parts.type, parts.constraints.isEmpty, parts.compression == nil else {
        throw unsupported("this type of a column")
      }
      return .alterType(name, type, collation: parts.collation, using: parts.using)
    case (.setStatistics, .integer(let target)):
      return .setStatistics(number != 0 ? .number(number) : .name(name), target)
    case (.setOptions, .options(let options)): return .setColumnOptions(name, options)
    case (.resetOptions, .options(let options)): return .resetColumnOptions(name, options)
    case (.setStorage, .string(let storage)): return .setStorage(name, storage)
    case (.setCompression, .string(let method)): return .setCompression(name, method)
    case (.addIdentity, .constraint(let constraint)):
      guard case .identity(let isAlways, let options) = constraint.kind else { return nil }
      return .addIdentity(name, isAlways: isAlways, options: options)
    case (.setIdentity, .options(let options)): return .setIdentity(name, options)
    case (.dropIdentity, .none): return .dropIdentity(name, ifExists: missingOK)
    default: return nil
    }
  }

  private func constraintCommand(
    _ type: AlterTableType, _ name: String, _ definition: AlterTableDefinition, _ behavior: DropBehavior,
    _ missingOK: Bool
  ) -> AlterTableCommand? {
    switch (type, definition) {
    case (.addConstraint, .constraint(let constraint)): .addConstraint(constraint)
    case (.alterConstraint, .constraint(let constraint)):
      .alterConstraint(
        constraint.name ?? "", isDeferrable: constraint.isDeferrable,
        isInitiallyDeferred: constraint.isInitiallyDeferred)
    case (.validateConstraint, .none): .validateConstraint(name)
    case (.dropConstraint, .none): .dropConstraint(name, behavior, ifExists: missingOK)
    default: nil
    }
  }
}
