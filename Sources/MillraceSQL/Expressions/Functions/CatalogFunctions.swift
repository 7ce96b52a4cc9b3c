import MillraceEngine
import MillraceStorage
import MillraceTypes

/// What functions know of the catalog: names, visibility, descriptions.
extension FunctionRegistry {
  mutating func addCatalogFunctions() {
    session("format_type") { (call) throws(SQLError) in
      guard let oid = call.optional(0)?.oid else { return nil }
      let typmod = call.optional(1)?.int32
      return try call.engine { () throws(EngineError) in
        let (type, types) = (TypeID(oid), try call.catalog.types())
        return call.arena.copy(
          typmod.map { TypeNames.format(ValueType(type, $0), types) } ?? TypeNames.format(type, types))
      }
    }
    session("pg_get_userbyid") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        call.name(try call.catalog.roleName(call[0].oid) ?? "unknown (OID=\(call[0].oid))")
      }
    }
    session("pg_table_is_visible") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        guard let relation = try call.catalog.relation(call[0].oid) else { return nil }
        return Datum(try call.catalog.isVisible(relation))
      }
    }
    session("pg_type_is_visible") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        guard let type = try call.catalog.types().byID[TypeID(call[0].oid)] else { return nil }
        return Datum(try call.catalog.type(named: type.name) == type.id)
      }
    }
    session("pg_function_is_visible") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        guard let function = try call.catalog.functions().functions[call[0].oid] else { return nil }
        return Datum(try call.catalog.path().contains(function.namespace))
      }
    }
    session("pg_operator_is_visible") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        guard let found = try call.catalog.functions().operators[call[0].oid] else { return nil }
        return Datum(try call.catalog.path().contains(found.namespace))
      }
    }
    scalar("pg_opclass_is_visible", "pg_opfamily_is_visible", "pg_collation_is_visible", "pg_conversion_is_visible") {
      _ in Datum(true)
    }
    scalar("pg_is_other_temp_schema") { _ in Datum(false) }
    addRelationFunctions()
    addRegisteredNames()
    addPrivileges()
  }

  private mutating func addRelationFunctions() {
    session("pg_relation_filenode") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        try call.catalog.relation(call[0].oid)?.locator.map { Datum(oid: $0.relNumber) }
      }
    }
    session("pg_relation_filepath") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        try call.catalog.relation(call[0].oid)?.filePath.map { call.arena.copy($0) }
      }
    }
    session("pg_get_expr", "pg_get_expr_ext") { (call) throws(SQLError) in
      // Expressions are kept as SQL.
      call[0]
    }
    session("pg_get_serial_sequence") { (call) throws(SQLError) in
      guard let oid = try call.find(.regClass, 0) else {
        throw SQLError(.undefinedTable, "relation \"\(call.text(0).string)\" does not exist")
      }
      return try call.engine { () throws(EngineError) in
        let relation = try call.catalog.requiredRelation(oid)
        let name = call.text(1).string
        guard let column = relation.tuple.columns.firstIndex(where: { $0.name == name && !$0.isDropped }) else {
          throw EngineError(
            .undefinedColumn, "column \"\(name)\" of relation \"\(relation.name)\" does not exist")
        }
        guard let sequence = try call.catalog.ownedSequence(column: column, of: oid),
          let found = try call.catalog.relation(sequence), let schema = try call.catalog.namespaceName(found.namespace)
        else { return nil }
        return call.arena.copy("\(SessionCatalog.quoted(schema)).\(SessionCatalog.quoted(found.name))")
      }
    }
    // Comments by their object and the system table that it is in.
    session("obj_description(oid,name)", "obj_description(oid)", "col_description(oid,int4)") {
      (call) throws(SQLError) in
      let column = call.argumentTypes.count > 1 && call.argumentTypes[1].id == .int4 ? call[1].int32 : 0
      return try call.engine { () throws(EngineError) in
        let pgClass: UInt32 = 1259
        return try call.catalog.comment(on: ObjectAddress(pgClass, call[0].oid, column)).map {
          call.arena.copy($0)
        }
      }
    }
    scalar("shobj_description(oid,name)") { _ in nil }
  }

  private mutating func addRegisteredNames() {
    session("to_regclass") { (call) throws(SQLError) in try call.find(.regClass, 0).map { Datum(oid: $0) } }
    session("to_regtype") { (call) throws(SQLError) in try call.find(.regType, 0).map { Datum(oid: $0) } }
    session("to_regproc") { (call) throws(SQLError) in try call.find(.regProc, 0).map { Datum(oid: $0) } }
    session("to_regnamespace") { (call) throws(SQLError) in try call.find(.regNamespace, 0).map { Datum(oid: $0) } }
    session("to_regrole") { (call) throws(SQLError) in try call.find(.regRole, 0).map { Datum(oid: $0) } }
    session("text_regclass") { (call) throws(SQLError) in
      guard let names = RegisteredNames(.regClass, call.catalog) else { return nil }
      return Datum(oid: try names.oid(of: call.text(0).string))
    }
  }

  /// Whether a role may do something with an object: owners may do everything, and others what the engine lets them.
  private mutating func addPrivileges() {
    let objects = [
      "has_table_privilege", "has_schema_privilege", "has_database_privilege", "has_function_privilege",
      "has_sequence_privilege", "has_type_privilege", "has_tablespace_privilege", "has_language_privilege",
    ]
    let users = ["", "_name", "_id"]
    for object in objects {
      for user in users {
        for what in ["_name", "_id"] { scalar("\(object)\(user)\(what)", takesToasted: true) { _ in Datum(true) } }
      }
    }
    for user in users {
      for what in ["_name", "_id"] {
        scalar("has_any_column_privilege\(user)\(what)", takesToasted: true) { _ in Datum(true) }
        for column in ["_name", "_attnum"] {
          scalar("has_column_privilege\(user)\(what)\(column)", takesToasted: true) { _ in Datum(true) }
        }
      }
    }
    session("pg_has_role_name", "pg_has_role_id") { (call) throws(SQLError) in
      try call.engine { () throws(EngineError) in
        let isName = call.argumentTypes[0].id == .name
        let role = isName ? try call.catalog.requiredRole(named: NameType.text(call[0]).string).oid : call[0].oid
        return Datum(try call.catalog.isMember(call.catalog.currentUser, of: role))
      }
    }
  }
}

extension CallFrame {
  /// The OID of what an argument names; nil where there is nothing.
  fileprivate func find(_ type: TypeID, _ index: Int) throws(SQLError) -> UInt32? {
    guard let names = RegisteredNames(type, catalog) else { return nil }
    return try names.find(self[index].bytes.string)
  }
}
