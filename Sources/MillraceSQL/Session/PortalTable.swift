/// A session's portals by their names. Mostly there is one, which has no name: it is not looked for among others, and
/// what it is made of is used again.
struct PortalTable {
  private var unnamed: Portal?
  private var named: [String: Portal] = [:]
  /// The last one without a name, closed.
  private var spare: Portal?

  var isEmpty: Bool { unnamed == nil && named.isEmpty }

  /// All of them.
  var values: [Portal] { (unnamed.map { [$0] } ?? []) + named.values }

  func contains(where condition: (Portal) -> Bool) -> Bool {
    if let unnamed, condition(unnamed) { return true }
    return named.isEmpty ? false : named.contains { condition($0.value) }
  }

  /// A portal that is set to nil must have been closed.
  subscript(_ name: String) -> Portal? {
    get { name.isEmpty ? unnamed : named[name] }
    set {
      guard name.isEmpty else { return named[name] = newValue }
      if newValue == nil { keep(unnamed) }
      unnamed = newValue
    }
  }

  /// Removes those of which the closure says so. It has closed them.
  mutating func removeAll(where isDone: (Portal) -> Bool) {
    if let portal = unnamed, isDone(portal) { self[""] = nil }
    if named.isEmpty { return }
    for (name, portal) in named where isDone(portal) { named[name] = nil }
  }

  private mutating func keep(_ portal: Portal?) {
    if let portal, !portal.isCursor { spare = portal }
  }

  /// A portal without a name that was made of the same statement before; it is the caller's now.
  mutating func takeSpare(for prepared: PreparedStatement) -> Portal? {
    guard let portal = spare, portal.prepared === prepared else { return nil }
    spare = nil
    return portal
  }
}
