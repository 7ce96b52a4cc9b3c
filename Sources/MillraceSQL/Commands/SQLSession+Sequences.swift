import MillraceEngine
import MillraceTypes

/// CREATE SEQUENCE and ALTER SEQUENCE (PostgreSQL's commands/sequence.c).
extension SQLSession {
  func createSequence(_ statement: CreateSequenceStatement) throws(SQLError) {
    let (namespace, persistence) = try creationPlace(statement.sequence)
    if try skipsExisting(statement.sequence.name, namespace, statement.ifNotExists) { return }
    let options = SequenceOptions(statement.options)
    let definition = try options.definition(self)
    let name = statement.sequence.name
    let oid = try SQLError.engine { () throws(EngineError) in
      try catalog.createSequence(name, namespace: namespace, definition, persistence: persistence)
    }
    if let owner = options.owner { try setOwner(owner, of: oid) }
  }

  func alterSequence(_ statement: AlterSequenceStatement) throws(SQLError) {
    let found =
      statement.ifExists
      ? try openIfExists(statement.sequence, .shareRowExclusive)
      : try open(statement.sequence, .shareRowExclusive)
    guard let relation = found else { return }
    guard relation.kind == .sequence else {
      throw SQLError(.wrongObjectType, "\"\(relation.name)\" is not a sequence")
    }
    try requireOwnership(of: relation)
    let options = SequenceOptions(statement.options)
    let old = try SQLError.engine { () throws(EngineError) in try catalog.sequence(relation.oid) }
    let definition = try options.definition(self, changing: old)
    let restart = try options.restart(definition)
    try SQLError.engine { () throws(EngineError) in
      try catalog.alterSequence(relation.oid, definition, restart: restart)
    }
    if let owner = options.owner { try setOwner(owner, of: relation.oid) }
  }

  private func setOwner(_ names: [String], of sequence: UInt32) throws(SQLError) {
    if names == ["none"] { return }
    guard names.count >= 2, let column = names.last else {
      throw SQLError(
        .syntaxError, "invalid OWNED BY option", hint: "Specify OWNED BY table.column or OWNED BY NONE.")
    }
    let schema = names.count > 2 ? names[names.count - 3] : nil
    try SQLError.engine { () throws(EngineError) in
      let table = try catalog.requiredOpen(named: names[names.count - 2], schema: schema, .accessShare)
      guard let place = table.tuple.index(of: column) else {
        throw EngineError(
          .undefinedColumn, "column \"\(column)\" of relation \"\(table.name)\" does not exist")
      }
      try catalog.setSequenceOwner(sequence, column: place, of: table.oid, isIdentity: false)
    }
  }
}

/// The options of a sequence, as statements write them.
struct SequenceOptions {
  private let elements: [DefinitionElement]
  /// Where no type is said.
  var defaultType = TypeID.int8

  init(_ elements: [DefinitionElement]) { self.elements = elements }

  /// `OWNED BY`: table and column.
  var owner: [String]? {
    for element in elements where element.name == "owned_by" {
      if case .list(let names) = element.value { return names.compactMap { RelationOptions.text($0) } }
    }
    return nil
  }

  private func number(_ name: String) throws(SQLError) -> Int64? {
    guard let element = elements.last(where: { $0.name == name }) else { return nil }
    guard let text = RelationOptions.text(element.value) else { return nil }
    guard let number = Int64(text) else {
      throw SQLError(.numericValueOutOfRange, "value \"\(text)\" is out of range for type bigint")
    }
    return number
  }

  private func has(_ name: String) -> Bool { elements.contains { $0.name == name } }

  func definition(_ sql: SQLSession, changing old: SequenceDefinition? = nil) throws(SQLError) -> SequenceDefinition {
    var type = old?.type ?? defaultType
    if let element = elements.last(where: { $0.name == "as" }), case .typeName(let name) = element.value {
      type = try TypeNameResolver(sql.catalog).resolve(name).id
    }
    for name in Set(elements.map(\.name)) where elements.count(where: { $0.name == name }) > 1 {
      throw SQLError(
        .syntaxError, "conflicting or redundant options", at: elements.last { $0.name == name }?.location)
    }
    let increment = try number("increment") ?? old?.increment ?? 1
    // `NO MINVALUE` has no value; a new type has new bounds.
    let keepsBounds = old?.type == type
    let minimum = has("minvalue") ? try number("minvalue") : keepsBounds ? old?.minimum : nil
    let maximum = has("maxvalue") ? try number("maxvalue") : keepsBounds ? old?.maximum : nil
    let start = try number("start") ?? old?.start
    let cache = try number("cache") ?? old?.cache ?? 1
    var isCycling = old?.isCycling ?? false
    if let element = elements.last(where: { $0.name == "cycle" }) {
      isCycling = RelationOptions.text(element.value).flatMap { RelationOptions.boolean($0) } ?? true
    }
    let cycles = isCycling
    return try SQLError.engine { () throws(EngineError) in
      try SequenceDefinition(
        type: type, start: start, increment: increment, minimum: minimum, maximum: maximum, cache: cache,
        isCycling: cycles)
    }
  }

  /// Where it begins anew; nil where it does not.
  func restart(_ definition: SequenceDefinition) throws(SQLError) -> Int64? {
    guard has("restart") else { return nil }
    return try number("restart") ?? definition.start
  }
}
