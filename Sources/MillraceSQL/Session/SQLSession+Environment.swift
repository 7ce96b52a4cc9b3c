import MillraceEngine
public import MillraceTypes

extension SQLSession: SessionEnvironment {
  public var sessionUser: String { identity.user }

  public var currentUser: String {
    if catalog.currentUser == sessionRole { return identity.user }
    return (try? catalog.roleName(catalog.currentUser)) ?? identity.user
  }

  public var databaseName: String { catalog.catalog.databaseName }
  public var clientAddress: String? { identity.clientAddress }
  public var serverStart: Int64 { instance.startTime }
  public var processID: Int32 { session.processID }

  public func setting(_ name: String) -> String? { shown(name) }

  public func reloadConfiguration() -> Bool { isSuperuser && instance.requestReload() }

  public func terminate(processID: Int32) -> Bool { isSuperuser && instance.terminate(processID) }

  public func set(_ name: String, to value: String, isLocal: Bool) throws(SQLError) {
    try setSetting(name, to: value, isLocal: isLocal)
  }

  /// Sends a message to the client, if it wants such.
  public func notice(_ severity: NoticeSeverity, _ message: SQLError) {
    guard severity == .info || severity >= minimumNotice else { return }
    client?.notice(severity, message)
  }

  public func notice(_ severity: String, _ message: SQLError) {
    notice(NoticeSeverity(rawValue: severity.uppercased()) ?? .notice, message)
  }

  func notice(_ message: String, detail: String? = nil, hint: String? = nil) {
    notice(.notice, SQLError(.successfulCompletion, message, detail: detail, hint: hint))
  }

  func warning(_ state: SQLState, _ message: String, detail: String? = nil, hint: String? = nil) {
    notice(.warning, SQLError(state, message, detail: detail, hint: hint))
  }
}

extension SQLSession {
  /// The text of a value that says names of the catalog (`regclass` and its like, privileges, arrays of these); nil for
  /// other types.
  public func namedText(of value: Datum, _ type: TypeID) -> [UInt8]? {
    guard let names = NamedValues(type, catalog, typeSettings) else { return nil }
    var text: [UInt8] = []
    do throws(SQLError) { try names.append(value, to: &text) } catch { return nil }
    return text
  }
}
