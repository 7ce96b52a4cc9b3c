import MillraceSettings

/// The settings of one session: what SET, SET LOCAL and RESET make of them, and what the ends of transactions undo
/// (PostgreSQL's guc.c, AtEOXact_GUC).
struct SessionSettings {
  struct Values {
    var settings: Settings
    /// Those with a dot in their name that nobody has defined.
    var custom: [String: String] = [:]
  }

  /// What counts now.
  private(set) var current: Values
  /// What will count when the transaction has committed: all but SET LOCAL.
  private var lasting: Values
  /// What RESET gives back.
  private var initial: Values
  /// What counted before each nested transaction that has changed something; the outermost first.
  private var saved: [(level: Int, current: Values, lasting: Values)] = []

  init(_ settings: Settings) {
    current = Values(settings: settings)
    (lasting, initial) = (current, current)
  }

  /// As the client wants it from the beginning; RESET comes back to it.
  mutating func setInitial(_ name: String, to value: String, at moment: SettingMoment) throws(SettingError) {
    try Self.set(name, to: value, in: &initial, at: moment)
    (current, lasting) = (initial, initial)
  }

  // MARK: Looking

  var settings: Settings { current.settings }

  /// - Returns: nil where there is no such setting.
  func show(_ name: String) -> String? {
    if SettingsCatalog.definition(named: name) != nil { return try? current.settings.show(name) }
    return current.custom[name]
  }

  func initialValue(_ name: String) -> String? {
    SettingsCatalog.definition(named: name) != nil ? try? initial.settings.show(name) : initial.custom[name]
  }

  /// Names of settings that are nobody's, in order.
  var customNames: [String] { current.custom.keys.sorted() }

  /// Whether a setting has another value than the one that the session began with.
  func isChanged(_ name: String) -> Bool { show(name) != initialValue(name) }

  // MARK: Changing

  /// - Parameter level: how deep in nested transactions the session is; 0 outside of transactions.
  mutating func set(
    _ name: String, to value: String, isLocal: Bool, level: Int, at moment: SettingMoment
  ) throws(SettingError) {
    var (newCurrent, newLasting) = (current, lasting)
    try Self.set(name, to: value, in: &newCurrent, at: moment)
    if !isLocal { try Self.set(name, to: value, in: &newLasting, at: moment) }
    save(level)
    (current, lasting) = (newCurrent, newLasting)
  }

  mutating func reset(_ name: String, isLocal: Bool, level: Int, at moment: SettingMoment) throws(SettingError) {
    if let value = initialValue(name) {
      return try set(name, to: value, isLocal: isLocal, level: level, at: moment)
    }
    // One that is nobody's is gone; of others this says that they are not there.
    guard Self.isCustom(name) else { return try set(name, to: "", isLocal: isLocal, level: level, at: moment) }
    save(level)
    current.custom[name] = nil
    if !isLocal { lasting.custom[name] = nil }
  }

  /// Gives all settings back that a session may change.
  mutating func resetAll(level: Int, at moment: SettingMoment) {
    save(level)
    for definition in SettingsCatalog.all where !Self.keepsOnResetAll.contains(definition.name) {
      guard let value = initialValue(definition.name) else { continue }
      // Those that the session may not change have not changed.
      try? current.settings.set(definition.name, to: value, at: moment)
      try? lasting.settings.set(definition.name, to: value, at: moment)
    }
    (current.custom, lasting.custom) = (initial.custom, initial.custom)
  }

  /// GUC_NO_RESET_ALL.
  private static let keepsOnResetAll: Set<String> = [
    "transaction_isolation", "transaction_read_only", "transaction_deferrable", "role", "session_authorization",
  ]

  /// Takes what the configuration files say now, for all that the session has not set itself.
  mutating func reload(from old: Settings, to new: Settings) {
    for definition in SettingsCatalog.all {
      let (before, after) = (try? old.show(definition.name), try? new.show(definition.name))
      guard let after, before != after else { continue }
      let isOwn = isChanged(definition.name)
      guard (try? initial.settings.set(definition.name, to: after, at: .reload)) != nil, !isOwn else { continue }
      try? current.settings.set(definition.name, to: after, at: .reload)
      try? lasting.settings.set(definition.name, to: after, at: .reload)
    }
  }

  private static func set(
    _ name: String, to value: String, in values: inout Values, at moment: SettingMoment
  ) throws(SettingError) {
    if isCustom(name) { return values.custom[name] = value }
    try values.settings.set(name, to: value, at: moment)
  }

  /// Whether a name that the catalog does not have can be anybody's: two words or more with dots between them.
  static func isCustom(_ name: String) -> Bool {
    guard SettingsCatalog.definition(named: name) == nil else { return false }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count >= 2
      && parts.allSatisfy { part in
        part.utf8.first.map { !(48...57).contains($0) && $0 != 36 } ?? false
          && part.utf8.allSatisfy { byte in
            byte == 95 || byte == 36 || byte >= 128 || (48...57).contains(byte) || (65...90).contains(byte)
              || (97...122).contains(byte)
          }
      }
  }

  // MARK: Transactions

  private mutating func save(_ level: Int) {
    if let last = saved.last, last.level >= level { return }
    saved.append((level, current, lasting))
  }

  /// - Returns: whether anything has changed by it.
  mutating func transactionHasCommitted() -> Bool {
    guard !saved.isEmpty else { return false }
    saved.removeAll(keepingCapacity: true)
    current = lasting
    return true
  }

  /// - Returns: whether anything has changed by it.
  mutating func transactionWasRolledBack() -> Bool {
    guard let first = saved.first else { return false }
    (current, lasting) = (first.current, first.lasting)
    saved.removeAll(keepingCapacity: true)
    return true
  }

  /// What was nested at that level, or deeper, has been undone.
  /// - Returns: whether anything has changed by it.
  mutating func nestedWasRolledBack(to level: Int) -> Bool {
    guard let first = saved.firstIndex(where: { $0.level >= level }) else { return false }
    (current, lasting) = (saved[first].current, saved[first].lasting)
    saved.removeSubrange(first...)
    return true
  }

  /// What was nested at that level, or deeper, belongs to the one around it.
  mutating func nestedWasReleased(to level: Int) {
    guard let first = saved.firstIndex(where: { $0.level >= level }) else { return }
    var oldest = saved[first]
    oldest.level = level - 1
    saved.removeSubrange(first...)
    save(oldest)
  }

  private mutating func save(_ entry: (level: Int, current: Values, lasting: Values)) {
    if let last = saved.last, last.level >= entry.level { return }
    saved.append(entry)
  }
}
