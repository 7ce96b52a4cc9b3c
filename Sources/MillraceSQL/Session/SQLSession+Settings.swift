import MillraceEngine
public import MillraceSettings
import MillraceStorage
import MillraceTypes

/// A session's settings, and what hangs on them.
extension SQLSession {
  var settingMoment: SettingMoment { isSuperuser ? .superuserSession : .session }

  // MARK: Showing

  /// The session's values, for who wants them as numbers.
  public var settings: Settings { sessionSettings.settings }

  /// A setting as SHOW shows it; nil where there is none of that name.
  func shown(_ name: String) -> String? {
    let definition = SettingsCatalog.definition(named: name)
    switch definition?.name {
    case "transaction_isolation":
      guard session.isInTransaction else { return sessionSettings.show("default_transaction_isolation") }
      if session.isolation == .repeatableRead { return "repeatable read" }
      return isReadUncommitted ? "read uncommitted" : "read committed"
    case "transaction_read_only":
      guard session.isInTransaction else { return sessionSettings.show("default_transaction_read_only") }
      return session.isReadOnly ? "on" : "off"
    case "is_superuser": return isSuperuser ? "on" : "off"
    case "session_authorization": return identity.user
    case "role": return catalog.currentUser == sessionRole ? "none" : currentUser
    case "data_directory": return session.database.path
    case "config_file": return "\(session.database.path)/\(ClusterLayout.configurationFile)"
    case "hba_file": return "\(session.database.path)/millrace_hba.conf"
    case "data_checksums": return session.database.control.dataChecksumVersion != 0 ? "on" : "off"
    case "wal_segment_size": return definition?.display(.integer(Int(session.database.control.walSegmentSize)))
    default: return sessionSettings.show(name)
    }
  }

  /// The settings that clients follow (GUC_REPORT).
  private static let reportedNames = [
    "in_hot_standby", "integer_datetimes", "TimeZone", "IntervalStyle", "search_path", "is_superuser",
    "application_name", "default_transaction_read_only", "scram_iterations", "DateStyle",
    "standard_conforming_strings", "session_authorization", "client_encoding", "server_version", "server_encoding",
  ]

  /// What a client is told when the session begins.
  public var initialParameters: [(name: String, value: String)] {
    Self.reportedNames.map { ($0, shown($0) ?? "") }
  }

  // MARK: Changing

  func setSetting(_ name: String, to value: String, isLocal: Bool) throws(SQLError) {
    guard let definition = SettingsCatalog.definition(named: name) else {
      if name.contains("."), !SessionSettings.isCustom(name) { throw Self.reservedSetting(name) }
      try change { (settings) throws(SettingError) in
        try settings.set(name, to: value, isLocal: isLocal, level: session.nestingLevel, at: settingMoment)
      }
      return
    }
    let value = try SettingCheck.canonical(name, value)
    switch definition.name {
    case "transaction_isolation": return try setIsolation(try parsed(definition, value))
    case "transaction_read_only": return try setReadOnly(try parsed(definition, value) == "on")
    case "role": return try setRole(value)
    case "session_authorization": return try setSessionAuthorization(value)
    default: break
    }
    try change { (settings) throws(SettingError) in
      try settings.set(name, to: value, isLocal: isLocal, level: session.nestingLevel, at: settingMoment)
    }
  }

  func resetSetting(_ name: String, isLocal: Bool = false) throws(SQLError) {
    switch SettingsCatalog.definition(named: name)?.name {
    case "role": return try setRole("none")
    case "session_authorization": return try setSessionAuthorization(identity.user)
    case "transaction_isolation", "transaction_read_only", "transaction_deferrable":
      throw SQLError(.cannotChangeRuntimeParameter, "parameter \"\(name)\" cannot be reset")
    default: break
    }
    try change { (settings) throws(SettingError) in
      try settings.reset(name, isLocal: isLocal, level: session.nestingLevel, at: settingMoment)
    }
  }

  func resetAllSettings() {
    sessionSettings.resetAll(level: session.nestingLevel, at: settingMoment)
    applySettings()
  }

  private func change(_ body: (inout SessionSettings) throws(SettingError) -> Void) throws(SQLError) {
    do throws(SettingError) { try body(&sessionSettings) } catch { throw SQLError(error) }
    applySettings()
  }

  private func parsed(_ definition: SettingDefinition, _ value: String) throws(SQLError) -> String {
    do throws(SettingError) {
      return definition.display(try definition.parse(value))
    } catch {
      throw SQLError(error)
    }
  }

  private static func reservedSetting(_ name: String) -> SQLError {
    SQLError(.invalidParameterValue, "invalid configuration parameter name \"\(name)\"")
  }

  // MARK: Settings that are something else

  private func setIsolation(_ level: String) throws(SQLError) {
    guard level != "serializable" else { throw .unsupported("isolation level SERIALIZABLE") }
    try SQLError.engine { () throws(EngineError) in try session.setTransaction(Self.isolation(level)) }
    isReadUncommitted = level == "read uncommitted"
  }

  private func setReadOnly(_ isReadOnly: Bool) throws(SQLError) {
    try SQLError.engine { () throws(EngineError) in try session.setTransaction(isReadOnly: isReadOnly) }
  }

  private func setRole(_ name: String) throws(SQLError) {
    if name == "none" { return catalog.currentUser = sessionRole }
    let (role, isMember) = try SQLError.engine { () throws(EngineError) -> (RoleEntry, Bool) in
      guard let role = try catalog.role(named: name) else {
        throw EngineError(.invalidParameterValue, "role \"\(name)\" does not exist")
      }
      if isSuperuser { return (role, true) }
      return (role, try catalog.isMember(sessionRole, of: role.oid))
    }
    guard isMember else {
      throw SQLError(.insufficientPrivilege, "permission denied to set role \"\(name)\"")
    }
    catalog.currentUser = role.oid
  }

  private func setSessionAuthorization(_ name: String) throws(SQLError) {
    guard name != identity.user else { return catalog.currentUser = sessionRole }
    try setRole(name)
  }

  // MARK: What hangs on settings

  /// Takes what the configuration files say now, if they have been read again.
  func followConfiguration() {
    let generation = instance.settingsGeneration
    guard generation != settingsGeneration else { return }
    let old = configuration
    settingsGeneration = generation
    configuration = instance.settings
    sessionSettings.reload(from: old, to: configuration)
    applySettings()
  }

  /// Puts into effect what the settings say now.
  func applySettings() {
    let values = sessionSettings.settings
    var types = SettingCheck.typeSettings(values)
    types.dateTime.now = typeSettings.dateTime.now
    typeSettings = types
    let path = SettingCheck.names(values[.searchPath]) ?? []
    if path != catalog.searchPath {
      catalog.searchPath = path
      pathGeneration += 1
    }
    session.statementTimeout = values[.statementTimeout]
    session.waitLimits.lockTimeout = values[.lockTimeout]
    session.waitLimits.deadlockTimeout = values[.deadlockTimeout]
    session.synchronousCommit = values[.synchronousCommit] == .off ? .off : .on
    parser.standardConformingStrings = values[.standardConformingStrings]
    parser.maxStackDepth = values[.maxStackDepth] * 1024
    plannerSettings = nil
    knownStatements.forgetAll()
    unnamedStatements = [:]
    parkedExecutions.removeAll()
    settingsVersion &+= 1
    defaultIsolation = Self.isolation(values[.defaultTransactionIsolation])
    isReadUncommittedByDefault = values[.defaultTransactionIsolation] == "read uncommitted"
    isReadOnlyByDefault = values[.defaultTransactionReadOnly]
    planCacheMode =
      switch values[.planCacheMode] {
      case "force_generic_plan": .generic
      case "force_custom_plan": .custom
      default: .automatic
      }
    minimumNotice =
      switch values[.clientMinMessages] {
      case "log": .log
      case "notice": .notice
      case "warning", "error": .warning
      default: .debug
      }
    activity.setApplicationName(values[.applicationName])
    hasSettingsToReport = true
  }

  /// Tells the client which of the settings that it follows have changed.
  func reportSettings(to client: any SQLClient) {
    guard hasSettingsToReport else { return }
    hasSettingsToReport = false
    for (name, value) in initialParameters where reported[name] != value {
      reported[name] = value
      client.settingHasChanged(name, value)
    }
  }
}
