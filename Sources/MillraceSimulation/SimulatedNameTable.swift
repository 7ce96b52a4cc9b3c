/// What has which name, by whole paths; and what is in which directory, so that to list one does not take a look at
/// every name there is.
struct SimulatedNameTable {
  enum Entry {
    case file(SimulatedNode)
    case directory
  }

  private var entries: [String: Entry] = [:]
  /// For each directory in which there is anything, by its path: the names in it, and how many paths begin with each.
  private var names: [String: [String: Int]] = [:]

  /// In no particular order.
  var paths: some Collection<String> { entries.keys }

  /// With their names, in no particular order.
  var files: [(path: String, node: SimulatedNode)] {
    var found: [(path: String, node: SimulatedNode)] = []
    for (path, entry) in entries { if case .file(let node) = entry { found.append((path, node)) } }
    return found
  }

  subscript(path: String) -> Entry? {
    get { entries[path] }
    set {
      let before = entries.updateOrRemove(path, newValue)
      if (before == nil) != (newValue == nil) { count(path, newValue == nil ? -1 : 1) }
    }
  }

  mutating func move(_ path: String, to newPath: String) {
    let entry = self[path]
    self[path] = nil
    self[newPath] = entry
  }

  /// Whether any path goes through a directory.
  func isOccupied(_ directory: String) -> Bool { names[directory] != nil }

  /// The names in a directory; the root's path is empty.
  func children(of directory: String) -> [String] { (names[directory] ?? [:]).keys.filter { !$0.isEmpty } }

  private mutating func count(_ path: String, _ change: Int) {
    count(in: "", path[...], change)
    var rest = path[...]
    while let slash = rest.firstIndex(of: "/") {
      rest = path[path.index(after: slash)...]
      if slash > path.startIndex { count(in: String(path[..<slash]), rest, change) }
    }
  }

  private mutating func count(in directory: String, _ rest: Substring, _ change: Int) {
    let name = String(rest.drop { $0 == "/" }.prefix { $0 != "/" })
    let count = (names[directory]?[name] ?? 0) + change
    names[directory, default: [:]][name] = count > 0 ? count : nil
    if count == 0, names[directory]?.isEmpty == true { names[directory] = nil }
  }
}

extension Dictionary {
  /// - Returns: what was there.
  fileprivate mutating func updateOrRemove(_ key: Key, _ value: Value?) -> Value? {
    if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
  }
}
