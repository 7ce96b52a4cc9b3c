import MillraceTypes

/// What depends on what: `pg_depend` (PostgreSQL's src/backend/catalog/dependency.c).
extension SessionCatalog {
  /// Notes that an object depends on another. On what belongs to the system everything may depend unsaid.
  func recordDependency(
    of dependent: ObjectAddress, on referenced: ObjectAddress, _ kind: DependencyKind
  ) throws(EngineError) {
    guard !referenced.isPinned else { return }
    var row = CatalogRow<CatalogColumns.Dependency>()
    row[.classid] = .oid(dependent.classID)
    row[.objid] = .oid(dependent.objectID)
    row[.objsubid] = .int(dependent.subID)
    row[.refclassid] = .oid(referenced.classID)
    row[.refobjid] = .oid(referenced.objectID)
    row[.refobjsubid] = .int(referenced.subID)
    row[.deptype] = .byte(kind.rawValue)
    try insert(row)
  }

  /// A dependency, read.
  struct Dependency {
    let dependent: ObjectAddress
    let referenced: ObjectAddress
    let kind: DependencyKind

    init(_ row: CatalogRow<CatalogColumns.Dependency>) {
      dependent = ObjectAddress(row[.classid].oid, row[.objid].oid, Int32(row[.objsubid].integer))
      referenced = ObjectAddress(row[.refclassid].oid, row[.refobjid].oid, Int32(row[.refobjsubid].integer))
      kind = DependencyKind(rawValue: row[.deptype].byte) ?? .normal
    }
  }

  /// Who depends on an object, or on a part of it.
  func dependents(on object: ObjectAddress) throws(EngineError) -> [Dependency] {
    let rows = try rows(
      CatalogColumns.Dependency.self, [.refclassid: .oid(object.classID), .refobjid: .oid(object.objectID)])
    return rows.map { Dependency($0) }.filter { object.subID == 0 || $0.referenced.subID == object.subID }
  }

  /// On what an object depends, or a part of it.
  func dependencies(of object: ObjectAddress) throws(EngineError) -> [Dependency] {
    let rows = try rows(
      CatalogColumns.Dependency.self, [.classid: .oid(object.classID), .objid: .oid(object.objectID)])
    return rows.map { Dependency($0) }.filter { object.subID == 0 || $0.dependent.subID == object.subID }
  }

  // MARK: Dropping

  /// What a drop takes along, in the order in which it was found.
  private struct DropPlan {
    var objects: [ObjectAddress] = []
    var found: Set<ObjectAddress> = []
    /// Objects that do not go without being told to, each with the one that it depends on.
    var reasons: [(dependent: ObjectAddress, referenced: ObjectAddress)] = []
  }

  /// Drops objects and what belongs to them.
  /// - Returns: what `cascade` took along, described as messages show it (`drop cascades to …`), in PostgreSQL's order.
  /// - Throws: ``EngineError`` where others depend on one of them and may not go, in PostgreSQL's words.
  @discardableResult
  public func drop(_ objects: [ObjectAddress], _ behavior: DropBehavior) throws(EngineError) -> [String] {
    var plan = DropPlan()
    for object in objects {
      try lockForDrop(object)
      if object.isPinned {
        throw EngineError(
          .dependentObjectsStillExist,
          "cannot drop \(try describe(object)) because it is required by the database system")
      }
      try requireIndependence(of: object, among: objects)
      plan.found.insert(object)
    }
    for object in objects {
      plan.objects.append(object)
      try collectDependents(on: object, into: &plan)
    }
    var reasons: [(dependent: ObjectAddress, referenced: ObjectAddress)] = []
    for reason in plan.reasons where try !goesAnyway(reason.dependent, plan.found) { reasons.append(reason) }
    if behavior == .restrict, !reasons.isEmpty {
      var lines: [String] = []
      for reason in reasons {
        lines.append("\(try describe(reason.dependent)) depends on \(try describe(reason.referenced))")
      }
      let subject =
        objects.count == 1
        ? "cannot drop \(try describe(objects[0])) because other objects depend on it"
        : "cannot drop desired object(s) because other objects depend on them"
      throw EngineError(
        .dependentObjectsStillExist, subject, detail: lines.joined(separator: "\n"),
        hint: "Use DROP ... CASCADE to drop the dependent objects too.")
    }
    var taken: [String] = []
    for reason in reasons { taken.append(try describe(reason.dependent)) }
    // What depends goes before what it depends on.
    for object in plan.objects.reversed() { try remove(object) }
    return taken
  }

  /// Whether an object belongs to one that is dropped as well: a serial column's default, which depends on the
  /// sequence, goes with its column.
  private func goesAnyway(_ object: ObjectAddress, _ dropped: Set<ObjectAddress>) throws(EngineError) -> Bool {
    try dependencies(of: object).contains { dependency in
      dependency.kind != .normal && dependency.dependent == object
        && (dropped.contains(dependency.referenced) || dropped.contains(dependency.referenced.whole))
    }
  }

  /// An index's table first: who changes that changes the index, and has no other lock for it.
  private func lockForDrop(_ object: ObjectAddress) throws(EngineError) {
    guard object.classID == SystemOID.pgClass else { return }
    if let index = try index(object.objectID) { try lock(index.table, .accessExclusive) }
    try lock(object.objectID, .accessExclusive)
  }

  /// A part of something else goes only with it.
  private func requireIndependence(of object: ObjectAddress, among objects: [ObjectAddress]) throws(EngineError) {
    for dependency in try dependencies(of: object)
    where dependency.kind == .internal && dependency.dependent == object {
      let owner = dependency.referenced
      if objects.contains(owner) || objects.contains(owner.whole) { continue }
      throw EngineError(
        .dependentObjectsStillExist,
        "cannot drop \(try describe(object)) because \(try describe(owner)) requires it",
        hint: "You can drop \(try describe(owner)) instead.")
    }
  }

  private func collectDependents(on object: ObjectAddress, into plan: inout DropPlan) throws(EngineError) {
    let dependents = try dependents(on: object).sorted {
      ($0.dependent.objectID, $0.dependent.subID) < ($1.dependent.objectID, $1.dependent.subID)
    }
    for dependency in dependents {
      var dependent = dependency.dependent
      if dependent == object || dependent == object.whole { continue }
      // A view's rule stands for the view: it is the view that goes.
      if dependency.kind == .normal, let owner = try ownerOfPart(dependent) { dependent = owner }
      if dependent == object.whole { continue }
      guard !plan.found.contains(dependent), !plan.found.contains(dependent.whole) else { continue }
      try lockForDrop(dependent)
      plan.found.insert(dependent)
      plan.objects.append(dependent)
      if dependency.kind == .normal { plan.reasons.append((dependent, object)) }
      try collectDependents(on: dependent, into: &plan)
    }
  }

  /// What an object is an internal part of; nil where it stands for itself.
  private func ownerOfPart(_ object: ObjectAddress) throws(EngineError) -> ObjectAddress? {
    try dependencies(of: object).first { $0.kind == .internal }?.referenced.whole
  }

  /// Removes one object: its own rows, its files, and what others have said of it.
  private func remove(_ object: ObjectAddress) throws(EngineError) {
    switch object.classID {
    case SystemOID.pgClass where object.subID != 0: try removeColumn(Int(object.subID), of: object.objectID)
    case SystemOID.pgClass: try removeRelation(object.objectID)
    case SystemOID.pgType:
      try deleteAll(CatalogColumns.DataType.self, [.oid: .oid(object.objectID)])
      noteChange(.everythingElse)
    case SystemOID.pgConstraint: try removeConstraint(object.objectID)
    case SystemOID.pgAttrdef: try removeDefault(object.objectID)
    case SystemOID.pgRewrite: try deleteAll(CatalogColumns.Rule.self, [.oid: .oid(object.objectID)])
    case SystemOID.pgNamespace:
      try deleteAll(CatalogColumns.Namespace.self, [.oid: .oid(object.objectID)])
      noteChange(.everythingElse)
    default:
      throw EngineError(.featureNotSupported, "dropping \(try describe(object)) is not supported")
    }
    try removeNotes(on: object)
    try session.advanceCommand()
  }

  /// Dependencies, comments and statistics of what is gone.
  private func removeNotes(on object: ObjectAddress) throws(EngineError) {
    if object.classID == SystemOID.pgClass, object.subID == 0 {
      session.statistics.noteDropped(object.objectID, database: catalog.databaseID, level: session.nestingLevel)
    }
    if object.classID == SystemOID.pgClass {
      try dropStatistics(of: object.objectID, column: object.subID == 0 ? nil : Int(object.subID) - 1)
    }
    var keys: [CatalogColumns.Dependency: CatalogValue] = [
      .classid: .oid(object.classID), .objid: .oid(object.objectID),
    ]
    if object.subID != 0 { keys[.objsubid] = .int(object.subID) }
    try deleteAll(CatalogColumns.Dependency.self, keys)
    var comments: [CatalogColumns.Description: CatalogValue] = [
      .classoid: .oid(object.classID), .objoid: .oid(object.objectID),
    ]
    if object.subID != 0 { comments[.objsubid] = .int(object.subID) }
    try deleteAll(CatalogColumns.Description.self, comments)
  }

  // MARK: Words

  /// An object as messages call it (`getObjectDescription`).
  public func describe(_ object: ObjectAddress) throws(EngineError) -> String {
    switch object.classID {
    case SystemOID.pgClass: return try describeRelation(object)
    case SystemOID.pgType:
      guard let type = try types().byID[TypeID(object.objectID)] else { break }
      return "type \(SessionCatalog.quoted(type.name))"
    case SystemOID.pgConstraint:
      guard let row = try first(CatalogColumns.Constraint.self, [.oid: .oid(object.objectID)]) else { break }
      let name = SessionCatalog.quoted(row[.conname].string ?? "")
      guard let table = try relation(row[.conrelid].oid) else { return "constraint \(name)" }
      return "constraint \(name) on \(try describe(.relation(table.oid)))"
    case SystemOID.pgAttrdef:
      guard let row = try first(CatalogColumns.ColumnDefault.self, [.oid: .oid(object.objectID)]) else { break }
      let column = ObjectAddress.column(Int(row[.adnum].integer), of: row[.adrelid].oid)
      return "default value for \(try describe(column))"
    case SystemOID.pgRewrite:
      guard let row = try first(CatalogColumns.Rule.self, [.oid: .oid(object.objectID)]) else { break }
      let name = SessionCatalog.quoted(row[.rulename].string ?? "")
      return "rule \(name) on \(try describe(.relation(row[.evClass].oid)))"
    case SystemOID.pgNamespace:
      if let name = try namespaceName(object.objectID) { return "schema \(SessionCatalog.quoted(name))" }
    case SystemOID.pgProc:
      if let function = try functions().functions[object.objectID] {
        return "function \(SessionCatalog.quoted(function.name))"
      }
    default: break
    }
    return "object \(object.classID)/\(object.objectID)"
  }

  private func describeRelation(_ object: ObjectAddress) throws(EngineError) -> String {
    guard let relation = try relation(object.objectID) else { return "relation with OID \(object.objectID)" }
    let whole = "\(relation.kind.noun) \(try qualifiedName(relation))"
    let index = Int(object.subID) - 1
    guard relation.tuple.columns.indices.contains(index) else { return whole }
    return "column \(SessionCatalog.quoted(relation.tuple.columns[index].name)) of \(whole)"
  }
}
