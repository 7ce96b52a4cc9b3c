/// The names of a simulated disk: as everybody sees them, and as they would survive. One flat table; directories are
/// what stands before the last slash, and need not be made.
struct SimulatedNames {
  private enum Change {
    case link(String, SimulatedNode)
    case unlink(String)
    case rename(String, String)

    func touches(_ directory: String) -> Bool {
      switch self {
      case .link(let path, _), .unlink(let path): SimulatedNames.directory(of: path) == directory
      case .rename(let path, let newPath):
        SimulatedNames.directory(of: path) == directory || SimulatedNames.directory(of: newPath) == directory
      }
    }
  }

  private var current: [String: SimulatedNode] = [:]
  private var durable: [String: SimulatedNode] = [:]
  private var unsynced: [Change] = []

  subscript(path: String) -> SimulatedNode? { current[path] }

  /// In the order of their names, so that what is done to all does not depend on a hash.
  var linkedNodes: [SimulatedNode] { current.sorted { $0.key < $1.key }.map(\.value) }

  func list(_ directory: String) -> [String] {
    current.keys.filter { Self.directory(of: $0) == directory }.map { String($0[Self.start(ofNameIn: $0)...]) }.sorted()
  }

  private static func start(ofNameIn path: String) -> String.Index {
    path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex
  }

  private static func directory(of path: String) -> Substring { path[..<start(ofNameIn: path)].dropLast() }

  mutating func link(_ path: String, _ node: SimulatedNode) { make(.link(path, node)) }

  /// - Returns: what had the name.
  mutating func unlink(_ path: String) -> SimulatedNode? {
    guard let node = current[path] else { return nil }
    make(.unlink(path))
    node.isLinked = false
    return node
  }

  /// - Returns: what had the new name.
  mutating func rename(_ path: String, to newPath: String) -> SimulatedNode? {
    guard path != newPath else { return nil }
    let replaced = current[newPath]
    make(.rename(path, newPath))
    replaced?.isLinked = false
    return replaced
  }

  private mutating func make(_ change: Change) {
    Self.apply(change, to: &current)
    unsynced.append(change)
  }

  private static func apply(_ change: Change, to names: inout [String: SimulatedNode]) {
    switch change {
    case .link(let path, let node): names[path] = node
    case .unlink(let path): names[path] = nil
    case .rename(let path, let newPath): names[newPath] = names.removeValue(forKey: path)
    }
  }

  /// Makes changes survive up to the last one in a directory.
  mutating func sync(_ directory: String) {
    guard let last = unsynced.lastIndex(where: { $0.touches(directory) }) else { return }
    settle(last + 1)
  }

  private mutating func settle(_ count: Int) {
    for change in unsynced[..<count] { Self.apply(change, to: &durable) }
    unsynced.removeFirst(count)
  }

  /// Becomes what a crash leaves.
  /// - Parameter surviving: how many of so many changes survive.
  mutating func crash(surviving: (Int) -> Int) {
    settle(surviving(unsynced.count))
    unsynced = []
    current = durable
    for node in current.values { node.isLinked = true }
  }
}
