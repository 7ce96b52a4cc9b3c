import MillraceEngine
import MillraceIO
import MillraceSettings
import MillraceTypes

/// The rows of views that show the server's state, column by column as PostgreSQL's functions give them.
extension SQLSession {
  public func statusRows(_ view: String) throws(SQLError) -> [[String?]]? {
    switch view {
    case "pg_show_all_settings": settingRows()
    case "pg_stat_get_activity": activityRows()
    case "pg_lock_status": lockRows()
    case "pg_prepared_statement": preparedStatementRows()
    case "pg_cursor": cursorRows()
    case "pg_get_aios": operationRows().map { Array($0.dropLast(2)) }
    case "millrace_io_handles": operationRows()
    default: statisticsRows(view)
    }
  }

  /// A time as its type's input function reads it.
  func statusText(_ time: Int64) -> String? {
    guard time != 0, let type = TypeDescriptor.builtIn[.timestampTZ] else { return nil }
    return type.text(of: Datum(time), typeSettings)
  }

  private static func flag(_ value: Bool) -> String { value ? "t" : "f" }

  // MARK: pg_settings

  private func settingRows() -> [[String?]] {
    let defined = SettingsCatalog.all.sorted { $0.name.lowercased() < $1.name.lowercased() }.map { settingRow($0) }
    let custom = sessionSettings.customNames.map { name in
      let value = sessionSettings.show(name)
      return [
        name, value, nil, "Customized Options", "", nil, "user", "string", "session", nil, nil, nil, nil, value, nil,
        nil, "f",
      ]
    }
    return defined + custom
  }

  private func settingRow(_ definition: SettingDefinition) -> [String?] {
    var (unit, kind, minimum, maximum, words) = (String?.none, "string", String?.none, String?.none, String?.none)
    switch definition.kind {
    case .bool: kind = "bool"
    case .integer(let integer):
      kind = "integer"
      unit = integer.unit.name
      (minimum, maximum) = ("\(integer.range.lowerBound)", "\(integer.range.upperBound)")
    case .real(let range):
      kind = "real"
      (minimum, maximum) = ("\(range.lowerBound)", "\(range.upperBound)")
    case .enumeration(let enumeration):
      kind = "enum"
      words = "{" + enumeration.names.map { "\"\($0)\"" }.joined(separator: ",") + "}"
    case .list, .string: break
    }
    let shown = shown(definition.name) ?? ""
    let initial = sessionSettings.initialValue(definition.name) ?? definition.defaultText
    let source =
      definition.context == .fixed || shown == definition.defaultText
      ? "default" : sessionSettings.isChanged(definition.name) ? "session" : "configuration file"
    let isPending =
      definition.context == .restart
      && (try? instance.settings.show(definition.name)) != (try? session.database.settings.show(definition.name))
    return [
      definition.name, plain(definition, shown), unit, "", definition.summary, nil, Self.word(definition.context), kind,
      source, minimum, maximum, words, plain(definition, definition.defaultText), plain(definition, initial), nil, nil,
      Self.flag(isPending),
    ]
  }

  /// A value in base units.
  private func plain(_ definition: SettingDefinition, _ shown: String) -> String {
    guard case .integer = definition.kind, case .integer(let number)? = try? definition.parse(shown) else {
      return shown
    }
    return "\(number)"
  }

  private static func word(_ context: SettingContext) -> String {
    switch context {
    case .fixed: "internal"
    case .restart: "postmaster"
    case .reload: "sighup"
    case .superuser: "superuser"
    case .session: "user"
    }
  }

  // MARK: Sessions

  private func lockRows() -> [[String?]] {
    let (now, monotonic) = (Self.now(), monotonicNanoseconds())
    return session.database.lockStatus().map { lock in
      let tag = lock.tag
      // Which of the tag's numbers mean what depends on its kind.
      var fields = [String?](repeating: nil, count: 9)
      func put(_ place: Int, _ number: some FixedWidthInteger) { fields[place] = "\(number)" }
      switch tag.kind {
      case .relation, .relationExtension: put(0, tag.field1); put(1, tag.field2)
      case .page: put(0, tag.field1); put(1, tag.field2); put(2, tag.field3)
      case .tuple: put(0, tag.field1); put(1, tag.field2); put(2, tag.field3); put(3, tag.field4)
      case .transaction: put(5, tag.field1)
      case .virtualTransaction: fields[4] = "\(tag.field1)/\(tag.field2)"
      case .databaseFrozenIDs: put(0, tag.field1)
      case .speculativeToken: put(5, tag.field1); put(7, tag.field2)
      case .object, .userLock, .advisory:
        put(0, tag.field1)
        put(6, tag.field2)
        put(7, tag.field3)
        put(8, tag.field4)
      }
      return [tag.kind.description] + fields + [
        lock.transaction?.description, "\(lock.processID)", lock.mode.description, Self.flag(lock.isGranted),
        Self.flag(lock.isFastPath), lock.waitStart.flatMap { statusText(now - Int64(monotonic &- $0) / 1000) },
      ]
    }
  }

  /// I/Os that are under way: `pg_aios`, with its age and its session's statement behind PostgreSQL's columns.
  private func operationRows() -> [[String?]] {
    let sessions = Dictionary(instance.sessions.map { ($0.backend, $0) }, uniquingKeysWith: { $1 })
    return session.database.engine.snapshot().map { io in
      let owner = sessions[io.backend]
      return [
        owner.map { "\($0.processID)" }, "\(io.ioID)", "\(io.ioGeneration)", "\(io.state)",
        io.operation.map { "\($0)" },
        io.offset.map { "\($0)" }, io.length.map { "\($0)" }, io.targetDescription == nil ? nil : "smgr",
        "\(io.handleDataLength)", io.rawResult.map { "\($0)" }, "\(io.result)".uppercased(), io.targetDescription,
        Self.flag(io.flags.contains(.synchronous)), Self.flag(io.flags.contains(.referencesLocal)),
        Self.flag(io.flags.contains(.buffered)), io.age.map { "\($0 / 1000) microseconds" },
        isSuperuser || owner?.userID == catalog.currentUser ? owner?.now.query : "<insufficient privilege>",
      ]
    }
  }

  private func preparedStatementRows() -> [[String?]] {
    statements.values.filter { !$0.name.isEmpty }.sorted { $0.name < $1.name }.map { statement in
      func list(_ ids: [TypeID]) -> String { "{" + ids.map { "\($0.rawValue)" }.joined(separator: ",") + "}" }
      return [
        statement.name, statement.source, statusText(statement.time), list(statement.parameterTypes),
        statement.columns.map { list($0.map(\.type.id)) }, Self.flag(statement.isFromSQL),
        "\(statement.genericCount)", "\(statement.customCount)",
      ]
    }
  }

  private func cursorRows() -> [[String?]] {
    portals.values.filter(\.isCursor).sorted { $0.name < $1.name }.map { portal in
      [
        portal.name, portal.prepared.source, Self.flag(portal.isHeld), "f", Self.flag(portal.isScrollable),
        statusText(portal.time),
      ]
    }
  }
}
