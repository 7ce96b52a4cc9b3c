import MillraceEngine
import MillraceTypes

/// The texts of the types that are OIDs of something with a name: `regclass` and its kin (regproc.c).
struct RegisteredNames {
  private enum Kind { case relation, type, function, namespace, role }

  private let kind: Kind
  private unowned let catalog: SessionCatalog

  /// nil where the type is none of them.
  init?(_ type: TypeID, _ catalog: SessionCatalog) {
    switch type {
    case .regClass: kind = .relation
    case .regType: kind = .type
    case .regProc, .regProcedure: kind = .function
    case .regNamespace: kind = .namespace
    case .regRole: kind = .role
    default: return nil
    }
    self.catalog = catalog
  }

  /// The name of an OID: as short as the search path allows; the number itself where it is nothing's.
  func text(of oid: UInt32) throws(SQLError) -> String {
    if oid == 0 { return "-" }
    do throws(EngineError) { return try name(of: oid) ?? "\(oid)" } catch { throw SQLError(error) }
  }

  private func name(of oid: UInt32) throws(EngineError) -> String? {
    switch kind {
    case .relation:
      return try catalog.relation(oid).map { (found) throws(EngineError) in
        try catalog.qualifiedName(found)
      }
    case .type:
      let types = try catalog.types()
      return types.byID[TypeID(oid)].map { TypeNames.format($0.id, types) }
    case .function:
      return try catalog.functions().functions[oid].map { SessionCatalog.quoted($0.name) }
    case .namespace: return try catalog.namespaceName(oid).map(SessionCatalog.quoted)
    case .role: return try catalog.roleName(oid).map(SessionCatalog.quoted)
    }
  }

  /// The OID of what a text names.
  /// - Throws: ``SQLError``: there is nothing of that name, or it is no name.
  func oid(of text: String) throws(SQLError) -> UInt32 {
    if let found = try find(text) { return found }
    switch kind {
    case .relation: throw SQLError(.undefinedTable, "relation \"\(text)\" does not exist")
    case .type: throw SQLError(.undefinedObject, "type \"\(text)\" does not exist")
    case .function: throw SQLError(.undefinedFunction, "function \"\(text)\" does not exist")
    case .namespace: throw SQLError(.invalidSchemaName, "schema \"\(text)\" does not exist")
    case .role: throw SQLError(.undefinedObject, "role \"\(text)\" does not exist")
    }
  }

  /// The same; nil where there is nothing of that name.
  func find(_ text: String) throws(SQLError) -> UInt32? {
    if text == "-" { return 0 }
    if let number = UInt32(text) { return number }
    if kind == .type { return try typeOID(text) }
    let parts = try QualifiedName.split(text)
    guard let name = parts.last, parts.count <= 3 else {
      throw SQLError(.syntaxError, "improper relation name (too many dotted names): \(text)")
    }
    let schema = parts.count > 1 ? parts[parts.count - 2] : nil
    do throws(EngineError) {
      switch kind {
      case .relation:
        if let schema, try catalog.namespace(named: schema) == nil { return nil }
        return try catalog.relationOID(named: name, schema: schema)
      case .namespace: return try catalog.namespace(named: name)
      case .role: return try catalog.role(named: name)?.oid
      case .function, .type: break
      }
    } catch { throw SQLError(error) }
    return try functionOID(name, text)
  }

  private func functionOID(_ name: String, _ text: String) throws(SQLError) -> UInt32? {
    let found: [UInt32]
    do throws(EngineError) { found = try catalog.functions().functionsByName[name] ?? [] } catch {
      throw SQLError(error)
    }
    guard found.count <= 1 else {
      throw SQLError(.ambiguousFunction, "more than one function named \"\(text)\"")
    }
    return found.first
  }

  private func typeOID(_ text: String) throws(SQLError) -> UInt32? {
    guard let parsed = try? Parser.parseExpression("NULL::\(text)"), case .cast(let cast) = parsed else {
      throw SQLError(.syntaxError, "invalid type name \"\(text)\"")
    }
    do throws(SQLError) { return try TypeNameResolver(catalog).resolve(cast.type).id.rawValue } catch {
      if error.sqlState == SQLState.undefinedObject.description { return nil }
      throw error
    }
  }
}
