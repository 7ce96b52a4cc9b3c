import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceTypes

/// SET, SHOW, RESET, ALTER SYSTEM, DISCARD, CHECKPOINT, LOCK.
extension SQLSession {
  // MARK: SET

  func set(_ statement: VariableSetStatement) throws(SQLError) {
    switch statement.action {
    case .modes(let modes):
      if statement.name == "TRANSACTION" { return try setTransactionModes(modes) }
      return try setSessionCharacteristics(modes)
    case .snapshot: throw .unsupported("SET TRANSACTION SNAPSHOT")
    case .resetAll: return resetAllSettings()
    case .fromCurrent: throw .unsupported("SET ... FROM CURRENT")
    case .reset, .toDefault: return try resetSetting(statement.name ?? "", isLocal: statement.isLocal)
    case .value(let values):
      let name = statement.name ?? ""
      if statement.isLocal, block == .single {
        warning(.noActiveTransaction, "SET LOCAL can only be used in transaction blocks")
      }
      try setSetting(name, to: try Self.text(values, of: name), isLocal: statement.isLocal)
    }
  }

  /// SET SESSION CHARACTERISTICS: what later transactions begin with.
  private func setSessionCharacteristics(_ modes: [DefinitionElement]) throws(SQLError) {
    for mode in modes {
      var value = try Self.text(mode.value)
      if mode.name != "transaction_isolation" { value = value == "1" || value == "true" ? "on" : "off" }
      try setSetting("default_\(mode.name)", to: value, isLocal: false)
    }
  }

  /// The values of SET, put together as one text (flatten_set_variable_args).
  static func text(_ values: [SettingValue], of name: String) throws(SQLError) -> String {
    let isList = ["search_path", "temp_tablespaces", "io_direct", "debug_io_direct", "DateStyle", "datestyle"]
      .contains(name)
    guard values.count <= 1 || isList || SettingsCatalog.definition(named: name) == nil else {
      throw SQLError(.invalidParameterValue, "SET \(name) takes only one argument")
    }
    var texts: [String] = []
    for value in values {
      switch value {
      case .integer(let number): texts.append("\(number)")
      case .float(let text): texts.append(text)
      case .string(let text):
        texts.append(name == "search_path" ? SessionCatalog.quoted(text) : text)
      case .interval: throw .unsupported("SET TIME ZONE INTERVAL")
      }
    }
    return texts.joined(separator: ", ")
  }

  private static func text(_ value: DefinitionElement.Value?) throws(SQLError) -> String {
    switch value {
    case .integer(let number): "\(number)"
    case .string(let text), .float(let text): text
    case .boolean(let flag): flag ? "true" : "false"
    default: ""
    }
  }

  // MARK: SHOW

  /// A setting's name as the catalog has it.
  func shownName(_ name: String) -> String { SettingsCatalog.definition(named: name)?.name ?? name }

  func show(_ statement: VariableShowStatement, _ client: any SQLClient) throws(SQLError) {
    guard statement.name != "all" else {
      let definitions = SettingsCatalog.all.sorted { $0.name.lowercased() < $1.name.lowercased() }
      let rows = definitions.map { [$0.name, shown($0.name) ?? "", $0.summary] as [String?] }
      return try client.textRows(["name", "setting", "description"], rows)
    }
    guard let value = shown(statement.name) else {
      throw SQLError(.undefinedObject, "unrecognized configuration parameter \"\(statement.name)\"")
    }
    try client.textRows([shownName(statement.name)], [[value]])
  }

  // MARK: ALTER SYSTEM

  func alterSystem(_ statement: AlterSystemStatement) throws(SQLError) {
    try requireNoTransactionBlock("ALTER SYSTEM")
    guard isSuperuser else {
      throw SQLError(
        .insufficientPrivilege, "permission denied to set parameter \"\(statement.set.name ?? "")\"")
    }
    let file = AutomaticConfiguration(session.database)
    switch statement.set.action {
    case .resetAll: try file.change { $0 = [] }
    case .reset, .toDefault:
      let name = try definedName(statement.set.name ?? "")
      try file.change { lines in lines.removeAll { $0.name == name } }
    case .value(let values):
      let name = try definedName(statement.set.name ?? "")
      let value = try SettingCheck.canonical(name, try Self.text(values, of: name))
      do throws(SettingError) {
        var values = instance.settings
        if !SessionSettings.isCustom(name) { try values.set(name, to: value) }
      } catch {
        throw SQLError(error)
      }
      try file.change { lines in
        lines.removeAll { $0.name == name }
        lines.append((name, value))
      }
    default: throw .unsupported("this form of ALTER SYSTEM")
    }
  }

  private func definedName(_ name: String) throws(SQLError) -> String {
    if let definition = SettingsCatalog.definition(named: name) { return definition.name }
    if SessionSettings.isCustom(name) { return name }
    throw SQLError(.undefinedObject, "unrecognized configuration parameter \"\(name)\"")
  }

  // MARK: DISCARD

  func discard(_ target: DiscardTarget) throws(SQLError) {
    switch target {
    case .plans: for statement in statements.values { statement.invalidate() }
    case .sequences: catalog.discardSequences()
    case .temporary: try SQLError.engine { () throws(EngineError) in try catalog.discardTemporaryRelations() }
    case .all:
      try requireNoTransactionBlock("DISCARD ALL")
      for portal in portals.values where portal.isCursor { closePortal(portal.name) }
      try setSessionAuthorizationToDefault()
      resetAllSettings()
      statements = statements.filter { $0.key.isEmpty }
      session.unlockAdvisoryLocks()
      catalog.discardSequences()
      try SQLError.engine { () throws(EngineError) in try catalog.discardTemporaryRelations() }
    }
  }

  private func setSessionAuthorizationToDefault() throws(SQLError) { try resetSetting("session_authorization") }

  // MARK: CHECKPOINT, LOCK

  func checkpoint() throws(SQLError) {
    guard isSuperuser else {
      throw SQLError(
        .insufficientPrivilege, "permission denied to execute CHECKPOINT command",
        detail: "Only roles with privileges of the \"pg_checkpoint\" role may execute this command.")
    }
    try SQLError.engine { () throws(EngineError) in _ = try session.database.checkpoint() }
  }

  func lock(_ statement: LockStatement) throws(SQLError) {
    try requireTransactionBlock("LOCK TABLE", allowsImplicit: true)
    guard let mode = LockMode(rawValue: UInt8(statement.mode.rawValue)) else { return }
    for name in statement.relations {
      let relation = try open(name, mode, statement.noWait ? .noWait : .wait)
      guard relation.kind == .table || relation.kind == .view else {
        throw SQLError(.wrongObjectType, "cannot lock relation \"\(relation.name)\"")
      }
    }
  }
}

/// The file that ALTER SYSTEM writes: one setting a line.
private struct AutomaticConfiguration {
  private let database: Database

  init(_ database: Database) { self.database = database }

  func change(_ body: (inout [(name: String, value: String)]) -> Void) throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in
      var lines = try database.automaticConfiguration().map { (name: $0.name, value: $0.value) }
      body(&lines)
      try database.writeAutomaticConfiguration(lines.map { SettingAssignment(name: $0.name, value: $0.value) })
    }
  }
}
